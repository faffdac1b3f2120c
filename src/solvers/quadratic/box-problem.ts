/** min ½ xᵀQx + cᵀx where l ≤ A x ≤ u: the problem, scaled, and how far a point is from solving it. */
import { foriLoop } from '../../control/loops.ts';
import type { Value } from '../../core/trace.ts';
import { abs, div, max, sqrt } from '../../lax/arithmetic.ts';
import { eq, gt, lt, select } from '../../lax/compare.ts';
import { full, scalar } from '../../lax/creation.ts';
import { and, not, or } from '../../lax/logic.ts';
import { reduceMax, sum } from '../../lax/reductions.ts';
import { stopGradient } from '../../lax/stop-gradient.ts';
import { clip } from '../../numpy/elementwise.ts';
import { matrixTranspose } from '../../numpy/shape.ts';
import { infNorm } from '../vectors.ts';
import type { LinearOperator, Quadratic, Space } from './quadratic.ts';

export interface BoxProblem extends Quadratic {
  readonly x: Space;
  /** That of A x, the bounds and the multipliers. */
  readonly z: Space;
  readonly A: LinearOperator;
  readonly lower: Value;
  readonly upper: Value;
}

/**
 * A change of variables x = D x̂ with rows multiplied by E and the objective by `cost`, all positive:
 * Q̂ = cost·D Q D, ĉ = cost·D c, Â = E A D. Multipliers are y = E ŷ / cost.
 */
export interface Scaling {
  /** The diagonal of D. */
  readonly columns: Value;
  /** The diagonal of E. */
  readonly rows: Value;
  readonly cost: Value;
}

export const unscaled = ({ x, z }: BoxProblem): Scaling => ({
  columns: full([x.size], 1, x.dtype),
  rows: full([z.size], 1, x.dtype),
  cost: scalar(1, x.dtype),
});

/**
 * Modified Ruiz equilibration (Stellato et al., OSQP, 2020, algorithm 2): D and E that bring the largest elements of each
 * column of [Q Aᵀ; A 0] near 1, and a cost that does it for the objective. Constants where derivatives are concerned: the
 * solution does not depend on them.
 */
export function equilibrate(problem: BoxProblem, turns: number): Scaling {
  const { Q, A } = problem;
  const start = unscaled(problem);
  if (!Q.matrix || !A.matrix || turns === 0) return start;
  const [q, a, c] = stopGradient([abs(Q.matrix), abs(A.matrix), abs(problem.c)]) as [Value, Value, Value];
  const inverseRoot = (v: Value): Value => {
    const one = full(v.shape, 1, v.dtype);
    return div(one, sqrt(select(lt(v, 1e-4), one, clip(v, null, 1e4))));
  };
  const [columns, rows, cost] = foriLoop(
    0,
    turns,
    (_: unknown, [d, e, cost]: any) => {
      const scaledA = a.mul(d).mul(e.reshape([-1, 1]));
      const ofColumns = reduceMax(
        q
          .mul(d)
          .mul(d.reshape([-1, 1]))
          .mul(cost),
        { axis: 0 },
      );
      const nextD = d.mul(inverseRoot(max(ofColumns, reduceMax(scaledA, { axis: 0 }))));
      const nextE = e.mul(inverseRoot(reduceMax(scaledA, { axis: 1 })));
      const scaledQ = reduceMax(q.mul(nextD).mul(nextD.reshape([-1, 1])), { axis: 0 });
      const size = max(sum(scaledQ).div(problem.x.size), infNorm(c.mul(nextD)));
      const one = scalar(1, d.dtype);
      return [nextD, nextE, div(one, select(gt(size, 0), size, one))];
    },
    [start.columns, start.rows, start.cost],
  ) as [Value, Value, Value];
  return { columns, rows, cost };
}

/** The problem in the variables of a scaling. */
export function scaled(problem: BoxProblem, { columns: d, rows: e, cost }: Scaling): BoxProblem {
  const { Q, A, c, lower, upper } = problem;
  const column = (v: Value): Value => v.reshape([-1, 1]);
  return {
    ...problem,
    Q: {
      times: (v) => Q.times(v.mul(d)).mul(d).mul(cost),
      back: (v) => Q.back(v.mul(d)).mul(d).mul(cost),
      matrix: Q.matrix?.mul(d).mul(column(d.mul(cost))),
    },
    A: {
      times: (v) => A.times(v.mul(d)).mul(e),
      back: (v) => A.back(v.mul(e)).mul(d),
      matrix: A.matrix?.mul(d).mul(column(e)),
    },
    c: c.mul(d).mul(cost),
    lower: lower.mul(e),
    upper: upper.mul(e),
  };
}

/** A matrix as an operator: products with what `scaled` made are then one pass over it. */
export const written = (operator: LinearOperator): LinearOperator => {
  const { matrix } = operator;
  return matrix ? { times: (v) => matrix.matmul(v), back: (v) => matrixTranspose(matrix).matmul(v), matrix } : operator;
};

/** What is left of the conditions at x, z and y, and what that is a difference of. */
export interface Residuals {
  /** A x − z. */
  readonly primal: Value;
  /** Q x + c + Aᵀ y. */
  readonly dual: Value;
  readonly rows: readonly Value[];
  readonly columns: readonly Value[];
}

export function residuals({ Q, A, c }: BoxProblem, x: Value, z: Value, y: Value): Residuals {
  const [ax, qx, aty] = [A.times(x), Q.times(x), A.back(y)];
  return { primal: ax.sub(z), dual: qx.add(c).add(aty), rows: [ax, z], columns: [qx, aty, c] };
}

/** The sizes of residuals, and of what relative tolerances are relative to: ‖·‖∞. */
export interface Errors {
  readonly primal: Value;
  readonly dual: Value;
  readonly primalSize: Value;
  readonly dualSize: Value;
}

/** In the variables of a scaling, if one is given: residuals there are multiples of these. */
export function errorsOf({ primal, dual, rows, columns }: Residuals, scaling?: Scaling): Errors {
  const weigh = (weight: Value | undefined, v: Value): Value => infNorm(weight ? v.mul(weight) : v);
  const ofRow = (v: Value): Value => weigh(scaling?.rows, v);
  const ofColumn = (v: Value): Value => weigh(scaling?.columns.mul(scaling.cost), v);
  const largest = (sizes: Value[]): Value => sizes.reduce((a, b) => max(a, b));
  return {
    primal: ofRow(primal),
    dual: ofColumn(dual),
    primalSize: largest(rows.map(ofRow)),
    dualSize: largest(columns.map(ofColumn)),
  };
}

/** Which bounds hold with equality, as multipliers say; where l = u they always do. */
export interface ActiveSet {
  readonly low: Value;
  readonly high: Value;
}

/** Where y < 0 the lower bound is active, where y > 0 the upper. */
export function activeSet({ lower, upper }: BoxProblem, y: Value): ActiveSet {
  const equal = eq(lower, upper);
  const low = or(equal, and(lt(y, 0), gt(lower, Number.NEGATIVE_INFINITY)));
  const high = and(not(equal), and(gt(y, 0), lt(upper, Number.POSITIVE_INFINITY)));
  return { low, high };
}

/** Zero, or the bound that is active. */
export const activeBounds = ({ lower, upper }: BoxProblem, { low, high }: ActiveSet): Value => {
  const zero = full(lower.shape, 0, lower.dtype);
  return select(low, lower, select(high, upper, zero));
};
