/** Copies with elements put in, taken out or replaced. */
import type { ArrayLike, NDArray } from '../array.ts';
import { CotangentError, ShapeError } from '../core/errors.ts';
import { checkChoice, checkList, naming, optionsOf } from '../core/options.ts';
import { recorded } from '../core/recorded.ts';
import { range, type Shape } from '../core/shape.ts';
import type { Value } from '../core/trace.ts';
import { broadcastedIota } from '../lax/creation.ts';
import { indexUpdate } from '../lax/indexing.ts';
import { broadcastTo, reshape } from '../lax/movement.ts';
import { promoteDTypes, toValue } from '../promote.ts';
import { strong } from './array.ts';
import { indices, take } from './indexing.ts';
import { concatenate } from './joining.ts';
import { axisOf, moveaxis, operand, ravel } from './shape.ts';

export interface EditOptions {
  /** The axis along which slices are put in or taken out; the elements as a vector when left out. */
  axis?: number | null;
}

/** Positions that the shape of a result depends on, counted from the front. */
function knownPositions(operation: string, index: number | readonly number[], n: number, most: number): number[] {
  const list = typeof index === 'number' ? [index] : index;
  checkList(operation, 'the positions', list);
  return list.map((i) => {
    if (!Number.isInteger(i))
      throw new CotangentError(`${operation}: a position must be an integer, but it is ${naming(i)}.`);
    if (i < -n || i > most) throw new ShapeError(`${operation}: position ${i} is out of range for ${n} elements.`);
    return i < 0 ? i + n : i;
  });
}

/** The array, or its elements as a vector, and the axis. */
function along(operation: string, x: ArrayLike, given: EditOptions): { value: Value; axis: number } {
  const { axis = null } = optionsOf(operation, given, ['axis']);
  const value = axis === null ? ravel(operand(x, operation)) : operand(x, operation);
  return { value, axis: axisOf(value, axis ?? 0, operation) };
}

/**
 * Without the slices at the given positions, one or a list of integers.
 *
 * @example
 * np.delete(np.array([1, 2, 3, 4]), [0, -1]); // [2. 3.]
 */
const remove: (x: ArrayLike, index: number | readonly number[], given?: EditOptions) => NDArray = recorded(
  (x, index, given = {}) => {
    const { value, axis } = along('delete', x, given);
    const n = value.shape[axis]!;
    const gone = new Set(knownPositions('delete', index, n, n - 1));
    return take(
      value,
      range(n).filter((i) => !gone.has(i)),
      { axis },
    );
  },
);

export { remove as delete };

/**
 * With `values` in front of the given positions of `x` as it was: slices for one position, or one slice for each of a list.
 *
 * @example
 * np.insert(np.array([1, 2, 3]), 1, 9); // [1. 9. 2. 3.]
 * np.insert(np.array([1, 2, 3]), [0, 3], np.array([8, 9])); // [8. 1. 2. 3. 9.]
 */
export const insert: (
  x: ArrayLike,
  index: number | readonly number[],
  values: ArrayLike,
  given?: EditOptions,
) => NDArray = recorded((x, index, values, given = {}) => {
  const { value, axis } = along('insert', x, given);
  const n = value.shape[axis]!;
  const places = knownPositions('insert', index, n, n);
  const raw = toValue(values, 'insert').astype(value.dtype);
  let added: Value = reshape(raw, [...range(value.ndim - raw.ndim).map(() => 1), ...raw.shape]);
  if (typeof index === 'number') added = moveaxis(added, 0, axis);
  const count = places.length === 1 ? added.shape[axis]! : places.length;
  added = broadcastTo(added, lengthAlong(value.shape, axis, count));
  // Where the slices of both stand behind one another: those of x, and those that come in, before each of which are all
  // of x that are in front of its place.
  const order: [place: number, from: number][] = [
    ...range(n).map((i): [number, number] => [i + 0.5, i]),
    ...range(count).map((i): [number, number] => [places.length === 1 ? places[0]! : places[i]!, n + i]),
  ];
  order.sort(([a], [b]) => a - b);
  return take(
    concatenate([value, added], { axis }),
    order.map(([, from]) => from),
    { axis },
  );
});

const lengthAlong = (shape: Shape, axis: number, length: number): Shape =>
  shape.map((n, i) => (i === axis ? length : n));

/**
 * With `value` on the diagonal of a matrix; NumPy's writes into its argument. `wrap` goes on below, for tall matrices.
 *
 * @example
 * np.fillDiagonal(np.ones([2, 2]), 0); // [[0. 1.] [1. 0.]]
 */
export const fillDiagonal: (x: ArrayLike, value: ArrayLike, given?: { wrap?: boolean }) => NDArray = recorded(
  (x, value, given = {}) => {
    const { wrap = false } = optionsOf('fillDiagonal', given, ['wrap']);
    checkChoice('fillDiagonal', '`wrap`', wrap, [true, false]);
    const matrix = strong(operand(x, 'fillDiagonal'));
    if (matrix.ndim !== 2) throw new ShapeError(`fillDiagonal: needs a matrix, but got ${matrix.aval}.`);
    const [rows, columns] = matrix.shape as [number, number];
    const end = wrap ? rows * columns : Math.min(rows, columns) * columns;
    const flat = reshape(matrix, [rows * columns]);
    return reshape(indexUpdate(flat, [[0, end, columns + 1]], toValue(value, 'fillDiagonal'), 'set'), matrix.shape);
  },
);

/** With `values` where `takeAlongAxis(x, index)` reads; NumPy's writes into its argument. */
export const putAlongAxis: (
  x: ArrayLike,
  index: ArrayLike,
  values: ArrayLike,
  given?: { axis?: number | null },
) => NDArray = recorded((x, index, values, given = {}) => {
  const { axis = -1 } = optionsOf('putAlongAxis', given, ['axis']);
  const original = strong(operand(x, 'putAlongAxis'));
  const value = axis === null ? ravel(original) : original;
  const positions = axis === null ? ravel(indices(index, 'putAlongAxis')) : indices(index, 'putAlongAxis');
  const at = axisOf(value, axis ?? 0, 'putAlongAxis');
  if (positions.ndim !== value.ndim)
    throw new ShapeError(`putAlongAxis: ${value.aval} and indices ${positions.aval} differ in rank.`);
  const shape = lengthAlong(value.shape, at, positions.shape[at]!);
  const places = shape.map((_, i) => (i === at ? broadcastTo(positions, shape) : broadcastedIota('int32', shape, i)));
  const [, written] = promoteDTypes('putAlongAxis', [value, values]);
  return reshape(indexUpdate(value, places, written!, 'set'), original.shape);
});
