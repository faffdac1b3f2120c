/** `customJvp`: a function with a derivative rule of the user's. */

import type { AnyFunction, TreeFunction } from '../../transforms/flat.ts';
import { instantiate, type Tangent } from '../../transforms/jvp.ts';
import { batchJaxpr } from '../../transforms/vmap.ts';
import { RuleError, TreeError } from '../core/errors.ts';
import { evalJaxpr } from '../core/eval-jaxpr.ts';
import type { Jaxpr } from '../core/jaxpr.ts';
import { type Primitive, primitive } from '../core/primitive.ts';
import { range } from '../core/shape.ts';
import { stage } from '../core/stage.ts';
import { bind, type Value } from '../core/trace.ts';
import { isZero, Zero } from '../core/zero.ts';
import { toValue } from '../promote.ts';
import { quotedName } from '../syntax/names.ts';
import { type ArrayLikes, type Arrays, flatten, type Like, unflatten } from '../tree.ts';
import { addTangentsOfCaptured, type CustomCallParams, customCall, matchType } from './custom-call.ts';
import { always, dependent, split, where } from './flags.ts';
import { guardJaxpr } from './guard-effects.ts';
import { LazyRule, resolveRule } from './lazy-rule.ts';
import type { DiffArguments, NondiffArguments, NondiffOption } from './nondiff.ts';
import { type RuledCall, ruledFunction } from './ruled-function.ts';

interface CustomJvpParams extends CustomCallParams {
  /** (captured by the rule, arguments, tangents of the floating arguments) → (results, tangents of the floating results). */
  readonly jvp: Jaxpr | LazyRule<Jaxpr>;
}

/** Operands: captured by the function, captured by the rule, arguments. */
export const customJvpP: Primitive<CustomJvpParams> = primitive<CustomJvpParams>({
  name: 'custom_jvp_call',
  ...customCall,
  // The rule gives the derivative in the arguments; what the function captured is differentiated as ordinary code.
  jvp: (primals, tangents, { call, jvp, callConsts, ruleConsts }) => {
    const [captured, ruleCaptured, args] = split(primals, callConsts, ruleConsts) as [Value[], Value[], Value[]];
    const [capturedTangents, , argTangents] = split(tangents, callConsts, ruleConsts) as [
      Tangent[],
      Tangent[],
      Tangent[],
    ];
    const given = argTangents.filter((_, i) => args[i]!.aval.isFloating).map(instantiate);
    const rule = resolveRule(jvp);
    const results = evalJaxpr(rule, [...ruleCaptured, ...args, ...given]);
    const outs = results.slice(0, call.outs.length);
    let next = outs.length;
    // A tangent that depends on none of the given ones is zero, since the rule is linear in them.
    const present = argTangents.filter((_, i) => args[i]!.aval.isFloating).map((t) => !isZero(t));
    const reached = dependent(rule, [...range(rule.inVars.length - present.length).map(() => false), ...present]);
    const ruled = outs.map((out): Tangent => {
      if (!out.aval.isFloating) return new Zero(out.aval);
      const at = next++;
      return reached[at] ? results[at]! : new Zero(out.aval);
    });
    return [outs, addTangentsOfCaptured(call, captured, args, capturedTangents, ruled)];
  },
  batch: (size, args, batched, { call, jvp, callConsts, ruleConsts }) => {
    const [captured, ruleCaptured, own] = split(batched, callConsts, ruleConsts) as [boolean[], boolean[], boolean[]];
    const argAvals = call.inAvals.slice(callConsts);
    const tangentBatched = where(
      own,
      argAvals.map((aval) => aval.isFloating),
    );
    const lanes = (rule: Jaxpr, consts: readonly boolean[]) =>
      batchJaxpr(rule, size, [...consts, ...own, ...tangentBatched], always(rule.outs.length)).jaxpr;
    const params: CustomJvpParams = {
      call: batchJaxpr(call, size, [...captured, ...own], always(call.outs.length)).jaxpr,
      jvp: jvp instanceof LazyRule ? jvp.map((rule) => lanes(rule, ruleCaptured)) : lanes(jvp, ruleCaptured),
      callConsts,
      ruleConsts,
    };
    return { outs: bind(customJvpP, args, params), batched: always(call.outs.length) };
  },
  guard: (active, args, { call, jvp, callConsts, ruleConsts }) => {
    const [captured, ruleCaptured, own] = split(args, callConsts, ruleConsts) as [Value[], Value[], Value[]];
    return bind(customJvpP, [active, ...captured, active, ...ruleCaptured, ...own], {
      call: guardJaxpr(call),
      jvp: jvp instanceof LazyRule ? jvp.map(guardJaxpr) : guardJaxpr(jvp),
      callConsts: callConsts + 1,
      ruleConsts: ruleConsts + 1,
    } satisfies CustomJvpParams);
  },
});

/** A function whose derivative is given by a rule. Call `defjvp` once before use. */
export interface CustomJvp<F extends AnyFunction, O = {}> {
  (...args: ArrayLikes<Parameters<F>>): Arrays<ReturnType<F>>;
  /**
   * @param rule from primals and tangents (tuples with an entry per argument; tangents of integer arguments are null) to
   * `[result, tangent of the result]`, linear in the tangents. Arguments in `nondiffArgnums` come first, one by one, and
   * are not among the primals.
   */
  defjvp(
    rule: (
      ...args: [...nondiff: NondiffArguments<F, O>, primals: DiffArguments<F, O>, tangents: Arrays<DiffArguments<F, O>>]
    ) => readonly [result: Like<ReturnType<F>>, tangent: Like<ReturnType<F>>],
  ): void;
}

/**
 * Gives `f` a derivative rule of its own, used by forward and reverse mode alike. The function and its rule may capture
 * anything, traced values too.
 *
 * @example
 * const f = customJvp((x) => np.log(np.add(1, np.exp(x))));
 * f.defjvp(([x], [dx]) => [f(x), np.multiply(nn.sigmoid(x), dx)]);
 *
 * const apply = customJvp((g, x) => g(x), { nondiffArgnums: [0] });
 * apply.defjvp((g, [x], [dx]) => [g(x), dx]); // straight-through
 */
export function customJvp<F extends TreeFunction, const O extends NondiffOption = {}>(
  f: F,
  options?: O,
): CustomJvp<F, O> {
  const [call, setRule] = ruledFunction<JvpRule, Jaxpr>(f, options, {
    operation: 'customJvp',
    method: 'defjvp',
    plural: 'rule',
    trace: (rule, own, known, embed) => {
      const floating = own.avals.filter((aval) => aval.isFloating);
      const { jaxpr, consts } = stage((...xs) => runRule(rule, own, xs), [...own.avals, ...floating], known, embed);
      return { rule: jaxpr, consts };
    },
    bind: (operands, call, jvp, counts) =>
      bind(customJvpP, operands, { call, jvp, ...counts } satisfies CustomJvpParams),
  });
  return Object.assign(call, { defjvp: setRule }) as never;
}

type JvpRule = (...args: any[]) => readonly [unknown, unknown];

function runRule(
  rule: JvpRule,
  { name, nondiff, def, outDef, avals, outAvals }: RuledCall,
  xs: readonly Value[],
): Value[] {
  const n = avals.length;
  let next = n;
  const tangents = avals.map((aval) => (aval.isFloating ? xs[next++]! : null));
  const result = rule(...nondiff, unflatten(def, xs.slice(0, n)), unflatten(def, tangents));
  if (!Array.isArray(result) || result.length !== 2) {
    throw new RuleError(`customJvp: the rule of ${quotedName(name)} must return a pair [result, tangent].`);
  }
  const parts = [result[0], result[1]].map((tree, i) => {
    const flat = flatten(tree, i === 0 ? 'result' : 'tangent');
    if (flat.def.key !== outDef.key) {
      throw new TreeError(
        `customJvp: the rule of ${quotedName(name)} returned a ${i === 0 ? 'result' : 'tangent'} of structure ${flat.def}, but ${quotedName(name)} returns ${outDef}.`,
      );
    }
    return flat.leaves.map((leaf, k) =>
      matchType('customJvp', name, i === 0 ? 'result' : 'tangent', toValue(leaf, name), outAvals[k]!),
    );
  });
  return [...parts[0]!, ...parts[1]!.filter((_, k) => outAvals[k]!.isFloating)];
}
