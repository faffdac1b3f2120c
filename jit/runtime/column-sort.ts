/** Sorting columns of words side by side, without branches that depend on them. */
import { type Func, FunctionBuilder, i32c, type Local, load, op } from '../wasm/code.ts';

/**
 *     sort_columns(from, end)
 *
 * The memory between holds blocks of 64 rows of four unsigned words, which are four columns: each is sorted. Sixteen rows at a time by a
 * network, then runs of 16 and of 32 are merged bitonically (Batcher, Sorting networks and their applications, 1968): the second run read
 * backwards behind the first rises and falls, and such a sequence is sorted by comparators at half its length, a quarter and so on. Every
 * loop takes rows that its comparators stay among into registers.
 */
export const columnSortFunctions = (): Func[] => [
  overBlocks('columns_first', 16, sixteen),
  mergeFirst(16),
  overBlocks(
    'columns_last_16',
    8,
    [2, 1].flatMap((distance) => atDistance(8, distance)),
  ),
  mergeFirst(32),
  overBlocks(
    'columns_last_32',
    8,
    [4, 2, 1].flatMap((distance) => atDistance(8, distance)),
  ),
  sortColumns(),
];

/** Words of a column. */
export const columnRows = 64;
export const rowBytes = 16;

type Comparator = readonly [number, number];

// biome-ignore format: a line for each layer
/** M. W. Green's network of 60 comparators for sixteen (Knuth, The Art of Computer Programming 3, 5.3.4). */
const sixteen: readonly Comparator[] = [
  [0, 1], [2, 3], [4, 5], [6, 7], [8, 9], [10, 11], [12, 13], [14, 15],
  [0, 2], [4, 6], [8, 10], [12, 14], [1, 3], [5, 7], [9, 11], [13, 15],
  [0, 4], [8, 12], [1, 5], [9, 13], [2, 6], [10, 14], [3, 7], [11, 15],
  [0, 8], [1, 9], [2, 10], [3, 11], [4, 12], [5, 13], [6, 14], [7, 15],
  [5, 10], [6, 9], [3, 12], [13, 14], [4, 8], [7, 11], [1, 2],
  [1, 4], [7, 13], [2, 8], [11, 14],
  [2, 4], [5, 6], [9, 10], [11, 13], [3, 8], [7, 12],
  [6, 8], [10, 12], [3, 5], [7, 9],
  [3, 4], [5, 6], [7, 8], [9, 10], [11, 12],
  [6, 7], [8, 9],
];

/** Comparators between rows `distance` apart, in blocks of twice as many. */
const atDistance = (rows: number, distance: number): Comparator[] =>
  Array.from({ length: rows }, (_, i) => i)
    .filter((i) => (i & distance) === 0)
    .map((i) => [i, i + distance]);

/** Compares rows, which are read from pointers with offsets in rows, and writes them back. */
function compare(
  f: FunctionBuilder,
  places: readonly (readonly [pointer: Local, row: number])[],
  comparators: readonly Comparator[],
): void {
  const rows = places.map(([pointer, row]) => f.var(load('v128.load', pointer, rowBytes * row)));
  for (const [i, j] of comparators) {
    const [x, y] = [rows[i]!, rows[j]!];
    const least = f.let(op('i32x4.min_u', x, y));
    f.set(y, op('i32x4.max_u', x, y));
    f.set(x, least);
  }
  places.forEach(([pointer, row], i) => {
    f.store('v128.store', pointer, rows[i]!, rowBytes * row);
  });
}

const upTo = (rows: number): number[] => Array.from({ length: rows }, (_, i) => i);
const moved = (pointer: Local, rows: number) => op('i32.add', pointer, i32c(rowBytes * rows));

/** The same comparators for each block of so many rows. */
function overBlocks(name: string, rows: number, comparators: readonly Comparator[]): Func {
  const f = new FunctionBuilder(name, ['i32', 'i32']);
  const [from, end] = f.parameters;
  f.while(op('i32.lt_u', from, end), () => {
    compare(
      f,
      upTo(rows).map((row) => [from, row]),
      comparators,
    );
    f.set(from, moved(from, rows));
  });
  return f.build();
}

/** columns_merge_16(from, end): the first three steps by which two runs become one: the second backwards, half a run, a quarter. */
function mergeFirst(run: number): Func {
  const f = new FunctionBuilder(`columns_merge_${run}`, ['i32', 'i32']);
  const [from, end] = f.parameters;
  const quarter = run / 4;
  const steps = [...upTo(4).map((i): Comparator => [i, 7 - i]), ...atDistance(8, 2), ...atDistance(8, 1)];
  f.while(op('i32.lt_u', from, end), () => {
    // Row i of the first run meets row −1 − i of the second.
    const first = f.var(from);
    const second = f.var(moved(from, run + quarter - 1));
    const until = f.let(moved(from, quarter));
    f.doWhile(op('i32.lt_u', first, until), () => {
      const places = [first, second].flatMap((pointer) => upTo(4).map((i) => [pointer, quarter * i] as const));
      compare(f, places, steps);
      f.set(first, moved(first, 1));
      f.set(second, moved(second, -1));
    });
    f.set(from, moved(from, 2 * run));
  });
  return f.build();
}

function sortColumns(): Func {
  const f = new FunctionBuilder('sort_columns', ['i32', 'i32']);
  const [from, end] = f.parameters;
  f.call('columns_first', from, end);
  for (const run of [16, 32]) {
    f.call(`columns_merge_${run}`, from, end);
    f.call(`columns_last_${run}`, from, end);
  }
  return f.build();
}
