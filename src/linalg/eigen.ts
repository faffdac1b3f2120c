/** Eigenvalues of symmetric matrices. */
import type { ArrayLike, NDArray } from '../array.ts';
import { optionsOf } from '../core/options.ts';
import * as lax from '../lax/linalg.ts';
import { square } from './operands.ts';

export interface SymmetricOptions {
  /** Take the symmetric part of `a`; else only its lower triangle is read. Default true. */
  symmetrizeInput?: boolean;
}

/** Ascending eigenvalues, and eigenvectors in columns. */
export interface EighResult {
  readonly eigenvalues: NDArray;
  readonly eigenvectors: NDArray;
}

/**
 * Eigenvalues λ in ascending order, and orthonormal eigenvectors in the columns of V, of a symmetric matrix: a V = V diag(λ).
 * The sign of a vector is not determined, and neither are the vectors of equal eigenvalues: derivatives of these are infinite or
 * NaN, those of the eigenvalues are not. NaN where `a` is not finite.
 *
 * @example
 * const { eigenvalues, eigenvectors } = linalg.eigh(np.array([[2, 1], [1, 2]])); // eigenvalues: [1. 3.]
 * @throws ShapeError when `a` is not square
 */
export function eigh(a: ArrayLike, given: SymmetricOptions = {}): EighResult {
  const { symmetrizeInput = true } = optionsOf('eigh', given, ['symmetrizeInput']);
  const [eigenvalues, eigenvectors] = lax.symmetricEigenpairs(square('eigh', a), symmetrizeInput);
  return { eigenvalues, eigenvectors };
}

/**
 * The eigenvalues of a symmetric matrix in ascending order. Faster than `eigh`.
 *
 * @example
 * linalg.eigvalsh(np.array([[2, 1], [1, 2]])); // [1. 3.]
 * @throws ShapeError when `a` is not square
 */
export function eigvalsh(a: ArrayLike, given: SymmetricOptions = {}): NDArray {
  const { symmetrizeInput = true } = optionsOf('eigvalsh', given, ['symmetrizeInput']);
  return lax.symmetricEigenvalues(square('eigvalsh', a), symmetrizeInput);
}
