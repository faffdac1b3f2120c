import { type Cotangent, isLinear, type Linear, transposeJaxpr } from '../../transforms/transpose.ts';
import type { Jaxpr } from '../core/jaxpr.ts';
import type { Value } from '../core/trace.ts';
import { isZero, Zero } from '../core/zero.ts';

/**
 * Cotangents of the operands of an equation that stands for a program. `apply` applies the program's transpose, in the
 * way of the primitive.
 */
export function transposeCall(
  jaxpr: Jaxpr,
  cotangents: readonly Cotangent[],
  args: readonly (Value | Linear)[],
  apply: (transposed: Jaxpr, operands: Value[]) => readonly Value[],
): (Cotangent | undefined)[] {
  const linear = args.map(isLinear);
  const outNonzero = cotangents.map((ct) => !isZero(ct));
  const transposed = transposeJaxpr(jaxpr, linear, outNonzero);
  const results = apply(transposed.jaxpr, [
    ...args.filter((x): x is Value => !isLinear(x)),
    ...cotangents.filter((ct): ct is Value => !isZero(ct)),
  ]);
  let next = 0;
  let position = 0;
  return args.map((x) => {
    if (!isLinear(x)) return undefined;
    return transposed.inNonzero[position++] ? results[next++]! : new Zero(x.aval);
  });
}
