/** Floating numbers taken apart: whole and fractional parts, significands and exponents, neighbours. */
import type { ArrayLike, NDArray } from '../array.ts';
import { isInteger } from '../core/dtype.ts';
import { DtypeError } from '../core/errors.ts';
import { checkExtra, naming } from '../core/options.ts';
import { recorded, recordedList } from '../core/recorded.ts';
import type { Value } from '../core/trace.ts';
import { abs, add, copysign, floor, max, min, mul, nextafter as next, sub, trunc } from '../lax/arithmetic.ts';
import { eq, ge, gt, isFinite, lt, select } from '../lax/compare.ts';
import { convert } from '../lax/convert.ts';
import { and } from '../lax/logic.ts';
import { stopGradient } from '../lax/stop-gradient.ts';
import { exp2, log2 } from '../lax/transcendental.ts';
import { promote, toFloating, toValue } from '../promote.ts';
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

/** The exponents of the least normal number and above the largest, and the bits of a significand. */
const range = { float32: [-126, 127, 24], float64: [-1022, 1023, 53] } as const;

/**
 * x · 2ⁿ, rounded once. What is below the normal numbers is come to from far enough above for the steps before to be exact.
 */
function scaled(x: Value, n: Value): Value {
  const [least, largest, bits] = range[x.aval.dtype as 'float32' | 'float64'];
  let [value, rest] = [x, n];
  const factor = (e: Value): Value => exp2(convert(e, x.aval.dtype));
  for (let step = 0; step < 2; step++) {
    const low = least + bits;
    const part = select(gt(rest, largest), largest, select(lt(rest, least), low, 0));
    value = mul(value, factor(part));
    rest = sub(rest, part);
  }
  return mul(value, factor(max(least, min(rest, largest))));
}

/**
 * x · 2ⁿ for integers n.
 *
 * @example
 * np.ldexp(np.array([1, 3]), np.array([4, -1], { dtype: 'int32' })); // [16. 1.5]
 * @throws DtypeError when `n` is not an integer
 */
export const ldexp: (x: ArrayLike, n: ArrayLike) => NDArray = recorded((x, n, extra?: unknown, list?: unknown) => {
  if (extra !== undefined) checkExtra('ldexp', 2, extra, list);
  const exponent = toValue(n, 'ldexp');
  const whole = exponent.aval.weakType && Number.isInteger(exponent.literal);
  if (!whole && !isInteger(exponent.aval.dtype))
    throw new DtypeError(`ldexp: the exponent must be an integer, but it is ${naming(n)}.`);
  const [value] = promote('ldexp', [strong(toFloating(x, 'ldexp')), convert(exponent, 'float32')]);
  return scaled(value!, convert(exponent, 'int32'));
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
  const size = abs(stopGradient(value));
  const regular = and(isFinite(size), gt(size, 0));
  const [least, , bits] = range[value.aval.dtype as 'float32' | 'float64'];
  const tiny = lt(size, 2 ** (least + 1));
  // Numbers below the normal ones are made normal first.
  const lift = mul(convert(tiny, 'int32'), bits);
  const normal = select(regular, mul(size, select(tiny, 2 ** bits, 1)), 1);
  // The logarithm may be off by its error: the significand says so.
  const guess = add(convert(floor(log2(normal)), 'int32'), 1);
  const significand = scaled(normal, mul(guess, -1));
  const correction = sub(convert(ge(significand, 1), 'int32'), convert(lt(significand, 0.5), 'int32'));
  const exponent = select(regular, sub(add(guess, correction), lift), 0);
  return [scaled(value, mul(exponent, -1)), exponent];
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
