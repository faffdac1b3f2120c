/** How ADMM solves its linear systems (Q + σI + Aᵀ diag(ρ) A) x = b, many for one ρ. */
import { customLinearSolve, type LinearSolver } from '../../control/custom-linear-solve.ts';
import type { Value } from '../../core/trace.ts';
import { div, max, min, sqrt } from '../../lax/arithmetic.ts';
import { full, scalar } from '../../lax/creation.ts';
import { reduceMax, reduceMin, sum } from '../../lax/reductions.ts';
import { stopGradient } from '../../lax/stop-gradient.ts';
import { cholesky, choSolve, luFactor, luSolve } from '../../linalg/factor.ts';
import { cg, iterative } from '../../linear-solve/krylov.ts';
import { norm } from '../../linear-solve/vectors.ts';
import { eye } from '../../numpy/creation.ts';
import { diagonalOf } from '../../numpy/matrices.ts';
import { matrixTranspose } from '../../numpy/shape.ts';
import type { BoxProblem } from './box-problem.ts';

/** Ways to solve the linear system of a step. */
export type EqQpSolve = 'auto' | 'cholesky' | 'lu' | 'cg' | 'cg+jacobi';
export const eqQpSolves: readonly EqQpSolve[] = ['auto', 'cholesky', 'lu', 'cg', 'cg+jacobi'];

export interface NormalSystem {
  /** What all systems with this ρ share. The first value is the σ that they have: rounding may ask for more than is given. */
  readonly prepare: (problem: BoxProblem, rho: Value, sigma: number) => Value[];
  /** x, from a guess at it; iterations stop at an absolute error of `tol` or so. */
  readonly solve: (
    problem: BoxProblem,
    prepared: readonly Value[],
    b: Value,
    guess: Value,
    tol: Value,
    rho: Value,
  ) => Value;
}

/** σ, and Q + σI + Aᵀ diag(ρ) A: definite in spite of rounding. */
function matrixOf({ Q, A, x }: BoxProblem, rho: Value, least: number): [sigma: Value, K: Value] {
  const a = A.matrix!;
  const K = Q.matrix!.add(matrixTranspose(a).matmul(a.mul(rho.reshape([-1, 1]))));
  const rounding = reduceMax(diagonalOf('diag', K, 0, -2, -1)).mul(
    x.size * (x.dtype === 'float64' ? 2 ** -52 : 2 ** -23),
  );
  const sigma = stopGradient(max(rounding, scalar(least, x.dtype)));
  return [sigma, K.add(eye(x.size, null, { dtype: x.dtype }).mul(sigma))];
}

const byCholesky: NormalSystem = {
  prepare: (problem, rho, least) => {
    const [sigma, K] = matrixOf(problem, rho, least);
    return [sigma, cholesky(K)];
  },
  solve: (_, [, factor], b) => choSolve(factor!, b),
};

const byLu: NormalSystem = {
  prepare: (problem, rho, least) => {
    const [sigma, K] = matrixOf(problem, rho, least);
    const { lu, permutation } = luFactor(K);
    return [sigma, lu, permutation];
  },
  solve: (_, [, lu, permutation], b) => luSolve({ lu: lu!, permutation: permutation!, pivots: permutation! }, b),
};

/** Conjugate gradients for D⁻½ K D⁻½ (D½ x) = D⁻½ b: with D the diagonal of K, Jacobi's preconditioner. */
const byCg = (jacobi: boolean): NormalSystem => ({
  prepare: ({ Q, A, x }, rho, least) => {
    const sigma = scalar(least, x.dtype);
    if (!jacobi) return [sigma, full([x.size], 1, x.dtype)];
    const a = A.matrix!;
    const ofA = sum(a.mul(a).mul(rho.reshape([-1, 1])), { axis: 0 });
    return [sigma, div(scalar(1, x.dtype), sqrt(diagonalOf('diag', Q.matrix!, 0, -2, -1).add(ofA).add(sigma)))];
  },
  solve: ({ Q, A, x }, [sigma, root], b, guess, tol, rho) => {
    const r = root!;
    const matvec = ([v]: Value[]): Value[] => {
      const w = v!.mul(r);
      return [
        Q.times(w)
          .add(w.mul(sigma!))
          .add(A.back(A.times(w).mul(rho)))
          .mul(r),
      ];
    };
    const right = b.mul(r);
    const size = norm([right]);
    const least = x.dtype === 'float64' ? 1e-12 : 1e-6;
    // An error of `tol` before preconditioning.
    const absolute = jacobi ? tol.mul(reduceMin(r)) : tol;
    const floor = scalar(least, x.dtype);
    const relative = min(max(div(absolute, max(size, floor)), floor), scalar(1e-2, x.dtype));
    const solver: LinearSolver = iterative(cg, { init: [div(guess, r)], tol: relative });
    const [found] = customLinearSolve(matvec, [right], solver, { symmetric: true }).x;
    return found!.mul(r);
  },
});

/** The system for a choice, or for what is known of the problem. */
export function normalSystem(choice: EqQpSolve, dense: boolean): NormalSystem {
  if (choice === 'auto') return dense ? byCholesky : byCg(false);
  if (choice === 'cholesky') return byCholesky;
  if (choice === 'lu') return byLu;
  return byCg(choice === 'cg+jacobi');
}
