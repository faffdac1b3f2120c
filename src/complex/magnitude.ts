/** Magnitudes and angles. */
import type { NDArray } from '../array.ts';
import { recorded } from '../core/recorded.ts';
import type { Value } from '../core/trace.ts';
import { copysign, div, hypot, abs as magnitudeOf, max } from '../lax/arithmetic.ts';
import { eq, select } from '../lax/compare.ts';
import { or } from '../lax/logic.ts';
import { stopGradient } from '../lax/stop-gradient.ts';
import { atan2 } from '../lax/transcendental.ts';
import { isZero, unaryNamed } from './arithmetic.ts';
import type { ComplexArray } from './complex-array.ts';
import { imagOf, planewise, realOf } from './operands.ts';

/** √(a² + b²), whose derivative at 0 is 0. */
export function modulus(a: Value, b: Value): Value {
  const zero = isZero(a, b);
  return select(zero, 0, hypot(select(zero, 1, a), b));
}

const modulusOf = recorded(modulus);
const angleOf = recorded((a: Value, b: Value) => atan2(b, a));

export const absNamed =
  (name: string) =>
  (z: ComplexArray): NDArray =>
    modulusOf(realOf(name, z), imagOf(name, z)!);
export const absolute: (z: ComplexArray) => NDArray = absNamed('absolute');

/** The angle in (−π, π]; of a number −0 below the cut it is −π. */
export const angle = (z: ComplexArray): NDArray => angleOf(realOf('angle', z), imagOf('angle', z)!);

/**
 * z / |z|, and 0 at 0. The parts are first divided by the larger one, against overflow; it is a constant to derivatives,
 * on which the result does not depend.
 */
export const sign: (z: ComplexArray) => ComplexArray = unaryNamed(
  planewise((a, b) => {
    const zero = isZero(a, b);
    const largest = stopGradient(max(magnitudeOf(a), magnitudeOf(b)));
    const endless = eq(largest, Number.POSITIVE_INFINITY);
    const scale = select(or(eq(largest, 0), endless), 1, largest);
    // Beside an infinite part a finite one is nothing.
    const scaled = (part: Value): Value => {
      const isInfinite = eq(magnitudeOf(part), Number.POSITIVE_INFINITY);
      return select(endless, select(isInfinite, copysign(1, part), 0), div(part, scale));
    };
    const [x, y] = [scaled(a), scaled(b)];
    const length = hypot(select(zero, 1, x), y);
    return [select(zero, 0, div(x, length)), select(zero, 0, div(y, length))];
  }),
)('sign');
