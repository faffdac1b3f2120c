/** Functions with a complex derivative: what their rules have in common. */
import { customJvp } from '../control/custom-jvp.ts';
import { evaluatingTrace } from '../core/evaluate.ts';
import { atUserLine } from '../core/source.ts';
import { currentTrace, type Value } from '../core/trace.ts';
import { type Planes, product } from '../lax/planes.ts';
import { ComplexArray } from './complex-array.ts';
import { imagOf, planewise, realOf } from './operands.ts';

/**
 * A function of one complex argument, from what it does with planes, and its derivative from z and f(z). The derivative is
 * a rule of its own, since values are chosen among formulas at the edges of their range, and derivatives of what is chosen
 * are others: there f(z) = z where f'(z) is not 1.
 */
export function holomorphic(
  name: string,
  f: (a: Value, b: Value) => Planes,
  derivative: (z: ComplexArray, w: ComplexArray) => ComplexArray,
): (z: ComplexArray) => ComplexArray {
  const evaluate = planewise(f);
  let ruled: ((a: Value, b: Value) => Planes) | undefined;
  const makeRuled = (): ((a: Value, b: Value) => Planes) => {
    // Stacks are most of the time of tracing: one for all of the operations.
    const call = customJvp((a: Value, b: Value): [Value, Value] => atUserLine(true, () => [...f(a, b)]));
    call.defjvp(([a, b], [da, db]) =>
      atUserLine(true, () => {
        const [re, im] = call(a, b);
        const slope = derivative(new ComplexArray(a, b), new ComplexArray(re, im));
        const [dre, dim] = product([slope.real, slope.imag], [da, db]);
        return [[re, im] as [Value, Value], [dre, dim] as [Value, Value]] as const;
      }),
    );
    return call;
  };
  return (z) => {
    const [a, b] = [realOf(name, z), imagOf(name, z)!];
    if (currentTrace() === evaluatingTrace) return evaluate(a, b);
    ruled ??= makeRuled();
    return new ComplexArray(...ruled(a, b));
  };
}
