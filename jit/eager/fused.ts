/** Groups of elementwise operations that run at once, as one prebuilt kernel. */
import { byteSize } from '../../src/core/dtype.ts';
import { invoke } from '../invoke.ts';
import type { NestAxis } from '../loop-nest.ts';
import { elementsPerCall } from '../lower/kernel.ts';
import { fusedExports } from '../runtime/instance.ts';
import { Workspace } from '../workspace.ts';
import type { EagerFunction } from './eager.ts';
import { foldParts } from './folds.ts';
import type { Group } from './groups.ts';

type Kernel = (...args: number[]) => number | undefined;

export const isFusedPrebuilt = (key: string): boolean => fusedExports()[key] !== undefined;

/** Operands come in the order of the group's. */
export function eagerFused({ key, operands, root, axes, combine }: Group): EagerFunction {
  const kernel = fusedExports()[key] as Kernel;
  const output = root.outputs[0]!.aval;
  const { dtype } = output;
  const bytes = byteSize(dtype);
  const widths = [bytes, ...operands.map((operand) => byteSize(operand.dtype))];
  const inBytes = (axis: NestAxis): NestAxis => ({ ...axis, steps: axis.steps.map((step, i) => step * widths[i]!) });
  const loops = axes.map(inBytes);
  const inner = loops.pop() ?? { extent: 1, steps: widths };
  const rows = loops.pop() ?? { extent: 1, steps: widths.map(() => 0) };
  const n = inner.extent;
  const long = n > elementsPerCall;
  const rowsPerCall = Math.max(1, Math.floor(elementsPerCall / n));
  const args = new Array<number>(4 + 2 * operands.length).fill(0);
  args[3] = rows.steps[0]!;
  for (let i = 0; i < operands.length; i++) args[5 + 2 * i] = rows.steps[i + 1]!;
  const call = (count: number, length: number, places: readonly number[], row: number, at: number): void => {
    args[0] = count;
    args[1] = length;
    args[2] = places[0]! + row * rows.steps[0]! + at * inner.steps[0]!;
    for (let i = 1; i < places.length; i++) args[2 + 2 * i] = places[i]! + row * rows.steps[i]! + at * inner.steps[i]!;
    invoke(kernel, args);
  };
  /** A row in pieces, so that the engine can go over to optimised code in between. */
  const longRow = (w: Workspace, places: readonly number[], row: number): void => {
    if (!combine) {
      for (let at = 0; at < n; at += elementsPerCall) call(1, Math.min(elementsPerCall, n - at), places, row, at);
      return;
    }
    const place = places[0]! + row * rows.steps[0]!;
    const elements = w.heap.elements(dtype);
    const part = (at: number): number => {
      call(1, Math.min(elementsPerCall, n - at), places, row, at);
      return elements[place / bytes]!;
    };
    let total = part(0);
    // Nothing changes any more once one element has decided.
    const isDecided = (): boolean => (combine === 'and' && total === 0) || (combine === 'or' && total !== 0);
    for (let at = elementsPerCall; at < n && !isDecided(); at += elementsPerCall)
      total = foldParts(combine, dtype, total, part(at));
    elements[place / bytes] = total;
  };
  const block = (w: Workspace, places: readonly number[]): void => {
    if (long) for (let row = 0; row < rows.extent; row++) longRow(w, places, row);
    else
      for (let row = 0; row < rows.extent; row += rowsPerCall)
        call(Math.min(rowsPerCall, rows.extent - row), n, places, row, 0);
  };
  const outer = (w: Workspace, places: readonly number[], depth: number): void => {
    if (depth === loops.length) {
      block(w, places);
      return;
    }
    const { extent, steps } = loops[depth]!;
    for (let i = 0; i < extent; i++)
      outer(
        w,
        places.map((place, k) => place + i * steps[k]!),
        depth + 1,
      );
  };
  const offsets = operands.map((operand, i) => operand.offset * widths[i + 1]!);
  if (loops.length === 0 && !long && rows.extent <= rowsPerCall) {
    args[0] = rows.extent;
    args[1] = n;
    return (cells) => {
      const w = new Workspace();
      try {
        for (let i = 0; i < cells.length; i++) args[4 + 2 * i] = w.operand(cells[i]!) + offsets[i]!;
        const cell = w.place(output);
        const to = w.address(cell);
        args[2] = to;
        invoke(kernel, args);
        return w.taken(cell, output, to);
      } finally {
        w.close();
      }
    };
  }
  return (cells) => {
    const w = new Workspace();
    try {
      const places = [0];
      for (let i = 0; i < cells.length; i++) places.push(w.operand(cells[i]!) + offsets[i]!);
      const cell = w.place(output);
      const to = w.address(cell);
      places[0] = to;
      outer(w, places, 0);
      return w.taken(cell, output, to);
    } finally {
      w.close();
    }
  };
}
