/** `customBatching`: a function with a rule of the user's for `vmap`. */
import { interpret } from '../../jit/interpret.ts';
import { type AnyFunction, FlatFunction, flattenArguments, functionName, standsFor } from '../../transforms/flat.ts';
import { instantiate, jvpJaxpr, jvpValues, packTangents, unpackTangents } from '../../transforms/jvp.ts';
import { type PartialEvalTrace, partialEvalJaxpr } from '../../transforms/partial-eval.ts';
import { addLanes, batchJaxpr } from '../../transforms/vmap.ts';
import { RuleError, TreeError } from '../core/errors.ts';
import { evalJaxpr } from '../core/eval-jaxpr.ts';
import type { Jaxpr } from '../core/jaxpr.ts';
import { exact, type Primitive, primitive } from '../core/primitive.ts';
import { stage } from '../core/stage.ts';
import { bind, type Value } from '../core/trace.ts';
import { Zero } from '../core/zero.ts';
import { toValue } from '../promote.ts';
import { type ArrayLikes, type Arrays, flatten, type TreeDef, unflatten } from '../tree.ts';
import { matchType } from './custom-jvp.ts';
import { merge, not, split, where } from './flags.ts';
import { jitP } from './jit-primitive.ts';
import { transposeCall } from './transpose-call.ts';

/** On leaves: results, and which of them carry the lanes in front. */
type LaneRule = (
  size: number,
  batched: readonly boolean[],
  args: readonly Value[],
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
  // The derivative of the function has a rule too: the derivative of the rule.
  jvp: (primals, tangents, { call, rule, consts }) => {
    const { nonzero, values } = packTangents(tangents);
    const pushed = jvpJaxpr(call, nonzero);
    if (nonzero.slice(0, consts).includes(true))
      return unpackTangents(evalJaxpr(pushed.jaxpr, [...primals, ...values]), pushed.outNonzero);
    const params: CustomBatchingParams = {
      call: pushed.jaxpr,
      rule: jvpOfRule(rule, nonzero.slice(consts), pushed.outNonzero),
      consts,
    };
    return unpackTangents(bind(customBatchingP, [...primals, ...values], params), pushed.outNonzero);
  },
  partialEval: (trace: PartialEvalTrace, args, unknown, { call }) => {
    const parts = partialEvalJaxpr(call, unknown);
    const name = 'custom_vmap_call';
    const [known, residuals] = split(
      bind(jitP, where(args, not(unknown)), { name, jaxpr: parts.known }),
      parts.known.outs.length - parts.residuals,
    ) as [Value[], Value[]];
    const operands = [...residuals, ...where(args, unknown)];
    return merge(parts.outUnknown, trace.builder.emit(jitP, operands, { name, jaxpr: parts.unknown }), known);
  },
  transpose: (cotangents, args, { call }) => transposeCall(call, cotangents, args, evalJaxpr),
  // A captured value with lanes is nothing that the rule could know of: then the function is batched as it is.
  batch: (size, args, batched, { call, rule, consts }) => {
    if (!batched.slice(0, consts).includes(true)) return rule(size, batched.slice(consts), args.slice(consts));
    const lanes = batchJaxpr(call, size, batched);
    return { outs: evalJaxpr(lanes.jaxpr, args), batched: lanes.batched };
  },
  // The user's rule knows of no flag, and under `vmap` it takes the place of the function.
  lower: { kind: 'inline', jaxpr: ({ call }) => ({ jaxpr: call }) },
});

/** A value and its tangent either both carry lanes or both do not. */
function jvpOfRule(rule: LaneRule, nonzero: readonly boolean[], outNonzero: readonly boolean[]): LaneRule {
  return (size, batched, args) => {
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
        const out = rule(size, lanes, xs);
        flags = out.batched;
        return out.outs;
      },
      primals,
      tangents,
    );
    return {
      outs: [...result.outs, ...where(result.tangents, outNonzero).map(instantiate)],
      batched: [...flags, ...where(flags, outNonzero)],
    };
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
    rule: (axisSize: number, inBatched: any, ...args: Parameters<F>) => readonly [result: unknown, outBatched: unknown],
  ): void;
}

/**
 * Gives `f` a rule of its own for `vmap` (JAX's `custom_vmap`): a better algorithm for many inputs than each for itself.
 * Forward mode uses the derivative of the rule. Reverse mode differentiates `f`, and needs no rule: under a `vmap` outside
 * of `grad` the linear part is batched as it is.
 *
 * @example
 * const solve = customBatching((a, b) => linalg.solve(a, b));
 * solve.defVmap((size, [aBatched], a, b) =>
 *   aBatched ? [vmap(linalg.solve)(a, b), true] : [linalg.solve(a, b.T).T, true]); // one factorisation for all
 */
export function customBatching<F extends AnyFunction>(f: F): CustomBatching<F> {
  const name = functionName(f);
  let userRule: AnyFunction | undefined;
  const call = (...args: unknown[]): any => {
    const rule = userRule;
    if (!rule)
      throw new RuleError(`customBatching: \`${name}\` has no rule yet; call \`${name}.defVmap(…)\` before using it.`);
    const { values, def } = flattenArguments(args, name);
    const flat = new FlatFunction(f, def, name);
    const { jaxpr, consts } = stage(
      flat.call,
      values.map((v) => v.aval),
    );
    const { outDef } = flat;
    const ofLeaves: LaneRule = (size, batched, xs) => {
      const result = rule(size, unflatten(def, batched), ...unflatten(def, xs));
      return ruleResult(name, size, result, outDef, jaxpr);
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
    throw new RuleError(`customBatching: the rule of \`${name}\` must return a pair [result, outBatched].`);
  const outs = flatten(result[0], 'result');
  const flags = typeof result[1] === 'boolean' ? undefined : flatten(result[1], 'outBatched');
  for (const [what, def] of [
    ['result', outs.def],
    ['outBatched', flags?.def ?? outDef],
  ] as const) {
    if (def.key !== outDef.key)
      throw new TreeError(
        `customBatching: the rule of \`${name}\` returned ${what} of structure ${def}, but \`${name}\` returns ${outDef}.`,
      );
  }
  const batched = flags ? flags.leaves.map(Boolean) : outs.leaves.map(() => Boolean(result[1]));
  const values = outs.leaves.map((leaf, i) => {
    const aval = call.outAvals[i]!;
    const wanted = batched[i] ? aval.withShape([size, ...aval.shape]) : aval;
    return matchType(name, 'result', toValue(leaf, name), wanted);
  });
  return { outs: values, batched };
}
