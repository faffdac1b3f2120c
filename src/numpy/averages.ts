/** Means and variances over axes, under NumPy's names. */
import type { ArrayLike, NDArray } from '../array.ts';
import { type DType, isFloating } from '../core/dtype.ts';
import { CotangentError } from '../core/errors.ts';
import { naming, optionsOf } from '../core/options.ts';
import { recorded } from '../core/recorded.ts';
import type { Value } from '../core/trace.ts';
import { div, mul, sqrt, sub } from '../lax/arithmetic.ts';
import { select } from '../lax/compare.ts';
import { convert } from '../lax/convert.ts';
import { reshape } from '../lax/movement.ts';
import * as lax from '../lax/reductions.ts';
import { reduceAxes } from '../lax/reductions.ts';
import { promote, toFloating } from '../promote.ts';
import { type MaskedOptions, type ReduceOptions, sum, withMask } from './reductions.ts';

export interface MeanOptions extends MaskedOptions {
  /** The dtype to compute and return, where it is a floating one. */
  dtype?: DType;
}

export interface VarOptions extends MeanOptions {
  /** Delta degrees of freedom: the divisor is n − ddof. 0 when left out. */
  ddof?: number;
}

/** The options of variances, checked. */
export function varOptions(name: string, given: VarOptions): VarOptions {
  const { ddof = 0 } = optionsOf(name, given, ['axis', 'keepdims', 'ddof', 'where', 'dtype']);
  if (typeof ddof !== 'number') throw new CotangentError(`${name}: ddof must be a number, but it is ${naming(ddof)}.`);
  return given;
}

/** A floating operand, of the dtype that is asked for. */
export function operandIn(name: string, x: ArrayLike, dtype: DType | undefined): Value {
  const value = toFloating(x, name);
  return dtype && isFloating(dtype) ? convert(value, dtype) : value;
}

const countOver = (x: Value, axes: readonly number[]): number => axes.reduce((n, axis) => n * x.shape[axis]!, 1);

/** Arithmetic mean over axes. Integers and bools give float32. */
export const mean: (x: ArrayLike, given?: MeanOptions) => NDArray = recorded((x, given = {}) => {
  const { axis, keepdims, dtype, where } = optionsOf('mean', given, ['axis', 'keepdims', 'dtype', 'where']);
  const value = operandIn('mean', x, dtype);
  const options = { axis: reduceAxes('mean', value, axis), keepdims: keepdims ?? false };
  if (where === undefined) return div(lax.sum(value, options), countOver(value, options.axis));
  const [operand, mask] = withMask('mean', value, where);
  return div(sum(operand, { ...options, where: mask }), sum(convert(mask, operand.dtype), options));
});

function varianceNamed(name: string, x: ArrayLike, given: VarOptions): NDArray {
  const { axis, keepdims, ddof = 0, where, dtype } = varOptions(name, given);
  const value = operandIn(name, x, dtype);
  const options = { axis: reduceAxes(name, value, axis), keepdims: keepdims ?? false };
  if (where === undefined) {
    const centred = sub(value, mean(value, { axis: options.axis, keepdims: true }));
    return div(lax.sum(mul(centred, centred), options), countOver(value, options.axis) - ddof);
  }
  const [operand, mask] = withMask(name, value, where);
  const centred = select(mask, sub(operand, mean(operand, { axis: options.axis, keepdims: true, where: mask })), 0);
  return div(lax.sum(mul(centred, centred), options), sub(sum(convert(mask, operand.dtype), options), ddof));
}

/** Variance over axes: the mean of the squared distances from the mean. */
export const variance: (x: ArrayLike, options?: VarOptions) => NDArray = recorded((x, options = {}) =>
  varianceNamed('var', x, options),
);
export { variance as var };

/** Standard deviation over axes. */
export const std: (x: ArrayLike, options?: VarOptions) => NDArray = recorded((x, options = {}) =>
  sqrt(varianceNamed('std', x, options)),
);

export interface AverageOptions extends ReduceOptions {
  /** Weights that broadcast to `x`, or a vector along the one axis. */
  weights?: ArrayLike;
}

/** Weighted mean over axes. */
export const average: (x: ArrayLike, given?: AverageOptions) => NDArray = recorded((x, given = {}) => {
  const { weights, axis, keepdims } = optionsOf('average', given, ['weights', 'axis', 'keepdims']);
  const options = { axis: axis ?? null, keepdims: keepdims ?? false };
  const value = toFloating(x, 'average');
  if (weights === undefined) return mean(value, options);
  let weight = toFloating(weights, 'average');
  const axes = reduceAxes('average', value, axis);
  if (weight.ndim === 1 && value.ndim > 1 && axes.length === 1) {
    weight = reshape(
      weight,
      value.shape.map((_, i) => (i === axes[0] ? weight.size : 1)),
    );
  }
  const [a, w] = promote('average', [value, weight]);
  return div(lax.sum(mul(a!, w!), options), lax.sum(w!, options));
});
