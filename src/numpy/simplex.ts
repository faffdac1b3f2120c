/** The projection on a simplex, of which projections, proximity operators and losses are made. */
import type { ArrayLike } from '../array.ts';
import type { Value } from '../core/trace.ts';
import { div } from '../lax/arithmetic.ts';
import { gt, select } from '../lax/compare.ts';
import { broadcastedIota } from '../lax/creation.ts';
import { cumsum } from '../lax/cumulative.ts';
import { sum } from '../lax/reductions.ts';
import { reverse } from '../lax/slicing.ts';
import { sort } from '../lax/sort.ts';
import { stopGradient } from '../lax/stop-gradient.ts';
import { toValue } from '../promote.ts';

/**
 * The nearest p ≥ 0 with Σ p = total along the last axis (Duchi et al., Efficient Projections onto the ℓ1-Ball, 2008, figure 1).
 * The support is found by sorting; given the support, the projection is affine, and that is what is differentiated.
 */
export function onSimplex(x: Value, total: ArrayLike): Value {
  const last = { axis: -1, keepdims: true };
  const fixed = stopGradient(x);
  const fixedTotal = stopGradient(toValue(total, 'simplex'));
  const descending = reverse(sort(fixed), [x.ndim - 1]);
  const count = broadcastedIota('int32', x.shape, x.ndim - 1)
    .add(1)
    .astype(x.dtype);
  const excess = div(cumsum(descending, { axis: -1 }).sub(fixedTotal), count);
  const inSupport = gt(descending, excess);
  const threshold = sum(select(inSupport, descending, 0), last)
    .sub(fixedTotal)
    .div(sum(inSupport.astype(x.dtype), last));
  const support = gt(fixed, threshold);
  const mean = sum(select(support, x, 0), last)
    .sub(total)
    .div(sum(support.astype(x.dtype), last));
  return select(support, x.sub(mean), 0);
}
