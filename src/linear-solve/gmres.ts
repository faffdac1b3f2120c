/** GMRES with restarts. */

import { foriLoop, whileLoop } from '../control/loops.ts';
import type { Value } from '../core/trace.ts';
import { div, min, mul, sqrt } from '../lax/arithmetic.ts';
import { eq, gt, lt, select } from '../lax/compare.ts';
import { full } from '../lax/creation.ts';
import { dynamicIndexInDim, dynamicUpdateIndexInDim } from '../lax/dynamic-indexing.ts';
import { and } from '../lax/logic.ts';
import * as linalg from '../linalg/index.ts';
import { eye, zeros } from '../numpy/creation.ts';
import { matmul } from '../numpy/products.ts';
import { type Iteration, residualOf, square } from './krylov.ts';
import { dot, minus, plus, ravel, sizeOf, typesOf, unravel, type Vectors, zeros as zerosLike } from './vectors.ts';

/**
 * Saad & Schultz, 1986: minimises the residual over the Krylov space of `restart` dimensions, again and again. The basis
 * is orthogonalised twice (classical Gram–Schmidt, which is two products with a matrix).
 */
export const gmres: Iteration = (matvec, b, x0, { tol, maxiter, restart, active }) => {
  const types = typesOf(b);
  const n = sizeOf(types);
  const m = Math.min(restart, n);
  const limit = square(tol);
  const apply = (v: Value): Value => ravel(matvec(unravel(v, types)));
  const cycle = (x: Vectors): Vectors => {
    const r = ravel(minus(b, matvec(x)));
    const beta = sqrt(dot([r], [r]));
    const { dtype } = r;
    const first = div(r, select(gt(beta, 0), beta, full([], 1, dtype)));
    const basis = dynamicUpdateIndexInDim(zeros([m + 1, n], { dtype }), first, 0, 0);
    const [v, h] = foriLoop(
      0,
      m,
      (j: Value, [rows, columns]: any) => {
        let w = apply(dynamicIndexInDim(rows, j, 0, false));
        let coefficients = matmul(rows, w);
        w = w.sub(matmul(coefficients, rows));
        const again = matmul(rows, w);
        w = w.sub(matmul(again, rows));
        coefficients = coefficients.add(again);
        const norm = sqrt(dot([w], [w]));
        // At a breakdown the space is invariant and the solution in it: what follows is noise.
        const noise = full([], dtype === 'float64' ? 1e-14 : 1e-6, dtype);
        const scale = sqrt(dot([coefficients], [coefficients]));
        const alive = gt(norm, mul(noise, scale));
        const next = select(alive, div(w, select(alive, norm, full([], 1, dtype))), zeros([n], { dtype }));
        const column = dynamicUpdateIndexInDim(coefficients, select(alive, norm, full([], 0, dtype)), j.add(1), 0);
        return [dynamicUpdateIndexInDim(rows, next, j.add(1), 0), dynamicUpdateIndexInDim(columns, column, j, 0)];
      },
      [basis, zeros([m, m + 1], { dtype })],
    ) as [Value, Value];
    // min ‖β e₁ − Hᵀ y‖ by QR; directions that were never reached get coefficient 0.
    const [q, triangle] = linalg.qr(h.T) as unknown as [Value, Value];
    const right = mul(q.slice(0), beta);
    const diagonal = triangle.mul(eye(m, null, { dtype })).sum({ axis: 1 });
    const largest = diagonal.abs().max();
    const dead = lt(diagonal.abs(), mul(largest, dtype === 'float64' ? 1e-14 : 1e-6));
    const safe = triangle.add(eye(m, null, { dtype }).mul(select(dead, full([m], 1, dtype), zeros([m], { dtype }))));
    const target = select(dead, zeros([m], { dtype }), right);
    const y = linalg.solveTriangular(safe, target, { lower: false });
    return plus(x, unravel(matmul(y, v.slice([0, m])), types));
  };
  const residual = (x: Vectors | undefined): Value => {
    const r = residualOf(matvec, b, x);
    return dot(r, r);
  };
  const cycles = Math.max(1, Math.ceil(maxiter / m));
  const { k, x, error } = whileLoop(
    ({ k, error, stalled }: any) => {
      const more = and(and(gt(error, limit), lt(k, cycles)), eq(stalled, false));
      return active ? and(more, active) : more;
    },
    ({ k, x, error }: any) => {
      const next = cycle(x);
      const now = residual(next);
      // A cycle that does not help is not repeated: it would be the same one.
      const better = lt(now, error);
      return {
        k: k.add(1),
        x: next.map((v: Value, i: number) => select(better, v, x[i])),
        error: select(better, now, error),
        stalled: eq(better, false),
      };
    },
    { k: full([], 0, 'int32'), x: x0 ?? zerosLike(b), error: residual(x0), stalled: full([], 0, 'bool') },
  ) as any;
  return { x, iterations: min(mul(k, m), maxiter), squaredResidual: error };
};
