/** Bytes of a matrix that stays in the first-level cache while windows go by, and of a result that stays in the second-level one. */
const largest = { matrix: 2 ** 15, result: 2 ** 16 };

/**
 * Whether windows are best multiplied where they lie: where all of the matrix they are multiplied with stays in the cache, or all
 * of the result does. Elsewhere a copy of them pays, which many columns share.
 */
export const readsWindows = (rows: number, columns: number, sums: number, bytes: number): boolean =>
  columns * sums * bytes <= largest.matrix || rows * columns * bytes <= largest.result;
