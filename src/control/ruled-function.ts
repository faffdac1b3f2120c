/** What functions with derivative rules of the user's have in common: the call, and when the rule is traced. */
import {
  type AnyFunction,
  checkFunction,
  FlatFunction,
  flattenArguments,
  functionName,
  standsFor,
  type TreeFunction,
} from '../../transforms/flat.ts';
import type { ShapedArray } from '../core/aval.ts';
import { RuleError } from '../core/errors.ts';
import type { Jaxpr } from '../core/jaxpr.ts';
import { checkList, optionsOf } from '../core/options.ts';
import { type Embed, stage } from '../core/stage.ts';
import type { Value } from '../core/trace.ts';
import { methodOf, quotedName } from '../syntax/names.ts';
import { type TreeDef, unflatten } from '../tree.ts';
import { type LazyRule, RuleTracer, type TracedRule } from './lazy-rule.ts';
import { type NondiffOption, splitNondiff } from './nondiff.ts';

/** A call of the function, as its rule is traced for it. */
export interface RuledCall {
  /** The function's name, for messages. */
  readonly name: string;
  /** The arguments that are not differentiated. */
  readonly nondiff: readonly unknown[];
  /** A function of all arguments as one of the differentiated ones. */
  readonly partial: (f: AnyFunction) => AnyFunction;
  readonly def: TreeDef;
  readonly outDef: TreeDef;
  readonly avals: readonly ShapedArray[];
  readonly outAvals: readonly ShapedArray[];
}

export interface RuledOptions<Rules, Traced> {
  /** `customJvp` or `customVjp`. */
  readonly operation: string;
  /** The method that gives the rules, and what they are called. */
  readonly method: string;
  readonly plural: string;
  readonly trace: (rules: Rules, call: RuledCall, known: readonly Value[], embed?: Embed) => TracedRule<Traced>;
  readonly bind: (
    /** Captured by the function, captured by the rules, arguments. */
    operands: readonly Value[],
    call: Jaxpr,
    rule: Traced | LazyRule<Traced>,
    counts: { readonly callConsts: number; readonly ruleConsts: number },
  ) => Value[];
}

/** @returns the function, and what sets its rules */
export function ruledFunction<Rules, Traced>(
  f: TreeFunction,
  options: NondiffOption | undefined,
  { operation, method, plural, trace, bind }: RuledOptions<Rules, Traced>,
): readonly [call: (...args: unknown[]) => any, setRules: (rules: Rules) => void] {
  checkFunction(operation, f);
  const known = optionsOf<NondiffOption>(operation, options ?? {}, ['nondiffArgnums']);
  if (known.nondiffArgnums !== undefined) checkList(operation, '`nondiffArgnums`', known.nondiffArgnums);
  let rules: Rules | undefined;
  const name = functionName(f);
  const tracer = new RuleTracer();
  const call = (...args: unknown[]): any => {
    if (!rules)
      throw new RuleError(
        `${operation}: ${quotedName(name)} has no ${plural} yet; call ${methodOf(name, method)} before using it.`,
      );
    const current = rules;
    const { nondiff, diff, partial } = splitNondiff(name, args, options?.nondiffArgnums);
    const { values, def } = flattenArguments(diff, name);
    const avals = values.map((v) => v.aval);
    const flat = new FlatFunction(partial(f), def, name);
    const { jaxpr, consts } = stage(flat.call, avals);
    const { outDef } = flat;
    const own: RuledCall = { name, nondiff, partial, def, outDef, avals, outAvals: jaxpr.outAvals };
    const traced = tracer.trace<Traced>((known, embed) => trace(current, own, known, embed), [...consts, ...nondiff]);
    const counts = { callConsts: consts.length, ruleConsts: traced.consts.length };
    return unflatten(outDef, bind([...consts, ...traced.consts, ...values], jaxpr, traced.rule, counts));
  };
  standsFor(call, f, name);
  return [
    call,
    (given) => {
      rules = given;
    },
  ];
}
