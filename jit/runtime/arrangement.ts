/** How keys of 32 random bits are dealt out before they are sorted. */
import { columnRows, rowBytes } from './column-sort.ts';

/**
 * Buckets take the upper `bits` of the key. Words beside each other in a column are of what is left of it and of the place in the bucket. The
 * first-level cache has room for a bucket beside its columns.
 */
export interface Arrangement {
  readonly bits: number;
  readonly columns: number;
  /** Pairs that a bucket has room for. */
  readonly capacity: number;
  /** Bytes from bucket to bucket: an odd number of lines, so that buckets that fill up alike do not want the same places of a cache. */
  readonly stride: number;
  /** Whether words of different keys differ in more than the place. */
  readonly exact: boolean;
}

/** Rows up to this length are sorted as any others, and so are those whose buckets would be more than the processor remembers pages. */
const short = 200;
const most = 2 ** 26;

/** Pairs in a bucket on average, at most, and above that six standard deviations. */
const average = 2048;
const slack = 288;
/** Bits of a place in a bucket. */
export const placeBits = 12;
/** Words of a column on average: of a Poisson distribution with this mean, one in 10⁵ has more than 64. */
const fullness = 36;
const line = 64;

/** Undefined for rows that are not dealt out into buckets. */
export function arrangementOf(n: number): Arrangement | undefined {
  if (n <= short || n > most) return undefined;
  const bits = Math.max(1, Math.ceil(Math.log2(n / average)));
  const mean = n / 2 ** bits;
  const columns = 4 * Math.ceil(mean / fullness / 4);
  const capacity = Math.ceil(mean) + slack;
  return {
    bits,
    columns,
    capacity,
    stride: (2 * Math.ceil((8 * capacity) / (2 * line)) + 1) * line,
    // What is left of a key has steps of 2^bits, and `columns` times as much says the column and the order in there.
    exact: columns * 2 ** bits >= 2 ** placeBits,
  };
}

const inLines = (bytes: number): number => Math.ceil(bytes / line) * line;

/** Where the parts lie in the scratch memory. Buckets are last: should there be more than they have room for, they run beyond. */
export function arrangementPlaces(
  { bits, columns, capacity, stride }: Arrangement,
  n: number,
): Record<'table' | 'cursors' | 'words' | 'buckets' | 'end', number> {
  const cursors = inLines(4 * 2 ** bits);
  const words = cursors + inLines(4 * columns);
  // Behind the columns: what one of them takes that all of a bucket goes into, or a second buffer for its pairs.
  const buckets = words + (columns / 4) * columnRows * rowBytes + inLines(rowBytes * capacity);
  return { table: 0, cursors, words, buckets, end: buckets + 2 ** bits * stride + 8 * n };
}
