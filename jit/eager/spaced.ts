/** Evenly spaced numbers, by the runtime module. */
import { shapedArray } from '../../src/core/aval.ts';
import { byteSize, type DType, shortName } from '../../src/core/dtype.ts';
import { elementsPerCall } from '../lower/kernels/kernel.ts';
import { runtimeExports } from '../runtime/instance.ts';
import type { Cell } from '../storage/heap.ts';
import { threadPool } from '../threads/thread-pool.ts';
import { inPieces, isDealtOut } from './in-threads.ts';
import { onCells } from './memory-function.ts';

type RuntimeFunction = (...args: number[]) => undefined;

/**
 * `start` + `width`·i / `steps` for `count` numbers i from 0 on, but for the last one if `end` is given.
 *
 * @param dtype a floating one
 */
export function spacedCell(
  dtype: DType,
  count: number,
  start: number,
  width: number,
  steps: number,
  end: number | undefined,
): Cell {
  const name = `spaced_${shortName(dtype)}`;
  const bytes = byteSize(dtype);
  const run = runtimeExports()[name] as RuntimeFunction;
  const write = (to: number): void => {
    if (isDealtOut(count)) {
      threadPool().call('runtime', name, inPieces(count, 0, [0, 0, to, start, width, steps], [0, 1, bytes, 0, 0, 0]));
      return;
    }
    for (let first = 0; first < count; first += elementsPerCall)
      run(Math.min(elementsPerCall, count - first), first, to + first * bytes, start, width, steps);
  };
  const made = onCells(
    {
      scratch: 0,
      run: (heap, at) => {
        write(at[0]!);
        if (end !== undefined) heap.elements(dtype)[at[0]! / bytes + count - 1] = end;
      },
    },
    [shapedArray([count], dtype)],
  );
  return made([]) as Cell;
}
