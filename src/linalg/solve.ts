/** Linear systems, inverses, determinants. */
import type { ArrayLike, NDArray } from '../array.ts';
import { ShapeError } from '../core/errors.ts';
import { checkList, optionsOf } from '../core/options.ts';
import { recorded, recordedList } from '../core/recorded.ts';
import { checkCount, sizeOf } from '../core/shape.ts';
import type { Value } from '../core/trace.ts';
import { abs, add, mul, neg, sign, sub } from '../lax/arithmetic.ts';
import { ne, select } from '../lax/compare.ts';
import { full, iota } from '../lax/creation.ts';
import { broadcastTo, reshape } from '../lax/movement.ts';
import { prod, sum } from '../lax/reductions.ts';
import { log } from '../lax/transcendental.ts';
import { eye } from '../numpy/creation.ts';
import { diagonalOf } from '../numpy/matrices.ts';
import { moveaxis } from '../numpy/shape.ts';
import { toFloating, toValue } from '../promote.ts';
import { luFactor, luSolve } from './factor.ts';
import { square, system } from './operands.ts';

/**
 * The x with a x = b, by LU with partial pivoting. Infinite or NaN where `a` is singular.
 *
 * @example
 * linalg.solve(np.array([[3, 1], [1, 2]]), np.array([9, 8])); // [2. 3.]
 * @throws ShapeError when `a` is not square or `b` does not fit
 */
export const solve: (a: ArrayLike, b: ArrayLike) => NDArray = recorded((a, b) => {
  const { a: left, b: right, restore } = system('solve', square('solve', a), b);
  return restore(luSolve(luFactor(left), right));
});

/** The inverse of a matrix. To solve a system, `solve` is faster and more accurate. */
export const inv: (a: ArrayLike) => NDArray = recorded((a) => {
  const value = square('inv', a);
  return solve(value, broadcastTo(eye(value.shape.at(-1)!, null, { dtype: value.dtype }), value.shape));
});

/**
 * The x with tensordot(a, x, { axes: x.ndim }) = b: `a` has the axes of `b` in front, and those of x behind. `axes` of `a` are
 * moved to its end first.
 *
 * @example
 * linalg.tensorsolve(np.eye(6).reshape(2, 3, 6), np.ones([2, 3])); // f32[6]
 * @throws ShapeError when `a` does not have as many elements as a square matrix with a row for each element of `b`
 */
export const tensorsolve: (a: ArrayLike, b: ArrayLike, given?: { axes?: readonly number[] }) => NDArray = recorded(
  (a, b, given = {}) => {
    const { axes = [] } = optionsOf('tensorsolve', given, ['axes']);
    checkList('tensorsolve', '`axes`', axes);
    const left = toFloating(a, 'tensorsolve');
    const moved = moveaxis(
      left,
      [...axes],
      axes.map((_, i) => left.ndim - axes.length + i),
    );
    const right = toValue(b, 'tensorsolve');
    const unknown = moved.shape.slice(right.ndim);
    const n = sizeOf(unknown);
    if (n !== right.size || n * n !== left.size)
      throw new ShapeError(`tensorsolve: ${left.aval} and right-hand side ${right.aval} do not make a square system.`);
    return reshape(solve(reshape(moved, [n, n]), reshape(right, [n])), unknown);
  },
);

/**
 * The inverse of `a` as a map by tensordot from its last axes to its first `ind` (2 when left out).
 *
 * @throws ShapeError when the two groups of axes differ in their number of elements
 */
export const tensorinv: (a: ArrayLike, given?: { ind?: number }) => NDArray = recorded((a, given = {}) => {
  const { ind = 2 } = optionsOf('tensorinv', given, ['ind']);
  const value = toFloating(a, 'tensorinv');
  const count = checkCount(ind, 'tensorinv', '`ind`');
  const [first, last] = [value.shape.slice(0, count), value.shape.slice(count)];
  const n = sizeOf(first);
  if (count === 0 || n !== sizeOf(last))
    throw new ShapeError(
      `tensorinv: the first ${count} axes of ${value.aval} do not have as many elements as the others.`,
    );
  return reshape(inv(reshape(value, [n, n])), [...last, ...first]);
});

const last = (x: Value, i: number, j: number): Value => x.slice('...', i, j);

/** The determinant: in closed form up to 3 × 3, so that it has derivatives at singular matrices; else by LU. */
export const det: (a: ArrayLike) => NDArray = recorded((a) => {
  const value = square('det', a);
  const n = value.shape.at(-1)!;
  const m = (i: number, j: number) => last(value, i, j);
  const minor = (i: number, j: number) => sub(mul(m(1, i), m(2, j)), mul(m(1, j), m(2, i)));
  switch (n) {
    case 0:
      return full(value.shape.slice(0, -2), 1, value.dtype);
    case 1:
      return m(0, 0);
    case 2:
      return sub(mul(m(0, 0), m(1, 1)), mul(m(0, 1), m(1, 0)));
    case 3:
      return add(sub(mul(m(0, 0), minor(1, 2)), mul(m(0, 1), minor(0, 2))), mul(m(0, 2), minor(0, 1)));
    default:
      return prod(signedDiagonal(value), { axis: -1 });
  }
});

/** The diagonal of U, with the sign turned where a row was exchanged: its product is the determinant. */
function signedDiagonal(value: Value): Value {
  const { lu, pivots } = luFactor(value);
  const diagonal = diagonalOf('det', lu, 0, -2, -1);
  return select(ne(pivots, iota('int32', value.shape.at(-1)!)), neg(diagonal), diagonal);
}

/** The sign of the determinant and the logarithm of its magnitude: neither overflows. */
export function slogdet(a: ArrayLike): { sign: NDArray; logabsdet: NDArray } {
  const [sign, logabsdet] = signAndLog(a) as [NDArray, NDArray];
  return { sign, logabsdet };
}

const signAndLog: (a: ArrayLike) => NDArray[] = recordedList((a) => {
  const diagonal = signedDiagonal(square('slogdet', a));
  return [prod(sign(diagonal), { axis: -1 }), sum(log(abs(diagonal)), { axis: -1 })];
});
