/**
 * Problems with l ≤ A x ≤ u as equations, given which bounds are active: the condition that derivatives differentiate, and
 * polishing, which solves it.
 */
import { customLinearSolve } from '../../control/custom-linear-solve.ts';
import { whileLoop } from '../../control/loops.ts';
import type { Value } from '../../core/trace.ts';
import { max, min } from '../../lax/arithmetic.ts';
import { eq, gt, isFinite, lt, select } from '../../lax/compare.ts';
import { full, scalar } from '../../lax/creation.ts';
import { and, not, or } from '../../lax/logic.ts';
import { saddlePoint } from '../../linear-solve/saddle-point.ts';
import { eye, zeros } from '../../numpy/creation.ts';
import { clip } from '../../numpy/elementwise.ts';
import { block } from '../../numpy/joining.ts';
import { matrixTranspose } from '../../numpy/shape.ts';
import { type ActiveSet, activeBounds, activeSet, type BoxProblem, errorsOf, residuals } from './box-problem.ts';

/**
 * Qx + c + Aᵀ M y, and M (A x − bound) − (I − M) y, where M chooses the active rows: zero where these hold with equality and
 * the multipliers of the others are 0. The derivative in (x, y) is symmetric, and regular where Q is positive definite on
 * the null space of the active rows and these do not depend on each other.
 */
export function activeCondition(problem: BoxProblem, active: ActiveSet, x: Value, y: Value): [Value, Value] {
  const { Q, A, c } = problem;
  const holds = or(active.low, active.high);
  const zero = full(y.shape, 0, y.dtype);
  return [
    Q.times(x)
      .add(c)
      .add(A.back(select(holds, y, zero))),
    select(holds, A.times(x).sub(activeBounds(problem, active)), y.neg()),
  ];
}

interface Point {
  readonly x: Value;
  readonly z: Value;
  readonly y: Value;
}

/** Most linear systems of one polishing. */
const turns = 5;

/**
 * Solves the problem with the active constraints as equations (Stellato et al., OSQP, 2020, section 4). Where that is no
 * solution, the constraints that it violates become active and those with multipliers of the wrong sign inactive, a few
 * times: steps of the primal-dual active set method (Hintermüller, Ito & Kunisch, 2002).
 *
 * @param rho weighs violations against multipliers
 * @param usable whether to try at all
 * @returns the point with the smallest residuals, the given one perhaps
 */
export function polish(problem: BoxProblem, at: Point, rho: Value, usable: Value): Point {
  const { lower, upper, Q, A } = problem;
  const errorOf = ({ x, z, y }: Point): Value => {
    const { primal, dual } = errorsOf(residuals(problem, x, z, y));
    return max(primal, dual);
  };
  const solve = (active: ActiveSet): [Value, Value] => {
    const holds = or(active.low, active.high).astype(at.x.dtype);
    const rows = A.matrix!.mul(holds.reshape([-1, 1]));
    const rest = eye(holds.size, null, { dtype: holds.dtype }).mul(holds.sub(1));
    const matrix = block([
      [Q.matrix!, matrixTranspose(rows)],
      [rows, rest],
    ]);
    const product = ([u, v]: Value[]): Value[] => {
      const w = v!.mul(holds);
      return [Q.times(u!).add(A.back(w)), A.times(u!).mul(holds).sub(v!).add(w)];
    };
    const right = [problem.c.neg(), activeBounds(problem, active)];
    return customLinearSolve(product, right, saddlePoint({ matrix, shift: true }), { symmetric: true }).x as [
      Value,
      Value,
    ];
  };
  const error = errorOf(at);
  const first = activeSet(problem, at.y);
  const small = scalar(at.x.dtype === 'float64' ? 1e-13 : 1e-6, at.x.dtype);
  const found = whileLoop(
    ({ k, again }: any) => and(again, lt(k, turns)),
    ({ best, error, low, high, k }: any) => {
      const [x, multipliers] = solve({ low, high });
      const ax = A.times(x);
      const zero = full(ax.shape, 0, ax.dtype);
      const equal = eq(lower, upper);
      // Multipliers of the wrong sign are none.
      const signed = select(low, min(multipliers, zero), select(high, max(multipliers, zero), zero));
      const y = select(equal, multipliers, signed);
      const point = { x, z: clip(ax, lower, upper), y };
      const next = errorOf(point);
      const better = lt(next, error);
      const free = ax.add(multipliers.div(rho));
      const [nextLow, nextHigh] = [or(equal, lt(free, lower)), and(not(equal), gt(free, upper))];
      const moved = or(nextLow.ne(low).any(), nextHigh.ne(high).any());
      return {
        best: {
          x: select(better, point.x, best.x),
          z: select(better, point.z, best.z),
          y: select(better, point.y, best.y),
        },
        error: select(better, next, error),
        low: nextLow,
        high: nextHigh,
        again: and(and(isFinite(next), moved), gt(select(better, next, error), small)),
        k: k.add(1),
      };
    },
    { best: at, error, low: first.low, high: first.high, again: usable, k: zeros([], { dtype: 'int32' }) } as any,
  ) as any;
  return found.best;
}
