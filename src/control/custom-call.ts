/** What calls of functions with a rule of their own share, whichever mode the rule is for. */
import { interpret } from '../../jit/interpret.ts';
import { jvpJaxpr, packTangents, type Tangent } from '../../transforms/jvp.ts';
import type { Cotangent, Linear } from '../../transforms/transpose.ts';
import { sameType } from '../core/aval.ts';
import { RuleError } from '../core/errors.ts';
import { evalJaxpr } from '../core/eval-jaxpr.ts';
import { type Jaxpr, withoutEffects } from '../core/jaxpr.ts';
import { exact, type Primitive } from '../core/primitive.ts';
import { range } from '../core/shape.ts';
import type { Value } from '../core/trace.ts';
import { isZero, Zero } from '../core/zero.ts';
import { add } from '../lax/arithmetic.ts';
import { convert } from '../lax/convert.ts';
import { quotedName } from '../syntax/names.ts';
import { split } from './flags.ts';
import { transposeCall } from './transpose-call.ts';

/** Operands: captured by the function, captured by the rule, arguments. */
export interface CustomCallParams {
  /** (captured by the function, arguments) → results. */
  readonly call: Jaxpr;
  readonly callConsts: number;
  readonly ruleConsts: number;
}

/** The part of a record that the rule has no say in. */
export const customCall: Pick<
  Primitive<CustomCallParams>,
  'hot' | 'type' | 'run' | 'accuracy' | 'transpose' | 'lower'
> = {
  hot: true,
  type: (_, { call }) => call.outAvals,
  run: (inputs, { call, callConsts, ruleConsts }) => {
    const [captured, , args] = split(inputs, callConsts, ruleConsts);
    return interpret(call, [...captured!, ...args!]);
  },
  accuracy: exact,
  transpose: (cotangents, args, { call, callConsts, ruleConsts }) => {
    const [captured, ruleCaptured, own] = split(args, callConsts, ruleConsts) as (Value | Linear)[][];
    const cts = transposeCall(call, cotangents, [...captured!, ...own!], evalJaxpr);
    const [ofCaptured, ofOwn] = split(cts, callConsts) as (Cotangent | undefined)[][];
    return [...ofCaptured!, ...ruleCaptured!.map((x) => new Zero(x.aval)), ...ofOwn!];
  },
  lower: {
    kind: 'inline',
    jaxpr: ({ call, callConsts, ruleConsts }, inputs) => ({
      jaxpr: call,
      operands: range(inputs.length).filter((i) => i < callConsts || i >= callConsts + ruleConsts),
    }),
  },
};

/** Adds what the tangents of captured values contribute, by ordinary differentiation of the function. */
export function addTangentsOfCaptured(
  call: Jaxpr,
  captured: readonly Value[],
  args: readonly Value[],
  tangents: readonly Tangent[],
  ruled: readonly Tangent[],
): Tangent[] {
  const { nonzero, values } = packTangents(tangents);
  if (values.length === 0) return [...ruled];
  // The rule's results are the function's: its effects have happened.
  const { jaxpr, outNonzero } = jvpJaxpr(withoutEffects(call), [...nonzero, ...args.map(() => false)]);
  const shares = evalJaxpr(jaxpr, [...captured, ...args, ...values]).slice(call.outs.length);
  let next = 0;
  return ruled.map((t, i) => {
    if (!outNonzero[i]) return t;
    const share = shares[next++]!;
    return isZero(t) ? share : add(t, share);
  });
}

/** A value of the rule as the type that it must have; weak values are converted. */
export function matchType(operation: string, name: string, what: string, value: Value, aval: Value['aval']): Value {
  const converted = value.aval.weakType && !aval.weakType ? convert(value, aval.dtype) : value;
  if (sameType(converted.aval, aval)) return converted;
  throw new RuleError(
    `${operation}: the rule of ${quotedName(name)} returned a ${what} of type ${value.aval}, but it must be ${aval}.`,
  );
}
