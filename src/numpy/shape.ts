/** The same elements in other shapes and orders of axes. */
import type { ArrayLike, NDArray } from '../array.ts';
import { ShapeError } from '../core/errors.ts';
import { checkIntegers, checkList, naming, optionsOf } from '../core/options.ts';
import { recorded } from '../core/recorded.ts';
import { checkShape, broadcastShapes as commonShape, normalizeAxis, range, type Shape } from '../core/shape.ts';
import type { Value } from '../core/trace.ts';
import * as movement from '../lax/movement.ts';
import { reverse } from '../lax/slicing.ts';
import { broadcastError, toValue } from '../promote.ts';
import { strong } from './array.ts';
import { type ShapeLike, toShape } from './creation.ts';

/** An operand whose shape will change: a number alone becomes a float32 array. */
export const operand = (x: ArrayLike, operation: string): Value => strong(toValue(x, operation));

export function axisOf(x: Value, axis: number, operation: string, rank: number = x.ndim): number {
  const normal = normalizeAxis(axis, rank);
  if (normal === undefined) throw new ShapeError(`${operation}: axis ${axis} is out of range for ${x.aval}.`);
  return normal;
}

export function axesOf(x: Value, axes: number | readonly number[], operation: string, rank?: number): number[] {
  checkIntegers(operation, 'axis', axes);
  return (typeof axes === 'number' ? [axes] : axes).map((axis) => axisOf(x, axis, operation, rank));
}

/**
 * The same elements, row-major, in another shape; one length may be −1.
 *
 * @throws ShapeError when the number of elements differs
 */
export const reshape = (x: ArrayLike, shape: ShapeLike): NDArray =>
  movement.reshape(operand(x, 'reshape'), typeof shape === 'number' ? [shape] : shape);

/** The elements as a vector. */
export function ravel(x: ArrayLike): NDArray {
  const value = operand(x, 'ravel');
  return value.ndim === 1 ? value : movement.reshape(value, [-1]);
}

/** Axes in another order; reversed when none is given. */
export const transpose: (x: ArrayLike, axes?: readonly number[] | null) => NDArray = recorded((x, axes) => {
  const value = operand(x, 'transpose');
  if (!axes) return movement.transpose(value);
  const order = axesOf(value, axes, 'transpose');
  if (order.length !== value.ndim || new Set(order).size !== order.length) {
    throw new ShapeError(`transpose: [${axes}] is not a permutation of the axes of ${value.aval}.`);
  }
  return movement.transpose(value, order);
});

/** The last two axes exchanged, for stacks of matrices. */
export function matrixTranspose(x: ArrayLike): NDArray {
  const value = operand(x, 'matrixTranspose');
  if (value.ndim < 2) throw new ShapeError(`matrixTranspose: needs at least two axes, but got ${value.aval}.`);
  return swapaxes(value, -1, -2);
}

/** Axes `source` moved to the positions `destination`; the others keep their order. */
export const moveaxis: (
  x: ArrayLike,
  source: number | readonly number[],
  destination: number | readonly number[],
) => NDArray = recorded((x, source, destination) => {
  const value = operand(x, 'moveaxis');
  const from = axesOf(value, source, 'moveaxis');
  const to = axesOf(value, destination, 'moveaxis');
  if (from.length !== to.length)
    throw new ShapeError(`moveaxis: ${from.length} axes cannot move to ${to.length} positions.`);
  const order = range(value.ndim).filter((axis) => !from.includes(axis));
  for (const [position, axis] of to.map((t, i) => [t, from[i]!] as const).sort((p, q) => p[0] - q[0])) {
    order.splice(position, 0, axis);
  }
  return movement.transpose(value, order);
});

/** Two axes exchanged. */
export const swapaxes: (x: ArrayLike, a: number, b: number) => NDArray = recorded((x, a, b) => {
  const value = operand(x, 'swapaxes');
  const order = range(value.ndim);
  const [i, j] = axesOf(value, [a, b], 'swapaxes') as [number, number];
  [order[i], order[j]] = [order[j]!, order[i]!];
  return movement.transpose(value, order);
});

/** With new axes of length 1 at the given positions of the result. */
export function expandDims(x: ArrayLike, axis: number | readonly number[]): NDArray {
  const value = operand(x, 'expandDims');
  checkIntegers('expandDims', 'axis', axis);
  const rank = value.ndim + (typeof axis === 'number' ? 1 : axis.length);
  const added = axesOf(value, axis, 'expandDims', rank);
  const own = [...value.shape];
  return movement.reshape(
    value,
    range(rank).map((i) => (added.includes(i) ? 1 : own.shift()!)),
  );
}

/** Without axes of length 1: all of them, or those named. */
export function squeeze(x: ArrayLike, given: { axis?: number | readonly number[] | null } = {}): NDArray {
  const { axis } = optionsOf('squeeze', given, ['axis']);
  const value = operand(x, 'squeeze');
  const dropped =
    axis === undefined || axis === null
      ? range(value.ndim).filter((i) => value.shape[i] === 1)
      : axesOf(value, axis, 'squeeze');
  for (const i of dropped) {
    if (value.shape[i] !== 1)
      throw new ShapeError(`squeeze: axis ${i} of ${value.aval} has length ${value.shape[i]}, not 1.`);
  }
  return movement.reshape(
    value,
    value.shape.filter((_, i) => !dropped.includes(i)),
  );
}

/** Repeats along new and length-1 axes until `x` has the shape. */
export const broadcastTo = (x: ArrayLike, shape: ShapeLike): NDArray =>
  movement.broadcastTo(operand(x, 'broadcastTo'), toShape(shape, 'broadcastTo'));

/** All arrays in their common shape. */
export function broadcastArrays(arrays: readonly ArrayLike[]): NDArray[] {
  checkList('broadcastArrays', 'the first argument', arrays);
  const values = arrays.map((x) => operand(x, 'broadcastArrays'));
  const shape = commonShape(...values.map((v) => v.shape));
  if (!shape) throw broadcastError('broadcastArrays', values);
  return values.map((v) => movement.broadcastTo(v, shape));
}

/**
 * The shape that arrays of these shapes broadcast to.
 *
 * @example
 * np.broadcastShapes([3, 1], [4]); // [3, 4]
 */
export function broadcastShapes(...shapes: ShapeLike[]): Shape {
  const lists = shapes.map((s) => checkShape(s, 'broadcastShapes'));
  const common = commonShape(...lists);
  if (!common)
    throw new ShapeError(
      `broadcastShapes: shapes ${lists.map((s) => `[${s.join(', ')}]`).join(' and ')} do not broadcast together.`,
    );
  return common;
}

/** The axis moved before another: NumPy's older `moveaxis`. */
export function rollaxis(x: ArrayLike, axis: number, start = 0): NDArray {
  const value = operand(x, 'rollaxis');
  const from = axisOf(value, axis, 'rollaxis');
  if (!Number.isInteger(start) || start < -value.ndim || start > value.ndim)
    throw new ShapeError(`rollaxis: start ${naming(start)} is out of range for ${value.aval}.`);
  const before = start < 0 ? start + value.ndim : start;
  return moveaxis(value, from, before > from ? before - 1 : before);
}

const atLeast =
  (name: string, fit: (shape: Shape) => Shape) =>
  (x: ArrayLike): NDArray => {
    const value = operand(x, name);
    return movement.reshape(value, fit(value.shape));
  };
/** As an array of one axis or more. */
export const atleast1d: (x: ArrayLike) => NDArray = atLeast('atleast1d', (s) => (s.length ? s : [1]));
/** As an array of two axes or more: a vector becomes a row. */
export const atleast2d: (x: ArrayLike) => NDArray = atLeast('atleast2d', (s) =>
  s.length === 0 ? [1, 1] : s.length === 1 ? [1, ...s] : s,
);
/** As an array of three axes or more. */
export const atleast3d: (x: ArrayLike) => NDArray = atLeast('atleast3d', (s) =>
  s.length === 0 ? [1, 1, 1] : s.length === 1 ? [1, ...s, 1] : s.length === 2 ? [...s, 1] : s,
);

/** Elements in reverse order along all axes, or those named. */
export const flip: (x: ArrayLike, given?: { axis?: number | readonly number[] | null }) => NDArray = recorded(
  (x, given = {}) => {
    const { axis } = optionsOf('flip', given, ['axis']);
    const value = operand(x, 'flip');
    const axes = axis === undefined || axis === null ? range(value.ndim) : axesOf(value, axis, 'flip');
    return axes.length === 0 ? value : reverse(value, axes);
  },
);
const reversed = (name: string, x: ArrayLike, axis: number): NDArray => {
  const value = operand(x, name);
  return reverse(value, [axisOf(value, axis, name)]);
};
/** Columns in reverse order. */
export const fliplr = (x: ArrayLike): NDArray => reversed('fliplr', x, 1);
/** Rows in reverse order. */
export const flipud = (x: ArrayLike): NDArray => reversed('flipud', x, 0);

/** A quarter turn, `times` times, from the first axis of `axes` towards the second. */
export const rot90: (x: ArrayLike, times?: number, given?: { axes?: readonly [number, number] }) => NDArray = recorded(
  (x, times = 1, given = {}) => {
    const { axes = [0, 1] } = optionsOf('rot90', given, ['axes']);
    if (!Number.isInteger(times))
      throw new ShapeError(`rot90: the number of turns must be an integer, but it is ${naming(times)}.`);
    const value = operand(x, 'rot90');
    const [a, b] = axesOf(value, axes, 'rot90') as [number, number];
    if (a === b) throw new ShapeError('rot90: the two axes must differ.');
    switch (((times % 4) + 4) % 4) {
      case 1:
        return flip(swapaxes(value, a, b), { axis: a });
      case 2:
        return flip(value, { axis: [a, b] });
      case 3:
        return swapaxes(flip(value, { axis: a }), a, b);
      default:
        return value;
    }
  },
);

/** Lengths of the axes. */
export const shape = (x: ArrayLike): Shape => toValue(x, 'shape').shape;
/** The number of axes. */
export const ndim = (x: ArrayLike): number => toValue(x, 'ndim').ndim;
/** The number of elements, or the length of one axis. */
export function size(x: ArrayLike, given: { axis?: number } = {}): number {
  const { axis } = optionsOf('size', given, ['axis']);
  const value = toValue(x, 'size');
  return axis === undefined ? value.size : value.shape[axisOf(value, axis, 'size')]!;
}
