/** Slices at computed positions, as users call them. */
import { type ArrayLike, NDArray } from '../array.ts';
import type { ShapedArray } from '../core/aval.ts';
import { isInteger } from '../core/dtype.ts';
import { DtypeError, ShapeError } from '../core/errors.ts';
import { checkList } from '../core/options.ts';
import { checkShape, normalizeAxis, range, type Shape, sameShape } from '../core/shape.ts';
import { bind1, type Value } from '../core/trace.ts';
import { toValue } from '../promote.ts';
import { add } from './arithmetic.ts';
import { lt, select } from './compare.ts';
import { convert } from './convert.ts';
import { scalar } from './creation.ts';
import { checkStarts, clamp, dynamicSliceP, dynamicUpdateSliceP } from './dynamic-slice.ts';
import { reshape, strengthen } from './movement.ts';
import { indexInDim, slice, squeeze } from './slicing.ts';

/**
 * Start indices as int32 scalars. A negative one counts from the end, as in JAX. Known ones come back as numbers,
 * clamped, in `known`.
 */
function startIndices(operation: string, starts: readonly ArrayLike[] | NDArray, aval: ShapedArray, window: Shape) {
  if (!(starts instanceof NDArray)) checkList(operation, 'the start indices', starts);
  const list: readonly ArrayLike[] =
    starts instanceof NDArray ? range(starts.shape[0] ?? 0).map((i) => indexInDim(starts, i, 0, false)) : starts;
  const values = list.map((start, i) => {
    const value = toValue(start, operation);
    const integral = isInteger(value.aval.dtype) || (value.literal !== undefined && Number.isInteger(value.literal));
    if (value.aval.ndim !== 0 || !integral) {
      throw new DtypeError(`${operation}: start indices must be integer scalars, but number ${i} is ${value.aval}.`);
    }
    const n = aval.shape[i] ?? 0;
    if (value.literal !== undefined) return scalar(value.literal < 0 ? value.literal + n : value.literal, 'int32');
    const index = convert(value, 'int32');
    return select(lt(index, 0), add(index, n), index);
  });
  checkStarts(
    operation,
    aval,
    values.map((v) => v.aval),
    window,
  );
  const literal = values.every((v) => v.literal !== undefined);
  return { values, known: literal ? values.map((v, i) => clamp(v.literal!, aval.shape[i]! - window[i]!)) : undefined };
}

/**
 * The window of shape `sizes` at computed start indices: integer scalars, one an axis (or one integer vector). They are
 * clamped so that the window lies inside; negative ones count from the end.
 *
 * @example
 * dynamicSlice(x, [i, 0], [1, 4]); // row i of an f32[3,4], as f32[1,4]
 * @throws ShapeError when the window is larger than `x`
 */
export const dynamicSlice = (x: ArrayLike, starts: readonly ArrayLike[] | NDArray, sizes: Shape): Value =>
  sliceNamed('dynamicSlice', x, starts, sizes);

function sliceNamed(operation: string, x: ArrayLike, starts: readonly ArrayLike[] | NDArray, sizes: Shape): Value {
  const value = toValue(x, operation);
  const at = startIndices(operation, starts, value.aval, checkShape(sizes, operation));
  if (at.known) {
    return slice(
      value,
      at.known,
      at.known.map((start, i) => start + sizes[i]!),
    );
  }
  return bind1(dynamicSliceP, [value, ...at.values], { sliceSizes: sizes });
}

/**
 * `x` with `update`, of the same rank, written at computed start indices (see `dynamicSlice`).
 *
 * @throws ShapeError when the update is larger than `x`
 */
export const dynamicUpdateSlice = (x: ArrayLike, update: ArrayLike, starts: readonly ArrayLike[] | NDArray): Value =>
  updateNamed('dynamicUpdateSlice', x, update, starts);

function updateNamed(
  operation: string,
  x: ArrayLike,
  update: ArrayLike,
  starts: readonly ArrayLike[] | NDArray,
): Value {
  const value = strengthen(toValue(x, operation));
  const window = convert(toValue(update, operation), value.aval.dtype);
  const { values } = startIndices(operation, starts, value.aval, window.aval.shape);
  if (sameShape(window.aval.shape, value.aval.shape)) return window;
  return bind1(dynamicUpdateSliceP, [value, window, ...values]);
}

/** A window of `size` along one axis. */
export const dynamicSliceInDim = (x: ArrayLike, start: ArrayLike, size: number, axis = 0): Value =>
  alongAxis('dynamicSliceInDim', x, start, size, axis);

function alongAxis(operation: string, x: ArrayLike, start: ArrayLike, size: number, axis: number): Value {
  const value = toValue(x, operation);
  const along = axisOf(operation, value, axis);
  return sliceNamed(
    operation,
    value,
    value.aval.shape.map((_, i) => (i === along ? start : 0)),
    value.aval.shape.map((n, i) => (i === along ? size : n)),
  );
}

/** The element at a computed index along `axis`; with `keepdims` false that axis goes. */
export function dynamicIndexInDim(x: ArrayLike, index: ArrayLike, axis = 0, keepdims = true): Value {
  const value = toValue(x, 'dynamicIndexInDim');
  const along = axisOf('dynamicIndexInDim', value, axis);
  const taken = alongAxis('dynamicIndexInDim', value, index, 1, along);
  return keepdims ? taken : squeeze(taken, [along]);
}

/** `x` with `update` written at a computed index along `axis`. */
export const dynamicUpdateSliceInDim = (x: ArrayLike, update: ArrayLike, start: ArrayLike, axis = 0): Value =>
  updateAlong('dynamicUpdateSliceInDim', x, update, start, axis);

function updateAlong(operation: string, x: ArrayLike, update: ArrayLike, start: ArrayLike, axis: number): Value {
  const value = toValue(x, operation);
  const along = axisOf(operation, value, axis);
  return updateNamed(
    operation,
    value,
    update,
    value.aval.shape.map((_, i) => (i === along ? start : 0)),
  );
}

/** `x` with the element at a computed index along `axis` replaced; `update` may lack that axis. */
export function dynamicUpdateIndexInDim(x: ArrayLike, update: ArrayLike, index: ArrayLike, axis = 0): Value {
  const value = toValue(x, 'dynamicUpdateIndexInDim');
  const along = axisOf('dynamicUpdateIndexInDim', value, axis);
  const shape = value.aval.shape.map((n, i) => (i === along ? 1 : n));
  const element = reshape(toValue(update, 'dynamicUpdateIndexInDim'), shape);
  return updateAlong('dynamicUpdateIndexInDim', value, element, index, along);
}

function axisOf(operation: string, value: Value, axis: number): number {
  const along = normalizeAxis(axis, value.aval.ndim);
  if (along === undefined) throw new ShapeError(`${operation}: axis ${axis} is out of range for ${value.aval}.`);
  return along;
}
