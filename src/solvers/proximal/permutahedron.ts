/** Projections on permutahedra, of which soft sorting and ranking are made. */
import type { Value } from '../../core/trace.ts';
import { add, neg, sub } from '../../lax/arithmetic.ts';
import { full } from '../../lax/creation.ts';
import { argsort } from '../../lax/sort.ts';
import { stopGradient } from '../../lax/stop-gradient.ts';
import { blockLogSumExp, blockMean, findBlocks, logarithms, means, take } from '../relaxations/pooling.ts';

/**
 * The projection of z on the permutahedron of w, the convex hull of the permutations of w (Blondel, Teboul,
 * Berthet and Djolonga, Fast Differentiable Sorting and Ranking, 2020, Proposition 3): with s = z
 * sorted and w sorted, both descending, it is s − v in the order of z, where v is the isotonic regression of s − w, or its entropic
 * variant, whose blocks have log Σ eˢ − log Σ eʷ. Added in this order, an element that is a block of its own is w exactly, however
 * large z is.
 */
export function onPermutahedron(z: Value, w: Value, regularization: 'l2' | 'kl'): Value {
  const order = argsort(neg(stopGradient(z)));
  const s = take(z, order);
  const [fixedS, fixedW] = [stopGradient(s), stopGradient(w)];
  const isL2 = regularization === 'l2';
  // Of nonincreasing sequences: signs and roles are changed.
  const { ids } = isL2
    ? findBlocks([sub(fixedW, fixedS), full(w.shape, 1, w.dtype)], means)
    : findBlocks([fixedW, fixedS], logarithms);
  const middle = isL2 ? blockMean : blockLogSumExp;
  const sorted = add(sub(s, middle(s, ids)), middle(w, ids));
  return full(z.shape, 0, z.dtype).at(order).set(sorted);
}
