/** Singular values, and what they tell of a matrix. */
import type { ArrayLike, NDArray } from '../array.ts';
import { customJvp } from '../control/custom-jvp.ts';
import { ShapeError } from '../core/errors.ts';
import { checkChoice, optionsOf } from '../core/options.ts';
import { recorded } from '../core/recorded.ts';
import type { Value } from '../core/trace.ts';
import { abs, add, div, mul, neg, sub } from '../lax/arithmetic.ts';
import { gt, ne, select } from '../lax/compare.ts';
import { convert } from '../lax/convert.ts';
import * as lax from '../lax/linalg.ts';
import { and, not } from '../lax/logic.ts';
import { any, reduceMax, sum } from '../lax/reductions.ts';
import { expandDims } from '../lax/slicing.ts';
import { strong } from '../numpy/array.ts';
import { zeros } from '../numpy/creation.ts';
import { matmul } from '../numpy/products.ts';
import { matrixTranspose } from '../numpy/shape.ts';
import { finfo } from '../numpy/testing.ts';
import { promoteDTypes, toValue } from '../promote.ts';
import { eigh, eigvalsh } from './eigen.ts';
import { norm } from './norm.ts';
import { matrix, square } from './operands.ts';
import { inv } from './solve.ts';

export interface SvdOptions {
  /** Square u and vh; else min(m, n) columns of u and rows of vh. Default true. */
  fullMatrices?: boolean;
  /** Default true; false gives the singular values alone, as `svdvals` does. */
  computeUv?: boolean;
}

/** Left vectors in columns, descending singular values, right vectors in rows. */
export interface SvdResult {
  readonly u: NDArray;
  readonly s: NDArray;
  readonly vh: NDArray;
}

/**
 * The singular value decomposition a = u diag(s) vh, with orthonormal columns of u and rows of vh and s ≥ 0 in descending order.
 * The signs of a pair of vectors are not determined, and neither are the vectors of equal singular values: derivatives of these
 * are infinite or NaN, those of the singular values are not. With `fullMatrices`, vectors have derivatives only if `a` is square.
 * NaN where `a` is not finite.
 *
 * @example
 * const { u, s, vh } = linalg.svd(np.array([[3, 0], [4, 5]])); // s: [6.708204 2.236068]
 * @throws ShapeError when `a` has less than two axes
 */
export function svd(a: ArrayLike, options?: SvdOptions & { computeUv?: true }): SvdResult;
export function svd(a: ArrayLike, options: SvdOptions & { computeUv: false }): NDArray;
export function svd(a: ArrayLike, options?: SvdOptions): SvdResult | NDArray;
export function svd(a: ArrayLike, given: SvdOptions = {}): SvdResult | NDArray {
  const { fullMatrices = true, computeUv = true } = optionsOf('svd', given, ['fullMatrices', 'computeUv']);
  const value = matrix('svd', a);
  if (!computeUv) return svdvals(value);
  const [u, s, vh] = lax.svd(value, { fullMatrices });
  return { u, s, vh };
}

/**
 * The singular values of a matrix in descending order. Faster than `svd`.
 *
 * @example
 * linalg.svdvals(np.array([[3, 0], [4, 5]])); // [6.708204 2.236068]
 * @throws ShapeError when `a` has less than two axes
 */
export const svdvals = (a: ArrayLike): NDArray => lax.svd(matrix('svdvals', a), { computeUv: false });

export interface RankOptions {
  /** Singular values up to `rtol` times the largest count as 0. */
  rtol?: ArrayLike;
  /** Take `a` to be symmetric, which is faster. */
  hermitian?: boolean;
}

/** A cutoff for each matrix, beside its singular values. */
function cutoff(operation: string, largest: Value, rtol: ArrayLike): Value {
  const [tolerance, of] = promoteDTypes(operation, [toValue(rtol, operation), largest]) as [Value, Value];
  return expandDims(mul(convert(tolerance, of.dtype), of), [-1]);
}

const pseudoInverse: (a: Value, rtol: ArrayLike, hermitian: boolean) => NDArray = recorded((a, rtol, hermitian) => {
  const [m, n] = a.shape.slice(-2) as [number, number];
  if (m * n === 0) return zeros([...a.shape.slice(0, -2), n, m], { dtype: a.dtype });
  const { left, values, right } = hermitian ? symmetricFactors(a) : generalFactors(a);
  const sizes = abs(values);
  const kept = gt(sizes, cutoff('pinv', reduceMax(sizes, { axis: -1 }), rtol));
  // What is not finite gives NaN and is not taken for 0.
  const inverse = select(kept, div(1, values), select(ne(values, values), values, 0));
  return matmul(mul(right, expandDims(inverse, [-2])), matrixTranspose(left));
});

function generalFactors(a: Value): { left: Value; values: Value; right: Value } {
  const [left, values, vh] = lax.svd(a, { fullMatrices: false });
  return { left, values, right: matrixTranspose(vh) };
}

function symmetricFactors(a: Value): { left: Value; values: Value; right: Value } {
  const { eigenvalues, eigenvectors } = eigh(a);
  return { left: eigenvectors, values: eigenvalues, right: eigenvectors };
}

/**
 * The derivative of A⁺ at constant rank (Golub & Pereyra, The differentiation of pseudo-inverses and nonlinear least squares
 * problems whose variables separate, 1973):
 *
 *     −A⁺ Ȧ A⁺ + A⁺ A⁺ᵀ Ȧᵀ (I − A A⁺) + (I − A⁺ A) Ȧᵀ A⁺ᵀ A⁺
 *
 * It is finite where singular values are equal, unlike that of their vectors.
 */
function differentiable(rtol: ArrayLike, hermitian: boolean): (a: Value) => NDArray {
  const inverse = customJvp((a: Value) => pseudoInverse(a, rtol, hermitian));
  inverse.defjvp(([given], [tangent]) => {
    const symmetric = (x: Value) => (hermitian ? mul(add(x, matrixTranspose(x)), 0.5) : x);
    const [a, da] = [symmetric(given), symmetric(tangent as Value)];
    const p = inverse(given) as Value;
    const [pt, dat] = [matrixTranspose(p), matrixTranspose(da)];
    const s = matmul(matmul(p, pt), dat);
    const t = matmul(dat, matmul(pt, p));
    const inRange = add(neg(matmul(p, matmul(da, p))), sub(s, matmul(s, matmul(a, p))));
    return [p, add(inRange, sub(t, matmul(p, matmul(a, t))))];
  });
  return inverse as (a: Value) => NDArray;
}

/**
 * The Moore–Penrose inverse: singular values up to `rtol` times the largest are taken as 0. `rtol` is 10·max(m, n)·ε unless given,
 * as in JAX. Its derivative is that at constant rank.
 *
 * @example
 * linalg.pinv(np.array([[1, 0], [0, 0], [0, 2]])); // [[1. 0. 0. ], [0. 0. 0.5]]
 * @throws ShapeError when `a` has less than two axes, or is not square with `hermitian`
 */
export function pinv(a: ArrayLike, given: RankOptions = {}): NDArray {
  const { rtol, hermitian = false } = optionsOf('pinv', given, ['rtol', 'hermitian']);
  const value = (hermitian ? square : matrix)('pinv', a);
  const tolerance = rtol ?? 10 * Math.max(...value.shape.slice(-2)) * finfo(value.dtype).eps;
  return value.isTracer ? differentiable(tolerance, hermitian)(value) : pseudoInverse(value, tolerance, hermitian);
}

/**
 * How many singular values are larger than `rtol` times the largest, which is max(m, n)·ε unless given: an int32. 0 where `a` is
 * not finite.
 *
 * @example
 * linalg.matrixRank(np.array([[1, 2], [2, 4]])); // 1
 * @throws ShapeError when `a` has less than two axes, or is not square with `hermitian`
 */
export const matrixRank: (a: ArrayLike, given?: RankOptions) => NDArray = recorded((a, given = {}) => {
  const { rtol, hermitian = false } = optionsOf('matrixRank', given, ['rtol', 'hermitian']);
  const value = (hermitian ? square : matrix)('matrixRank', a);
  if (value.shape.at(-1)! * value.shape.at(-2)! === 0) return zeros(value.shape.slice(0, -2), { dtype: 'int32' });
  const sizes = hermitian ? abs(eigvalsh(value)) : svdvals(value);
  const tolerance = rtol ?? Math.max(...value.shape.slice(-2)) * finfo(value.dtype).eps;
  const large = gt(sizes, cutoff('matrixRank', reduceMax(sizes, { axis: -1 }), tolerance));
  return strong(sum(convert(large, 'int32'), { axis: -1 }));
});

/**
 * The condition number ‖a‖ ‖a⁻¹‖ in the norm `p`: 2 when left out, −2, 'fro', 1, −1, Infinity or −Infinity. Infinite where `a` is
 * singular; NaN where it has a NaN. Norms other than 2 and −2 need a square matrix.
 *
 * @example
 * linalg.cond(np.array([[2, 0], [0, 1]])); // 2
 * @throws ShapeError when `a` is no matrix, or is not square, or has no elements
 */
export const cond: (a: ArrayLike, given?: { p?: number | 'fro' | 'nuc' }) => NDArray = recorded((a, given = {}) => {
  const { p = 2 } = optionsOf('cond', given, ['p']);
  if (typeof p !== 'number') checkChoice('cond', '`p`', p, ['fro', 'nuc']);
  const singular = p === 2 || p === -2;
  const value = (singular ? matrix : square)('cond', a);
  if (value.shape.at(-1)! * value.shape.at(-2)! === 0) {
    throw new ShapeError(`cond: ${value.aval} has no elements.`);
  }
  if (singular) {
    const s = svdvals(value);
    const [largest, least] = [s.slice('...', 0), s.slice('...', -1)];
    return infiniteUnlessNan(value, p === 2 ? div(largest, least) : div(least, largest));
  }
  const ofMatrices = { ord: p, axis: [-2, -1] };
  return infiniteUnlessNan(value, mul(norm(value, ofMatrices), norm(inv(value), ofMatrices)));
});

const infiniteUnlessNan = (a: Value, ratio: Value): Value =>
  select(and(ne(ratio, ratio), not(any(ne(a, a), { axis: [-2, -1] }))), Number.POSITIVE_INFINITY, ratio);
