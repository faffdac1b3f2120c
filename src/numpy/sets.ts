/** Arrays as sets of their elements. */
import type { ArrayLike, NDArray } from '../array.ts';
import { allocate, type DType } from '../core/dtype.ts';
import { checkChoice, optionsOf } from '../core/options.ts';
import { recorded } from '../core/recorded.ts';
import type { Value } from '../core/trace.ts';
import { eq, ne } from '../lax/compare.ts';
import { full } from '../lax/creation.ts';
import { argsort, sort } from '../lax/sort.ts';
import { promoteDTypes } from '../promote.ts';
import { fromData, strong } from './array.ts';
import { compress, distinctElements, take, unique } from './indexing.ts';
import { concatenate } from './joining.ts';
import { searchsorted } from './search.ts';
import { operand, ravel } from './shape.ts';

/**
 * Which elements of `x` are among those of `test`; with `invert`, which are not.
 *
 * @example
 * np.isin(np.array([1, 2, 3]), np.array([3, 1])); // [ True False True]
 */
export const isin: (x: ArrayLike, test: ArrayLike, given?: { invert?: boolean }) => NDArray = recorded(
  (x, test, given = {}) => {
    const { invert = false } = optionsOf('isin', given, ['invert']);
    checkChoice('isin', '`invert`', invert, [true, false]);
    const [a, b] = promoteDTypes('isin', [operand(x, 'isin'), operand(test, 'isin')]).map(strong) as [Value, Value];
    if (b.size === 0) return full(a.shape, invert ? 1 : 0, 'bool');
    const known = sort(ravel(b), { axis: 0 });
    const nearest = take(known, searchsorted(known, a), { mode: 'clip' });
    return invert ? ne(nearest, a) : eq(nearest, a);
  },
);

/** The distinct elements of both, in order. Concrete arrays only. */
export const union1d = (x: ArrayLike, y: ArrayLike): NDArray =>
  unique(concatenate([ravel(operand(x, 'union1d')), ravel(operand(y, 'union1d'))]));

/** The distinct elements of x that are in y, in order. Concrete arrays only. */
export const intersect1d = (x: ArrayLike, y: ArrayLike): NDArray => chosen('intersect1d', x, y, true);
/** The distinct elements of x that are not in y, in order. Concrete arrays only. */
export const setdiff1d = (x: ArrayLike, y: ArrayLike): NDArray => chosen('setdiff1d', x, y, false);

/** The distinct elements of just one of the two, in order. Concrete arrays only. */
export function setxor1d(x: ArrayLike, y: ArrayLike): NDArray {
  const [only, other] = [chosen('setxor1d', x, y, false), chosen('setxor1d', y, x, false)];
  return sort(concatenate([only, other]), { axis: 0 });
}

/** Distinct elements in order, and where they stand. */
export interface UniqueAll {
  readonly values: NDArray;
  /** The first position of each in the elements as a vector; int32. */
  readonly indices: NDArray;
  /** For each element of the array, in its shape, the position of its value in `values`; int32. */
  readonly inverseIndices: NDArray;
  /** How often each occurs; int32. */
  readonly counts: NDArray;
}

/**
 * The distinct elements in increasing order, with their first positions, the way back and how often they occur (the array
 * standard's `unique_all`; each NaN is distinct). Concrete arrays only.
 *
 * @example
 * np.uniqueAll(np.array([3, 1, 3])); // values [1. 3.], indices [1 0], inverseIndices [1 0 1], counts [1 2]
 */
export const uniqueAll = (x: ArrayLike): UniqueAll => distinct('uniqueAll', x);
/** The distinct elements in increasing order, and how often they occur. Concrete arrays only. */
export function uniqueCounts(x: ArrayLike): Pick<UniqueAll, 'values' | 'counts'> {
  const value = operand(x, 'uniqueCounts');
  const found = distinctElements(value, false, true);
  if (found) return { values: found[0]!, counts: found[1]! };
  const { sorted, starts } = runs('uniqueCounts', value);
  const counts = starts.map((start, i) => (i + 1 < starts.length ? starts[i + 1]! : sorted.length) - start);
  return { values: firsts(sorted, starts, value.dtype), counts: fromData(counts, [counts.length], 'int32') };
}
/** The distinct elements in increasing order, and for each element of the array which it is. Concrete arrays only. */
export function uniqueInverse(x: ArrayLike): Pick<UniqueAll, 'values' | 'inverseIndices'> {
  const { values, inverseIndices } = distinct('uniqueInverse', x);
  return { values, inverseIndices };
}
/** The distinct elements in increasing order, each NaN among them. Concrete arrays only. */
export function uniqueValues(x: ArrayLike): NDArray {
  const value = operand(x, 'uniqueValues');
  const found = distinctElements(value, false);
  if (found) return found[0]!;
  const { sorted, starts } = runs('uniqueValues', value);
  return firsts(sorted, starts, value.dtype);
}

/** The elements in order, and where each that differs from the one before it stands. */
function runs(operation: string, value: Value): { sorted: Float64Array; starts: Int32Array } {
  value.read(operation);
  using inOrder = sort(ravel(value), { axis: 0 });
  const data = inOrder.read(operation);
  // Of one type, so that the loop is compiled for it.
  const sorted = new Float64Array(data);
  const starts = new Int32Array(sorted.length);
  let count = 0;
  for (let i = 0; i < sorted.length; i++) if (i === 0 || sorted[i] !== sorted[i - 1]) starts[count++] = i;
  return { sorted, starts: starts.subarray(0, count) };
}

function firsts(sorted: Float64Array, starts: Int32Array, dtype: DType): NDArray {
  const values = allocate(dtype, starts.length);
  for (let i = 0; i < starts.length; i++) values[i] = sorted[starts[i]!]!;
  return fromData(values, [values.length], dtype);
}

function distinct(operation: string, x: ArrayLike): UniqueAll {
  const value = operand(x, operation);
  const flat = ravel(value);
  const data = flat.read(operation);
  // Stable: the first of equal elements comes first.
  const order = argsort(flat, { axis: 0 }).data();
  const [first, counts] = [new Int32Array(data.length), new Int32Array(data.length)];
  const inverse = new Int32Array(data.length);
  let last = -1;
  for (let i = 0; i < data.length; i++) {
    const at = order[i]!;
    if (i === 0 || data[at] !== data[order[i - 1]!]) first[++last] = at;
    counts[last]!++;
    inverse[at] = last;
  }
  const vector = (list: Int32Array): NDArray => fromData(list.slice(0, last + 1), [last + 1], 'int32');
  return {
    values: take(flat, vector(first)),
    indices: vector(first),
    inverseIndices: fromData(inverse, value.shape, 'int32'),
    counts: vector(counts),
  };
}

const inverted = { invert: true };

function chosen(operation: string, x: ArrayLike, y: ArrayLike, isInside: boolean): NDArray {
  const [a, b] = promoteDTypes(operation, [operand(x, operation), operand(y, operation)]) as [Value, Value];
  const distinct = unique(a);
  const wanted = isin(distinct, b, isInside ? {} : inverted);
  if (wanted.isTracer) wanted.read(operation);
  const found = compress(wanted, distinct);
  wanted.dispose();
  distinct.dispose();
  return found;
}
