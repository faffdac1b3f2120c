/** Eigenvalues of general matrices, and the forms that they are read from. */
import type { ArrayLike, NDArray } from '../array.ts';
import type { ComplexArray } from '../complex/complex-array.ts';
import * as lax from '../lax/linalg.ts';
import { square } from './operands.ts';

/** Eigenvalues, and right eigenvectors in columns. */
export interface EigResult {
  readonly eigenvalues: ComplexArray;
  readonly eigenvectors: ComplexArray;
}

/**
 * Eigenvalues λ and right eigenvectors in the columns of V of a square matrix: a V = V diag(λ). Complex ones come in pairs, the one with
 * the positive imaginary part first; the order is not determined else. Vectors have length 1, and the first of their largest elements
 * is real and positive. Both have derivatives, those of vectors where eigenvalues are distinct; they are infinite or NaN else. A matrix
 * that is not finite gives NaN, and so, as in JAX, would one with which the QR steps do not converge (after 30 for a row, of which two
 * or three are usual), where NumPy raises `LinAlgError`; others of a stack are not concerned.
 *
 * Balancing (Parlett and Reinsch 1969), Householder reflections to Hessenberg form, Francis's double-shift QR steps, and substitution in the
 * real Schur form (Golub & Van Loan, Matrix Computations, 4th ed., § 7.4 to 7.6). In float64 whatever the dtype.
 *
 * @example
 * const { eigenvalues } = linalg.eig(np.array([[0, 1], [-1, 0]]));
 * eigenvalues.imag; // [ 1. -1.]
 * @throws ShapeError when `a` is not square
 */
export function eig(a: ArrayLike): EigResult {
  const [eigenvalues, eigenvectors] = lax.eig(square('eig', a), { computeLeftEigenvectors: false });
  return { eigenvalues, eigenvectors };
}

/**
 * The eigenvalues of a square matrix, in the order of `eig`. Faster than `eig`, and with derivatives at equal eigenvalues too, if there is
 * a basis of eigenvectors. NaN where `eig` gives it.
 *
 * @example
 * linalg.eigvals(np.array([[2, 1], [0, 3]])).real; // [2. 3.]
 * @throws ShapeError when `a` is not square
 */
export function eigvals(a: ArrayLike): ComplexArray {
  const options = { computeLeftEigenvectors: false, computeRightEigenvectors: false } as const;
  return lax.eig(square('eigvals', a), options)[0];
}

/** a = z t zᵀ. */
export interface SchurResult {
  readonly t: NDArray;
  readonly z: NDArray;
}

/**
 * The real Schur form a = z t zᵀ: z is orthogonal, and t upper triangular but for blocks of two rows on its diagonal, [[α, β], [γ, α]] with
 * β γ < 0 and |β| ≥ |γ|, each of which has the eigenvalues α ± i √(−β γ) (Golub & Van Loan, § 7.4.1). The first of the largest elements
 * of each column of z is positive; the order of eigenvalues is not determined. Derivatives need distinct eigenvalues and blocks
 * with |β| ≠ |γ|. NaN where `a` is not finite, or the QR steps do not converge: see `eig`.
 *
 * @example
 * const { t, z } = linalg.schur(np.array([[1, 2], [3, 2]])); // the diagonal of t: [-1. 4.]
 * @throws ShapeError when `a` is not square
 */
export function schur(a: ArrayLike): SchurResult {
  const [t, z] = lax.schur(square('schur', a));
  return { t, z };
}

/** a = q h qᵀ. */
export interface HessenbergResult {
  readonly h: NDArray;
  readonly q: NDArray;
}

/**
 * The Hessenberg form a = q h qᵀ: q is orthogonal, its first column that of the identity, and h has nothing below its subdiagonal (Golub & Van
 * Loan, § 7.4.3). It has no derivative. NaN where `a` is not finite.
 *
 * @example
 * const { h, q } = linalg.hessenberg(np.array([[1, 2, 3], [3, 4, 5], [4, 6, 7]])); // h[2][0] is 0
 * @throws ShapeError when `a` is not square
 */
export function hessenberg(a: ArrayLike): HessenbergResult {
  const [h, q] = lax.hessenberg(square('hessenberg', a));
  return { h, q };
}
