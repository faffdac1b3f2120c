/** The quadratic model of L-BFGS-B, its minimum along the projected gradient, and that over the free variables. */
import type { Value } from '../../core/trace.ts';
import { argmax } from '../../lax/argreduce.ts';
import { abs, div, max, min, mul, neg, sqrt } from '../../lax/arithmetic.ts';
import { eq, ge, gt, isFinite, lt, select } from '../../lax/compare.ts';
import { full, iota, scalar } from '../../lax/creation.ts';
import { cumsum } from '../../lax/cumulative.ts';
import { dynamicIndexInDim } from '../../lax/dynamic-indexing.ts';
import { and, not, or } from '../../lax/logic.ts';
import { broadcastTo } from '../../lax/movement.ts';
import { reduceMin, sum } from '../../lax/reductions.ts';
import { concatenate } from '../../lax/slicing.ts';
import { argsort } from '../../lax/sort.ts';
import { choFactor, choSolve } from '../../linalg/factor.ts';
import { solve } from '../../linalg/solve.ts';
import { eye, zeros } from '../../numpy/creation.ts';
import { clip } from '../../numpy/elementwise.ts';
import { take } from '../../numpy/indexing.ts';
import { diagonal } from '../../numpy/matrices.ts';
import { matmul } from '../../numpy/products.ts';
import { finfo } from '../../numpy/testing.ts';

/** B = θI − WᵀMW, where W has the rows Y and θS (equations 3.2 to 3.4 of Byrd, Lu, Nocedal and Zhu). */
export interface CompactModel {
  readonly theta: Value;
  /** [2m, n]. */
  readonly W: Value;
  /** [2m, 2m], and its inverse. */
  readonly M: Value;
  readonly inverse: Value;
}

/** A point in a box, as vectors of n elements. */
export interface BoxPoint {
  readonly x: Value;
  readonly gradient: Value;
  readonly lower: Value;
  readonly upper: Value;
}

/** x / y, and `otherwise` where y is 0. */
const over = (x: Value, y: Value, otherwise: number): Value => {
  const zero = eq(y, 0);
  return select(zero, scalar(otherwise, x.dtype), div(x, select(zero, scalar(1, y.dtype), y)));
};

/**
 * The model after `count` pairs s, y, of which the last m stand in rows of rings. With pairs divided by √(sᵀy), which changes
 * nothing in B, and L what is strictly below the diagonal of SYᵀ, in the order in which pairs came,
 *
 *     M⁻¹ = [−I  Lᵀ; L  θSSᵀ],  so that  M = [LᵀCL − I  LᵀC; CL  C]  with  C = (θSSᵀ + LLᵀ)⁻¹,
 *
 * which is positive definite. Rows without a pair are 0, and 1 on the diagonal.
 */
export function compactModel(S: Value, Y: Value, count: Value, theta: Value): CompactModel {
  const m = S.aval.shape[0]!;
  const { dtype } = S;
  const sy = matmul(S, Y.T);
  const curvature = diagonal(sy) as Value;
  const known = gt(curvature, 0);
  const scale = select(known, div(1, sqrt(select(known, curvature, scalar(1, dtype)))), scalar(0, dtype));
  const column = scale.reshape([m, 1]);
  const both = mul(column, scale);
  // The row that is overwritten next holds the oldest pair.
  const age = iota('int32', m).sub(count.mod(m)).add(m).mod(m);
  const later = gt(age.reshape([m, 1]), age);
  const L = select(later, mul(sy, both), scalar(0, dtype));
  const unit = eye(m, null, { dtype });
  const empty = select(known, scalar(0, dtype), scalar(1, dtype)).mul(unit);
  const thetaSS = matmul(S, S.T).mul(both).mul(theta).add(empty);
  const C = choSolve(choFactor(thetaSS.add(matmul(L, L.T)), { lower: true }), unit);
  const CL = matmul(C, L);
  const blocks = (a: Value, b: Value, c: Value, d: Value): Value =>
    concatenate([concatenate([a, b], 1), concatenate([c, d], 1)], 0);
  return {
    theta,
    W: concatenate([mul(Y, column), mul(S, column).mul(theta)], 0),
    M: blocks(matmul(L.T, CL).sub(unit), CL.T, CL, C),
    inverse: blocks(unit.neg(), L.T, L, thetaSS),
  };
}

/**
 * The generalised Cauchy point: the first local minimum of the model along x(t) = clip(x − t·g) (algorithm CP). Variables
 * reach their bounds at breakpoints t. Between two of them, with d what is left of the direction, p = Wd and c = W(x(t) − x),
 * the slope of the model is −dᵀd + θt·dᵀd − cᵀMp and its curvature θ·dᵀd − pᵀMp. Both are computed for all intervals at once,
 * dᵀd and p as sums from the last breakpoint back, so that nothing cancels; the first interval that holds a minimum is taken.
 *
 * @returns the point, and c there
 */
export function cauchyPoint({ theta, W, M }: CompactModel, { x, gradient, lower, upper }: BoxPoint): [Value, Value] {
  const { dtype } = x;
  const bound = select(lt(gradient, 0), upper, lower);
  const t = over(x.sub(bound), gradient, Number.POSITIVE_INFINITY);
  const direction = select(gt(t, 0), neg(gradient), scalar(0, dtype));
  const order = argsort(t);
  const [breaks, d] = [take(t, order), take(direction, order)];
  const finite = isFinite(breaks);
  const known = select(finite, breaks, scalar(0, dtype));
  // One interval more than breakpoints: behind the last one nothing moves.
  const begins = concatenate([zeros([1], { dtype }), known], 0);
  const ends = concatenate([breaks, full([1], Number.POSITIVE_INFINITY, dtype)], 0);
  const lengths = select(isFinite(ends), ends.sub(begins), scalar(0, dtype));
  const rest = (terms: Value, axis: number): Value => {
    const end = zeros(axis === 0 ? [1] : [terms.aval.shape[0]!, 1], { dtype });
    return concatenate([cumsum(terms, { axis, reverse: true }), end], axis);
  };
  const dd = rest(d.mul(d), 0);
  const p = rest(take(W, order, { axis: 1 }).mul(d), 1);
  const covered = cumsum(p.mul(lengths), { axis: 1 }).sub(p.mul(lengths));
  const Mp = matmul(M, p);
  const slope = dd.mul(begins.mul(theta).sub(1)).sub(sum(covered.mul(Mp), { axis: 0 }));
  const steepest = dd.mul(theta);
  const curvature = max(steepest.sub(sum(p.mul(Mp), { axis: 0 })), steepest.mul(finfo(x).eps));
  const step = max(over(slope.neg(), curvature, 0), 0);
  const holds = or(not(isFinite(ends)), not(and(ge(step, lengths), ge(slope.neg(), 0))));
  const interval = argmax(holds.astype('int32'));
  const at = (values: Value, axis: number): Value => dynamicIndexInDim(values, interval, axis, false);
  const [begin, further] = [at(begins, 0), at(step, 0)];
  const moved = clip(x.add(direction.mul(begin.add(further))), lower, upper);
  const arrived = select(eq(direction, 0), x, bound);
  return [select(gt(t, begin), moved, arrived), at(covered, 1).add(at(p, 1).mul(further))];
}

/**
 * The minimum of the model over the variables that are strictly inside of the box at the Cauchy point (the direct primal
 * method, section 5.1): with r the gradient of the model there and A = WWᵀ over these variables,
 *
 *     step = −r/θ − Wᵀ(M⁻¹ − A/θ)⁻¹Wr/θ².
 *
 * Outside of the box, its projection is taken if that is downhill from x (Morales & Nocedal, Remark on Algorithm 778, 2011),
 * else the step is shortened.
 */
export function subspaceMinimum(
  { theta, W, M, inverse }: CompactModel,
  { x, gradient, lower, upper }: BoxPoint,
  [point, c]: [Value, Value],
): Value {
  const zero = scalar(0, x.dtype);
  const one = scalar(1, x.dtype);
  const free = and(gt(point, lower), lt(point, upper));
  const residual = gradient.add(point.sub(x).mul(theta)).sub(matmul(matmul(M, c), W));
  const r = select(free, residual, zero);
  const inFree = select(broadcastTo(free, W.aval.shape), W, zero);
  const v = solve(inverse.sub(matmul(inFree, inFree.T).div(theta)), matmul(inFree, r));
  const step = r.add(matmul(v, inFree).div(theta)).div(theta).neg();
  const projected = clip(point.add(step), lower, upper);
  const room = select(gt(step, 0), upper, lower).sub(point);
  const share = reduceMin(select(and(free, gt(abs(step), 0)), over(room, step, 1), one));
  const shortened = point.add(step.mul(min(share, 1)));
  return select(lt(sum(gradient.mul(projected.sub(x))), 0), projected, shortened);
}
