/** Operations on elements in memory, and the same on storage. */
import type { ShapedArray } from '../../src/core/aval.ts';
import type { DType } from '../../src/core/dtype.ts';
import type { Cell } from '../storage/cell.ts';
import type { Heap } from '../storage/heap.ts';
import { Workspace } from '../storage/workspace.ts';
import type { DirectFunction } from './direct.ts';

/** Calls of prebuilt functions whose operands and results have places already. */
export interface MemoryFunction {
  /** Bytes of scratch memory. */
  readonly scratch: number;
  /** @param at addresses of the operands, then of the results, then of the scratch memory */
  readonly run: (heap: Heap, at: readonly number[]) => void;
}

/** One operation on operands of known types. */
export interface EagerFunction {
  (operands: readonly Cell[]): Cell | Cell[];
  /** The same in memory, for a program that has a frame for all that its operations leave behind. */
  readonly inMemory?: MemoryFunction;
  /** The same for one or two operands that are at hand. */
  readonly direct?: DirectFunction | undefined;
}

export const withMemory = (
  run: (operands: readonly Cell[]) => Cell | Cell[],
  inMemory: MemoryFunction,
  direct?: DirectFunction,
): EagerFunction => Object.assign(run, { inMemory, direct });

/** Gives operands and results places, for this one operation. */
export function onCells(inMemory: MemoryFunction, outputs: readonly ShapedArray[]): EagerFunction {
  const { scratch, run } = inMemory;
  if (outputs.length !== 1) return withMemory(severalOnCells(inMemory, outputs), inMemory);
  const output = outputs[0]!;
  return withMemory((operands) => {
    const w = new Workspace();
    try {
      const n = operands.length;
      // Written out: a list that grows is made with room for 17.
      const at =
        n === 1
          ? [w.operand(operands[0]!), 0, 0]
          : n === 2
            ? [w.operand(operands[0]!), w.operand(operands[1]!), 0, 0]
            : operands.map((cell) => w.operand(cell));
      const cell = w.place(output);
      const to = w.address(cell);
      at[n] = to;
      at[n + 1] = scratch > 0 ? w.scratch(scratch) : 0;
      run(w.heap, at);
      return w.taken(cell, output, to);
    } finally {
      w.close();
    }
  }, inMemory);
}

function severalOnCells({ scratch, run }: MemoryFunction, outputs: readonly ShapedArray[]) {
  return (operands: readonly Cell[]): Cell[] => {
    const w = new Workspace();
    try {
      const at: number[] = [];
      for (let i = 0; i < operands.length; i++) at.push(w.operand(operands[i]!));
      const cells: (Cell | undefined)[] = [];
      for (let i = 0; i < outputs.length; i++) {
        cells.push(w.place(outputs[i]!));
        at.push(w.address(cells[i]));
      }
      at.push(scratch > 0 ? w.scratch(scratch) : 0);
      run(w.heap, at);
      return outputs.map((output, i) => w.taken(cells[i], output, at[operands.length + i]!));
    } finally {
      w.close();
    }
  };
}

/** One element in memory. */
export function numberAt(heap: Heap, dtype: DType, address: number): number {
  switch (dtype) {
    case 'float64':
      return heap.f64[address >>> 3]!;
    case 'float32':
      return heap.f32[address >>> 2]!;
    case 'int32':
      return heap.i32[address >>> 2]!;
    case 'uint32':
      return heap.u32[address >>> 2]!;
    case 'bool':
      return heap.u8[address]!;
  }
}

export function setNumberAt(heap: Heap, dtype: DType, address: number, value: number): void {
  switch (dtype) {
    case 'float64':
      heap.f64[address >>> 3] = value;
      return;
    case 'float32':
      heap.f32[address >>> 2] = value;
      return;
    case 'int32':
      heap.i32[address >>> 2] = value;
      return;
    case 'uint32':
      heap.u32[address >>> 2] = value;
      return;
    case 'bool':
      heap.u8[address] = value;
  }
}
