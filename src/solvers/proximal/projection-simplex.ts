/** Projections on the simplex, and on its points with few elements. */
import type { ArrayLike, NDArray } from '../../array.ts';
import { ShapeError, TraceError } from '../../core/errors.ts';
import { naming } from '../../core/options.ts';
import { full } from '../../lax/creation.ts';
import { topK } from '../../lax/top-k.ts';
import { onSimplex } from '../../numpy/simplex.ts';
import { toFloating, toValue } from '../../promote.ts';

/**
 * {p : p ≥ 0, Σ p = value}, for a vector.
 *
 * @throws ShapeError when x is not a vector
 */
export function simplex(x: ArrayLike, value: ArrayLike = 1): NDArray {
  const v = toFloating(toValue(x, 'projection.simplex'), 'projection.simplex');
  if (v.ndim !== 1) throw new ShapeError(`projection.simplex: x must be a vector, but it is ${v.aval}.`);
  return onSimplex(v, toValue(value, 'projection.simplex'));
}

/**
 * {p : p ≥ 0, Σ p = value, at most `maxNz` elements not 0}, for a vector: the projection of its largest elements on the
 * simplex (Kyrillidis et al., Sparse Projections onto the Simplex, 2013). The set is not convex: of equal elements the first
 * are taken.
 *
 * @example
 * projection.sparseSimplex(np.array([0.5, 0.9, 0.1, 0.8]), 2); // [0.   0.55 0.   0.45]
 * @throws ShapeError when x is not a vector; TraceError when `maxNz` is no integer from 1 to its length
 */
export function sparseSimplex(x: ArrayLike, maxNz: number, value: ArrayLike = 1): NDArray {
  const name = 'projection.sparseSimplex';
  const v = toFloating(toValue(x, name), name);
  if (v.ndim !== 1) throw new ShapeError(`${name}: x must be a vector, but it is ${v.aval}.`);
  if (!(Number.isInteger(maxNz) && maxNz >= 1 && maxNz <= v.size))
    throw new TraceError(`${name}: \`maxNz\` must be an integer from 1 to ${v.size}, but it is ${naming(maxNz)}.`);
  const total = toValue(value, name);
  const [largest, places] = topK(v, maxNz);
  return full([v.size], 0, v.dtype).at(places).set(simplex(largest, total));
}
