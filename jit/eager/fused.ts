/** Groups of elementwise operations that run at once, as one prebuilt kernel. */
import { byteSize } from '../../src/core/dtype.ts';
import type { Eqn, Var } from '../../src/core/jaxpr.ts';
import { invoke } from '../invoke.ts';
import { elementsPerCall } from '../lower/kernels/kernel.ts';
import { fusedExports } from '../runtime/instance.ts';
import type { Heap } from '../storage/heap.ts';
import { threadPool } from '../threads/thread-pool.ts';
import type { NestAxis } from '../wasm/loop-nest.ts';
import { unlessDecided } from './decided.ts';
import { foldParts } from './folds.ts';
import { type Group, groupOf } from './groups.ts';
import { inPieces, isDealtOut } from './in-threads.ts';
import { type EagerFunction, onCells } from './memory-function.ts';

type Kernel = (...args: number[]) => number | undefined;

/** The largest group that ends with `roots`, if there is a kernel for it; parameters are those of `groupOf`. */
export function prebuiltGroup(
  roots: readonly [Eqn, ...Eqn[]],
  makerOf: ReadonlyMap<Var, Eqn>,
  steps?: readonly number[],
): Group | undefined {
  for (const literals of ['baked', 'byValue'] as const) {
    const group = groupOf(roots, makerOf, literals, steps);
    if (group && fusedExports()[group.key]) return group;
  }
  return undefined;
}

/** Operands come in the order of the group's. */
export const eagerFused = (group: Group): EagerFunction => unlessDecided(group, kernelCall(group));

function kernelCall({ key, operands, roots, axes, combine }: Group): EagerFunction {
  const kernel = fusedExports()[key] as Kernel;
  const outputs = roots.map((root) => root.outputs[0]!.aval);
  // Of a fold, which has one result.
  const { dtype } = outputs[0]!;
  const bytes = byteSize(dtype);
  const widths = [...outputs, ...operands].map((x) => byteSize(x.dtype));
  const inBytes = (axis: NestAxis): NestAxis => ({ ...axis, steps: axis.steps.map((step, i) => step * widths[i]!) });
  const loops = axes.map(inBytes);
  const inner = loops.pop() ?? { extent: 1, steps: widths };
  const rows = loops.pop() ?? { extent: 1, steps: widths.map(() => 0) };
  const n = inner.extent;
  const long = n > elementsPerCall;
  const rowsPerCall = Math.max(1, Math.floor(elementsPerCall / n));
  const args = new Array<number>(2 + 2 * widths.length).fill(0);
  for (let i = 0; i < widths.length; i++) args[3 + 2 * i] = rows.steps[i]!;
  const call = (count: number, length: number, places: readonly number[], row: number, at: number): void => {
    args[0] = count;
    args[1] = length;
    for (let i = 0; i < places.length; i++) args[2 + 2 * i] = places[i]! + row * rows.steps[i]! + at * inner.steps[i]!;
    invoke(kernel, args);
  };
  /** A row in pieces, so that the engine can go over to optimised code in between. */
  const longRow = (heap: Heap, places: readonly number[], row: number): void => {
    if (isDealtOut(n) && combine !== 'and' && combine !== 'or') {
      longRowInThreads(heap, places, row);
      return;
    }
    if (!combine) {
      for (let at = 0; at < n; at += elementsPerCall) call(1, Math.min(elementsPerCall, n - at), places, row, at);
      return;
    }
    const place = places[0]! + row * rows.steps[0]!;
    const elements = heap.elements(dtype);
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
  const argsAt = (places: readonly number[], row: number): number[] => {
    const start = args.slice();
    places.forEach((place, i) => {
      start[2 + 2 * i] = place + row * rows.steps[i]!;
    });
    return start;
  };
  const stepsOf = ({ steps }: NestAxis): number[] => [0, 0, ...steps.flatMap((step) => [step, 0])];
  const longRowInThreads = (heap: Heap, places: readonly number[], row: number): void => {
    const start = argsAt(places, row);
    start[0] = 1;
    const steps = stepsOf(inner);
    if (!combine) {
      threadPool().call('fused', key, inPieces(n, 1, start, steps));
      return;
    }
    // Each piece has a place for what it has folded.
    const { top, depth } = heap.frames;
    const pieces = Math.ceil(n / elementsPerCall);
    const partials = heap.frames.push(64 * pieces);
    const to = start[2]!;
    start[2] = partials;
    steps[2] = 64 / elementsPerCall;
    threadPool().call('fused', key, inPieces(n, 1, start, steps));
    const elements = heap.elements(dtype);
    let total = elements[partials / bytes]!;
    for (let i = 1; i < pieces; i++) total = foldParts(combine, dtype, total, elements[(partials + 64 * i) / bytes]!);
    elements[to / bytes] = total;
    heap.frames.pop(top, depth);
  };
  const block = (heap: Heap, places: readonly number[]): void => {
    if (long) for (let row = 0; row < rows.extent; row++) longRow(heap, places, row);
    else if (isDealtOut(rows.extent * n)) {
      const start = argsAt(places, 0);
      start[1] = n;
      threadPool().call('fused', key, inPieces(rows.extent, 0, start, stepsOf(rows), rowsPerCall));
    } else
      for (let row = 0; row < rows.extent; row += rowsPerCall)
        call(Math.min(rowsPerCall, rows.extent - row), n, places, row, 0);
  };
  const outer = (heap: Heap, places: readonly number[], depth: number): void => {
    if (depth === loops.length) {
      block(heap, places);
      return;
    }
    const { extent, steps } = loops[depth]!;
    for (let i = 0; i < extent; i++)
      outer(
        heap,
        places.map((place, k) => place + i * steps[k]!),
        depth + 1,
      );
  };
  const offsets = operands.map(({ offset, dtype }) => offset * byteSize(dtype));
  const [count, results] = [operands.length, outputs.length];
  if (loops.length === 0 && !long && rows.extent <= rowsPerCall) {
    args[0] = rows.extent;
    args[1] = n;
    const run = (_: Heap, at: readonly number[]): void => {
      for (let i = 0; i < results; i++) args[2 + 2 * i] = at[count + i]!;
      for (let i = 0; i < count; i++) args[2 + 2 * (results + i)] = at[i]! + offsets[i]!;
      invoke(kernel, args);
    };
    return onCells({ scratch: 0, run }, outputs);
  }
  const run = (heap: Heap, at: readonly number[]): void =>
    outer(heap, [...at.slice(count, count + results), ...offsets.map((offset, i) => at[i]! + offset)], 0);
  return onCells({ scratch: 0, run }, outputs);
}
