/** Folds over axes under NumPy's names. */
import type { ArrayLike, NDArray } from '../array.ts';
import type { DType } from '../core/dtype.ts';
import { CotangentError, ShapeError } from '../core/errors.ts';
import { optionsOf } from '../core/options.ts';
import { recorded } from '../core/recorded.ts';
import { broadcastShapes } from '../core/shape.ts';
import type { Value } from '../core/trace.ts';
import * as argreduce from '../lax/argreduce.ts';
import { sub } from '../lax/arithmetic.ts';
import { select } from '../lax/compare.ts';
import { convert } from '../lax/convert.ts';
import { broadcastTo, reshape } from '../lax/movement.ts';
import * as lax from '../lax/reductions.ts';
import { reduceAxes } from '../lax/reductions.ts';
import { broadcastError, toValue } from '../promote.ts';
import { add, maximum, minimum, multiply } from './elementwise.ts';

export interface ReduceOptions {
  /** Axis or axes to fold over; all when left out. */
  axis?: number | readonly number[] | null;
  /** Keep the folded axes with length 1. */
  keepdims?: boolean;
}

export interface MaskedOptions extends ReduceOptions {
  /** Elements to take, a bool array that broadcasts to `x`. */
  where?: ArrayLike;
}

export interface ExtremumOptions extends MaskedOptions {
  /** A number that takes part; the result where there are no elements. `where` needs it. */
  initial?: ArrayLike;
}

export interface SumOptions extends MaskedOptions {
  /** The dtype to compute and return. */
  dtype?: DType;
  /** What the fold begins with: 0 for a sum and 1 for a product when left out. */
  initial?: ArrayLike;
}

export interface ArgReduceOptions {
  /** The axis to search; the array as a vector when left out. */
  axis?: number | null;
  keepdims?: boolean;
}

export type Reduction<O extends ReduceOptions = ReduceOptions> = (x: ArrayLike, options?: O) => NDArray;
type Fold = (x: Value, options: ReduceOptions) => Value;

/** `x` and the mask of the elements to take, of one shape. */
export function withMask(name: string, x: Value, where: ArrayLike): [value: Value, mask: Value] {
  const mask = convert(toValue(where, name), 'bool');
  const shape = broadcastShapes(x.shape, mask.shape);
  if (!shape) throw broadcastError(name, [x, mask]);
  return [broadcastTo(x, shape), broadcastTo(mask, shape)];
}

/** Elements where `where` is true; `neutral` elsewhere. */
export function masked(name: string, x: Value, where: ArrayLike | undefined, neutral: ArrayLike): Value {
  if (where === undefined) return x;
  const [value, mask] = withMask(name, x, where);
  return select(mask, value, neutral);
}

/** What a fold begins with, of the dtype of what it folds. */
function beginning(name: string, initial: ArrayLike, dtype: DType): Value {
  const value = toValue(initial, name);
  if (value.ndim !== 0) throw new ShapeError(`${name}: \`initial\` must be one number, but it is ${value.aval}.`);
  return convert(value, dtype);
}

/** A sum or a product, of operands as `prepare` makes them. */
export const folded = (
  name: string,
  fold: Fold,
  neutral: number,
  join: (x: ArrayLike, y: ArrayLike) => NDArray,
  prepare: (x: Value) => Value = (x) => x,
): Reduction<SumOptions> =>
  recorded((x, given = {}) => {
    const { dtype, where, initial, axis, keepdims } = optionsOf(name, given, [
      'axis',
      'keepdims',
      'dtype',
      'where',
      'initial',
    ]);
    let value = prepare(toValue(x, name));
    if (dtype) value = convert(value, dtype);
    else if (value.aval.dtype === 'bool') value = convert(value, 'int32');
    value = masked(name, value, where, neutral);
    const result = fold(value, { axis: reduceAxes(name, value, axis), keepdims: keepdims ?? false });
    return initial === undefined ? result : join(result, beginning(name, initial, result.dtype));
  });

/**
 * Sum over axes. Bools are counted in int32.
 *
 * @example
 * np.sum(x, { axis: 0, keepdims: true });
 */
export const sum: Reduction<SumOptions> = folded('sum', lax.sum, 0, add);
/** Product over axes. */
export const prod: Reduction<SumOptions> = folded('prod', lax.prod, 1, multiply);

/** A largest or smallest element, of operands as `prepare` makes them. */
export const extremum = (
  name: string,
  fold: Fold,
  join: (x: ArrayLike, y: ArrayLike) => NDArray,
  prepare: (x: Value) => Value = (x) => x,
): Reduction<ExtremumOptions> =>
  recorded((x, given = {}) => {
    const { axis, keepdims, where, initial } = optionsOf(name, given, ['axis', 'keepdims', 'where', 'initial']);
    const operand = prepare(toValue(x, name));
    const { dtype } = operand.aval;
    // Bools are folded as what they count for.
    let value = dtype === 'bool' ? convert(operand, 'int32') : operand;
    const start = initial === undefined ? undefined : beginning(name, initial, value.dtype);
    if (where !== undefined) {
      if (!start)
        throw new CotangentError(`${name}: \`where\` needs \`initial\`, the result where no element is taken.`);
      value = masked(name, value, where, start);
    }
    const axes = reduceAxes(name, value, axis);
    const empty = axes.find((a) => value.shape[a] === 0);
    if (empty !== undefined && !start)
      throw new ShapeError(`${name}: ${operand.aval} has no elements along axis ${empty}.`);
    const options = { axis: axes, keepdims: keepdims ?? false };
    // Sums have a result of the right shape where extremes have none.
    const folded = empty === undefined ? fold(value, options) : broadcastTo(start!, lax.sum(value, options).shape);
    const result = start ? join(folded, start) : folded;
    return dtype === 'bool' ? convert(result, 'bool') : result;
  });
/** Largest element over axes; NaN where there is one. */
export const max: Reduction<ExtremumOptions> = extremum('max', lax.reduceMax, maximum);
/** Smallest element over axes; NaN where there is one. */
export const min: Reduction<ExtremumOptions> = extremum('min', lax.reduceMin, minimum);
export const amax: Reduction<ExtremumOptions> = max;
export const amin: Reduction<ExtremumOptions> = min;
/** Largest minus smallest element. */
export const ptp: Reduction = recorded((x, options = {}) => {
  const value = toValue(x, 'ptp');
  const checked = optionsOf('ptp', options, ['axis', 'keepdims']);
  return sub(max(value, checked), min(value, checked));
});

const quantifier = (name: string, fold: Fold, neutral: boolean): Reduction<MaskedOptions> =>
  recorded((x, given = {}) => {
    const { axis, keepdims, where } = optionsOf(name, given, ['axis', 'keepdims', 'where']);
    const value = masked(name, convert(toValue(x, name), 'bool'), where, neutral);
    return fold(value, { axis: reduceAxes(name, value, axis), keepdims: keepdims ?? false });
  });
/** Whether any element is not 0. */
export const any: Reduction<MaskedOptions> = quantifier('any', lax.any, false);
/** Whether no element is 0. */
export const all: Reduction<MaskedOptions> = quantifier('all', lax.all, true);

/** The number of elements that are not 0; int32. */
export const countNonzero: Reduction = recorded((x, options = {}) =>
  sum(convert(toValue(x, 'countNonzero'), 'bool'), optionsOf('countNonzero', options, ['axis', 'keepdims'])),
);

/** A search along one axis, or of the array as a vector. */
export const positionOf = (
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
