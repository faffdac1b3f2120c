/** Least squares, of matrices of any rank. */
import type { ArrayLike, NDArray } from '../array.ts';
import { cond } from '../control/cond.ts';
import { customJvp } from '../control/custom-jvp.ts';
import { optionsOf } from '../core/options.ts';
import { recordedList } from '../core/recorded.ts';
import type { Value } from '../core/trace.ts';
import { add, div, mul, sub } from '../lax/arithmetic.ts';
import { ge, gt, lt, select } from '../lax/compare.ts';
import { convert } from '../lax/convert.ts';
import * as lax from '../lax/linalg.ts';
import { and } from '../lax/logic.ts';
import { sum } from '../lax/reductions.ts';
import { concatenate, expandDims, slice } from '../lax/slicing.ts';
import { strong } from '../numpy/array.ts';
import { eye, zeros } from '../numpy/creation.ts';
import { matmul } from '../numpy/products.ts';
import { matrixTranspose } from '../numpy/shape.ts';
import { finfo } from '../numpy/testing.ts';
import { toValue } from '../promote.ts';
import { matrix, system } from './operands.ts';
import { pinv } from './singular.ts';

export interface LstsqOptions {
  /** Singular values below `rcond` times the largest count as 0: max(m, n)·ε unless given, and ε where it is negative. */
  rcond?: ArrayLike;
}

/** The shortest x of least |a x − b|, the squares of these lengths for each column of b, the rank, and the singular values of `a`. */
export interface LstsqResult {
  readonly x: NDArray;
  readonly residuals: NDArray;
  readonly rank: NDArray;
  readonly s: NDArray;
}

/**
 * Of a matrix this many times as long as wide, and this large, a triangular factor is made first, which has the same singular values.
 * Smaller ones are decomposed in float64 as they are.
 */
const oblong = 1.5;
const large = 4096;

interface Factors {
  readonly s: Value;
  /** b in the basis of the left vectors, and numbers for the right ones as a vector. */
  readonly project: (b: Value) => Value;
  readonly expand: (y: Value) => Value;
}

function factors(a: Value): Factors {
  const [m, n] = a.shape.slice(-2) as [number, number];
  if (m * n >= large && m >= oblong * n) {
    const [q, r] = lax.qr(a, { fullMatrices: false });
    const { s, project, expand } = factors(r);
    return { s, project: (b) => project(matmul(matrixTranspose(q), b)), expand };
  }
  if (m * n >= large && n >= oblong * m) {
    const [q, r] = lax.qr(matrixTranspose(a), { fullMatrices: false });
    const { s, project, expand } = factors(matrixTranspose(r));
    return { s, project, expand: (y) => matmul(q, expand(y)) };
  }
  const [u, s, vt] = lax.svd(a, { fullMatrices: false });
  return {
    s,
    project: (b) => matmul(matrixTranspose(u), b),
    expand: (y) => matmul(matrixTranspose(vt), y),
  };
}

/** Which singular values count. */
function counted(s: Value, rcond: Value | number): Value {
  const share = typeof rcond === 'number' ? rcond : convert(rcond, s.dtype);
  return and(gt(s, 0), ge(s, mul(share, s.slice('...', [0, 1]))));
}

const solution: (a: Value, b: Value, rcond: Value | number) => Value[] = recordedList((a, b, rcond) => {
  const { s, project, expand } = factors(a);
  const kept = counted(s, rcond);
  const inverse = select(kept, div(1, select(kept, s, 1)), 0);
  return [expand(mul(expandDims(inverse, [-1]), project(b))), s];
});

/**
 * With r = b − A x and the pseudo-inverse P, at constant rank (Golub & Pereyra, The differentiation of pseudo-inverses and nonlinear
 * least squares problems whose variables separate, 1973):
 *
 *     ẋ = P (ḃ − Ȧ x) + P Pᵀ Ȧᵀ r + (I − P A) Ȧᵀ Pᵀ x
 *
 * which is finite where singular values are equal.
 */
function changeOf(x: Value, [a, b]: readonly Value[], [da, db]: readonly Value[], rcond: Value | number): Value {
  const p = pinv(a!, { rtol: rcond });
  const [pt, dat] = [matrixTranspose(p), matrixTranspose(da!)];
  const outside = matmul(dat, matmul(pt, x));
  const inside = add(sub(db!, matmul(da!, x)), matmul(pt, matmul(dat, sub(b!, matmul(a!, x)))));
  return add(matmul(p, inside), sub(outside, matmul(p, matmul(a!, outside))));
}

function differentiable(rcond: Value | number): (a: Value, b: Value) => Value[] {
  const solve = customJvp((a: Value, b: Value) => solution(a, b, rcond));
  solve.defjvp((operands, tangents) => {
    const [a, b] = operands;
    const [x, s] = solve(a, b) as unknown as [Value, Value];
    const dx = changeOf(x, operands, tangents as readonly Value[], rcond);
    const [u, , vt] = lax.svd(a, { fullMatrices: false });
    const ds = sum(mul(u, matmul(tangents[0] as Value, matrixTranspose(vt))), { axis: -2 });
    return [
      [x, s],
      [dx, ds],
    ];
  });
  return solve as unknown as (a: Value, b: Value) => Value[];
}

/**
 * The x of `lstsq` by R alone of [a b] = Q·[R c]: R x = c. And whether that is it, since no singular value of `a` is below `rcond` times
 * the largest: their quotient is at most ‖R‖·‖R⁻¹‖, in the norms of Frobenius. In float64, as singular values are computed. `a` has no
 * more columns than rows.
 */
export function solutionByTriangle(a: Value, b: Value, rcond: number): [x: Value, isExact: Value] {
  const [n, columns] = [a.shape[1]!, b.shape[1]!];
  const r = lax.triangularFactor(
    concatenate(
      [a, b].map((v) => convert(v, 'float64')),
      1,
    ),
  );
  const factor = slice(r, [0, 0], [n, n]);
  const sides = concatenate([slice(r, [0, n], [n, n + columns]), eye(n, null, { dtype: 'float64' })], 1);
  const solved = lax.triangularSolve(factor, sides, { leftSide: true });
  const square = (v: Value): Value => sum(mul(v, v));
  const bound = mul(square(factor), square(slice(solved, [0, columns], [n, n + columns])));
  return [convert(slice(solved, [0, 0], [n, columns]), a.dtype), lt(mul(bound, rcond ** 2), 1)];
}

/** The x of `lstsq` of one matrix with no more columns than rows, in less time where its columns are far from dependent. */
export function tracedSolution(a: Value, b: Value, rcond: number): Value {
  const solve = customJvp((a: Value, b: Value) => {
    const [x, isExact] = solutionByTriangle(a, b, rcond);
    return cond(
      isExact,
      (x: Value) => x,
      () => solution(a, b, rcond)[0]!,
      x,
    ) as Value;
  });
  solve.defjvp((operands, tangents) => {
    const x = solve(...(operands as [Value, Value])) as Value;
    return [x, changeOf(x, operands, tangents as readonly Value[], rcond)];
  });
  return solve(a, b) as Value;
}

/**
 * The x of least |a x − b|, and the shortest of them where there are several: a stack of matrices `a` of any rank, and `b` a vector or
 * the columns of a matrix. The derivative of x is that at constant rank. NaN where `a` is not finite.
 *
 * @example
 * const a = np.array([[1, 0], [1, 1], [1, 2]]);
 * linalg.lstsq(a, np.array([1, 3, 5])).x; // [1. 2.]
 * linalg.lstsq(np.ones([3, 2]), np.array([1, 2, 6])); // x: [1.5 1.5], residuals: [14.], rank: 1
 * @throws ShapeError when `a` is no matrix, or `b` does not fit
 */
export function lstsq(a: ArrayLike, b: ArrayLike, given: LstsqOptions = {}): LstsqResult {
  const { rcond } = optionsOf('lstsq', given, ['rcond']);
  const { a: left, b: right, restore } = system('lstsq', matrix('lstsq', a), b);
  const [m, n] = left.shape.slice(-2) as [number, number];
  const { eps } = finfo(left.dtype);
  const stack = left.shape.slice(0, -2);
  if (m * n === 0) {
    return {
      x: restore(zeros([...stack, n, right.shape.at(-1)!], { dtype: left.dtype })),
      residuals: sum(mul(right, right), { axis: -2 }),
      rank: zeros(stack, { dtype: 'int32' }),
      s: zeros([...stack, 0], { dtype: left.dtype }),
    };
  }
  const tolerance = toleranceOf(rcond ?? Math.max(m, n) * eps, eps);
  const isTraced = left.isTracer || right.isTracer || (typeof tolerance !== 'number' && tolerance.isTracer);
  const [x, s] = (isTraced ? differentiable(tolerance)(left, right) : solution(left, right, tolerance)) as [
    Value,
    Value,
  ];
  const [residuals, rank] = described(left, right, x, s, tolerance) as [Value, Value];
  return { x: restore(x), residuals, rank, s };
}

function toleranceOf(rcond: ArrayLike, eps: number): Value | number {
  if (typeof rcond === 'number') return rcond < 0 ? eps : rcond;
  const value = toValue(rcond, 'lstsq');
  return select(lt(value, 0), eps, value);
}

/** The squares of what is left, and the rank. */
const described: (a: Value, b: Value, x: Value, s: Value, rcond: Value | number) => Value[] = recordedList(
  (a, b, x, s, rcond) => {
    const residual = sub(b, matmul(a, x));
    return [sum(mul(residual, residual), { axis: -2 }), strong(sum(convert(counted(s, rcond), 'int32'), { axis: -1 }))];
  },
);
