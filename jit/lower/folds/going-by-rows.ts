import { treeSize } from '../expressions/tree.ts';
import { elementBytes } from '../kernels/kernel.ts';
import type { Fold } from '../passes/phases.ts';
import { isExtreme } from './accumulators.ts';
import { mostBytesOf } from './row-records.ts';

/** Bytes from which on rows are read whole: one vector of partial results is worth it in the first-level cache too. */
const smallest = { oneVector: 2 ** 14, more: 2 ** 18, again: 2 ** 20 };
/** Partial results that stay in the second-level cache beside the rows. */
const mostStateBytes = 2 ** 18;
/** A line of the cache. */
const shortestRow = 64;
/** Rows of blocks of columns that take longer than rows, and that the second-level cache does not hold. */
const [longBlock, longestBlock] = [512, 2048];
/** Bytes of a matrix that the third-level cache may hold. */
const largest = 2 ** 24;

/** Whether folds of so many rows and columns [go by rows](folds-by-rows.ts) where one pass over them is enough. */
export function goByRows(folds: readonly Fold[], rows: number, columns: number): boolean {
  const isOne = folds.length === 1 && !isExtreme(folds[0]!.combine, folds[0]!.root.dtype);
  const bytes = rows * rowBytes(folds, columns);
  return isFitting(folds, rows, columns) && bytes >= (isOne ? smallest.oneVector : smallest.more);
}

/**
 * The same where what depends on folds needs further passes, for which blocks of columns wait in the second-level cache: unless they are
 * long, or so many bytes apart that they drive each other out. The third time, matrices that no cache holds are not read by rows.
 * Softmax of 1024² over its first axis takes 1.4 ms, as over its last, and in blocks 3.0; with 2000×1000 2.8 instead of 4.6.
 */
export function goByRowsAgain(
  folds: readonly Fold[],
  rows: number,
  columns: number,
  how: { readonly isSlow: boolean; readonly readings: number },
): boolean {
  const bytes = rows * rowBytes(folds, columns);
  const isLong = rows > longBlock && (how.readings <= 2 || bytes <= largest || rows > longestBlock);
  return isFitting(folds, rows, columns) && bytes >= smallest.again && (how.isSlow || isLong);
}

/**
 * Whether one thread that goes by rows is quicker than several with blocks of columns each: whether it waits for memory (the sum of 1000², 53 µs
 * instead of 80 with two threads; of 2000×8000 2.7 ms instead of 7).
 */
export const isLight = (folds: readonly Fold[]): boolean =>
  folds.reduce((nodes, { root }) => nodes + treeSize(root), 0) <= 8;

/** Rows in blocks of columns that are quicker in several threads where what depends on folds needs further passes. */
export const longestInThreads = 4096;

const rowBytes = (folds: readonly Fold[], columns: number): number =>
  columns * Math.max(...folds.map(({ root }) => elementBytes[root.dtype]));

const isFitting = (folds: readonly Fold[], rows: number, columns: number): boolean =>
  rows >= 16 && rowBytes(folds, columns) >= shortestRow && mostBytesOf(folds, rows, columns) <= mostStateBytes;
