/** Pooling adjacent violators: the blocks of equal elements that monotone fits consist of, and what is computed over blocks. */
import { addLanes } from '../../../transforms/vmap.ts';
import { customBatching } from '../../control/custom-batching.ts';
import { map, whileLoop } from '../../control/loops.ts';
import type { Value } from '../../core/trace.ts';
import { add, div, max, sub } from '../../lax/arithmetic.ts';
import { ge, gt, le, lt, select } from '../../lax/compare.ts';
import { full, iota, scalar } from '../../lax/creation.ts';
import { cumsum } from '../../lax/cumulative.ts';
import { dynamicIndexInDim } from '../../lax/dynamic-indexing.ts';
import { and, or } from '../../lax/logic.ts';
import { stopGradient } from '../../lax/stop-gradient.ts';
import { exp, log } from '../../lax/transcendental.ts';
import { logaddexp } from '../../numpy/functions.ts';
import { take as takeAt } from '../../numpy/indexing.ts';

/** How neighbours with the statistics a and b are pooled: their value, and the statistics of both together. */
export interface Pooling {
  level(stats: readonly Value[]): Value;
  pool(a: readonly Value[], b: readonly Value[]): readonly Value[];
}

export interface Blocks {
  /** int32, for each element the number of its block. */
  readonly ids: Value;
  /** For each block its level; what follows after the last one is not meant. */
  readonly levels: Value;
}

/**
 * The blocks of which a nondecreasing sequence consists, found from left to right (Best and Chakravarti, Active set algorithms for
 * isotonic regression, 1990): the block under way takes in the one before it while that is at least as high, and is put on the stack
 * when the next element begins another. At most 2n turns, each of which reads and writes one place of the stack.
 */
function search(elements: readonly Value[], { level, pool }: Pooling): Blocks {
  const n = elements[0]!.shape[0]!;
  const items: readonly Value[] = [...elements, iota('int32', n)];
  const at = (arrays: readonly Value[], i: Value): Value[] => arrays.map((x) => dynamicIndexInDim(x, i, 0, false));
  const stats = (block: readonly Value[]): readonly Value[] => block.slice(0, -1);
  const first = at(items, scalar(0, 'int32'));
  const end = whileLoop(
    ({ violated, next }: any) => or(violated, lt(next, n)),
    ({ violated, next, height, stack, last, block }: any) => {
      // The place above the stack is free: what is written there while blocks are pooled is not read. Written first and read
      // then, the stack stays in its place.
      const pushed = stack.map((x: Value, i: number) => x.at(height).set(block[i]));
      const pooled = [...pool(stats(last), stats(block)), last.at(-1)];
      const fresh = at(items, next);
      const higher = select(violated, height.sub(1), height.add(1));
      const below = at(pushed, max(sub(height, 2), 0));
      const nextBlock = pooled.map((x, i) => select(violated, x, fresh[i]!));
      const nextLast = below.map((x, i) => select(violated, x, block[i]));
      return {
        violated: and(gt(higher, 0), ge(level(stats(nextLast)), level(stats(nextBlock)))),
        next: select(violated, next, next.add(1)),
        height: higher,
        stack: pushed,
        last: nextLast,
        block: nextBlock,
      };
    },
    {
      violated: scalar(0, 'bool'),
      next: scalar(1, 'int32'),
      height: scalar(0, 'int32'),
      stack: items.map((x) => full([n], 0, x.dtype)),
      last: first,
      block: first,
    },
  ) as { height: Value; stack: Value[]; block: Value[] };
  const stack = end.stack.map((x, i) => x.at(end.height).set(end.block[i]!));
  const starts = full([n], 0, 'int32')
    .at(stack.at(-1)!)
    .add(le(iota('int32', n), end.height).astype('int32'));
  return { ids: cumsum(starts).sub(1), levels: level(stats(stack)) };
}

/**
 * Lanes go one after the other: each has turns of its own number, with few numbers in each, and goes on where the stack stands that it
 * has left in the cache.
 */
export function findBlocks(elements: readonly Value[], pooling: Pooling): Blocks {
  const one = customBatching((...elements: Value[]) => search(elements, pooling));
  one.defVmap((size, batched, ...elements) => {
    const lanes = elements.map((x, i) => (batched[i] ? x : addLanes(x, size)));
    return [map((lane: readonly Value[]) => one(...lane), lanes), true];
  });
  return one(...elements);
}

export const means: Pooling = {
  level: ([total, weight]) => div(total!, weight!),
  pool: (a, b) => a.map((x, i) => add(x, b[i]!)),
};
/** Of the logarithms of sums of exponentials. */
export const logarithms: Pooling = {
  level: ([s, w]) => sub(s!, w!),
  pool: (a, b) => a.map((x, i) => logaddexp(x, b[i]!)),
};

/** Elements at positions that are inside. */
export const take = (x: Value, positions: Value): Value => takeAt(x, positions, { mode: 'clip' });

/** For each element the sum over its block. */
export const blockSum = (x: Value, ids: Value): Value => take(full(x.shape, 0, x.dtype).at(ids).add(x), ids);
export const blockMean = (x: Value, ids: Value): Value =>
  div(blockSum(x, ids), blockSum(full(x.shape, 1, x.dtype), ids));
/** log Σ exp over the block of each element. */
export function blockLogSumExp(x: Value, ids: Value): Value {
  const largest = take(full(x.shape, Number.NEGATIVE_INFINITY, x.dtype).at(ids).max(stopGradient(x)), ids);
  return add(log(blockSum(exp(sub(x, largest)), ids)), largest);
}
