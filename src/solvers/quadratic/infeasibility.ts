/**
 * Certificates that a quadratic program has no solution. Where it has none, the steps of ADMM converge to one (Banjac et al.,
 * Infeasibility Detection in the Alternating Direction Method of Multipliers for Convex Optimization, 2019; Stellato et al.,
 * OSQP, 2020, section 3.4).
 */
import type { Value } from '../../core/trace.ts';
import { max, min, mul } from '../../lax/arithmetic.ts';
import { eq, ge, gt, le, lt, select } from '../../lax/compare.ts';
import { full } from '../../lax/creation.ts';
import { and, or } from '../../lax/logic.ts';
import { all, sum } from '../../lax/reductions.ts';
import { dot } from '../../numpy/products.ts';
import { infNorm } from '../vectors.ts';
import type { BoxProblem } from './box-problem.ts';

/** Steps this small say nothing. */
const nothing = (v: Value): number => (v.dtype === 'float64' ? 1e-12 : 1e-6);

/**
 * Whether no x satisfies the constraints: a direction v with Aᵀv = 0 along which the support function of [l, u] is negative
 * separates the range of A from the box.
 */
export function primalInfeasible({ A, lower, upper }: BoxProblem, step: Value, tol: number): Value {
  const bounded = [lt(upper, Number.POSITIVE_INFINITY), gt(lower, Number.NEGATIVE_INFINITY)] as const;
  const zero = full(step.shape, 0, step.dtype);
  const up = select(bounded[0], max(step, zero), zero);
  const down = select(bounded[1], min(step, zero), zero);
  const v = up.add(down);
  const size = infNorm(v);
  const support = sum(mul(up, select(bounded[0], upper, zero)).add(mul(down, select(bounded[1], lower, zero))));
  const separates = and(lt(support, mul(size, -tol)), le(infNorm(A.back(v)), mul(size, tol)));
  return and(gt(size, nothing(step)), separates);
}

/**
 * Whether the objective has no bound from below where the constraints hold: a direction v with Q v = 0 and cᵀv < 0 in which
 * no constraint ends.
 */
export function dualInfeasible({ Q, A, c, lower, upper }: BoxProblem, step: Value, tol: number): Value {
  const size = infNorm(step);
  const limit = mul(size, tol);
  const along = A.times(step);
  const free = and(
    or(eq(upper, Number.POSITIVE_INFINITY), le(along, limit)),
    or(eq(lower, Number.NEGATIVE_INFINITY), ge(along, limit.neg())),
  );
  const descends = and(lt(dot(c, step), limit.neg()), le(infNorm(Q.times(step)), limit));
  return and(gt(size, nothing(step)), and(descends, all(free)));
}
