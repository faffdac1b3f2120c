import { isFloating } from '../../../src/core/dtype.ts';
import { type Expr, type FunctionBuilder, i32c, op, select } from '../../wasm/code.ts';
import { type Tree, treeSize } from '../expressions/tree.ts';
import { parts } from '../expressions/vector-code.ts';
import { isExtreme } from './accumulators.ts';
import type { Combine } from './combine.ts';

/**
 * Of a row whose lanes hold partial results: how many vectors of four elements one turn of its first loop takes, each into an
 * accumulator of its own, and one turn of the loops behind it, which take what the one before leaves. The last takes one.
 *
 * A processor begins two additions a cycle, each of which takes three or four: sums in four vectors wait for each other, and are read
 * at 78 GB/s where eight are at 98 (4 MB, Zen 4). Sixteen vectors, with what is read, are more than x86 has registers, so that several folds
 * at once have four each, and so have extremes, which know more than one vector.
 *
 * @param extent elements of the row, where that is known: short ones gain less than joining the accumulators takes
 */
export function laneBlocks(
  folds: readonly { readonly combine: Combine; readonly root: Tree }[],
  roots: readonly Tree[] = folds.map(({ root }) => root),
  extent: number = Number.POSITIVE_INFINITY,
): readonly number[] {
  const nodes = roots.reduce((sum, root) => sum + treeSize(root), 0);
  const isSum = ({ combine, root }: (typeof folds)[number]): boolean =>
    isFloating(root.dtype) && !isExtreme(combine, root.dtype);
  const most = nodes > 40 ? [1] : nodes > 16 ? [2] : folds.length === 1 && folds.every(isSum) ? [8, 4] : [4];
  const wide = Math.max(...roots.map(({ dtype }) => parts(dtype)));
  const blocks = [...new Set([...most.map((vectors) => Math.max(1, vectors / wide)), 1])];
  return blocks.filter((count, i) => count === 1 || extent >= (isForLong(blocks, i) ? shortestLong(count) : 8 * count));
}

/** Blocks that shorter rows have no part of, be their length known beforehand or not: compiled sums are those of eager ones. */
const isForLong = (blocks: readonly number[], i: number): boolean => i === 0 && blocks.length > 2;
const shortestLong = (count: number): number => 16 * count;

/** The loops over so many elements but for the last three, a number known at run time; `body` moves the pointers. */
export function forBlocks(
  f: FunctionBuilder,
  elements: Expr,
  blocks: readonly number[],
  body: (count: number) => void,
): void {
  let left = elements;
  blocks.forEach((count, i) => {
    const whole = op('i32.and', left, i32c(-4 * count));
    const isLong = op('i32.ge_s', left, i32c(shortestLong(count)));
    const taken = f.let(isForLong(blocks, i) ? select(isLong, whole, i32c(0)) : whole);
    f.for(0, taken, () => body(count), 4 * count);
    if (count > 1) left = f.let(op('i32.sub', left, taken));
  });
}
