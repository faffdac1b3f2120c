/** Positions in sorted vectors, and counts of where elements fall. */

import type { ArrayLike, NDArray } from '../array.ts';
import { ShapeError } from '../core/errors.ts';
import { checkChoice, checkList, optionsOf } from '../core/options.ts';
import { recorded, recordedList } from '../core/recorded.ts';
import { checkCount } from '../core/shape.ts';
import type { Value } from '../core/trace.ts';
import { add, div, max, mul, sub } from '../lax/arithmetic.ts';
import { eq, ge, le, lt, select } from '../lax/compare.ts';
import { convert } from '../lax/convert.ts';
import { bincount as countEach } from '../lax/count.ts';
import { full, iota } from '../lax/creation.ts';
import { indexUpdate } from '../lax/indexing.ts';
import { and } from '../lax/logic.ts';
import { searchsorted as find } from '../lax/search.ts';
import { promoteDTypes, toFloating, toValue } from '../promote.ts';
import { strong } from './array.ts';
import { indices, take } from './indexing.ts';
import { ravel, reshape } from './shape.ts';

export interface SearchOptions {
  /** Before elements equal to the value (`left`, when left out) or after. */
  side?: 'left' | 'right';
  /** Positions that put the vector in order, if it is not. */
  sorter?: ArrayLike;
}

/**
 * Where in the sorted vector each element of `values` belongs; int32. NaN belongs at the end.
 *
 * @example
 * np.searchsorted(np.array([1, 2, 3]), 2.5); // 2
 */
export const searchsorted: (sorted: ArrayLike, values: ArrayLike, given?: SearchOptions) => NDArray = recorded(
  (sorted, values, given = {}) => {
    const { side = 'left', sorter } = optionsOf('searchsorted', given, ['side', 'sorter']);
    checkChoice('searchsorted', 'side', side, ['left', 'right']);
    const order =
      sorter === undefined
        ? toValue(sorted, 'searchsorted')
        : take(sorted, toValue(sorter, 'searchsorted'), { mode: 'clip' });
    if (order.ndim !== 1) throw new ShapeError(`searchsorted: needs a sorted vector, but got ${order.aval}.`);
    const [a, v] = promoteDTypes('searchsorted', [order, values]).map(strong) as [Value, Value];
    if (a.aval.dtype === 'bool') return find(convert(a, 'int32'), convert(v, 'int32'), side);
    return find(a, v, side);
  },
);

/** The bin of each value among increasing edges: 0 below the first. */
export const digitize: (x: ArrayLike, bins: ArrayLike, given?: { right?: boolean }) => NDArray = recorded(
  (x, bins, given = {}) => {
    const { right = false } = optionsOf('digitize', given, ['right']);
    checkChoice('digitize', '`right`', right, [true, false]);
    return searchsorted(toValue(bins, 'digitize'), toValue(x, 'digitize'), { side: right ? 'left' : 'right' });
  },
);

/**
 * How often each of 0, 1, …, length − 1 occurs, or the sums of the weights there. `length` is needed, since shapes are
 * known before values; larger numbers are not counted, negative ones count as 0.
 */
export const bincount: (x: ArrayLike, given: { length: number; weights?: ArrayLike }) => NDArray = recorded(
  (x, given) => {
    const { length, weights } = optionsOf('bincount', given ?? {}, ['length', 'weights'], ['length']);
    return count('bincount', x, checkCount(length, 'bincount', '`length`'), weights);
  },
);

function count(name: string, x: ArrayLike, length: number, weights: ArrayLike | undefined): NDArray {
  const value = ravel(indices(x, name));
  if (weights === undefined) return countEach(value, length);
  const amount = ravel(strong(toValue(weights, name)));
  return indexUpdate(full([length], 0, amount.dtype), [max(value, 0)], amount, 'add');
}

export interface HistogramOptions {
  bins?: number;
  /** The ends of the first and last bin; the smallest and largest element when left out. */
  range?: readonly [ArrayLike, ArrayLike];
  weights?: ArrayLike;
}

type Limits = readonly [ArrayLike, ArrayLike] | undefined;

/** The ends of the first and the last bin, apart from each other. */
function endsOf(value: Value, limits: Limits): [from: Value, to: Value] {
  const [low, high] = limits ?? [value.min(), value.max()];
  const [a, b] = promoteDTypes('histogram', [low, high, value]) as [Value, Value, Value];
  const flat = eq(a, b);
  return [select(flat, sub(a, 0.5), a), select(flat, add(b, 0.5), b)];
}

/** The bin of each value, the number of bins for those outside; and the edges. The last bin includes its end. */
function binsOf(value: Value, bins: number, limits: Limits): [place: Value, edges: Value] {
  const [from, to] = endsOf(value, limits);
  const edges = add(from, mul(div(sub(to, from), bins), iota(value.dtype, bins + 1)));
  const inside = and(ge(value, from), le(value, to));
  const bin = sub(searchsorted(edges, value, { side: 'right' }), 1);
  return [select(inside, select(ge(bin, bins), bins - 1, bin), bins), edges];
}

/** The edges that `histogram` has for these values. */
export const histogramBinEdges: (x: ArrayLike, given?: Omit<HistogramOptions, 'weights'>) => NDArray = recorded(
  (x, given = {}) => {
    const { bins = 10, range } = optionsOf('histogramBinEdges', given, ['bins', 'range']);
    if (range !== undefined) checkList('histogramBinEdges', '`range`', range);
    const value = ravel(strong(toFloating(x, 'histogramBinEdges')));
    return binsOf(value, checkCount(bins, 'histogramBinEdges', '`bins`'), range)[1];
  },
);

/** How many values lie between neighbouring edges, and the edges. */
const countsAndEdges: (value: Value, bins: number, limits: Limits, weights?: ArrayLike) => NDArray[] = recordedList(
  (value, bins, limits, weights) => {
    const [place, edges] = binsOf(value, bins, limits);
    return [count('histogram', place, bins, weights), edges];
  },
);

/** Counts of elements in equal bins (int32, or sums of weights), and the edges; the last bin includes its end. */
export function histogram(x: ArrayLike, given: HistogramOptions = {}): [counts: NDArray, edges: NDArray] {
  const { bins = 10, range: limits, weights } = optionsOf('histogram', given, ['bins', 'range', 'weights']);
  checkCount(bins, 'histogram', '`bins`');
  if (limits !== undefined) checkList('histogram', '`range`', limits);
  const value = ravel(strong(toFloating(x, 'histogram')));
  return countsAndEdges(value, bins, limits, weights) as [NDArray, NDArray];
}

export interface HistogramddOptions {
  /** Numbers of bins: one for each axis, or one for all. */
  bins?: number | readonly number[];
  /** For each axis the ends of the first and last bin; null for the smallest and largest. */
  range?: readonly (readonly [ArrayLike, ArrayLike] | null)[];
  weights?: ArrayLike;
}

/**
 * Counts of points in boxes of equal size (int32, or sums of weights) and the edges along each axis. The points are the rows of an array
 * `[n, d]`.
 *
 * @example
 * const [counts, edges] = np.histogramdd(np.array([[0, 0], [1, 1], [0.2, 0.9]]), { bins: 2 });
 * counts; // [[1 1] [0 1]]
 */
export function histogramdd(x: ArrayLike, given: HistogramddOptions = {}): [counts: NDArray, edges: NDArray[]] {
  const value = strong(toFloating(x, 'histogramdd'));
  if (value.ndim !== 2) throw new ShapeError(`histogramdd: needs points as rows of a matrix, but got ${value.aval}.`);
  const columns = Array.from({ length: value.shape[1]! }, (_, i) => take(value, i, { axis: 1 }));
  return boxes('histogramdd', columns, optionsOf('histogramdd', given, ['bins', 'range', 'weights']));
}

/** `histogramdd` of points given by two vectors: counts, and the edges along either axis. */
export function histogram2d(
  x: ArrayLike,
  y: ArrayLike,
  given: HistogramddOptions = {},
): [counts: NDArray, xEdges: NDArray, yEdges: NDArray] {
  const columns = promoteDTypes('histogram2d', [x, y]).map((v) => ravel(strong(toFloating(v, 'histogram2d'))));
  if (columns[0]!.size !== columns[1]!.size)
    throw new ShapeError(`histogram2d: x and y have ${columns[0]!.size} and ${columns[1]!.size} elements.`);
  const options = optionsOf('histogram2d', given, ['bins', 'range', 'weights']);
  const [counts, [xEdges, yEdges]] = boxes('histogram2d', columns, options);
  return [counts, xEdges!, yEdges!];
}

function boxes(
  name: string,
  columns: readonly Value[],
  { bins = 10, range, weights }: HistogramddOptions,
): [counts: NDArray, edges: NDArray[]] {
  if (range !== undefined) checkList(name, '`range`', range);
  const numbers = typeof bins === 'number' ? columns.map(() => bins) : bins;
  checkList(name, '`bins`', numbers);
  for (const n of numbers) checkCount(n, name, '`bins`');
  if (numbers.length !== columns.length || (range && range.length !== columns.length))
    throw new ShapeError(`${name}: \`bins\` and \`range\` must have an entry for each of ${columns.length} axes.`);
  const [counts, ...edges] = countsInBoxes(name, columns, numbers, range, weights);
  return [counts!, edges];
}

/** The counts, and the edges along each axis. */
const countsInBoxes: (
  name: string,
  columns: readonly Value[],
  numbers: readonly number[],
  range: HistogramddOptions['range'],
  weights: ArrayLike | undefined,
) => NDArray[] = recordedList((name, columns, numbers, range, weights) => {
  const total = numbers.reduce((a, b) => a * b, 1);
  const parts = columns.map((column, i) => binsOf(column, numbers[i]!, range?.[i] ?? undefined));
  let at: Value = indices(0, name);
  let inside: Value | undefined;
  parts.forEach(([place], i) => {
    const within = lt(place, numbers[i]!);
    inside = inside ? and(inside, within) : within;
    at = add(mul(at, numbers[i]!), place);
  });
  const place = inside ? select(inside, at, total) : at;
  return [reshape(count(name, place, total, weights), numbers), ...parts.map(([, edges]) => edges)];
});
