/**
 * Methods for A x = b on lists of arrays, each given x ↦ A x. They are plain traced functions; derivatives come from
 * `custom_linear_solve` around them.
 */
import { linearTransposeValues } from '../../transforms/linear-transpose.ts';
import { vmapValues } from '../../transforms/vmap.ts';
import type { LinearMap } from '../control/custom-linear-solve.ts';
import { whileLoop } from '../control/loops.ts';
import type { Value } from '../core/trace.ts';
import { add, div, mul, sqrt } from '../lax/arithmetic.ts';
import { eq, gt, lt, select } from '../lax/compare.ts';
import { full } from '../lax/creation.ts';
import { and } from '../lax/logic.ts';
import { transpose } from '../lax/movement.ts';
import * as linalg from '../linalg/index.ts';
import { eye } from '../numpy/creation.ts';
import { gmres } from './gmres.ts';
import { axpy, dot, minus, over, plus, ravel, scale, sizeOf, unravel, type Vectors, zeros } from './vectors.ts';

export interface MethodOptions {
  /** Initial guess; zero if left out. */
  readonly init?: Vectors;
  /** Stop when ‖A x − b‖ ≤ tol·‖b‖. */
  readonly tol?: number | Value;
  readonly maxiter?: number;
  /** Steps of GMRES between restarts. */
  readonly restart?: number;
}

export type LinearSolveMethod = (matvec: LinearMap, b: Vectors, options?: MethodOptions) => Vectors;

/** The operator as a matrix: its columns are the images of the unit vectors. */
function materialise(matvec: LinearMap, b: Vectors): Value {
  const n = sizeOf(b);
  const unit = eye(n, null, { dtype: b[0]!.dtype });
  const columns = vmapValues((e) => [ravel(matvec(unravel(e, b)))], n, [unit], [true]);
  return transpose(columns.outs[0]!);
}

const dense =
  (solve: (a: Value, b: Value) => Value): LinearSolveMethod =>
  (matvec, b) =>
    unravel(solve(materialise(matvec, b), ravel(b)), b);

/**
 * Runs an iteration on the system scaled to ‖b‖ = 1, so that neither tiny nor huge right-hand sides underflow or
 * overflow in squared norms. For b = 0 the answer is 0 at once.
 */
const scaled =
  (
    iterate: (matvec: LinearMap, b: Vectors, x: Vectors, options: Required<Omit<MethodOptions, 'init'>>) => Vectors,
  ): LinearSolveMethod =>
  (matvec, b, { init, tol = 1e-5, maxiter, restart = 20 } = {}) => {
    const largest = b.map((v) => linalgMax(v)).reduce((x, y) => select(gt(x, y), x, y));
    const safe = select(gt(largest, 0), largest, full([], 1, largest.dtype));
    const unit = over(b, safe);
    const norm = mul(sqrt(dot(unit, unit)), safe);
    const size = select(gt(norm, 0), norm, full([], 1, norm.dtype));
    const start = init ? over(init, size) : zeros(b);
    const steps = maxiter ?? 10 * sizeOf(b);
    return scale(size, iterate(matvec, over(b, size), start, { tol, maxiter: steps, restart }));
  };

const linalgMax = (v: Value): Value => v.abs().max();

/** Hestenes & Stiefel, 1952: for symmetric positive definite operators. */
const cg = scaled((matvec, b, x0, { tol, maxiter }) => {
  const r0 = minus(b, matvec(x0));
  const limit = mul(mul(tol, tol), dot(b, b));
  const final = whileLoop(
    ({ k, gamma }: any) => and(gt(gamma, limit), lt(k, maxiter)),
    ({ k, x, r, p, gamma }: any) => {
      const ap = matvec(p);
      const alpha = div(gamma, dot(p, ap));
      const rest = axpy(r, alpha.neg(), ap);
      const next = dot(rest, rest);
      return { k: k.add(1), x: axpy(x, alpha, p), r: rest, p: axpy(rest, div(next, gamma), p), gamma: next };
    },
    { k: full([], 0, 'int32'), x: x0, r: r0, p: r0, gamma: dot(r0, r0) },
  );
  return (final as any).x;
});

/** Conjugate gradients on AᵀA x = Aᵀb, for any invertible operator. */
const normalCg: LinearSolveMethod = (matvec, b, options) => {
  const back = linearTransposeValues(matvec, options?.init ?? b);
  return cg((x) => back(matvec(x)), back(b), options);
};

/** Van der Vorst, 1992. */
const bicgstab = scaled((matvec, b, x0, { tol, maxiter }) => {
  const r0 = minus(b, matvec(x0));
  const limit = mul(mul(tol, tol), dot(b, b));
  const one = full([], 1, dot(b, b).dtype);
  const final = whileLoop(
    ({ k, r, alive }: any) => and(and(gt(dot(r, r), limit), lt(k, maxiter)), alive),
    ({ k, x, r, alpha, omega, rho, p, q }: any) => {
      const rhoNext = dot(r0, r);
      const beta = mul(div(rhoNext, rho), div(alpha, omega));
      const pNext = plus(r, scale(beta, axpy(p, omega.neg(), q)));
      const qNext = matvec(pNext);
      const alphaNext = div(rhoNext, dot(r0, qNext));
      const s = axpy(r, alphaNext.neg(), qNext);
      const early = lt(dot(s, s), limit);
      const t = matvec(s);
      const tt = dot(t, t);
      const omegaNext = select(eq(tt, 0), one, div(dot(t, s), select(eq(tt, 0), one, tt)));
      const half = axpy(x, alphaNext, pNext);
      const xNext = axpy(half, omegaNext, s).map((v: Value, i: number) => select(early, half[i]!, v));
      const rNext = axpy(s, omegaNext.neg(), t).map((v: Value, i: number) => select(early, s[i]!, v));
      // At breakdown (ρ or ω is 0) the next step would divide by it.
      const alive = and(eq(eq(rhoNext, 0), false), eq(eq(omegaNext, 0), false));
      return {
        k: k.add(1),
        x: xNext,
        r: rNext,
        alpha: alphaNext,
        omega: omegaNext,
        rho: rhoNext,
        p: pNext,
        q: qNext,
        alive,
      };
    },
    {
      k: full([], 0, 'int32'),
      x: x0,
      r: r0,
      alpha: one,
      omega: one,
      rho: one,
      p: zeros(b),
      q: zeros(b),
      alive: full([], 1, 'bool'),
    },
  );
  return (final as any).x;
});

export const methods: Readonly<
  Record<'cg' | 'normalCg' | 'bicgstab' | 'gmres' | 'lu' | 'cholesky' | 'inv', LinearSolveMethod>
> = {
  cg,
  normalCg,
  bicgstab,
  gmres: scaled(gmres),
  lu: dense((a, b) => linalg.solve(a, b)),
  cholesky: dense((a, b) => {
    const l = linalg.cholesky(a);
    const y = linalg.solveTriangular(l, b, { lower: true });
    return linalg.solveTriangular(transpose(l), y, { lower: false });
  }),
  inv: dense((a, b) => linalg.inv(a).matmul(b)),
};

/** The operator A + ridge·I. */
export const withRidge = (matvec: LinearMap, ridge: number | Value | undefined): LinearMap =>
  ridge === undefined ? matvec : (x) => matvec(x).map((v, i) => add(v, mul(ridge, x[i]!)));
