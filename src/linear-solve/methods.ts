/** The methods by name, and the choice among them when the user makes none. */
import type { LinearMap, LinearSolver } from '../control/custom-linear-solve.ts';
import type { ShapedArray } from '../core/aval.ts';
import type { Value } from '../core/trace.ts';
import { add, mul } from '../lax/arithmetic.ts';
import { cholesky, inv, lu } from './dense.ts';
import { gmres } from './gmres.ts';
import { bicgstab, cg, type IterationOptions, iterative, normalCg, withNormalCg } from './krylov.ts';
import { sizeOf, typesOf } from './vectors.ts';

export interface Method {
  readonly solver: (options: IterationOptions) => LinearSolver;
  /** For operators that equal their transpose, and only for these. */
  readonly symmetric: boolean;
}

export const methods: Readonly<Record<'cg' | 'normalCg' | 'bicgstab' | 'gmres' | 'lu' | 'cholesky' | 'inv', Method>> = {
  cg: { solver: (options) => iterative(cg, options), symmetric: true },
  normalCg: { solver: normalCg, symmetric: false },
  bicgstab: { solver: (options) => iterative(bicgstab, options), symmetric: false },
  gmres: { solver: (options) => iterative(gmres, options), symmetric: false },
  lu: { solver: () => lu, symmetric: false },
  cholesky: { solver: () => cholesky, symmetric: true },
  inv: { solver: () => inv, symmetric: false },
};

/** Up to this many unknowns a system is written out as a matrix: more accurate, and one factorisation serves a Jacobian. */
export const largestDense = 128;

/** What is known of an operator A. */
export interface OperatorTags {
  /** A = Aᵀ. */
  readonly symmetric?: boolean;
  /** A = Aᵀ, and xᵀ A x > 0 for x ≠ 0. */
  readonly positiveDefinite?: boolean;
}

/**
 * Small systems: Cholesky for positive definite operators, else LU. Large ones: conjugate gradients for symmetric
 * operators, else GMRES; where these stop early, conjugate gradients on the normal equations take over.
 */
export function automatic({ symmetric = false, positiveDefinite = false }: OperatorTags): LinearSolver {
  const small = positiveDefinite ? cholesky : lu;
  const choose = (types: readonly ShapedArray[]): LinearSolver => {
    const n = sizeOf(types);
    if (n <= largestDense) return small;
    const tol = types.every((aval) => aval.dtype === 'float64') ? 1e-12 : 1e-6;
    const iteration = positiveDefinite ? cg : withNormalCg(symmetric ? cg : gmres);
    return iterative(iteration, { tol, maxiter: 10 * n });
  };
  return {
    prepare: (matvec, types) => choose(types).prepare?.(matvec, types) ?? [],
    solve: (matvec, b, prepared, transposed) => choose(typesOf(b)).solve(matvec, b, prepared, transposed),
  };
}

/** The operator A + ridge·I. */
export const withRidge = (matvec: LinearMap, ridge: number | Value | undefined): LinearMap =>
  ridge === undefined ? matvec : (x) => matvec(x).map((v, i) => add(v, mul(ridge, x[i]!)));
