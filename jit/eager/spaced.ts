/** Evenly spaced numbers, by the runtime module. */
import { shapedArray } from '../../src/core/aval.ts';
import { byteSize, type DType, shortName } from '../../src/core/dtype.ts';
import { elementsPerCall } from '../lower/kernels/kernel.ts';
import { runtimeExports } from '../runtime/instance.ts';
import type { Cell } from '../storage/cell.ts';
import { threadPool } from '../threads/thread-pool.ts';
import { inPieces, isDealtOut } from './in-threads.ts';
import { onCells } from './memory-function.ts';

type RuntimeFunction = (...args: number[]) => undefined;

/** A function that writes `start` + `width`·i / `steps` for `count` numbers i from `first` on to an address. */
function writer(
  dtype: DType,
  { count, first, start, width, steps }: { count: number; first: number; start: number; width: number; steps: number },
): (to: number) => void {
  const name = `spaced_${shortName(dtype)}`;
  const bytes = byteSize(dtype);
  const run = runtimeExports()[name] as RuntimeFunction;
  return (to) => {
    if (isDealtOut(count)) {
      const args = [0, first, to, start, width, steps];
      threadPool().call('runtime', name, inPieces(count, 0, args, [0, 1, bytes, 0, 0, 0]));
      return;
    }
    for (let done = 0; done < count; done += elementsPerCall)
      run(Math.min(elementsPerCall, count - done), first + done, to + done * bytes, start, width, steps);
  };
}

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
  const write = writer(dtype, { count, first: 0, start, width, steps });
  const made = onCells(
    {
      scratch: 0,
      run: (heap, at) => {
        write(at[0]!);
        if (end !== undefined) heap.elements(dtype)[at[0]! / byteSize(dtype) + count - 1] = end;
      },
    },
    [shapedArray([count], dtype)],
  );
  return made([]) as Cell;
}

/** The numbers 0, 1, … and −`negative`, …, −1 after them, n in all, divided by `steps`. */
export function wrappedCell(dtype: DType, n: number, negative: number, steps: number): Cell {
  const common = { start: 0, width: 1, steps };
  const positive = n - negative;
  const [before, after] = [
    writer(dtype, { ...common, count: positive, first: 0 }),
    writer(dtype, { ...common, count: negative, first: -negative }),
  ];
  const made = onCells(
    {
      scratch: 0,
      run: (_, at) => {
        before(at[0]!);
        after(at[0]! + positive * byteSize(dtype));
      },
    },
    [shapedArray([n], dtype)],
  );
  return made([]) as Cell;
}
