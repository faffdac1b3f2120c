/**
 * Symmetric systems with two blocks of unknowns, [H Bᵀ; B −C] with H and C positive semidefinite: those of optimality
 * conditions. They are factorised as they are where they are regular. Where they are not, which dependent constraints make
 * them, [H + δI Bᵀ; B −C − δI] is: it is quasidefinite, so never singular (Vanderbei, Symmetric Quasidefinite Matrices,
 * 1995), and refinement takes the error of δ back for every right-hand side that the system has a solution for.
 */
import { cond } from '../control/cond.ts';
import type { LinearMap, LinearSolver } from '../control/custom-linear-solve.ts';
import { foriLoop, whileLoop } from '../control/loops.ts';
import type { ShapedArray } from '../core/aval.ts';
import type { Value } from '../core/trace.ts';
import { allFinite, statusWhere } from '../implicit/status.ts';
import { abs, sqrt } from '../lax/arithmetic.ts';
import { eq, gt, le, lt, select } from '../lax/compare.ts';
import { full, iota, scalar } from '../lax/creation.ts';
import { and, not } from '../lax/logic.ts';
import { reduceMax } from '../lax/reductions.ts';
import { stopGradient } from '../lax/stop-gradient.ts';
import { luFactor, luSolve } from '../linalg/factor.ts';
import { eye } from '../numpy/creation.ts';
import { materialise, pivotStatus } from './dense.ts';
import { automatic } from './methods.ts';
import { minus, norm, plus, ravel, sizeOf, typesOf, unravel } from './vectors.ts';

export interface SaddlePointOptions {
  /** The symmetric matrix of the system, where it is known: spares making it out of products. */
  readonly matrix?: Value;
  /** Solves the systems with δ, where it is not the factorisation that does. */
  readonly inner?: LinearSolver;
  /** Shifts regular systems, too: one factorisation, and as a rule one step of refinement more. */
  readonly shift?: boolean;
  /** δ, for regular systems too. */
  readonly regularization?: number;
  /** Most steps of refinement. */
  readonly maxiter?: number;
  /** Refinement ends where ‖K x − b‖ ≤ tol·‖b‖. By default it goes on until rounding ends it. */
  readonly tol?: number;
}

/**
 * δ beside elements of size 1. A step of refinement leaves δ/(δ + λ) of an error along an eigenvalue λ, and ε/δ by rounding along
 * what is singular: small, but not as small as ε.
 */
const shiftOf = (v: Value): number => (v.dtype === 'float64' ? 2 ** -36 : 2 ** -17);

/** A solver of such systems; the last array of the unknowns is the second block. */
export function saddlePoint(options: SaddlePointOptions = {}): LinearSolver {
  const { inner, regularization = 0, maxiter = 10, tol = 0 } = options;
  const shift =
    (matvec: LinearMap): LinearMap =>
    (x) =>
      matvec(x).map((v, i) => v.add(x[i]!.mul(i < x.length - 1 ? regularization : -regularization)));
  return {
    prepare: (matvec, types) =>
      inner ? (inner.prepare?.(shift(matvec), types) ?? []) : factorise(matvec, types, options),
    solve: (matvec, b, prepared, transposed) => {
      const [lu, permutation, scale] = prepared;
      // Residuals are measured where rows and columns are of one size.
      const weight = inner ? undefined : scale!;
      const measure = (r: Value[]): Value => norm(weight ? [ravel(r).mul(weight)] : r);
      const once = (r: Value[]): Value[] => {
        if (inner) return inner.solve(shift(matvec), r, prepared, transposed).x;
        const found = luSolve({ lu: lu!, permutation: permutation!, pivots: permutation! }, ravel(r).mul(scale!));
        return unravel(found.mul(scale!), typesOf(r));
      };
      const size = measure(b);
      const { x, error, k } = refine(matvec, b, once, measure, size.mul(tol), maxiter);
      const info = () => {
        const residual = error.div(select(gt(size, 0), size, scalar(1, size.dtype)));
        const enough = Math.max(tol, size.dtype === 'float64' ? 1e-9 : 1e-4);
        const status = statusWhere(
          [
            [not(allFinite([...b, error])), 'nonfinite'],
            [le(residual, enough), 'converged'],
          ],
          'singular',
        );
        return { status, iterations: k.add(1), residual };
      };
      return { x, info };
    },
  };
}

/** The scale of rows and columns, and the factors of S K S, perhaps with δ: dependence shows where all is of one size. */
function factorise(
  matvec: LinearMap,
  types: readonly ShapedArray[],
  { matrix, shift = false, regularization = 0 }: SaddlePointOptions,
): Value[] {
  const K = matrix ? stopGradient(matrix) : materialise(matvec, types);
  const n = K.shape[0]!;
  const scale = equilibrate(K);
  const balanced = K.mul(scale).mul(scale.reshape([-1, 1]));
  const factors = (m: Value): Value[] => {
    const { lu, permutation } = luFactor(m);
    return [lu, permutation, scale];
  };
  const first = lt(iota('int32', n), n - types.at(-1)!.size);
  const sign = select(first, full([n], 1, K.dtype), full([n], -1, K.dtype));
  const shifted = (delta: Value): Value[] =>
    factors(balanced.add(eye(n, null, { dtype: K.dtype }).mul(sign.mul(delta))));
  // What is added to K, in the variables of S K S.
  if (regularization > 0) return shifted(scale.mul(scale).mul(regularization));
  const delta = full([n], shiftOf(K), K.dtype);
  if (shift) return shifted(delta);
  const plain = factors(balanced);
  return cond(
    eq(pivotStatus(plain[0]!), 0),
    () => plain,
    () => shifted(delta),
  ) as Value[];
}

/** The diagonal of an S that makes the largest elements of each row of S K S near 1 (Ruiz, 2001), for a symmetric K. */
function equilibrate(K: Value): Value {
  const size = abs(K);
  const n = K.shape[0]!;
  const one = full([n], 1, K.dtype);
  return foriLoop(
    0,
    4,
    (_: unknown, scale: any) => {
      const rows = reduceMax(size.mul(scale).mul(scale.reshape([-1, 1])), { axis: 1 });
      return scale.div(sqrt(select(gt(rows, 0), rows, one)));
    },
    one,
  ) as Value;
}

/** x ← x + K̄⁻¹ (b − K x), as long as that makes the residual less than half of what it was. */
function refine(
  matvec: LinearMap,
  b: Value[],
  once: (r: Value[]) => Value[],
  measure: (r: Value[]) => Value,
  enough: Value,
  maxiter: number,
): { x: Value[]; error: Value; k: Value } {
  const start = once(b);
  const r = minus(b, matvec(start));
  const error = measure(r);
  return whileLoop(
    ({ error, before, k }: any) => and(and(gt(error, enough), lt(error, before.mul(0.5))), lt(k, maxiter)),
    ({ x, r, error, k }: any) => {
      const next = plus(x, once(r));
      const rest = minus(b, matvec(next));
      const nextError = measure(rest);
      const better = lt(nextError, error);
      const keep = (a: Value[], b: Value[]): Value[] => a.map((v, i) => select(better, v, b[i]!));
      return {
        x: keep(next, x),
        r: keep(rest, r),
        error: select(better, nextError, error),
        before: error,
        k: k.add(1),
      };
    },
    { x: start, r, error, before: error.mul(4), k: scalar(0, 'int32') },
  ) as any;
}

/** Up to this many unknowns, a system that is given by products alone is written out as a matrix. */
const largestMaterialised = 512;

/** For systems that are given by products: as above where they are small, else iterations. */
export function saddlePointProducts(): LinearSolver {
  const small = saddlePoint();
  const large = automatic({ symmetric: true });
  const choose = (types: readonly ShapedArray[]): LinearSolver =>
    sizeOf(types) <= largestMaterialised ? small : large;
  return {
    prepare: (matvec, types) => choose(types).prepare?.(matvec, types) ?? [],
    solve: (matvec, b, prepared, transposed) => choose(typesOf(b)).solve(matvec, b, prepared, transposed),
  };
}
