/** Matrices that a few numbers determine. */
import type { ArrayLike, NDArray } from '../array.ts';
import { ShapeError } from '../core/errors.ts';
import { optionsOf } from '../core/options.ts';
import { recorded } from '../core/recorded.ts';
import { checkCount, range } from '../core/shape.ts';
import type { Value } from '../core/trace.ts';
import { add, div, neg, sub } from '../lax/arithmetic.ts';
import { broadcastedIota, full } from '../lax/creation.ts';
import { takeFromFront } from '../lax/indexing.ts';
import { concatenate, reverse, slice } from '../lax/slicing.ts';
import { checkDType, type DTypeOption, fromNumbers, strong } from '../numpy/array.ts';
import { eye } from '../numpy/creation.ts';
import { mod } from '../numpy/elementwise.ts';
import { ravel } from '../numpy/shape.ts';
import { promoteDTypes, toFloating, toValue } from '../promote.ts';

const vector = (name: string, x: ArrayLike): Value => {
  const value = ravel(strong(toValue(x, name)));
  if (value.size === 0) throw new ShapeError(`${name}: needs at least one element, but got ${value.aval}.`);
  return value;
};

/** The position of each element's row and column. */
const places = (rows: number, columns: number): [row: Value, column: Value] => [
  broadcastedIota('int32', [rows, columns], 0),
  broadcastedIota('int32', [rows, columns], 1),
];

/**
 * The matrix with constant diagonals whose first column is `c` and whose first row is `r`, of which the first element does not
 * count; `r` is `c` when left out.
 *
 * @example
 * linalg.toeplitz(np.array([1, 2, 3])); // [[1. 2. 3.] [2. 1. 2.] [3. 2. 1.]]
 */
export const toeplitz: (c: ArrayLike, r?: ArrayLike) => NDArray = recorded((c, r = c) => {
  const [column, row] = promoteDTypes('toeplitz', [vector('toeplitz', c), vector('toeplitz', r)]) as [Value, Value];
  // From the last of the first column up to the first, and on along the first row.
  const diagonals = concatenate([reverse(column, [0]), slice(row, [1], [row.size])], 0);
  const [i, j] = places(column.size, row.size);
  return takeFromFront(diagonals, add(sub(j, i), column.size - 1), 0);
});

/**
 * The matrix with constant antidiagonals whose first column is `c` and whose last row is `r`, of which the first element does
 * not count; `r` is 0 when left out.
 */
export const hankel: (c: ArrayLike, r?: ArrayLike) => NDArray = recorded((c, r) => {
  const first = vector('hankel', c);
  const last = r === undefined ? full([first.size], 0, first.aval.dtype) : vector('hankel', r);
  const [column, row] = promoteDTypes('hankel', [first, last]) as [Value, Value];
  const [i, j] = places(column.size, row.size);
  return takeFromFront(concatenate([column, slice(row, [1], [row.size])], 0), add(i, j), 0);
});

/** The matrix whose columns are `c` moved down by one more each, those pushed out coming in at the top. */
export const circulant: (c: ArrayLike) => NDArray = recorded((c) => {
  const column = vector('circulant', c);
  const [i, j] = places(column.size, column.size);
  return takeFromFront(column, mod(sub(i, j), column.size), 0);
});

/**
 * The companion matrix of a polynomial with coefficients a[0] xⁿ + … + a[n]: its eigenvalues are the roots.
 *
 * @example
 * linalg.companion(np.array([1, -3, 2])); // [[3. -2.] [1. 0.]]
 */
export const companion: (a: ArrayLike) => NDArray = recorded((a) => {
  const p = toFloating(vector('companion', a), 'companion');
  const n = p.size - 1;
  if (n < 1) throw new ShapeError(`companion: needs a polynomial of degree 1 or more, but got ${p.aval}.`);
  const top = neg(div(slice(p, [1], [n + 1]), slice(p, [0], [1])));
  const below = slice(eye(n, { dtype: p.dtype as 'float32' }), [0, 0], [n - 1, n]);
  return concatenate([top.reshape([1, n]), below], 0);
});

/** The elements of a square matrix as a function of the place. */
function fromPlaces(
  name: string,
  length: number,
  given: DTypeOption,
  element: (i: number, j: number) => number,
): NDArray {
  const { dtype = 'float32' } = optionsOf(name, given, ['dtype']);
  checkDType(dtype, name);
  const n = checkCount(length, name, 'the number of rows');
  const values = range(n * n).map((at) => element(Math.floor(at / n), at % n));
  return fromNumbers(values, [n, n], dtype);
}

/** The Hilbert matrix, 1/(i + j + 1): as n grows it is soon singular for all that rounding lets one see. */
export const hilbert = (n: number, options: DTypeOption = {}): NDArray =>
  fromPlaces('hilbert', n, options, (i, j) => 1 / (i + j + 1));

/**
 * Sylvester's Hadamard matrix: ±1, with orthogonal rows.
 * @throws ShapeError unless n is a power of 2
 */
export function hadamard(n: number, options: DTypeOption = {}): NDArray {
  if (!Number.isInteger(Math.log2(n)))
    throw new ShapeError(`hadamard: the number of rows must be a power of 2, but it is ${n}.`);
  const parity = (bits: number): number => (bits === 0 ? 0 : (bits & 1) ^ parity(bits >>> 1));
  return fromPlaces('hadamard', n, options, (i, j) => 1 - 2 * parity(i & j));
}

/** The symmetric Pascal matrix of binomial coefficients, (i + j)! / (i! j!). */
export function pascal(n: number, options: DTypeOption = {}): NDArray {
  const binomial = (top: number, k: number): number =>
    range(k).reduce((value, i) => Math.round((value * (top - i)) / (i + 1)), 1);
  return fromPlaces('pascal', n, options, (i, j) => binomial(i + j, Math.min(i, j)));
}
