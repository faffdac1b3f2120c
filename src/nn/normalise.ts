/** Functions that look along an axis: softmax, one-hot vectors, standardisation. */
import type { ArrayLike, NDArray } from '../array.ts';
import type { DType } from '../core/dtype.ts';
import { optionsOf } from '../core/options.ts';
import { recorded } from '../core/recorded.ts';
import { checkShape } from '../core/shape.ts';
import { add, div, max, mul, rsqrt, sub } from '../lax/arithmetic.ts';
import { eq } from '../lax/compare.ts';
import { convert } from '../lax/convert.ts';
import { iota } from '../lax/creation.ts';
import { reduceAxes, reduceMax, sum } from '../lax/reductions.ts';
import { stopGradient } from '../lax/stop-gradient.ts';
import { exp, log } from '../lax/transcendental.ts';
import { strong } from '../numpy/array.ts';
import { mean } from '../numpy/averages.ts';
import { expandDims, moveaxis } from '../numpy/shape.ts';
import { toFloating, toValue } from '../promote.ts';

export interface AxisOptions {
  /** Axis or axes to sum over; the last when left out. */
  axis?: number | readonly number[];
}

/** eˣ / Σ eˣ. The largest element is taken out first; that shift cancels, so derivatives do not pass through it. */
export const softmax: (x: ArrayLike, given?: AxisOptions) => NDArray = recorded((x, given = {}) => {
  const { axis: along = -1 } = optionsOf('softmax', given, ['axis']);
  const value = strong(toFloating(x, 'softmax'));
  const axis = reduceAxes('softmax', value, along);
  const terms = exp(sub(value, stopGradient(reduceMax(value, { axis, keepdims: true }))));
  return div(terms, sum(terms, { axis, keepdims: true }));
});

/** log softmax(x), without overflow or loss of small probabilities. */
export const logSoftmax: (x: ArrayLike, given?: AxisOptions) => NDArray = recorded((x, given = {}) => {
  const { axis: along = -1 } = optionsOf('logSoftmax', given, ['axis']);
  const value = strong(toFloating(x, 'logSoftmax'));
  const axis = reduceAxes('logSoftmax', value, along);
  const shifted = sub(value, stopGradient(reduceMax(value, { axis, keepdims: true })));
  return sub(shifted, log(sum(exp(shifted), { axis, keepdims: true })));
});

/** Vectors of length `classes`, on a new axis (the last): 1 at the position that `x` holds, 0 elsewhere. */
export const oneHot: (x: ArrayLike, classes: number, given?: { dtype?: DType; axis?: number }) => NDArray = recorded(
  (x, classes, given = {}) => {
    const { dtype = 'float32', axis = -1 } = optionsOf('oneHot', given, ['dtype', 'axis']);
    checkShape(classes, 'oneHot');
    const value = convert(toValue(x, 'oneHot'), 'int32');
    const hot = convert(eq(expandDims(value, -1), iota('int32', classes)), dtype);
    return axis === -1 ? hot : moveaxis(hot, -1, axis);
  },
);

/** Mean 0 and variance 1 along an axis. */
export const standardize: (x: ArrayLike, given?: AxisOptions & { epsilon?: ArrayLike }) => NDArray = recorded(
  (x, given = {}) => {
    const { axis: along = -1, epsilon = 1e-5 } = optionsOf('standardize', given, ['axis', 'epsilon']);
    const value = strong(toFloating(x, 'standardize'));
    const axis = reduceAxes('standardize', value, along);
    const centred = sub(value, mean(value, { axis, keepdims: true }));
    const variance = max(mean(mul(centred, centred), { axis, keepdims: true }), 0);
    return mul(centred, rsqrt(add(variance, toValue(epsilon, 'standardize'))));
  },
);
