/** Folds that run at once, in the runtime module. */
import { type ShapedArray, shapedArray } from '../../src/core/aval.ts';
import { byteSize, type DType, isFloating } from '../../src/core/dtype.ts';
import { range, sizeOf, stridesOf } from '../../src/core/shape.ts';
import { type Combine, identityOf } from '../lower/folds/combine.ts';
import { elementsPerCall } from '../lower/kernels/kernel.ts';
import { elementwiseName } from '../runtime/elementwise.ts';
import { foldName, lineFoldName, linesAtOnce, rowsFoldName } from '../runtime/folds.ts';
import { elementwiseExports, runtimeExports } from '../runtime/instance.ts';
import { Cell } from '../storage/cell.ts';
import type { Heap } from '../storage/heap.ts';
import { Workspace } from '../storage/workspace.ts';
import { threadPool } from '../threads/thread-pool.ts';
import { inPieces, isDealtOut } from './in-threads.ts';
import { type EagerFunction, onCells, withMemory } from './memory-function.ts';
import { eagerView } from './movement.ts';

type RuntimeFunction = (...args: number[]) => number;

const binaryOf: Record<string, string> = { add: 'add', mul: 'mul', max: 'max', min: 'min', and: 'and', or: 'or' };

/** Folds over the last axes row by row, over neighbouring others by combining rows; others are moved to the end first. */
export function eagerFold(
  x: ShapedArray,
  combine: Combine,
  axes: readonly number[],
  output: ShapedArray,
): EagerFunction | undefined {
  const { shape, dtype, ndim } = x;
  if (output.size === 0) return undefined;
  if (x.size === 0) return filled(output, identityOf(combine, dtype));
  const folded = shape.map((n, axis) => n === 1 || axes.includes(axis));
  const kept = shape.map((n, axis) => n === 1 || !axes.includes(axis));
  const split = axes.length === 0 ? 0 : Math.min(...axes.filter((axis) => shape[axis] !== 1), ndim);
  const last = Math.max(-1, ...axes.filter((axis) => shape[axis] !== 1));
  if (folded.slice(split).every(Boolean)) {
    const name = foldName(combine, dtype);
    const run = runtimeExports()[name] as RuntimeFunction;
    const length = sizeOf(shape.slice(split));
    const rowBytes = length * byteSize(dtype);
    const fold = (from: number): number => foldRow(name, run, combine, dtype, length, from);
    const several = runtimeExports()[rowsFoldName(combine, dtype)] as RuntimeFunction;
    const rowsPerCall = Math.floor(elementsPerCall / length);
    const rows = (heap: Heap, at: readonly number[]): void => {
      const [from, to] = at as [number, number];
      const results = heap.elements(dtype);
      const start = to / results.BYTES_PER_ELEMENT;
      if (rowsPerCall === 0)
        for (let row = 0; row < output.size; row++) results[start + row] = fold(from + row * rowBytes);
      else
        for (let row = 0; row < output.size; row += rowsPerCall) {
          const count = Math.min(rowsPerCall, output.size - row);
          several(length, to + row * results.BYTES_PER_ELEMENT, count, from + row * rowBytes);
        }
    };
    const inMemory = { scratch: 0, run: rows };
    if (output.size > 1) return onCells(inMemory, [output]);
    return withMemory(([operand]) => {
      const w = new Workspace();
      try {
        const total = fold(w.operand(operand!));
        return Cell.fromNumber(dtype, dtype === 'uint32' ? total >>> 0 : total);
      } finally {
        w.close();
      }
    }, inMemory);
  }
  const within = folded.slice(split, last + 1);
  if (!kept.slice(0, split).every(Boolean) || !within.every(Boolean) || !kept.slice(last + 1).every(Boolean))
    return movedFirst(x, combine, axes, output);
  const run = elementwiseExports()[elementwiseName(binaryOf[combine]!, {}, [dtype, dtype], [false, false])] as
    | RuntimeFunction
    | undefined;
  if (!run) return undefined;
  const several = linesAtOnce.flatMap((count) => {
    const fold = runtimeExports()[lineFoldName(combine, dtype, count)] as RuntimeFunction | undefined;
    return fold ? [{ count, fold }] : [];
  });
  const outer = sizeOf(shape.slice(0, split));
  const inner = output.size / outer;
  const rowBytes = inner * byteSize(dtype);
  const rows = x.size / output.size;
  const combineRows = (heap: Heap, at: readonly number[]): void => {
    const [from, to] = at as [number, number];
    for (let o = 0; o < outer; o++) {
      const [line, first] = [to + o * rowBytes, from + o * rows * rowBytes];
      heap.u8.copyWithin(line, first, first + rowBytes);
      let row = 1;
      for (const { count, fold } of several)
        for (; row + count <= rows; row += count) fold(inner, rowBytes, line, first + row * rowBytes);
      for (; row < rows; row++) run(inner, line, line, first + row * rowBytes);
    }
  };
  return onCells({ scratch: 0, run: combineRows }, [output]);
}

/** Floats in pieces, so that the engine can go over to optimised code in between, and for a smaller rounding error. */
function foldRow(
  name: string,
  run: RuntimeFunction,
  combine: Combine,
  dtype: DType,
  length: number,
  from: number,
): number {
  if (!isFloating(dtype)) return run(length, from);
  if (isDealtOut(length)) {
    const parts = threadPool().call('runtime', name, inPieces(length, 0, [0, from], [0, byteSize(dtype)]));
    return parts.reduce((total, part) => foldParts(combine, dtype, total, part));
  }
  let total = run(Math.min(length, elementsPerCall), from);
  for (let i = elementsPerCall; i < length; i += elementsPerCall) {
    const part = run(Math.min(elementsPerCall, length - i), from + i * byteSize(dtype));
    total = foldParts(combine, dtype, total, part);
  }
  return total;
}

/** The results of two pieces together. */
export function foldParts(combine: Combine, dtype: DType, x: number, y: number): number {
  if (combine === 'and') return x & y;
  if (combine === 'or') return x | y;
  if (combine === 'max' || combine === 'min') return Math[combine](x, y);
  if (combine === 'add') return x + y;
  return isFloating(dtype) ? x * y : Math.imul(x, y);
}

/** Equal elements. */
export function filled({ dtype, size }: ShapedArray, value: number): EagerFunction {
  return withMemory(() => Cell.repeated(dtype, size, value), {
    scratch: 0,
    run: (heap, at) => heap.fill(dtype, at[at.length - 2]!, size, value),
  });
}

/** An operand with its axes in another order, which is freed when `use` has run. */
export function eagerTransposed(x: ShapedArray, order: readonly number[]): { aval: ShapedArray; copy: EagerFunction } {
  const strides = stridesOf(x.shape);
  const aval = shapedArray(
    order.map((axis) => x.shape[axis]!),
    x.dtype,
  );
  return { aval, copy: eagerView({ offset: 0, strides: order.map((axis) => strides[axis]!) }, aval)! };
}

function movedFirst(x: ShapedArray, combine: Combine, axes: readonly number[], output: ShapedArray): EagerFunction {
  const kept = range(x.ndim).filter((axis) => !axes.includes(axis));
  const { aval, copy } = eagerTransposed(x, [...kept, ...axes]);
  const fold = eagerFold(
    aval,
    combine,
    axes.map((_, i) => kept.length + i),
    output,
  )!;
  return (operands) => {
    const moved = copy(operands) as Cell;
    const result = fold([moved]);
    moved.dispose();
    return result;
  };
}
