/** Complex arithmetic on planes of real numbers, each formula once: for complex arrays and for rules of derivatives. */
import type { ArrayLike } from '../array.ts';
import type { Value } from '../core/trace.ts';
import { abs, add, div, mul, neg, sub } from './arithmetic.ts';
import { eq, ge, select } from './compare.ts';

/** Real and imaginary parts of a value in the middle of a computation. */
export type Planes = readonly [real: Value, imag: Value];

/** A real function of both parts, one that is linear. */
export const mapped = (f: (x: Value) => Value, [a, b]: Planes): Planes => [f(a), f(b)];

export const sum = ([a, b]: Planes, [c, d]: Planes): Planes => [add(a, c), add(b, d)];
export const difference = ([a, b]: Planes, [c, d]: Planes): Planes => [sub(a, c), sub(b, d)];
export const conjugate = ([a, b]: Planes): Planes => [a, neg(b)];

/** i · z, and −i · z, for functions that turn their argument and their result. */
export const turned = ([a, b]: Planes): Planes => [neg(b), a];
export const turnedBack = ([a, b]: Planes): Planes => [b, neg(a)];

/** Each part may lose digits where its products cancel; the error is √5 rounding errors of |x · y| at most. */
export const product = ([a, b]: Planes, [c, d]: Planes): Planes => [
  sub(mul(a, c), mul(b, d)),
  add(mul(a, d), mul(b, c)),
];

/**
 * x / y by Smith's method (1962): the smaller part of y over the larger one, so that no square overflows. The parts are
 * chosen before anything is divided, so that derivatives see one branch. As NumPy's, x / 0 is infinite or NaN in each part.
 * A real x has no imaginary part.
 */
export function quotient([a, b]: readonly [real: ArrayLike, imag: Value | undefined], [c, d]: Planes): Planes {
  const isWide = ge(abs(c), abs(d));
  const larger = select(isWide, c, d);
  const smaller = select(isWide, d, c);
  const isZero = eq(larger, 0);
  const ratio = div(smaller, select(isZero, 1, larger));
  const divisor = select(isZero, abs(larger), add(larger, mul(smaller, ratio)));
  if (!b) {
    const [whole, part] = [div(a, divisor), div(mul(a, ratio), divisor)];
    return [select(isWide, whole, part), neg(select(isWide, part, whole))];
  }
  const first = select(isWide, a, b);
  const second = select(isWide, b, a);
  const crossed = mul(first, ratio);
  return [
    div(add(first, mul(second, ratio)), divisor),
    div(sub(select(isWide, second, crossed), select(isWide, crossed, second)), divisor),
  ];
}

export const reciprocal = (z: Planes): Planes => quotient([1, undefined], z);
