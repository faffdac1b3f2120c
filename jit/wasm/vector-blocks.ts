import { type Expr, type FunctionBuilder, type Local, shuffle } from './code.ts';

const bytesOf = (lanes: readonly number[], width: 4 | 8): number[] =>
  lanes.flatMap((l) => Array.from({ length: width }, (_, i) => l * width + i));

/** Lanes of the pair (x, y), of `width` bytes each, in the order given. */
export const chooseLanes = (x: Expr, y: Expr, width: 4 | 8, ...lanes: number[]): Expr =>
  shuffle(x, y, bytesOf(lanes, width));

/** What `i8x16.swizzle` takes to rotate lanes of 32 bits to the left by whole bytes: one instruction instead of three. */
export const lanesRotated = (by: number): Expr => ({
  kind: 'const',
  type: 'v128',
  bytes: Array.from({ length: 16 }, (_, i) => (i & 12) | ((i - by / 8) & 3)),
});

/** As many vectors as one has lanes, as the rows of a square: its columns. */
export function transposedBlock(f: FunctionBuilder, width: 4 | 8, rows: readonly Local[]): Local[] {
  const choose = (x: Local, y: Local, ...lanes: number[]): Local => f.var(chooseLanes(x, y, width, ...lanes));
  const [x, y, z, w] = rows as [Local, Local, Local, Local];
  if (width === 8) return [choose(x, y, 0, 2), choose(x, y, 1, 3)];
  const [low, high] = [choose(x, y, 0, 4, 1, 5), choose(x, y, 2, 6, 3, 7)];
  const [low2, high2] = [choose(z, w, 0, 4, 1, 5), choose(z, w, 2, 6, 3, 7)];
  return [
    choose(low, low2, 0, 1, 4, 5),
    choose(low, low2, 2, 3, 6, 7),
    choose(high, high2, 0, 1, 4, 5),
    choose(high, high2, 2, 3, 6, 7),
  ];
}
