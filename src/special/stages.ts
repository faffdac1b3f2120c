/**
 * Functions of each element that few elements need in full: a first stage gives the values of most, and says of which others it does not. Those
 * are put together and go on to the next stage as full vectors. In a loop over all elements the lanes of a vector would wait for the one that
 * takes longest, and the machine for a branch that it cannot foresee.
 */
import { threadCount } from '../../jit/target.ts';
import { batchJaxpr } from '../../transforms/vmap.ts';
import { namedWhile } from '../control/loops.ts';
import { shapedArray } from '../core/aval.ts';
import { evalJaxpr } from '../core/eval-jaxpr.ts';
import { stage } from '../core/stage.ts';
import type { Value } from '../core/trace.ts';
import { scalar } from '../lax/creation.ts';
import { indexUpdate, takeFromFront } from '../lax/indexing.ts';
import { dynamicSliceInDim } from '../lax/slicing.ts';
import { truePlaces } from '../lax/true-places.ts';

/** Elements from which on putting together what is left pays. */
const fewest = 1000;

/** With threads, kernels of more elements than `small` are dealt out, and those of what is left are where there are `many`. */
const small = 2 ** 15;
const many = 2 ** 19;

/** Whether so many elements take less time in stages. */
export const paysInStages = (n: number): boolean => n >= fewest && (threadCount() === 1 || n <= small || n >= many);

/**
 * How many of those that are left are computed together: few, so that the last block wastes little; with threads enough for kernels that are
 * dealt out.
 */
function blockOf(n: number): number {
  if (threadCount() > 1 && n >= many) return 2 * small;
  return n >= 2 ** 16 ? 2048 : n >= 4096 ? 256 : 64;
}

type ElementFunction = (...xs: Value[]) => readonly Value[];

/** What computes a function of an element in stages. */
export interface Stages {
  /**
   * Each gives a value, whether it takes the next stage to know it, and what that one gets behind the operands. The last gives a value alone.
   */
  readonly stages: readonly ElementFunction[];
  /** From the value and the operands: what is done with all values at last, if anything. */
  readonly finish?: (...xs: Value[]) => Value;
}

/** @param xs vectors of n elements, or rank 0 */
export function inStages({ stages, finish }: Stages, n: number, xs: readonly Value[]): Value {
  const value = refined(stages, n, xs);
  return finish ? onEach((...ys) => [finish(...ys)], n, [value, ...xs])[0]! : value;
}

/** A function of rank-0 values on each of n elements. */
export function onEach(f: ElementFunction, n: number, xs: readonly Value[]): Value[] {
  const weak = xs.every((x) => x.aval.weakType);
  const { jaxpr } = stage(
    f,
    xs.map((x) => shapedArray([], x.aval.dtype, weak)),
  );
  const batched = xs.map((x) => x.aval.ndim > 0);
  const all = jaxpr.outs.map(() => true);
  return evalJaxpr(batchJaxpr(jaxpr, n, batched, all).jaxpr, xs);
}

function refined([first, ...rest]: readonly ElementFunction[], n: number, xs: readonly Value[]): Value {
  const [value, open, ...more] = onEach(first!, n, xs) as [Value, Value, ...Value[]];
  if (rest.length === 0) return value;
  const { places, count } = truePlaces(open);
  const size = blockOf(n);
  const [, whole] = namedWhile(
    { operation: 'inStages' },
    ([at]) => at.lt(count),
    ([at, value]) => {
      // The last block may begin within the one before it: what it computes again is the same. Places behind the last are none.
      const here = dynamicSliceInDim(places, at, size);
      const operands = [...xs, ...more].map((x) => (x.aval.ndim > 0 ? takeFromFront(x, here, 0) : x));
      return [at.add(size), indexUpdate(value, [here], refined(rest, size, operands), 'set')] as const;
    },
    [scalar(0, 'int32'), value] as const,
  );
  return whole;
}
