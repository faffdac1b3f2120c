/** The polar decomposition of matrices. */
import type { ArrayLike, NDArray } from '../array.ts';
import { customJvp } from '../control/custom-jvp.ts';
import { checkChoice, optionsOf } from '../core/options.ts';
import { recordedList } from '../core/recorded.ts';
import type { Value } from '../core/trace.ts';
import { add, div, mul, sub } from '../lax/arithmetic.ts';
import { svd } from '../lax/linalg.ts';
import { expandDims } from '../lax/slicing.ts';
import { matmul } from '../numpy/products.ts';
import { matrixTranspose } from '../numpy/shape.ts';
import { matrix } from './operands.ts';

/** Orthonormal u beside the positive semidefinite p. */
export interface PolarResult {
  readonly u: NDArray;
  readonly p: NDArray;
}

export interface PolarOptions {
  /** `'right'`: a = u p, the default; `'left'`: a = p u. */
  side?: 'left' | 'right';
}

const factors: (a: Value) => NDArray[] = recordedList((a) => {
  const [left, s, vh] = svd(a, { fullMatrices: false });
  return [matmul(left, vh), left, s, vh];
});

/**
 * u = L·Rᵀ of a = L·Σ·Rᵀ. Its change is L·Ω·Rᵀ within, with M = Lᵀ·Ȧ·R and Ω_ij = (M_ij − M_ji)/(σᵢ + σⱼ), since u's changes keep it orthonormal and p
 * symmetric; and what of Ȧ·R·Σ⁻¹·Rᵀ is outside of the range of a tall matrix, or the same of the transpose of a wide one. Equal singular values
 * do not matter, unlike for L and R.
 */
const orthonormal = customJvp((a: Value) => factors(a)[0]!);
orthonormal.defjvp(([a], [da]) => {
  const [left, s, vh] = svd(a, { fullMatrices: false });
  const [lt, right] = [matrixTranspose(left), matrixTranspose(vh)];
  const [m, n] = a.shape.slice(-2) as [number, number];
  const within = matmul(lt, matmul(da as Value, right));
  const omega = div(sub(within, matrixTranspose(within)), add(expandDims(s, [-2]), expandDims(s, [-1])));
  const change = matmul(left, matmul(omega, vh));
  const u = orthonormal(a) as Value;
  if (m === n) return [u, change];
  if (m > n) {
    const beyond = sub(matmul(da as Value, right), matmul(left, within));
    return [u, add(change, matmul(div(beyond, expandDims(s, [-2])), vh))];
  }
  const beyond = sub(matmul(lt, da as Value), matmul(within, vh));
  return [u, add(change, matmul(left, div(beyond, expandDims(s, [-1]))))];
});

/**
 * The polar decomposition a = u p, or a = p u with `side: 'left'`: u has orthonormal columns (rows, of a wide matrix) and p is symmetric positive
 * semidefinite (N. J. Higham, Functions of Matrices, chapter 8). By singular values. Derivatives exist where `a` has full rank. Over leading batch axes.
 *
 * @example
 * const { u, p } = linalg.polar(np.array([[0, -2], [3, 0]])); // u: [[0. -1.], [1. 0.]], p: [[3. 0.], [0. 2.]]
 * @throws ShapeError when `a` has less than two axes
 */
export function polar(a: ArrayLike, given: PolarOptions = {}): PolarResult {
  const { side = 'right' } = optionsOf('polar', given, ['side']);
  checkChoice('polar', '`side`', side, ['left', 'right']);
  const value = matrix('polar', a);
  const u = value.isTracer ? (orthonormal(value) as NDArray) : factors(value)[0]!;
  const ut = matrixTranspose(u);
  const p = side === 'right' ? matmul(ut, value) : matmul(value, ut);
  return { u, p: mul(add(p, matrixTranspose(p)), 0.5) };
}
