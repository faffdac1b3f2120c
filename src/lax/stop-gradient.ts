/** A value without its derivative. */
import type { ArrayLike } from '../array.ts';
import { exact, type Primitive } from '../core/primitive.ts';
import { bind1, type Value } from '../core/trace.ts';
import { Zero } from '../core/zero.ts';
import { toValue } from '../promote.ts';
import { elementwise } from './family.ts';
import { samplesFor } from './samples.ts';

export const stopGradientP: Primitive = elementwise('stop_gradient', 1, {
  domain: 'any',
  result: ([x]) => x!.dtype,
  run: ([x]) => x!,
  accuracy: exact,
  jvp: 'zero',
  transpose: (_, [x]) => [new Zero(x!.aval)],
  lower: (_, [x]) => x!,
  samples: () => samplesFor('any', [[-3, 3]]),
});

/**
 * x, treated as a constant by differentiation.
 *
 * @example
 * grad((x) => mul(stopGradient(x), x))(3); // 3
 */
export function stopGradient(x: ArrayLike): Value {
  const value = toValue(x, 'stopGradient');
  return value.aval.isFloating && value.literal === undefined ? bind1(stopGradientP, [value]) : value;
}
