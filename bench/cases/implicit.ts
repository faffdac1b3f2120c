/** The derivative of a solution by implicit differentiation, beside the one linear solve that it needs. */
import { grad, jit, jvp, linearSolve, type NDArray, np, random, rootVjp } from '../../src/index.ts';
import type { Case } from '../harness.ts';

const l2reg = 0.1;

function hypergradient(rows: number, columns: number, method: 'solveCg' | 'solveLu'): Case {
  const X = random.normal(random.key(0), [rows, columns]);
  const y = random.normal(random.key(1), [rows]);
  const loss = (w: NDArray, l2reg: NDArray): NDArray => {
    const residual = np.matmul(X, w).sub(y);
    return np
      .mean(residual.mul(residual))
      .add(np.sum(w.mul(w)).mul(l2reg))
      .mul(0.5);
  };
  const gradient = grad(loss);
  const solve = linearSolve[method];
  const hessian = (w: NDArray, l: NDArray) => (v: NDArray) => jvp((w: NDArray) => gradient(w, l), [w], [v])[1];
  const l = np.array(l2reg);
  const w = solve(hessian(np.zeros([columns]), l), gradient(np.zeros([columns]), l).neg());
  const cotangent = random.normal(random.key(2), [columns]);
  const implicit = jit(
    (w: NDArray, l: NDArray, ct: NDArray) => rootVjp(gradient, w, [l], ct, { solve, symmetric: true })[0],
  );
  // ∂₂F = w, so that the gradient is −wᵀu with H u = cotangent.
  const byHand = jit((w: NDArray, l: NDArray, ct: NDArray) => np.dot(w, solve(hessian(w, l), ct)).neg());
  return {
    name: `hypergradient of ridge ${rows}×${columns} at the solution, ${method}, float32`,
    tolerance: 1e-3,
    implementations: [
      { name: 'implicit differentiation', run: () => implicit(w, l, cotangent).item() },
      { name: 'one linear solve', run: () => byHand(w, l, cotangent).item() },
    ],
  };
}

export const implicitCases = (): Case[] => [
  hypergradient(100, 10, 'solveCg'),
  hypergradient(100, 10, 'solveLu'),
  hypergradient(1000, 100, 'solveCg'),
  hypergradient(1000, 100, 'solveLu'),
];
