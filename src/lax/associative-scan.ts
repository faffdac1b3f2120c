/** Running combinations by halving. */

import { checkFunction } from '../../transforms/flat.ts';
import type { ArrayLike } from '../array.ts';
import { DtypeError, ShapeError, TreeError } from '../core/errors.ts';
import { optionsOf } from '../core/options.ts';
import { normalizeAxis, range } from '../core/shape.ts';
import type { Value } from '../core/trace.ts';
import { toValue } from '../promote.ts';
import { type Arrays, flatten, type Like, leafPaths, type Tree, unflatten } from '../tree.ts';
import { reshape } from './movement.ts';
import { concatenate, expandDims, reverse as reverseAxes, sliceInDim } from './slicing.ts';

export interface AssociativeScanOptions {
  /** Combine from the last element to the first: `f(later, earlier)`. */
  reverse?: boolean;
  /** The axis of all arrays along which elements lie. Default 0. */
  axis?: number;
}

/**
 * Element k of the result combines elements 0 … k of a tree of arrays along one axis, in O(log n) operations.
 *
 * @param f associative: from two trees of elements to their combination, of the same structure. It gets many elements at
 * a time, with the axis in its place, and must treat each pair alike.
 * @example
 * associativeScan((a, b) => a.mul(b), np.array([1, 2, 3, 4])); // [1, 2, 6, 24]
 * @throws ShapeError when arrays differ in length along the axis; TreeError when `f` returns another structure
 */
export function associativeScan<T extends Tree>(
  f: (a: Arrays<T>, b: Arrays<T>) => Like<T>,
  elems: T,
  given: AssociativeScanOptions = {},
): Arrays<T> {
  const { reverse = false, axis = 0 } = optionsOf('associativeScan', given, ['reverse', 'axis']);
  checkFunction('associativeScan', f, 'the first argument');
  const { leaves, def } = flatten(elems, (path) => `associativeScan: elems${path}`);
  const values = leaves.map((leaf) => toValue(leaf as ArrayLike, 'associativeScan'));
  if (values.length === 0) throw new TreeError('associativeScan: there is no array to scan over.');
  const paths = leafPaths(def, 'elems');
  const axes = values.map((x, i) => {
    const at = normalizeAxis(axis, x.ndim);
    if (at === undefined) throw new ShapeError(`associativeScan: ${paths[i]} is ${x.aval}, which has no axis ${axis}.`);
    const [n, first] = [x.shape[at]!, values[0]!.shape[normalizeAxis(axis, values[0]!.ndim)!]!];
    if (n !== first)
      throw new ShapeError(
        `associativeScan: ${paths[i]} has ${n} elements along axis ${axis}, but ${paths[0]} has ${first}.`,
      );
    return at;
  });
  const combine: Combine = (a, b) => {
    const result = flatten(f(unflatten(def, a), unflatten(def, b)), 'result');
    if (result.def.key !== def.key)
      throw new TreeError(
        `associativeScan: the function returns a value of structure ${result.def}, but elements have structure ${def}.`,
      );
    return result.leaves.map((leaf, i) => {
      const out = toValue(leaf as ArrayLike, 'associativeScan');
      if (out.aval.dtype !== values[i]!.aval.dtype)
        throw new DtypeError(
          `associativeScan: the function returns ${out.aval} at ${paths[i]}, but elements are ${values[i]!.aval.dtype}.`,
        );
      return out;
    });
  };
  return unflatten(def, associativeScanValues(combine, values, axes, reverse));
}

export type Combine = (earlier: readonly Value[], later: readonly Value[]) => readonly Value[];

/**
 * The same on lists of arrays, each with its own axis. Neighbours are combined into half as many elements, these are
 * scanned, and the gaps filled: O(n) work in O(log n) operations (Blelloch, Prefix sums and their applications, 1990),
 * each of which can be differentiated.
 */
export function associativeScanValues(
  combine: Combine,
  xs: readonly Value[],
  axes: readonly number[],
  reverse = false,
): Value[] {
  if (!reverse) return scan(combine, xs, axes);
  const flip = (values: readonly Value[]): Value[] => values.map((x, i) => reverseAxes(x, [axes[i]!]));
  return flip(scan(combine, flip(xs), axes));
}

function scan(combine: Combine, xs: readonly Value[], axes: readonly number[]): Value[] {
  const n = xs[0]!.aval.shape[axes[0]!]!;
  if (n < 2) return [...xs];
  const take = (values: readonly Value[], from: number, to: number, stride = 1): Value[] =>
    values.map((x, i) => sliceInDim(x, from, to, stride, axes[i]!));
  const odd = scan(combine, combine(take(xs, 0, n - 1, 2), take(xs, 1, n, 2)), axes);
  const first = take(xs, 0, 1);
  const rest = n > 2 ? combine(take(odd, 0, Math.ceil(n / 2) - 1), take(xs, 2, n, 2)) : undefined;
  return odd.map((oddElements, i) => {
    const even = rest ? concatenate([first[i]!, rest[i]!], axes[i]!) : first[i]!;
    return interleave(even, oddElements, axes[i]!);
  });
}

/** Elements of `even` at 0, 2, 4, … and of `odd` at 1, 3, …; `even` may be longer by one. */
function interleave(even: Value, odd: Value, axis: number): Value {
  const [m, k] = [even.aval.shape[axis]!, odd.aval.shape[axis]!];
  const pairs = [m === k ? even : sliceInDim(even, 0, k, 1, axis), odd].map((x) => expandDims(x, [axis + 1]));
  const shape = range(even.ndim).map((i) => (i === axis ? 2 * k : even.aval.shape[i]!));
  const joined = reshape(concatenate(pairs, axis + 1), shape);
  return m === k ? joined : concatenate([joined, sliceInDim(even, k, m, 1, axis)], axis);
}
