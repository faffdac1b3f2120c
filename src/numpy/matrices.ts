/** Diagonals and triangles of matrices. */
import type { ArrayLike, NDArray } from '../array.ts';
import { ShapeError } from '../core/errors.ts';
import { checkNumbers, optionsOf } from '../core/options.ts';
import { keptList, recorded } from '../core/recorded.ts';
import { checkCount, checkShape, range } from '../core/shape.ts';
import type { Value } from '../core/trace.ts';
import { add } from '../lax/arithmetic.ts';
import { ge, le, select } from '../lax/compare.ts';
import { convert } from '../lax/convert.ts';
import { iota, scalar } from '../lax/creation.ts';
import { broadcastTo, reshape, transpose } from '../lax/movement.ts';
import { sum } from '../lax/reductions.ts';
import * as slicing from '../lax/slicing.ts';
import { toValue } from '../promote.ts';
import { fromData, strong } from './array.ts';
import { power } from './elementwise.ts';
import { axesOf, operand } from './shape.ts';

export interface DiagonalOptions {
  /** Which diagonal: column − row. 0 when left out. */
  offset?: number;
  /** The axes of rows and columns, the first two when left out. */
  axis1?: number;
  axis2?: number;
}

/** The diagonal of a matrix, or of each matrix in a stack: it is the last axis of the result. */
export const diagonal: (x: ArrayLike, given?: DiagonalOptions) => NDArray = recorded((x, given = {}) => {
  const { offset = 0, axis1 = 0, axis2 = 1 } = optionsOf('diagonal', given, ['offset', 'axis1', 'axis2']);
  return diagonalOf('diagonal', operand(x, 'diagonal'), offset, axis1, axis2);
});

/** Row-major, a diagonal is a slice with stride (columns + 1). */
export function diagonalOf(name: string, value: Value, offset: number, axis1: number, axis2: number): Value {
  if (value.ndim < 2) throw new ShapeError(`${name}: needs a matrix, but got ${value.aval}.`);
  checkNumbers(name, { offset }, ['offset']);
  const [a, b] = axesOf(value, [axis1, axis2], name) as [number, number];
  if (a === b) throw new ShapeError(`${name}: the two axes must differ.`);
  const rest = range(value.ndim).filter((axis) => axis !== a && axis !== b);
  const [n, m] = [value.shape[a]!, value.shape[b]!];
  const lead = rest.map((axis) => value.shape[axis]!);
  const flat = reshape(transpose(value, [...rest, a, b]), [...lead, n * m]);
  const length = Math.max(0, offset >= 0 ? Math.min(n, m - offset) : Math.min(n + offset, m));
  const start = length === 0 ? 0 : offset >= 0 ? offset : -offset * m;
  const stop = length === 0 ? 0 : start + (length - 1) * (m + 1) + 1;
  return slicing.slice(flat, [...lead.map(() => 0), start], [...lead, stop], [...lead.map(() => 1), m + 1]);
}

/** A matrix with the vector on its k-th diagonal; of a matrix, its k-th diagonal. */
export const diag: (x: ArrayLike, given?: { k?: number }) => NDArray = recorded((x, given = {}) => {
  const { k = 0 } = offsetOf('diag', given);
  const value = operand(x, 'diag');
  if (value.ndim === 2) return diagonalOf('diag', value, k, 0, 1);
  if (value.ndim !== 1) throw new ShapeError(`diag: needs a vector or a matrix, but got ${value.aval}.`);
  const n = value.size;
  const zero = scalar(0, value.dtype);
  if (n === 0) return reshape(slicing.pad(value, zero, [[0, k * k, 0]]), [Math.abs(k), Math.abs(k)]);
  // n zeros between the elements put them on the diagonal of n × n.
  const square = reshape(slicing.pad(value, zero, [[0, 0, n]]), [n, n]);
  if (k === 0) return square;
  const [above, left] = [Math.max(-k, 0), Math.max(k, 0)];
  return slicing.pad(square, zero, [
    [above, left, 0],
    [left, above, 0],
  ]);
});

const offsetOf = (name: string, options: { k?: number }): { k?: number } => {
  checkNumbers(name, optionsOf(name, options, ['k']), ['k']);
  return options;
};

/** The elements of `x` as a vector on a diagonal. */
export const diagflat = (x: ArrayLike, options: { k?: number } = {}): NDArray =>
  diag(reshape(operand(x, 'diagflat'), [-1]), offsetOf('diagflat', options));

/** The sum of a diagonal. */
export const trace: (x: ArrayLike, given?: DiagonalOptions) => NDArray = recorded((x, given = {}) => {
  const { offset = 0, axis1 = 0, axis2 = 1 } = optionsOf('trace', given, ['offset', 'axis1', 'axis2']);
  return sum(diagonalOf('trace', operand(x, 'trace'), offset, axis1, axis2), { axis: -1 });
});

const triangle = (
  name: string,
  inside: (shiftedRow: Value, column: Value) => Value,
): ((x: ArrayLike, given?: { k?: number }) => NDArray) =>
  recorded((x, given = {}) => {
    const { k = 0 } = optionsOf(name, given, ['k']);
    checkNumbers(name, given, ['k']);
    const value = operand(x, name);
    if (value.ndim < 2) throw new ShapeError(`${name}: needs a matrix, but got ${value.aval}.`);
    const [n, m] = value.shape.slice(-2) as [number, number];
    const rows = broadcastTo(reshape(add(iota('int32', n), k), [n, 1]), value.shape);
    return select(inside(rows, broadcastTo(iota('int32', m), value.shape)), value, 0);
  });
/** The elements on and below the k-th diagonal; 0 above. */
export const tril: (x: ArrayLike, options?: { k?: number }) => NDArray = triangle('tril', ge);
/** The elements on and above the k-th diagonal; 0 below. */
export const triu: (x: ArrayLike, options?: { k?: number }) => NDArray = triangle('triu', le);

/** Rows and columns of the places of a matrix that `from` and `to` say for each row, in row-major order. */
const triangleIndices = (
  n: number,
  m: number,
  from: (i: number) => number,
  to: (i: number) => number,
): [NDArray, NDArray] => {
  const ends = (i: number): [number, number] => [Math.max(0, from(i)), Math.min(m, to(i))];
  let count = 0;
  for (let i = 0; i < n; i++) {
    const [start, end] = ends(i);
    count += Math.max(0, end - start);
  }
  const [rows, columns] = [new Int32Array(count), new Int32Array(count)];
  let at = 0;
  for (let i = 0; i < n; i++) {
    const [start, end] = ends(i);
    for (let j = start; j < end; j++) {
      rows[at] = i;
      columns[at++] = j;
    }
  }
  return [fromData(rows, [count], 'int32'), fromData(columns, [count], 'int32')];
};
const lower = (n: number, m: number, k: number): [NDArray, NDArray] =>
  triangleIndices(
    n,
    m,
    () => 0,
    (i) => i + k + 1,
  );
const upper = (n: number, m: number, k: number): [NDArray, NDArray] =>
  triangleIndices(
    n,
    m,
    (i) => i + k,
    () => m,
  );
export const trilIndices: (n: number, given?: { k?: number; m?: number }) => [NDArray, NDArray] = keptList(
  (n, given = {}) => {
    const { k = 0, m = n } = optionsOf('trilIndices', given, ['k', 'm']);
    checkNumbers('trilIndices', given, ['k']);
    checkShape([n, m], 'trilIndices');
    return lower(n, m, k);
  },
);
export const triuIndices: (n: number, given?: { k?: number; m?: number }) => [NDArray, NDArray] = keptList(
  (n, given = {}) => {
    const { k = 0, m = n } = optionsOf('triuIndices', given, ['k', 'm']);
    checkNumbers('triuIndices', given, ['k']);
    checkShape([n, m], 'triuIndices');
    return upper(n, m, k);
  },
);

const lengthsOf = (name: string, x: ArrayLike): [rows: number, columns: number] => {
  const value = operand(x, name);
  if (value.ndim !== 2) throw new ShapeError(`${name}: needs a matrix, but got ${value.aval}.`);
  return value.shape as unknown as [number, number];
};
/** Rows and columns of the elements on and below the k-th diagonal of a matrix. */
export const trilIndicesFrom = (x: ArrayLike, given: { k?: number } = {}): [NDArray, NDArray] => {
  const { k = 0 } = offsetOf('trilIndicesFrom', given);
  const [n, m] = lengthsOf('trilIndicesFrom', x);
  return lower(n, m, k);
};
/** Rows and columns of the elements on and above the k-th diagonal of a matrix. */
export const triuIndicesFrom = (x: ArrayLike, given: { k?: number } = {}): [NDArray, NDArray] => {
  const { k = 0 } = offsetOf('triuIndicesFrom', given);
  const [n, m] = lengthsOf('triuIndicesFrom', x);
  return upper(n, m, k);
};

/** Powers of a vector as columns: x^(n−1), …, x, 1; in the other order if `increasing`. */
export const vander: (x: ArrayLike, given?: { n?: number; increasing?: boolean }) => NDArray = recorded(
  (x, given = {}) => {
    const { n, increasing = false } = optionsOf('vander', given, ['n', 'increasing']);
    const value = strong(toValue(x, 'vander'));
    if (value.ndim !== 1) throw new ShapeError(`vander: needs a vector, but got ${value.aval}.`);
    const count = n === undefined ? value.size : checkCount(n, 'vander', '`n`');
    const columns = range(count).map((p) =>
      reshape(convert(power(value, increasing ? p : count - 1 - p), value.dtype), [value.size, 1]),
    );
    return slicing.concatenate(columns, 1);
  },
);
