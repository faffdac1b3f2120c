/** The largest elements along an axis. */
import type { ArrayLike } from '../array.ts';
import { ShapeError } from '../core/errors.ts';
import { optionsOf } from '../core/options.ts';
import type { Value } from '../core/trace.ts';
import { toValue } from '../promote.ts';
import { axisOf } from './along-axis.ts';
import { broadcastedIota } from './creation.ts';
import { strengthen } from './movement.ts';
import { reverse, sliceInDim } from './slicing.ts';
import { sortMulti } from './sort.ts';

/**
 * `[values, indices]` of the k largest elements along an axis (the last when left out), largest first, indices in int32. NaN counts as
 * the largest, −0 and 0 as equal, and of equal elements the first comes first. Derivatives follow the elements.
 *
 * @example
 * const [values, indices] = topK(np.array([3, 1, 4, 1, 5]), 2); // [5. 4.], [4 2]
 * @throws ShapeError when k is no integer from 0 to the length of the axis
 */
export function topK(x: ArrayLike, k: number, given: { axis?: number } = {}): [values: Value, indices: Value] {
  const { axis = -1 } = optionsOf('topK', given, ['axis']);
  const value = strengthen(toValue(x, 'topK'));
  if (value.ndim === 0) throw new ShapeError(`topK: ${value.aval} has no axis.`);
  const dimension = axisOf('topK', value, axis);
  const n = value.shape[dimension]!;
  if (!(Number.isInteger(k) && k >= 0 && k <= n)) {
    throw new ShapeError(`topK: k is ${k}, but axis ${dimension} of ${value.aval} has ${n} elements.`);
  }
  // A stable ascending sort of the elements in reverse has, read from its end, equal ones in their order.
  const reversed = (y: Value): Value => reverse(y, [dimension]);
  const positions = broadcastedIota('int32', value.shape, dimension);
  const sorted = sortMulti([reversed(value), reversed(positions)], { dimension });
  return sorted.map((y) => reversed(sliceInDim(y, n - k, n, 1, dimension))) as [Value, Value];
}
