import type { ArrayLike, NDArray } from '../array.ts';
import { ShapeError } from '../core/errors.ts';
import { promoteDTypes, toValue } from '../promote.ts';
import { type Arrays, flatten, unflatten } from '../tree.ts';
import { convert } from './convert.ts';
import { full } from './creation.ts';
import { reshape, strengthen } from './movement.ts';
import { concatenate, slice } from './slicing.ts';

/**
 * All elements of a tree as one vector, of the dtype that its arrays have together, and the function that makes such a tree of
 * a vector. JAX calls it `ravel_pytree`.
 *
 * @example
 * const [flat, unravel] = tree.ravel({ w: np.ones([2, 3]), b: np.zeros([3]) }); // f32[9]
 * unravel(flat.mul(2)).w; // f32[2,3]
 * @throws ShapeError when the vector given to `unravel` has another length
 */
export function ravel<T>(tree: T): [flat: NDArray, unravel: (flat: ArrayLike) => Arrays<T>] {
  const { leaves, def } = flatten(tree, 'tree.ravel: the tree');
  const values = leaves.map((leaf) => strengthen(toValue(leaf as ArrayLike, 'tree.ravel')));
  const sizes = values.map((v) => v.size);
  const total = sizes.reduce((sum, n) => sum + n, 0);
  const vectors = promoteDTypes('tree.ravel', values).map((v) => reshape(v, [v.size]));
  const flat = vectors.length === 0 ? full([0], 0, 'float32') : concatenate(vectors, 0);
  const unravel = (given: ArrayLike): Arrays<T> => {
    const vector = toValue(given, 'unravel');
    if (vector.ndim !== 1 || vector.size !== total)
      throw new ShapeError(`unravel: needs a vector of ${total} elements for ${def}, but got ${vector.aval}.`);
    let start = 0;
    const parts = values.map((v, i) => {
      const part = slice(vector, [start], [start + sizes[i]!]);
      start += sizes[i]!;
      return convert(reshape(part, v.shape), v.dtype);
    });
    return unflatten(def, parts) as Arrays<T>;
  };
  return [flat, unravel];
}
