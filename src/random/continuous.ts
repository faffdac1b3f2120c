/** Random numbers from continuous distributions. */

import type { ArrayLike } from '../array.ts';
import type { DType } from '../core/dtype.ts';
import { DtypeError } from '../core/errors.ts';
import { beforeOptions, optionsOf } from '../core/options.ts';
import { recorded } from '../core/recorded.ts';
import { broadcastShapes, checkShape, type Shape, type ShapeLike, sameShape } from '../core/shape.ts';
import type { Value } from '../core/trace.ts';
import { abs, add, div, max, min, mul, neg, nextafter, sign, sub } from '../lax/arithmetic.ts';
import { bitcastConvertType, convert } from '../lax/convert.ts';
import { scalar } from '../lax/creation.ts';
import { or, shiftRightLogical } from '../lax/logic.ts';
import { broadcastTo, strengthen } from '../lax/movement.ts';
import { stopGradient } from '../lax/stop-gradient.ts';
import { erf, erfInv, log, log1p, tan } from '../lax/transcendental.ts';
import { promote, toValue } from '../promote.ts';
import { bits32, bits64 } from './keys.ts';

export interface FloatOptions {
  /** 'float32' when left out. */
  dtype?: DType;
}

export function floatDType(operation: string, options: FloatOptions): 'float32' | 'float64' {
  const { dtype = 'float32' } = optionsOf(operation, options, ['dtype']);
  if (dtype !== 'float32' && dtype !== 'float64') {
    throw new DtypeError(`${operation}: needs a floating dtype, but got ${dtype}.`);
  }
  return dtype;
}

/** Multiples of 2⁻²³ or 2⁻⁵² in [0, 1). */
function unit(operation: string, k: ArrayLike, shape: Shape, dtype: 'float32' | 'float64'): Value {
  return dtype === 'float32' ? unit32(bits32(operation, k, shape)) : unit64(bits64(operation, k, shape));
}

/** 23 random bits as the fraction of a float in [1, 2), less 1. */
export const unit32 = (bits: Value): Value =>
  sub(bitcastConvertType(or(shiftRightLogical(bits, 9), 0x3f800000), 'float32'), 1);

/** The upper 52 of 64 bits: 32 + 20, the two terms of which do not overlap, so that nothing is rounded. */
export const unit64 = ([high, low]: readonly [Value, Value]): Value => {
  const upper = mul(convert(high, 'float64'), 2 ** -32);
  return add(upper, mul(convert(shiftRightLogical(low, 12), 'float64'), 2 ** -52));
};

const uniformOf: (
  operation: string,
  k: ArrayLike,
  shape: Shape,
  dtype: 'float32' | 'float64',
  low: ArrayLike,
  high: ArrayLike,
) => Value = recorded((operation, k, shape, dtype, low, high) => {
  const typed = (x: ArrayLike): Value => (typeof x === 'number' ? scalar(x, dtype) : convert(x, dtype));
  const [lo, hi] = [typed(low), typed(high)];
  const spread = typeof low === 'number' && typeof high === 'number' ? spreadOf(low, high, dtype) : sub(hi, lo);
  const scaled = add(mul(unit(operation, k, shape, dtype), spread), lo);
  const result = max(lo, scaled);
  return sameShape(result.aval.shape, shape) ? result : broadcastTo(result, shape);
}, 2);

/** high − low as the dtype rounds it. */
export function spreadOf(low: number, high: number, dtype: 'float32' | 'float64'): Value {
  return scalar(dtype === 'float64' ? high - low : Math.fround(Math.fround(high) - Math.fround(low)), dtype);
}

export interface UniformOptions extends FloatOptions {
  minval?: ArrayLike;
  maxval?: ArrayLike;
}

/**
 * Uniform in [minval, maxval), which are numbers or broadcast to `shape`.
 *
 * @example
 * uniform(key(0), [2, 3], { minval: -1, maxval: 1 }); // f32[2,3]
 */
export function uniform(k: ArrayLike, shape?: ShapeLike | UniformOptions, options?: UniformOptions): Value {
  const [size = [], given] = beforeOptions<ShapeLike, UniformOptions>(shape, options);
  const { minval = 0, maxval = 1, dtype } = optionsOf('uniform', given, ['dtype', 'minval', 'maxval']);
  for (const end of [minval, maxval]) toValue(end, 'uniform');
  return uniformOf('uniform', k, checkShape(size, 'uniform'), floatDType('uniform', { dtype }), minval, maxval);
}

/** A distribution without parameters: from a key, a shape (a scalar when left out) and options. */
export type Standard = (k: ArrayLike, shape?: ShapeLike | FloatOptions, options?: FloatOptions) => Value;

/** A distribution without parameters, from numbers that are uniform in [low, 1), where low depends on the dtype. */
const fromUniform = (name: string, low: { float32: number; float64: number }, f: (u: Value) => Value): Standard =>
  recorded((k, shape, options) => {
    const [size = [], given] = beforeOptions<ShapeLike, FloatOptions>(shape, options);
    const dtype = floatDType(name, given);
    return f(uniformOf(name, k, checkShape(size, name), dtype, low[dtype], 1));
  }, 1);

const tiny = { float32: 2 ** -126, float64: 2 ** -1022 };
const epsilon = { float32: 2 ** -23, float64: 2 ** -52 };
export const aboveMinusOne: { float32: number; float64: number } = { float32: 2 ** -24 - 1, float64: 2 ** -53 - 1 };

/**
 * Standard normal, by the inverse of the distribution function: √2 erf⁻¹(u) for u uniform in (−1, 1).
 *
 * @example
 * normal(key(0), [3, 4], { dtype: 'float64' }); // f64[3,4]
 */
export const normal: Standard = fromUniform('normal', aboveMinusOne, (u) => mul(erfInv(u), Math.SQRT2));
/** Exponential with mean 1. */
export const exponential: Standard = fromUniform('exponential', { float32: 0, float64: 0 }, (u) => neg(log1p(neg(u))));
/** Standard Gumbel: −log(−log u). */
export const gumbel: Standard = fromUniform('gumbel', tiny, (u) => neg(log(neg(log(u)))));
/** Standard Laplace, with density ½ e⁻|ˣ|. */
export const laplace: Standard = fromUniform('laplace', aboveMinusOne, (u) => mul(sign(u), log1p(neg(abs(u)))));
/** Standard logistic: log(u / (1 − u)). */
export const logistic: Standard = fromUniform('logistic', tiny, (u) => sub(log(u), log1p(neg(u))));
/** Standard Cauchy: tan π(u − ½). */
export const cauchy: Standard = fromUniform('cauchy', epsilon, (u) => tan(mul(Math.PI, sub(u, 0.5))));

/**
 * Standard normal between `lower` and `upper`, exclusively, which broadcast to `shape`; that of both together when left out.
 *
 * @example
 * truncatedNormal(key(0), -2, 2, [3]); // f32[3]
 */
export const truncatedNormal: (
  k: ArrayLike,
  lower: ArrayLike,
  upper: ArrayLike,
  shape?: ShapeLike | FloatOptions,
  options?: FloatOptions,
) => Value = recorded((k, lower, upper, shape, options) => {
  const name = 'truncatedNormal';
  const [size, given] = beforeOptions<ShapeLike, FloatOptions>(shape, options);
  const dtype = floatDType(name, given);
  const [low, high] = promote(name, [lower, upper]).map((end) => strengthen(convert(end, dtype))) as [Value, Value];
  const full = size === undefined ? broadcastShapes(low.shape, high.shape)! : checkShape(size, name);
  const mass = (end: Value): Value => erf(div(end, Math.SQRT2));
  const draw = mul(erfInv(uniformOf(name, k, full, dtype, mass(low), mass(high))), Math.SQRT2);
  // Rounding must not reach the ends.
  const inside = (end: Value, towards: number): Value => nextafter(stopGradient(end), towards);
  return min(max(draw, inside(low, Number.POSITIVE_INFINITY)), inside(high, Number.NEGATIVE_INFINITY));
}, 3);
