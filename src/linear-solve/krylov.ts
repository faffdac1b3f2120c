/**
 * Iterative methods for A x = b on lists of arrays, each given x ↦ A x. They are plain traced functions; derivatives come
 * from `custom_linear_solve` around them.
 */
import { linearTransposeValues } from '../../transforms/linear-transpose.ts';
import type { LinearMap, LinearSolver } from '../control/custom-linear-solve.ts';
import { whileLoop } from '../control/loops.ts';
import type { Value } from '../core/trace.ts';
import { statusWhere } from '../implicit/status.ts';
import { add, div, mul, sqrt } from '../lax/arithmetic.ts';
import { eq, gt, isFinite, le, lt, select } from '../lax/compare.ts';
import { full } from '../lax/creation.ts';
import { and, not, or } from '../lax/logic.ts';
import { reduceMax } from '../lax/reductions.ts';
import { finfo } from '../numpy/testing.ts';
import { axpy, dot, minus, norm, over, plus, scale, sizeOf, typesOf, type Vectors, zeros } from './vectors.ts';

export interface IterationOptions {
  /** Initial guess; zero if left out. */
  readonly init?: Vectors;
  /** Stop when ‖A x − b‖ ≤ tol·‖b‖. */
  readonly tol?: number | Value;
  readonly maxiter?: number;
  /** Steps of GMRES between restarts. */
  readonly restart?: number;
}

/** Where an iteration stopped. */
export interface Iterate {
  readonly x: Vectors;
  readonly iterations: Value;
  /** ‖A x − b‖₂², as the iteration knows it. */
  readonly squaredResidual: Value;
}

/** An iteration on a system with ‖b‖ = 1, from `x` or 0. It takes no step where `active`, a bool, is false. */
export type Iteration = (
  matvec: LinearMap,
  b: Vectors,
  x: Vectors | undefined,
  options: { tol: number | Value; maxiter: number; restart: number; active?: Value },
) => Iterate;

/** NaN stays NaN: it must reach the solution. */
const unlessZero = (v: Value): Value => select(eq(v, 0), full([], 1, v.dtype), v);

/**
 * Runs an iteration on the system scaled to ‖b‖ = 1, so that neither tiny nor huge right-hand sides underflow or
 * overflow in squared norms. For b = 0 the answer is 0 at once.
 */
export const iterative = (
  iterate: Iteration,
  { init, tol = 1e-5, maxiter, restart = 20 }: IterationOptions = {},
): LinearSolver => ({
  solve: (matvec, b) => {
    const largest = b.map((v) => reduceMax(v.abs())).reduce((x, y) => select(gt(x, y), x, y));
    const safe = unlessZero(largest);
    const size = unlessZero(mul(norm(over(b, safe)), safe));
    const start = init && over(init, size);
    const steps = maxiter ?? 10 * sizeOf(typesOf(b));
    const unit = over(b, size);
    const found = iterate(matvec, unit, start, { tol, maxiter: steps, restart });
    const info = () => {
      const { squaredResidual, iterations } = found;
      const status = statusWhere(
        [
          [le(squaredResidual, square(tol)), 'converged'],
          [not(isFinite(squaredResidual)), 'nonfinite'],
          [lt(iterations, steps), 'stalled'],
        ],
        'maxiter',
      );
      return { status, iterations, residual: sqrt(squaredResidual) };
    };
    return { x: scale(size, found.x), info };
  },
});

export const square = (x: number | Value): number | Value => (typeof x === 'number' ? x * x : mul(x, x));

/** b − A x, without a product for x = 0. */
export const residualOf = (matvec: LinearMap, b: Vectors, x: Vectors | undefined): Vectors =>
  x ? minus(b, matvec(x)) : b;

const zero = (): Value => full([], 0, 'int32');
const both = (test: Value, active: Value | undefined): Value => (active ? and(test, active) : test);

/** Hestenes & Stiefel, 1952: for symmetric positive definite operators. */
export const cg: Iteration = (matvec, b, x0, { tol, maxiter, active }) => {
  const r0 = residualOf(matvec, b, x0);
  const limit = square(tol);
  const { k, x, gamma } = whileLoop(
    ({ k, gamma }: any) => both(and(gt(gamma, limit), lt(k, maxiter)), active),
    ({ k, x, r, p, gamma }: any) => {
      const ap = matvec(p);
      const alpha = div(gamma, dot(p, ap));
      const rest = axpy(r, alpha.neg(), ap);
      const next = dot(rest, rest);
      return { k: k.add(1), x: axpy(x, alpha, p), r: rest, p: axpy(rest, div(next, gamma), p), gamma: next };
    },
    { k: zero(), x: x0 ?? zeros(b), r: r0, p: r0, gamma: dot(r0, r0) },
  ) as any;
  return { x, iterations: k, squaredResidual: gamma };
};

/** Conjugate gradients on AᵀA x = Aᵀb, for any invertible operator. */
export const normalCg = (options: IterationOptions = {}): LinearSolver => {
  const onNormal = iterative(cg, options);
  return {
    solve: (matvec, b, prepared, transposed) => {
      const back = linearTransposeValues(matvec, options.init ?? b);
      return onNormal.solve((x) => back(matvec(x)), back(b), prepared, transposed);
    },
  };
};

/**
 * Van der Vorst, 1992. Where its recursion breaks down (Barrett et al., Templates, section 2.3.8), because the residual or A p is orthogonal to
 * the shadow residual or ω is 0, it begins anew from the x that it has. Its shadow residual is then r, or, if r is orthogonal to A r,
 * their sum at equal lengths, which is orthogonal to neither.
 */
export const bicgstab: Iteration = (matvec, b, x0, { tol, maxiter, active }) => {
  const first = residualOf(matvec, b, x0);
  const limit = square(tol);
  const squared = dot(first, first);
  const [nil, one] = [full([], 0, squared.dtype), full([], 1, squared.dtype)];
  const negligible = finfo(squared.dtype).eps ** 2;
  const isOrthogonal = (product: Value, xx: Value, yy: Value): Value =>
    le(mul(product, product), mul(negligible, mul(xx, yy)));
  const { k, x, rr } = whileLoop(
    ({ k, rr }: any) => both(and(gt(rr, limit), lt(k, maxiter)), active),
    ({ k, x, r, rr, alpha, omega, rho, p, q, shadow: before, shadowSquared }: any) => {
      const product = dot(before, r);
      const isNew = or(eq(omega, 0), isOrthogonal(product, shadowSquared, rr));
      const beta = select(isNew, nil, mul(div(product, rho), div(alpha, unlessZero(omega))));
      const pNext = plus(r, scale(beta, axpy(p, omega.neg(), q)));
      const qNext = matvec(pNext);
      const [rq, qq] = [dot(r, qNext), dot(qNext, qNext)];
      const length = sqrt(div(rr, qq));
      const joined = axpy(r, select(lt(rq, 0), length.neg(), length), qNext);
      const useBoth = isOrthogonal(rq, rr, qq);
      const shadow = before.map((v: Value, i: number) => select(isNew, select(useBoth, joined[i]!, r[i]!), v));
      const rhoNext = dot(shadow, r);
      const step = dot(shadow, qNext);
      const isStuck = and(not(isNew), isOrthogonal(step, shadowSquared, qq));
      const alphaNext = div(rhoNext, select(isStuck, one, step));
      const s = axpy(r, alphaNext.neg(), qNext);
      const early = lt(dot(s, s), limit);
      const t = matvec(s);
      const tt = dot(t, t);
      const omegaNext = select(eq(tt, 0), one, div(dot(t, s), unlessZero(tt)));
      const half = axpy(x, alphaNext, pNext);
      const next = (old: Vectors, half: Vectors, whole: Vectors): Vectors =>
        whole.map((v, i) => select(isStuck, old[i]!, select(early, half[i]!, v)));
      const rNext = next(r, s, axpy(s, omegaNext.neg(), t));
      return {
        k: k.add(1),
        x: next(x, half, axpy(half, omegaNext, s)),
        r: rNext,
        rr: dot(rNext, rNext),
        alpha: alphaNext,
        omega: select(isStuck, nil, omegaNext),
        rho: rhoNext,
        p: pNext,
        q: qNext,
        shadow,
        shadowSquared: dot(shadow, shadow),
      };
    },
    {
      k: zero(),
      x: x0 ?? zeros(b),
      r: first,
      rr: squared,
      alpha: one,
      omega: nil,
      rho: one,
      p: zeros(b),
      q: zeros(b),
      shadow: first,
      shadowSquared: squared,
    },
  ) as any;
  return { x, iterations: k, squaredResidual: rr };
};

/**
 * One iteration, and where it does not converge, conjugate gradients on the normal equations from where it stopped: these
 * converge for every invertible operator, if slowly.
 */
export const withNormalCg =
  (first: Iteration): Iteration =>
  (matvec, b, x0, options) => {
    const start = first(matvec, b, x0, options);
    const usable = isFinite(start.squaredResidual);
    const from = start.x.map((v, i) => select(usable, v, x0 ? x0[i]! : zeros([v])[0]!));
    const back = linearTransposeValues(matvec, b);
    const failed = not(le(start.squaredResidual, square(options.tol)));
    const { x, iterations } = cg((v) => back(matvec(v)), back(b), from, { ...options, active: failed });
    const r = minus(b, matvec(x));
    const squaredResidual = select(failed, dot(r, r), start.squaredResidual);
    return { x, iterations: add(start.iterations, iterations), squaredResidual };
  };
