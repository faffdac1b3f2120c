/** Folds over axes under NumPy's names. */
import type { ArrayLike, NDArray } from '../array.ts';
import { type DType, isFloating } from '../core/dtype.ts';
import { CotangentError, ShapeError } from '../core/errors.ts';
import { checkNumbers, naming, optionsOf } from '../core/options.ts';
import { recorded } from '../core/recorded.ts';
import type { Value } from '../core/trace.ts';
import * as argreduce from '../lax/argreduce.ts';
import { div, mul, sqrt, sub } from '../lax/arithmetic.ts';
import { ne, select } from '../lax/compare.ts';
import { convert } from '../lax/convert.ts';
import { reshape } from '../lax/movement.ts';
import * as lax from '../lax/reductions.ts';
import { reduceAxes } from '../lax/reductions.ts';
import { promote, toFloating, toValue } from '../promote.ts';

export interface ReduceOptions {
  /** Axis or axes to fold over; all when left out. */
  axis?: number | readonly number[] | null;
  /** Keep the folded axes with length 1. */
  keepdims?: boolean;
}

export interface SumOptions extends ReduceOptions {
  /** The dtype to compute and return. */
  dtype?: DType;
  /** Elements to take, a bool array that broadcasts to `x`. */
  where?: ArrayLike;
}

export interface VarOptions extends ReduceOptions {
  /** Delta degrees of freedom: the divisor is n − ddof. 0 when left out. */
  ddof?: number;
}

export interface ArgReduceOptions {
  /** The axis to search; the array as a vector when left out. */
  axis?: number | null;
  keepdims?: boolean;
}

type Reduction = (x: ArrayLike, options?: ReduceOptions) => NDArray;

/** Elements where `where` is true; `neutral` elsewhere. */
function masked(name: string, x: Value, where: ArrayLike | undefined, neutral: number): Value {
  if (where === undefined) return x;
  const [value, mask] = promoteMask(name, x, where);
  return select(mask, value, neutral);
}

function promoteMask(name: string, x: Value, where: ArrayLike): [Value, Value] {
  const mask = convert(toValue(where, name), 'bool');
  const [value] = promote(name, [x, convert(mask, x.dtype)]);
  return [value!, mask];
}

const folded = (
  name: string,
  fold: (x: Value, options: ReduceOptions) => Value,
  neutral: number,
): ((x: ArrayLike, options?: SumOptions) => NDArray) =>
  recorded((x, given = {}) => {
    const { dtype, where, axis, keepdims } = optionsOf(name, given, ['axis', 'keepdims', 'dtype', 'where']);
    let value = toValue(x, name);
    if (dtype) value = convert(value, dtype);
    else if (value.aval.dtype === 'bool') value = convert(value, 'int32');
    value = masked(name, value, where, neutral);
    return fold(value, { axis: reduceAxes(name, value, axis), keepdims: keepdims ?? false });
  });

/**
 * Sum over axes. Bools are counted in int32.
 *
 * @example
 * np.sum(x, { axis: 0, keepdims: true });
 */
export const sum: (x: ArrayLike, options?: SumOptions) => NDArray = folded('sum', lax.sum, 0);
/** Product over axes. */
export const prod: (x: ArrayLike, options?: SumOptions) => NDArray = folded('prod', lax.prod, 1);

const extremum = (name: string, fold: (x: Value, options: ReduceOptions) => Value): Reduction =>
  recorded((x, given = {}) => {
    const { axis, keepdims } = optionsOf(name, given, ['axis', 'keepdims']);
    const value = toValue(x, name);
    const axes = reduceAxes(name, value, axis);
    if (axes.some((a) => value.shape[a] === 0)) {
      throw new ShapeError(
        `${name}: ${value.aval} has no elements along axis ${axes.find((a) => value.shape[a] === 0)}.`,
      );
    }
    const bool = value.aval.dtype === 'bool';
    const result = fold(bool ? convert(value, 'int32') : value, { axis: axes, keepdims: keepdims ?? false });
    return bool ? convert(result, 'bool') : result;
  });
/** Largest element over axes; NaN where there is one. */
export const max: Reduction = extremum('max', lax.reduceMax);
/** Smallest element over axes; NaN where there is one. */
export const min: Reduction = extremum('min', lax.reduceMin);
export const amax: Reduction = max;
export const amin: Reduction = min;
/** Largest minus smallest element. */
export const ptp: Reduction = recorded((x, options = {}) => {
  const value = toValue(x, 'ptp');
  const checked = optionsOf('ptp', options, ['axis', 'keepdims']);
  return sub(max(value, checked), min(value, checked));
});

const quantifier = (name: string, fold: (x: Value, options: ReduceOptions) => Value): Reduction =>
  recorded((x, given = {}) => {
    const { axis, keepdims } = optionsOf(name, given, ['axis', 'keepdims']);
    const value = convert(toValue(x, name), 'bool');
    return fold(value, { axis: reduceAxes(name, value, axis), keepdims: keepdims ?? false });
  });
/** Whether any element is not 0. */
export const any: Reduction = quantifier('any', lax.any);
/** Whether no element is 0. */
export const all: Reduction = quantifier('all', lax.all);

const positionOf = (
  name: string,
  fold: (x: Value, options: { axis: number; keepdims: boolean }) => Value,
): ((x: ArrayLike, options?: ArgReduceOptions) => NDArray) =>
  recorded((x, given = {}) => {
    const { axis, keepdims = false } = optionsOf(name, given, ['axis', 'keepdims']);
    const value = toValue(x, name);
    const flat = axis === undefined || axis === null;
    const operand = flat ? reshape(value, [value.size]) : value;
    const [along] = reduceAxes(name, operand, flat ? 0 : axis) as [number];
    if (operand.shape[along] === 0) throw new ShapeError(`${name}: ${value.aval} has no elements along axis ${along}.`);
    const number = operand.aval.dtype === 'bool' ? convert(operand, 'int32') : operand;
    const result = fold(number, { axis: along, keepdims: keepdims && !flat });
    return flat && keepdims ? reshape(result, new Array<number>(value.ndim).fill(1)) : result;
  });
/** Index of the first largest element, or of the first NaN; int32. */
export const argmax: (x: ArrayLike, options?: ArgReduceOptions) => NDArray = positionOf('argmax', argreduce.argmax);
/** Index of the first smallest element, or of the first NaN; int32. */
export const argmin: (x: ArrayLike, options?: ArgReduceOptions) => NDArray = positionOf('argmin', argreduce.argmin);

const countOver = (x: Value, axes: readonly number[]): number => axes.reduce((n, axis) => n * x.shape[axis]!, 1);

/** Arithmetic mean over axes. Integers and bools give float32. */
export const mean: (x: ArrayLike, given?: SumOptions) => NDArray = recorded((x, given = {}) => {
  const { axis, keepdims, dtype, where } = optionsOf('mean', given, ['axis', 'keepdims', 'dtype', 'where']);
  let value = toFloating(x, 'mean');
  if (dtype && isFloating(dtype)) value = convert(value, dtype);
  const axes = reduceAxes('mean', value, axis);
  if (where === undefined)
    return div(lax.sum(value, { axis: axes, keepdims: keepdims ?? false }), countOver(value, axes));
  const [operand, mask] = promoteMask('mean', value, where);
  const options = { axis: axes, keepdims: keepdims ?? false };
  return div(sum(operand, { ...options, where: mask }), sum(convert(mask, operand.dtype), options));
});

function varianceNamed(name: string, x: ArrayLike, given: VarOptions): NDArray {
  const { axis, keepdims, ddof = 0 } = optionsOf(name, given, ['axis', 'keepdims', 'ddof']);
  if (typeof ddof !== 'number') throw new CotangentError(`${name}: ddof must be a number, but it is ${naming(ddof)}.`);
  const value = toFloating(x, name);
  const axes = reduceAxes(name, value, axis);
  const centred = sub(value, mean(value, { axis: axes, keepdims: true }));
  return div(
    lax.sum(mul(centred, centred), { axis: axes, keepdims: keepdims ?? false }),
    countOver(value, axes) - ddof,
  );
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

/** The number of elements that are not 0; int32. */
export const countNonzero: Reduction = recorded((x, options = {}) =>
  sum(convert(toValue(x, 'countNonzero'), 'bool'), optionsOf('countNonzero', options, ['axis', 'keepdims'])),
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

const isNaNOf = (x: Value): Value => ne(x, x);
const ignoringNaN = (
  name: string,
  neutral: number,
  fold: (x: ArrayLike, options?: ReduceOptions) => NDArray,
): Reduction =>
  recorded((x, options) => {
    const value = toValue(x, name);
    if (options) {
      const { where }: SumOptions = optionsOf(name, options, ['axis', 'keepdims', 'dtype', 'where']);
      if (where !== undefined) toValue(where, name);
    }
    return fold(isFloating(value.aval.dtype) ? select(isNaNOf(value), neutral, value) : value, options);
  });
/** Sum of the elements that are not NaN. */
export const nansum: Reduction = ignoringNaN('nansum', 0, sum);
export const nanprod: Reduction = ignoringNaN('nanprod', 1, prod);
const nanExtremum = (name: string, neutral: number, fold: Reduction): Reduction =>
  recorded((x, options) => {
    const value = toValue(x, name);
    if (!isFloating(value.aval.dtype)) return fold(value, options);
    const checked = optionsOf(name, options ?? {}, ['axis', 'keepdims']);
    const missing = isNaNOf(value);
    return select(all(missing, checked), Number.NaN, fold(select(missing, neutral, value), options));
  });
/** Largest element that is not NaN; NaN where there is none. */
export const nanmax: Reduction = nanExtremum('nanmax', Number.NEGATIVE_INFINITY, max);
export const nanmin: Reduction = nanExtremum('nanmin', Number.POSITIVE_INFINITY, min);
const nanPosition = (
  name: string,
  neutral: number,
  fold: (x: Value, options: { axis: number; keepdims: boolean }) => Value,
) =>
  positionOf(name, (x, options) => {
    if (!x.aval.isFloating) return fold(x, options);
    const missing = ne(x, x);
    return select(lax.all(missing, options), -1, fold(select(missing, neutral, x), options));
  });
/** Index of the first largest element that is not NaN; int32, −1 where there is none. */
export const nanargmax: (x: ArrayLike, options?: ArgReduceOptions) => NDArray = nanPosition(
  'nanargmax',
  Number.NEGATIVE_INFINITY,
  argreduce.argmax,
);
/** Index of the first smallest element that is not NaN; int32, −1 where there is none. */
export const nanargmin: (x: ArrayLike, options?: ArgReduceOptions) => NDArray = nanPosition(
  'nanargmin',
  Number.POSITIVE_INFINITY,
  argreduce.argmin,
);
/** Mean of the elements that are not NaN. */
export const nanmean: Reduction = recorded((x, options = {}) => {
  const value = toFloating(x, 'nanmean');
  optionsOf('nanmean', options, ['axis', 'keepdims']);
  return div(nansum(value, options), sum(convert(ne(isNaNOf(value), true), value.dtype), options));
});
/** Variance of the elements that are not NaN. */
export const nanvar: (x: ArrayLike, given?: VarOptions) => NDArray = recorded((x, given = {}) => {
  return nanVariance('nanvar', x, given);
});

function nanVariance(name: string, x: ArrayLike, given: VarOptions): NDArray {
  const { axis, keepdims, ddof = 0 } = optionsOf(name, given, ['axis', 'keepdims', 'ddof']);
  checkNumbers(name, given, ['ddof']);
  const value = toFloating(x, name);
  const options = { axis: axis ?? null, keepdims: keepdims ?? false };
  const missing = isNaNOf(value);
  const centred = select(missing, 0, sub(value, nanmean(value, { ...options, keepdims: true })));
  const count = sum(convert(ne(missing, true), value.dtype), options);
  return div(lax.sum(mul(centred, centred), options), sub(count, ddof));
}
export const nanstd: (x: ArrayLike, options?: VarOptions) => NDArray = recorded((x, options = {}) =>
  sqrt(nanVariance('nanstd', x, options)),
);
