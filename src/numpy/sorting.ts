/** Order. */
import type { ArrayLike, NDArray } from '../array.ts';
import { ShapeError } from '../core/errors.ts';
import { checkIntegers, checkList, optionsOf } from '../core/options.ts';
import { recorded } from '../core/recorded.ts';
import { sameShape } from '../core/shape.ts';
import type { Value } from '../core/trace.ts';
import { sub } from '../lax/arithmetic.ts';
import { broadcastedIota } from '../lax/creation.ts';
import { argpartition as argpartitionAlong, partition as partitionAlong } from '../lax/partition.ts';
import * as lax from '../lax/sort.ts';
import { toValue } from '../promote.ts';
import { axisOf, flip, operand, ravel } from './shape.ts';

export interface SortOptions {
  /** The axis to sort along, the last when left out; null sorts the elements as a vector. */
  axis?: number | null;
  descending?: boolean;
}

const sorted = (
  name: string,
  order: (x: Value, axis: number) => Value,
  reversed: (x: Value, axis: number) => Value,
): ((x: ArrayLike, options?: SortOptions) => NDArray) =>
  recorded((x, given = {}) => {
    const { axis = -1, descending = false } = optionsOf(name, given, ['axis', 'descending']);
    const value = axis === null ? ravel(x) : operand(x, name);
    if (value.ndim === 0) throw new ShapeError(`${name}: ${value.aval} has no axis to sort along.`);
    const along = axisOf(value, axis ?? 0, name);
    return (descending ? reversed : order)(value, along);
  });
/** Elements in increasing order along an axis, NaN last; the other way round if `descending`. */
export const sort: (x: ArrayLike, options?: SortOptions) => NDArray = sorted(
  'sort',
  (x, axis) => lax.sort(x, { axis }),
  (x, axis) => flip(lax.sort(x, { axis }), { axis }),
);
/** The positions (int32) that put the elements in increasing order, or in decreasing order; stable, so that of equal elements the first comes first. */
export const argsort: (x: ArrayLike, options?: SortOptions) => NDArray = sorted(
  'argsort',
  (x, axis) => lax.argsort(x, { axis }),
  // What is flipped before it is sorted and after has equal elements in their order.
  (x, axis) => sub(x.shape[axis]! - 1, flip(lax.argsort(flip(x, { axis }), { axis }), { axis })),
);

const partitioned = (
  name: string,
  along: (x: Value, kth: number, axis: number) => Value,
): ((x: ArrayLike, kth: number, options?: { axis?: number | null }) => NDArray) =>
  recorded((x, kth, given = {}) => {
    const { axis = -1 } = optionsOf(name, given, ['axis']);
    const value = axis === null ? ravel(operand(x, name)) : operand(x, name);
    checkIntegers(name, 'kth', kth);
    const dimension = axisOf(value, axis ?? 0, name);
    const n = value.shape[dimension]!;
    if (kth < -n || kth >= n) throw new ShapeError(`${name}: kth ${kth} is out of range for ${n} elements.`);
    return along(value, kth < 0 ? kth + n : kth, dimension);
  });
/**
 * The elements along an axis with the one at `kth` where sorting puts it: first those that are smaller, then those equal to
 * it, then those that are larger (NaN is), each in the order in which they were. NumPy and JAX leave that order open.
 *
 * @example
 * np.partition(np.array([5, 1, 4, 2, 3]), 2); // [1. 2. 3. 5. 4.]
 */
export const partition: (x: ArrayLike, kth: number, options?: { axis?: number | null }) => NDArray = partitioned(
  'partition',
  partitionAlong,
);
/** The positions (int32) at which the elements of `partition` are. */
export const argpartition: (x: ArrayLike, kth: number, options?: { axis?: number | null }) => NDArray = partitioned(
  'argpartition',
  argpartitionAlong,
);

/**
 * The positions (int32) that sort along an axis by several keys of one shape, of which the last is the most significant.
 *
 * @example
 * np.lexsort([np.array([2, 1, 3]), np.array([1, 1, 0])]); // [2 1 0]
 */
export const lexsort: (keys: readonly ArrayLike[], given?: { axis?: number }) => NDArray = recorded(
  (keys, given = {}) => {
    const { axis = -1 } = optionsOf('lexsort', given, ['axis']);
    checkList('lexsort', 'the keys', keys);
    const values = keys.map((key) => toValue(key, 'lexsort'));
    const [first] = values;
    if (!first || first.ndim === 0 || values.some((v) => !sameShape(v.shape, first.shape)))
      throw new ShapeError('lexsort: needs at least one key, and keys of one shape.');
    const dimension = axisOf(first, axis, 'lexsort');
    const positions: Value = broadcastedIota('int32', first.shape, dimension);
    return lax.sortMulti([...values.reverse(), positions], { dimension, numKeys: values.length }).at(-1)!;
  },
);
