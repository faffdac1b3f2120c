/** `customBatching`: a function with a rule of the user's for `vmap`. */
import { interpret } from '../../jit/interpret.ts';
import {
  type AnyFunction,
  checkFunction,
  FlatFunction,
  flattenArguments,
  functionName,
  standsFor,
  type TreeFunction,
} from '../../transforms/flat.ts';
import { instantiate, jvpJaxpr, jvpValues, packTangents, unpackTangents } from '../../transforms/jvp.ts';
import { linearTransposeValues } from '../../transforms/linear-transpose.ts';
import { isLinear, transposeJaxpr } from '../../transforms/transpose.ts';
import { addLanes, batchJaxpr } from '../../transforms/vmap.ts';
import type { ShapedArray } from '../core/aval.ts';
import { RuleError, TreeError } from '../core/errors.ts';
import { evalJaxpr } from '../core/eval-jaxpr.ts';
import { deadCodeElimination, type Jaxpr, withoutEffects } from '../core/jaxpr.ts';
import { exact, type Primitive, primitive } from '../core/primitive.ts';
import { stage } from '../core/stage.ts';
import { bind, type Value } from '../core/trace.ts';
import { isZero, Zero } from '../core/zero.ts';
import { zerosLike } from '../lax/creation.ts';
import { toValue } from '../promote.ts';
import { methodOf, quotedName } from '../syntax/names.ts';
import { type ArrayLikes, type Arrays, flatten, type Mapped, type TreeDef, unflatten } from '../tree.ts';
import { matchType } from './custom-call.ts';
import { always, count, merge, not, split, where } from './flags.ts';
import { transposeCall } from './transpose-call.ts';

/** On leaves: results, and which of them carry the lanes in front. `captured` has no lanes. */
type LaneRule = (
  size: number,
  batched: readonly boolean[],
  args: readonly Value[],
  captured: readonly Value[],
) => { outs: readonly Value[]; batched: readonly boolean[] };

interface CustomBatchingParams {
  /** (captured, arguments) → results. */
  readonly call: Jaxpr;
  readonly rule: LaneRule;
  readonly consts: number;
}

/** Operands: captured values, arguments. */
export const customBatchingP: Primitive<CustomBatchingParams> = primitive<CustomBatchingParams>({
  name: 'custom_vmap_call',
  hot: true,
  type: (_, { call }) => call.outAvals,
  run: (inputs, { call }) => interpret(call, inputs),
  accuracy: exact,
  // The derivative is a function of its own, linear in tangents, with the derivative of the rule as its rule: reverse mode
  // transposes it whole, and does not need what forward mode computes of the values.
  jvp: (primals, tangents, params) => {
    const { call, rule, consts } = params;
    const { nonzero, values } = packTangents(tangents);
    const pushed = jvpJaxpr(call, nonzero);
    if (nonzero.slice(0, consts).includes(true))
      return unpackTangents(evalJaxpr(pushed.jaxpr, [...primals, ...values]), pushed.outNonzero);
    const n = call.outs.length;
    const tangentCall = deadCodeElimination(
      withoutEffects(pushed.jaxpr),
      pushed.jaxpr.outs.map((_, i) => i >= n),
    ).jaxpr;
    const outs = bind(customBatchingP, primals, params);
    const moved = bind(customBatchingP, [...primals, ...values], {
      call: tangentCall,
      rule: tangentRule(rule, nonzero.slice(consts), pushed.outNonzero),
      consts,
    } satisfies CustomBatchingParams);
    return unpackTangents([...outs, ...moved], pushed.outNonzero);
  },
  transpose: (cotangents, args, { call, rule, consts }) => {
    const linear = args.map(isLinear);
    if (linear.slice(0, consts).includes(true)) return transposeCall(call, cotangents, args, evalJaxpr);
    const outNonzero = cotangents.map((ct) => !isZero(ct));
    const params: CustomBatchingParams = {
      call: transposeJaxpr(call, linear, outNonzero, always(count(linear))).jaxpr,
      rule: transposedRule(rule, linear.slice(consts), call, consts, outNonzero),
      consts,
    };
    const given = cotangents.filter((ct): ct is Value => !isZero(ct));
    const results = bind(customBatchingP, [...(where(args, not(linear)) as Value[]), ...given], params);
    let next = 0;
    return linear.map((isLin) => (isLin ? results[next++]! : undefined));
  },
  // A captured value with lanes is nothing that the rule could know of: then the function is batched as it is.
  batch: (size, args, batched, { call, rule, consts }) => {
    if (!batched.slice(0, consts).includes(true))
      return rule(size, batched.slice(consts), args.slice(consts), args.slice(0, consts));
    const lanes = batchJaxpr(call, size, batched);
    return { outs: evalJaxpr(lanes.jaxpr, args), batched: lanes.batched };
  },
  // The user's rule knows of no flag, and under `vmap` it takes the place of the function.
  lower: { kind: 'inline', jaxpr: ({ call }) => ({ jaxpr: call }) },
});

/** Tangents of the results from (arguments, tangents). A value and its tangent either both carry lanes or both do not. */
function tangentRule(rule: LaneRule, nonzero: readonly boolean[], outNonzero: readonly boolean[]): LaneRule {
  return (size, batched, args, captured) => {
    const n = nonzero.length;
    let next = n;
    const at = nonzero.map((has) => (has ? next++ : -1));
    const lanes = nonzero.map((has, i) => batched[i]! || (has && batched[at[i]!]!));
    const spread = (i: number, wanted: boolean) => (wanted && !batched[i] ? addLanes(args[i]!, size) : args[i]!);
    const primals = lanes.map((wanted, i) => spread(i, wanted));
    const tangents = lanes.map((wanted, i) => (nonzero[i] ? spread(at[i]!, wanted) : new Zero(primals[i]!.aval)));
    let flags: readonly boolean[] = [];
    const result = jvpValues(
      (...xs) => {
        const out = rule(size, lanes, xs, captured);
        flags = out.batched;
        return out.outs;
      },
      primals,
      tangents,
    );
    return { outs: where(result.tangents, outNonzero).map(instantiate), batched: where(flags, outNonzero) };
  };
}

/** Cotangents of the linear arguments from (other arguments, cotangents): each lane has its own. */
function transposedRule(
  rule: LaneRule,
  linear: readonly boolean[],
  call: Jaxpr,
  consts: number,
  outNonzero: readonly boolean[],
): LaneRule {
  return (size, batched, args, captured) => {
    const known = count(not(linear));
    const [values, cotangents] = split(args, known) as [Value[], Value[]];
    const flags = merge(linear, always(count(linear)), batched.slice(0, known));
    const withLanes = (aval: ShapedArray) => aval.withShape([size, ...aval.shape]);
    const forward = (tangents: Value[]): Value[] => {
      const out = rule(size, flags, merge(linear, tangents, values), captured);
      return out.outs.map((v, i) => (out.batched[i] ? v : addLanes(v, size)));
    };
    let next = 0;
    const given = outNonzero.map((has, i) => {
      if (!has) return zerosLike(withLanes(call.outAvals[i]!));
      const at = next++;
      return batched[known + at] ? cotangents[at]! : addLanes(cotangents[at]!, size);
    });
    const types = where(call.inAvals.slice(consts), linear).map((aval) => ({ aval: withLanes(aval) }));
    return { outs: linearTransposeValues(forward, types)(given), batched: always(count(linear)) };
  };
}

/** A function with a rule for `vmap`. Call `defVmap` once before use. */
export interface CustomBatching<F extends AnyFunction> {
  (...args: ArrayLikes<Parameters<F>>): Arrays<ReturnType<F>>;
  /**
   * @param rule from the number of lanes, which leaves of the arguments carry them (a list of trees of booleans like the
   * arguments), and the arguments, lanes in front, to `[result, which leaves of the result carry lanes]`; the latter is a
   * tree of booleans like the result, or one boolean for all
   */
  defVmap(
    rule: (
      axisSize: number,
      inBatched: Mapped<Parameters<F>, boolean>,
      ...args: Parameters<F>
    ) => readonly [result: unknown, outBatched: unknown],
  ): void;
}

/**
 * Gives `f` a rule of its own for `vmap` (JAX's `custom_vmap`): a better algorithm for many inputs than each for itself.
 * Derivatives use the rule too: forward mode its derivative, reverse mode the transpose of that, with lanes for every
 * argument that is differentiated. The derivative computes what it needs of `f` again, as under `checkpoint`.
 *
 * @example
 * const solve = customBatching((a, b) => linalg.solve(a, b));
 * solve.defVmap((size, [aBatched], a, b) =>
 *   aBatched ? [vmap(linalg.solve)(a, b), true] : [linalg.solve(a, b.T).T, true]); // one factorisation for all
 */
export function customBatching<F extends TreeFunction>(f: F): CustomBatching<F> {
  checkFunction('customBatching', f);
  const name = functionName(f);
  let userRule: AnyFunction | undefined;
  const call = (...args: unknown[]): any => {
    const rule = userRule;
    if (!rule)
      throw new RuleError(
        `customBatching: ${quotedName(name)} has no rule yet; call ${methodOf(name, 'defVmap')} before using it.`,
      );
    const { values, def } = flattenArguments(args, name);
    const flat = new FlatFunction(f, def, name);
    const { jaxpr, consts } = stage(
      flat.call,
      values.map((v) => v.aval),
    );
    const { outDef } = flat;
    // The rule may capture what the function captured, whose trace may have ended when the rule is used.
    const ofLeaves: LaneRule = (size, batched, xs, captured) => {
      let flags: readonly boolean[] = [];
      const traced = stage(
        (...leaves) => {
          const result = rule(size, unflatten(def, batched), ...unflatten(def, leaves));
          const checked = ruleResult(name, size, result, outDef, jaxpr);
          flags = checked.batched;
          return checked.outs;
        },
        xs.map((x) => x.aval),
        consts,
      );
      const operands = [...captured, ...traced.consts.slice(consts.length), ...xs];
      return { outs: evalJaxpr(traced.jaxpr, operands), batched: flags };
    };
    return unflatten(
      outDef,
      bind(customBatchingP, [...consts, ...values], { call: jaxpr, rule: ofLeaves, consts: consts.length }),
    );
  };
  standsFor(call, f, name);
  return Object.assign(call, {
    defVmap: (rule: AnyFunction) => {
      userRule = rule;
    },
  }) as never;
}

function ruleResult(name: string, size: number, result: unknown, outDef: TreeDef, call: Jaxpr): ReturnType<LaneRule> {
  if (!Array.isArray(result) || result.length !== 2)
    throw new RuleError(`customBatching: the rule of ${quotedName(name)} must return a pair [result, outBatched].`);
  const outs = flatten(result[0], 'result');
  const flags = typeof result[1] === 'boolean' ? undefined : flatten(result[1], 'outBatched');
  for (const [what, def] of [
    ['result', outs.def],
    ['outBatched', flags?.def ?? outDef],
  ] as const) {
    if (def.key !== outDef.key)
      throw new TreeError(
        `customBatching: the rule of ${quotedName(name)} returned ${what} of structure ${def}, but ${quotedName(name)} returns ${outDef}.`,
      );
  }
  const batched = flags ? flags.leaves.map(Boolean) : outs.leaves.map(() => Boolean(result[1]));
  const values = outs.leaves.map((leaf, i) => {
    const aval = call.outAvals[i]!;
    const wanted = batched[i] ? aval.withShape([size, ...aval.shape]) : aval;
    return matchType('customBatching', name, 'result', toValue(leaf, name), wanted);
  });
  return { outs: values, batched };
}
