/** Floating numbers taken apart: whole and fractional parts, significands and exponents, neighbours. */
import type { ArrayLike, NDArray } from '../array.ts';
import { isInteger } from '../core/dtype.ts';
import { DtypeError } from '../core/errors.ts';
import { checkExtra, naming } from '../core/options.ts';
import { recorded, recordedList } from '../core/recorded.ts';
import { broadcastShapes } from '../core/shape.ts';
import { abs, copysign, nextafter as next, sub, trunc } from '../lax/arithmetic.ts';
import { eq, select } from '../lax/compare.ts';
import { convert } from '../lax/convert.ts';
import { broadcastTo } from '../lax/movement.ts';
import { exponent, scalb, significand } from '../lax/scale.ts';
import { broadcastError, toFloating, toValue } from '../promote.ts';
import { strong } from './array.ts';
import { type Binary, floating2, type Unary } from './elementwise.ts';

/**
 * The fractional and the whole part, both with the sign of `x`.
 *
 * @example
 * const [fraction, whole] = np.modf(np.array([2.5, -0.5]));
 * fraction; // [0.5 -0.5]
 * whole; // [2. -0.]
 */
export const modf: (x: ArrayLike) => NDArray[] = recordedList((x, extra?: unknown, list?: unknown) => {
  if (extra !== undefined) checkExtra('modf', 1, extra, list);
  const value = strong(toFloating(x, 'modf'));
  const whole = trunc(value);
  // Infinities have no fraction.
  const fraction = select(eq(abs(value), Number.POSITIVE_INFINITY), 0, sub(value, whole));
  return [copysign(fraction, value), whole];
});

/**
 * x · 2ⁿ for integers n.
 *
 * @example
 * np.ldexp(np.array([1, 3]), np.array([4, -1], { dtype: 'int32' })); // [16. 1.5]
 * @throws DtypeError when `n` is not an integer
 */
export const ldexp: (x: ArrayLike, n: ArrayLike) => NDArray = recorded((x, n, extra?: unknown, list?: unknown) => {
  if (extra !== undefined) checkExtra('ldexp', 2, extra, list);
  const given = toValue(n, 'ldexp');
  const isWhole = given.aval.weakType && Number.isInteger(given.literal);
  if (!isWhole && !isInteger(given.aval.dtype))
    throw new DtypeError(`ldexp: the exponent must be an integer, but it is ${naming(n)}.`);
  const value = strong(toFloating(x, 'ldexp'));
  const by = convert(given, 'int32');
  const shape = broadcastShapes(value.aval.shape, by.aval.shape);
  if (!shape) throw broadcastError('ldexp', [value, given]);
  const [base, power] = [value, by].map((v) => (v.aval.ndim === 0 ? v : broadcastTo(v, shape)));
  return scalb(base!, power!);
});

/**
 * Significands m with 0.5 ≤ |m| < 1 and int32 exponents e with x = m 2ᵉ. Of 0, infinities and NaN: themselves, and 0.
 *
 * @example
 * const [significand, exponent] = np.frexp(np.array([8, -0.75]));
 * significand; // [0.5 -0.75]
 * exponent; // [4 0]
 */
export const frexp: (x: ArrayLike) => NDArray[] = recordedList((x, extra?: unknown, list?: unknown) => {
  if (extra !== undefined) checkExtra('frexp', 1, extra, list);
  const value = strong(toFloating(x, 'frexp'));
  return [significand(value), exponent(value)];
});

/** The next number after x in the direction of y. */
export const nextafter: Binary = floating2('nextafter', next);

/** The distance from `x` to the next number away from 0, with the sign of `x`. */
export const spacing: Unary = recorded((x, extra?: unknown, list?: unknown) => {
  if (extra !== undefined) checkExtra('spacing', 1, extra, list);
  const value = strong(toFloating(x, 'spacing'));
  const size = abs(value);
  return copysign(sub(next(size, Number.POSITIVE_INFINITY), size), value);
});
