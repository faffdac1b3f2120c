/** How the linear systems of implicit derivatives are solved when the user does not say. */

import type { LinearMap, LinearSolver } from '../control/custom-linear-solve.ts';
import type { Value } from '../core/trace.ts';
import { type LinearSolveMethod, methods } from '../linear-solve/methods.ts';

/** Up to this many unknowns a system is written out as a matrix: more accurate, and one factorisation serves a Jacobian. */
export const largestDense = 128;

const size = (b: readonly Value[]): number => b.reduce((n, v) => n + v.aval.size, 0);

/** LU for small systems; for large ones conjugate gradients, on the normal equations if the operator is not symmetric. */
export const automaticSolve = (symmetric: boolean): LinearSolver => {
  return (matvec: LinearMap, b: Value[]) => {
    const method: LinearSolveMethod = size(b) <= largestDense ? methods.lu : symmetric ? methods.cg : methods.normalCg;
    const tol = b[0]?.aval.dtype === 'float64' && !b[0].aval.weakType ? 1e-12 : 1e-6;
    return method(matvec, b, { tol, maxiter: 10 * size(b) });
  };
};
