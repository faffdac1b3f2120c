import { type Shape, stridesOf } from '../../../src/core/shape.ts';
import type { Expr } from '../../wasm/code.ts';
import { forEachTree, type LoopTree, type Tree, treeDepth, treeSize } from '../expressions/tree.ts';
import { parts } from '../expressions/vector-code.ts';
import { aHash, VectorEval } from '../expressions/vector-eval.ts';
import { storeVector } from '../expressions/vector-memory.ts';
import { elementBytes, type Kernel, KernelFrame } from './kernel.ts';
import { isSmall, mapTiles, rowAxisOfTiles, tileSide } from './tiles.ts';
import { vectorsAtOnce } from './vectors-at-once.ts';

/** A value and the array that it is written to, contiguous if it has no strides. */
export interface Store {
  readonly root: Tree;
  readonly ptr: Expr;
  readonly strides?: readonly number[];
}

/**
 * Computes values of one shape, element by element, and stores them; runs loops that store something themselves. With
 * `rowAxes` it takes a range of rows.
 */
export function mapKernel(
  stores: readonly Store[],
  shape: Shape,
  effects: readonly Tree[] = [],
  rowAxes?: number,
): Kernel {
  const own = stridesOf(shape);
  const frame = new KernelFrame(
    [...stores.map((s) => s.root), ...effects],
    shape,
    stores.map(({ root, ptr, strides = own }) => ({ ptr, steps: strides.map((s) => s * elementBytes[root.dtype]) })),
    {
      range: () => 0,
      together: (axes, streams) => (rowAxisOfTiles(axes, streams) === 0 ? tileSide : 1),
      ...(rowAxes !== undefined && { rowAxes }),
    },
  );
  return frame.once(`map ${stores.length} ${rowAxes}`, () => writeMap(frame, shape, stores.length, rowAxes));
}

function writeMap(frame: KernelFrame, shape: Shape, storeCount: number, rowAxes: number | undefined): Kernel {
  const { f, inputs, axes } = frame;
  const rowAxis = rowAxisOfTiles(axes, frame.streams);
  // A range of several rows a step does not begin where a tile does.
  const rows = shape.slice(0, rowAxes ?? 0).reduce((n, extent) => n * extent, 1);
  const isEven = rowAxes === undefined || rowAxis !== 0 || rows === axes[0]!.extent;
  if (rowAxis !== undefined && isEven && isSmall(inputs)) {
    mapTiles(frame, rowAxis);
    return frame.finish();
  }
  frame.sharePointers();
  const outer = axes.slice(0, -1).map((_, i) => i);
  const values = new VectorEval(f, inputs, frame.scalars, frame.innerStep, frame.math);

  const [roots, loops] = [inputs.roots.slice(0, storeCount), inputs.roots.slice(storeCount) as LoopTree[]];

  const vectorsAt = (pointers: readonly Expr[], count: number, lanes: number): void => {
    const results = values.evaluateAll(roots, frame.pointers(pointers), count, lanes, loops);
    const targets = frame.outputs(pointers);
    results.forEach((unit, u) => {
      unit.forEach((value, i) => {
        const { dtype } = roots[i]!;
        storeVector(f, dtype, targets[i]!, value, 4 * u * elementBytes[dtype], lanes);
      });
    });
  };
  const alone = rowAxes === undefined ? inMemory(roots) : inCache(roots);
  const together = inputs.loops.length > 0 ? loopsTogether(inputs.loops) : Math.max(alone, inStep(roots));

  frame.loops(outer, frame.starts, (start) => {
    values.hoist(frame.pointers(start));
    const here = frame.movable(start);
    frame.vectors(here, together, (count, lanes) => vectorsAt(here, count, lanes));
  });
  return frame.finish();
}

/**
 * How many vectors run a loop together: an iteration waits for the one before it, but not for those of its neighbours.
 * Fewer where the loop is long, since all of it is written for each of them, where they may stop at different times, and
 * where each lane goes through lines of the cache of its own.
 */
function loopsTogether(loops: readonly LoopTree[]): number {
  const most = loops.map(({ next, count, ys, args }) => {
    const size = next.reduce((sum, root) => sum + treeSize(root) * parts(root.dtype), 0);
    const fitting = size <= 24 ? 8 : size <= 60 ? 4 : size <= 120 ? 2 : 1;
    const walks =
      ys.length > 0 || args.some((arg) => arg.kind === 'address' && arg.strides.some((stride) => stride > 1));
    return walks && size <= 24 ? 2 : count === undefined ? Math.min(fitting, 4) : fitting;
  });
  return Math.min(...most);
}

/**
 * Four vectors at a time where most operations wait for the one before, as in a hash, and there are so many that the machine does not see
 * those of the next vector: a hash takes 2.4 ns instead of 4, a polynomial of 40 terms 4.7 instead of 11. Where two polynomials are computed that do
 * not wait for each other, as in a Bessel function, that gains nothing, and four vectors are more code than the first-level cache holds; in
 * hashes as much is in step.
 */
function inStep(roots: readonly Tree[]): number {
  // The words of a hash are made of the same nodes.
  const nodes = Math.max(...roots.map(treeSize), 0);
  if (nodes < 100) return 1;
  const nodesAStep = roots.some((root) => wordsIn(root) >= aHash) ? 3 : 2;
  return nodes < nodesAStep * Math.max(...roots.map(treeDepth)) ? 4 : 1;
}

function wordsIn(root: Tree): number {
  let n = 0;
  forEachTree(root, (tree) => {
    if (tree.kind === 'op' && tree.dtype === 'uint32') n++;
  });
  return n;
}

/** How many vectors of arrays in memory: two hide the loop's own instructions as well as the four of kernels made beforehand. */
const inMemory = (roots: readonly Tree[]): number => (roots.every((root) => vectorsAtOnce(root) > 1) ? 2 : 1);

/** How many vectors of rows in the cache are computed together: their loop is bound by its instructions, not by memory. */
function inCache(roots: readonly Tree[]): number {
  const nodes = roots.reduce((n, root) => n + treeSize(root), 0);
  return nodes <= 12 ? 4 : nodes <= 24 ? 2 : 1;
}
