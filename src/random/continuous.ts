/** Random numbers from continuous distributions. */

import type { ArrayLike } from '../array.ts';
import type { DType } from '../core/dtype.ts';
import { DtypeError } from '../core/errors.ts';
import { optionsOf } from '../core/options.ts';
import { recorded } from '../core/recorded.ts';
import { checkShape, type Shape, type ShapeLike, sameShape } from '../core/shape.ts';
import type { Value } from '../core/trace.ts';
import { add, max, mul, neg, sub } from '../lax/arithmetic.ts';
import { bitcastConvertType, convert } from '../lax/convert.ts';
import { scalar } from '../lax/creation.ts';
import { or, shiftRightLogical } from '../lax/logic.ts';
import { broadcastTo } from '../lax/movement.ts';
import { erfInv, log, log1p } from '../lax/transcendental.ts';
import { toValue } from '../promote.ts';
import { bits32, bits64 } from './keys.ts';

export interface FloatOptions {
  /** 'float32' when left out. */
  dtype?: DType;
}

function floatDType(operation: string, options: FloatOptions): 'float32' | 'float64' {
  const { dtype = 'float32' } = optionsOf(operation, options, ['dtype']);
  if (dtype !== 'float32' && dtype !== 'float64') {
    throw new DtypeError(`${operation}: needs a floating dtype, but got ${dtype}.`);
  }
  return dtype;
}

/** Multiples of 2⁻²³ or 2⁻⁵² in [0, 1). */
function unit(operation: string, k: ArrayLike, shape: Shape, dtype: 'float32' | 'float64'): Value {
  if (dtype === 'float32') {
    // 23 random bits as the fraction of a float in [1, 2).
    const fraction = shiftRightLogical(bits32(operation, k, shape), 9);
    return sub(bitcastConvertType(or(fraction, 0x3f800000), 'float32'), 1);
  }
  // The upper 52 of 64 bits: 32 + 20, the two terms of which do not overlap, so that nothing is rounded.
  const [high, low] = bits64(operation, k, shape);
  const upper = mul(convert(high, 'float64'), 2 ** -32);
  return add(upper, mul(convert(shiftRightLogical(low, 12), 'float64'), 2 ** -52));
}

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
});

/** high − low as the dtype rounds it. */
function spreadOf(low: number, high: number, dtype: 'float32' | 'float64'): Value {
  return scalar(dtype === 'float64' ? high - low : Math.fround(Math.fround(high) - Math.fround(low)), dtype);
}

/**
 * Uniform in [minval, maxval), which are numbers or broadcast to `shape`.
 *
 * @example
 * uniform(key(0), [2, 3], { minval: -1, maxval: 1 }); // f32[2,3]
 */
export function uniform(
  k: ArrayLike,
  shape: ShapeLike = [],
  given: FloatOptions & { minval?: ArrayLike; maxval?: ArrayLike } = {},
): Value {
  const { minval = 0, maxval = 1, dtype } = optionsOf('uniform', given, ['dtype', 'minval', 'maxval']);
  for (const end of [minval, maxval]) toValue(end, 'uniform');
  return uniformOf('uniform', k, checkShape(shape, 'uniform'), floatDType('uniform', { dtype }), minval, maxval);
}

/**
 * Standard normal, by the inverse of the distribution function: √2 erf⁻¹(u) for u uniform in (−1, 1).
 *
 * @example
 * normal(key(0), [3, 4], { dtype: 'float64' }); // f64[3,4]
 */
export const normal: (k: ArrayLike, shape?: ShapeLike, options?: FloatOptions) => Value = recorded(
  (k, shape = [], options = {}) => {
    const dtype = floatDType('normal', options);
    const aboveMinusOne = dtype === 'float32' ? -(1 - 2 ** -24) : -(1 - 2 ** -53);
    return mul(erfInv(uniformOf('normal', k, checkShape(shape, 'normal'), dtype, aboveMinusOne, 1)), Math.SQRT2);
  },
);

/** Exponential with mean 1. */
export function exponential(k: ArrayLike, shape: ShapeLike = [], options: FloatOptions = {}): Value {
  const list = checkShape(shape, 'exponential');
  return neg(log1p(neg(uniformOf('exponential', k, list, floatDType('exponential', options), 0, 1))));
}

/** Standard Gumbel: −log(−log u). */
export function gumbel(k: ArrayLike, shape: ShapeLike = [], options: FloatOptions = {}): Value {
  const dtype = floatDType('gumbel', options);
  const tiny = dtype === 'float32' ? 2 ** -126 : 2 ** -1022;
  return neg(log(neg(log(uniformOf('gumbel', k, checkShape(shape, 'gumbel'), dtype, tiny, 1)))));
}
