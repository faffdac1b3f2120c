/** `customVjp`: a function with a reverse-mode rule of the user's. */

import type { AnyFunction, TreeFunction } from '../../transforms/flat.ts';
import { instantiate, type Tangent } from '../../transforms/jvp.ts';
import { addLanes, batchJaxpr } from '../../transforms/vmap.ts';
import { RuleError, TreeError } from '../core/errors.ts';
import { evalJaxpr } from '../core/eval-jaxpr.ts';
import { deadCodeElimination, dropInputs, type Jaxpr } from '../core/jaxpr.ts';
import { type Primitive, primitive } from '../core/primitive.ts';
import { type Embed, stage } from '../core/stage.ts';
import { bind, type Value } from '../core/trace.ts';
import { isZero, Zero } from '../core/zero.ts';
import { zerosLike } from '../lax/creation.ts';
import { toValue } from '../promote.ts';
import { quotedName } from '../syntax/names.ts';
import { type ArrayLikes, type Arrays, flatten, type Like, type Tree, type TreeDef, unflatten } from '../tree.ts';
import { addTangentsOfCaptured, type CustomCallParams, customCall, matchType } from './custom-call.ts';
import { customVjpLinearP } from './custom-vjp-linear.ts';
import { always, dependent, split, where } from './flags.ts';
import { guardJaxpr } from './guard-effects.ts';
import { LazyRule, resolveRule, type TracedRule } from './lazy-rule.ts';
import type { DiffArguments, NondiffArguments, NondiffOption } from './nondiff.ts';
import { type RuledCall, ruledFunction } from './ruled-function.ts';

interface VjpRules {
  /** (captured, arguments) → (results, residuals). */
  readonly fwd: Jaxpr;
  /** (captured, residuals, cotangents of the floating results) → cotangents of the floating arguments. */
  readonly bwd: Jaxpr;
  /** Which of the values that the rules captured are inputs of each. */
  readonly ofFwd: readonly boolean[];
  readonly ofBwd: readonly boolean[];
}

interface CustomVjpParams extends CustomCallParams {
  readonly rules: VjpRules | LazyRule<VjpRules>;
}

/** Operands: captured by the function, captured by the rules, arguments. */
export const customVjpP: Primitive<CustomVjpParams> = primitive<CustomVjpParams>({
  name: 'custom_vjp_call',
  ...customCall,
  effectful: ({ rules }) => !(rules instanceof LazyRule) && (rules.fwd.effectful || rules.bwd.effectful),
  // The rules give the derivative in the arguments; what the function captured is differentiated as ordinary code.
  jvp: (primals, tangents, { call, rules, callConsts, ruleConsts }) => {
    const [captured, ruleCaptured, args] = split(primals, callConsts, ruleConsts) as [Value[], Value[], Value[]];
    const [callTangents, , argTangents] = split(tangents, callConsts, ruleConsts) as [Tangent[], Tangent[], Tangent[]];
    const rule = resolveRule(rules);
    const bwdCaptured = where(ruleCaptured, rule.ofBwd);
    const results = evalJaxpr(rule.fwd, [...where(ruleCaptured, rule.ofFwd), ...args]);
    const n = call.outs.length;
    const outs = results.slice(0, n);
    const given = argTangents.filter((_, i) => args[i]!.aval.isFloating);
    const present = given.map((t) => !isZero(t));
    const linear = bind(customVjpLinearP, [...bwdCaptured, ...results.slice(n), ...given.map(instantiate)], {
      bwd: rule.bwd,
      residuals: bwdCaptured.length + results.length - n,
    });
    let next = 0;
    const ruled = outs.map((out): Tangent => {
      if (!out.aval.isFloating) return new Zero(out.aval);
      const at = next++;
      const cotangent = bwdCaptured.length + results.length - n + at;
      const reached = dependent(
        rule.bwd,
        rule.bwd.inVars.map((_, i) => i === cotangent),
      );
      return reached.some((r, i) => r && present[i]) ? linear[at]! : new Zero(out.aval);
    });
    return [outs, addTangentsOfCaptured(call, captured, args, callTangents, ruled)];
  },
  // An argument that every lane shares gets the sum of the lanes' cotangents: that is left to the transpose of the
  // broadcast which gives it lanes.
  batch: (size, args, batched, { call, rules, callConsts, ruleConsts }) => {
    const [captured, ruleCaptured, own] = split(batched, callConsts, ruleConsts) as [boolean[], boolean[], boolean[]];
    const all = always(own.length);
    const lanes = ({ fwd, bwd, ofFwd, ofBwd }: VjpRules, consts: readonly boolean[]): VjpRules => {
      const ofRules = [where(consts, ofFwd), where(consts, ofBwd)] as const;
      const inFwd = [...ofRules[0], ...all];
      const inBwd = [...ofRules[1], ...always(bwd.inVars.length - ofRules[1].length)];
      return {
        fwd: batchJaxpr(fwd, size, inFwd, always(fwd.outs.length)).jaxpr,
        bwd: batchJaxpr(bwd, size, inBwd, always(bwd.outs.length)).jaxpr,
        ofFwd,
        ofBwd,
      };
    };
    const params: CustomVjpParams = {
      call: batchJaxpr(call, size, [...captured, ...all], always(call.outs.length)).jaxpr,
      rules: rules instanceof LazyRule ? rules.map((rule) => lanes(rule, ruleCaptured)) : lanes(rules, ruleCaptured),
      callConsts,
      ruleConsts,
    };
    const first = callConsts + ruleConsts;
    const operands = args.map((arg, i) => (i < first || batched[i] ? arg : addLanes(arg, size)));
    return { outs: bind(customVjpP, operands, params), batched: always(call.outs.length) };
  },
  guard: (active, args, { call, rules, callConsts, ruleConsts }) => {
    const [captured, ruleCaptured, own] = split(args, callConsts, ruleConsts) as [Value[], Value[], Value[]];
    const guarded = ({ fwd, bwd, ofFwd, ofBwd }: VjpRules): VjpRules => ({
      fwd: guardJaxpr(fwd),
      bwd: guardJaxpr(bwd),
      ofFwd: [true, ...ofFwd],
      ofBwd: [true, ...ofBwd],
    });
    return bind(customVjpP, [active, ...captured, active, ...ruleCaptured, ...own], {
      call: guardJaxpr(call),
      rules: rules instanceof LazyRule ? rules.map(guarded) : guarded(rules),
      callConsts: callConsts + 1,
      ruleConsts: ruleConsts + 1,
    } satisfies CustomVjpParams);
  },
});

/** Cotangents of arguments, null where one is zero. */
type Cotangents<A extends readonly unknown[]> = { readonly [K in keyof A]: Like<A[K]> | null };

/** A function whose reverse-mode derivative is given by rules. Call `defvjp` once before use. */
export interface CustomVjp<F extends AnyFunction, O = {}> {
  (...args: ArrayLikes<Parameters<F>>): Arrays<ReturnType<F>>;
  /**
   * @param fwd from the arguments to `[result, residuals]`
   * @param bwd from residuals and the cotangent of the result to the list of cotangents of the arguments (null: zero).
   * Arguments in `nondiffArgnums` come first, one by one, and have no cotangents in the list.
   */
  defvjp<R extends Tree>(
    fwd: (...args: Parameters<F>) => readonly [result: Like<ReturnType<F>>, residuals: R],
    bwd: (
      ...args: [...nondiff: NondiffArguments<F, O>, residuals: Arrays<R>, cotangent: Arrays<ReturnType<F>>]
    ) => Cotangents<DiffArguments<F, O>>,
  ): void;
}

/**
 * Gives `f` a reverse-mode rule of its own. Forward mode uses the transpose of `bwd`, which must be linear in the
 * cotangent.
 *
 * @example
 * const clipGradient = customVjp((x) => x);
 * clipGradient.defvjp((x) => [x, null], (_, ct) => [np.clip(ct, -1, 1)]);
 *
 * const clipBy = customVjp((bound, x) => x, { nondiffArgnums: [0] });
 * clipBy.defvjp((bound, x) => [x, null], (bound, _, ct) => [np.clip(ct, -bound, bound)]);
 */
export function customVjp<F extends TreeFunction, const O extends NondiffOption = {}>(
  f: F,
  options?: O,
): CustomVjp<F, O> {
  const [call, setRules] = ruledFunction<GivenRules, VjpRules>(f, options, {
    operation: 'customVjp',
    method: 'defvjp',
    plural: 'rules',
    trace: traceRules,
    bind: (operands, call, rules, counts) =>
      bind(customVjpP, operands, { call, rules, ...counts } satisfies CustomVjpParams),
  });
  const defvjp = (fwd: AnyFunction, bwd: AnyFunction): void => setRules({ fwd, bwd });
  return Object.assign(call, { defvjp }) as never;
}

interface GivenRules {
  readonly fwd: AnyFunction;
  readonly bwd: AnyFunction;
}

function traceRules(
  rules: GivenRules,
  { name, nondiff, partial, def, outDef, avals, outAvals }: RuledCall,
  known: readonly Value[],
  embed?: Embed,
): TracedRule<VjpRules> {
  let residualDef!: TreeDef;
  const fwd = partial(rules.fwd);
  const forward = stage(
    (...xs) => {
      const result = fwd(...unflatten(def, xs));
      if (!Array.isArray(result) || result.length !== 2) {
        throw new RuleError(`customVjp: fwd of ${quotedName(name)} must return a pair [result, residuals].`);
      }
      const main = flatten(result[0], 'result');
      const residuals = flatten(result[1], 'residuals');
      if (main.def.key !== outDef.key) {
        throw new TreeError(
          `customVjp: fwd of ${quotedName(name)} returned a result of structure ${main.def}, but ${quotedName(name)} returns ${outDef}.`,
        );
      }
      residualDef = residuals.def;
      return [
        ...main.leaves.map((leaf, i) => matchType('customVjp', name, 'result', toValue(leaf, name), outAvals[i]!)),
        ...residuals.leaves.map((leaf) => toValue(leaf, name)),
      ];
    },
    avals,
    known,
    embed,
  );
  const residualAvals = forward.jaxpr.outAvals.slice(outAvals.length);
  const floatingOut = outAvals.map((aval) => aval.isFloating);
  const backward = stage(
    (...xs) => {
      const residuals = unflatten(residualDef, xs.slice(0, residualAvals.length));
      let next = residualAvals.length;
      const cts = outAvals.map((aval, i) => (floatingOut[i] ? xs[next++]! : zerosLike(aval)));
      return argumentCotangents(name, rules.bwd(...nondiff, residuals, unflatten(outDef, cts)), def, avals);
    },
    [...residualAvals, ...where(outAvals, floatingOut)],
    forward.consts,
    embed,
  );
  const { consts } = backward;
  const ofFwd = withoutUnused(forward.jaxpr, forward.consts.length);
  const ofBwd = withoutUnused(backward.jaxpr, consts.length);
  const rule = {
    fwd: ofFwd.jaxpr,
    bwd: ofBwd.jaxpr,
    ofFwd: consts.map((_, i) => ofFwd.used[i] ?? false),
    ofBwd: ofBwd.used,
  };
  return { rule, consts };
}

/** Drops captured values that the program does not use; says which it uses. */
function withoutUnused(jaxpr: Jaxpr, consts: number): { jaxpr: Jaxpr; used: readonly boolean[] } {
  const { jaxpr: live, usedInputs } = deadCodeElimination(jaxpr);
  const keep = usedInputs.map((used, i) => used || i >= consts);
  return { jaxpr: dropInputs(live, keep), used: keep.slice(0, consts) };
}

/** What bwd returned, one leaf per floating argument leaf; a null argument cotangent is zero. */
function argumentCotangents(name: string, result: unknown, def: TreeDef, avals: readonly Value['aval'][]): Value[] {
  const children = (def.node as { children: readonly TreeDef[] }).children;
  if (!Array.isArray(result) || result.length !== children.length) {
    throw new TreeError(
      `customVjp: bwd of ${quotedName(name)} must return a list of ${children.length} cotangents, one per argument.`,
    );
  }
  const cts: Value[] = [];
  let at = 0;
  children.forEach((child, i) => {
    const own = avals.slice(at, at + child.leafCount);
    at += child.leafCount;
    if (result[i] === null || result[i] === undefined) {
      cts.push(...own.filter((aval) => aval.isFloating).map(zerosLike));
      return;
    }
    const given = flatten(result[i], `cotangent ${i}`);
    if (given.def.key !== child.key) {
      throw new TreeError(
        `customVjp: bwd of ${quotedName(name)} returned cotangent ${i} of structure ${given.def}, but the argument has ${child}.`,
      );
    }
    given.leaves.forEach((leaf, k) => {
      if (own[k]!.isFloating)
        cts.push(matchType('customVjp', name, `cotangent of argument ${i}`, toValue(leaf, name), own[k]!));
    });
  });
  return cts;
}
