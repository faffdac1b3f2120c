import { type Expr, i32c, type Local, op, select } from '../../wasm/code.ts';
import { offsetBy } from '../../wasm/loop-nest.ts';
import type { Inputs, Stream } from '../expressions/streams.ts';
import { type Tree, treeSize } from '../expressions/tree.ts';
import { VectorEval } from '../expressions/vector-eval.ts';
import { storeVector } from '../expressions/vector-memory.ts';
import { elementBytes, type KernelAxis, type KernelFrame } from './kernel.ts';

/** Rows and columns of a block: float32 elements in a line of the cache. */
export const tileSide = 16;
/** Larger expressions would be too much code four times over. */
const mostNodes = 40;

/** Whether a stream lies in memory along another axis than the one that is written along. */
const isTurned = ({ leaf, steps }: Stream, row: number, axes: readonly KernelAxis[]): boolean =>
  leaf.kind === 'array' &&
  steps[row] === elementBytes[leaf.dtype] &&
  steps[axes.length - 1] !== 0 &&
  Math.abs(steps[axes.length - 1]!) !== elementBytes[leaf.dtype];

/** The axis that makes tiles with the innermost one, where an array lies along it; undefined where none does. */
export function rowAxisOfTiles(axes: readonly KernelAxis[], streams: readonly Stream[]): number | undefined {
  const last = axes.length - 1;
  if (last < 1 || axes[last]!.extent < 4) return undefined;
  const row = axes.findIndex(({ extent }, i) => i < last && extent >= 4 && streams.some((s) => isTurned(s, i, axes)));
  return row < 0 ? undefined : row;
}

export const isSmall = ({ roots, loops }: Inputs): boolean =>
  loops.length === 0 && roots.reduce((sum, root) => sum + treeSize(root), 0) <= mostNodes;

/** What lies along the rows of tiles. */
export const turnedLeaves = (frame: KernelFrame, rowAxis: number): Tree[] =>
  frame.streams.filter((s) => isTurned(s, rowAxis, frame.axes)).map(({ leaf }) => leaf);

/**
 * A map over transposed arrays, tile by tile: four vectors along the columns of each are turned round in registers.
 */
export function mapTiles(frame: KernelFrame, rowAxis: number): void {
  const { f, inputs, axes } = frame;
  const last = axes.length - 1;
  const values = new VectorEval(f, inputs, frame.scalars, frame.innerStep, frame.math, false, (stream) =>
    frame.stepOf(stream, rowAxis),
  );
  const turned = turnedLeaves(frame, rowAxis);
  const outer = axes.map((_, i) => i).filter((i) => i !== rowAxis && i !== last);
  frame.loops(outer, frame.starts, (start) => {
    values.hoist(frame.pointers(start));
    walkTiles(frame, rowAxis, start, (at, height, lanes) => {
      const results = values.evaluateTile(inputs.roots, frame.pointers(at), height, lanes, turned);
      frame.outputs(at).forEach((ptr, i) => {
        const step = axes[rowAxis]!.steps[inputs.streams.length + i]!;
        for (let r = 0; r < height; r++) storeVector(f, inputs.roots[i]!.dtype, ptr, results[r]![i]!, r * step, lanes);
      });
    });
  });
}

/**
 * Goes over an axis and the innermost one in tiles of four by four, or what is left at their ends. Tiles go through a block
 * of 16 × 16 before the next one, so that the lines of the cache that they touch are used up while they are there, which
 * arrays with rows of 4096 bytes would otherwise drive out.
 */
export function walkTiles(
  frame: KernelFrame,
  rowAxis: number,
  start: readonly Expr[],
  tile: (at: readonly Expr[], height: number, lanes: number) => void,
): void {
  const { f, axes } = frame;
  const [rows, columns] = [axes[rowAxis]!, axes.at(-1)!];
  /** Tiles from `start` to `end` along an axis, all whole. */
  const along = (
    { steps }: KernelAxis,
    start: readonly Expr[],
    count: Expr,
    by: number,
    body: (at: readonly Expr[], index: Local) => void,
  ): void => {
    const at = start.map((ptr, i) => (steps[i] === 0 ? ptr : f.var(ptr)));
    f.for(
      0,
      count,
      (index) => {
        body(at, index);
        frame.advance(at, steps, by);
      },
      by,
    );
  };
  const least = (a: Expr, b: Expr): Expr => f.let(select(op('i32.lt_s', a, b), a, b));
  const left = (count: Expr, index: Expr): Expr => least(f.let(op('i32.sub', count, index)), i32c(tileSide));
  const moved = (start: readonly Expr[], { steps }: KernelAxis, count: number): readonly Expr[] =>
    start.map((ptr, i) => (steps[i] === 0 || count === 0 ? ptr : f.let(offsetBy(ptr, steps[i]! * count))));

  const wide = columns.extent - (columns.extent % 4);
  const first = start.map((ptr) => ptr);
  let count: Expr = i32c(rows.extent);
  if (frame.range?.axis === rowAxis) {
    const [begin, end] = [f.param(0), f.param(1)];
    start.forEach((ptr, i) => {
      if (rows.steps[i] !== 0) first[i] = f.var(ptr);
    });
    frame.skip(first, begin, rows.steps);
    count = f.let(op('i32.sub', end, begin));
  }
  const tail = rows.extent % 4;
  const high = f.let(op('i32.and', count, i32c(-4)));
  along(rows, first, high, tileSide, (block, r) => {
    const height = left(high, r);
    along(columns, block, i32c(wide), tileSide, (at, c) => {
      const width = left(i32c(wide), c);
      along(rows, at, height, 4, (row) => along(columns, row, width, 4, (here) => tile(here, 4, 4)));
    });
    if (wide < columns.extent)
      along(rows, moved(block, columns, wide), height, 4, (here) => tile(here, 4, columns.extent - wide));
  });
  if (tail === 0) return;
  f.if(op('i32.ne', count, high), () => {
    const bottom = start.map((ptr, i) =>
      rows.steps[i] === 0 ? ptr : f.let(offsetBy(ptr, rows.steps[i]! * (rows.extent - tail))),
    );
    along(columns, bottom, i32c(wide), 4, (here) => tile(here, tail, 4));
    if (wide < columns.extent) tile(moved(bottom, columns, wide), tail, columns.extent - wide);
  });
}
