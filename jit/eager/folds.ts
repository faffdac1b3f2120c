/** Folds that run at once, in the runtime module. */
import { type ShapedArray, shapedArray } from '../../src/core/aval.ts';
import { byteSize, type DType, isFloating } from '../../src/core/dtype.ts';
import { range, sizeOf, stridesOf } from '../../src/core/shape.ts';
import { type Combine, identityOf } from '../lower/folds/combine.ts';
import { keepsTotal, orderOfRows, restPerBlock, rowsPerTurn } from '../lower/folds/turns.ts';
import { elementsPerCall } from '../lower/kernels/kernel.ts';
import { elementwiseName } from '../runtime/elementwise.ts';
import { foldName, lineFoldName, linesAtOnce, rowsFoldName, turnFoldName } from '../runtime/folds.ts';
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
  const outer = sizeOf(shape.slice(0, split));
  const inner = output.size / outer;
  const fold = foldOfRows(combine, dtype, x.size / output.size, inner, run);
  const rowBytes = inner * byteSize(dtype);
  const all = (heap: Heap, at: readonly number[]): void => {
    const [from, to, scratch] = at as [number, number, number];
    for (let o = 0; o < outer; o++)
      fold(heap, from + (o * rowBytes * x.size) / output.size, to + o * rowBytes, scratch);
  };
  const scratch = keepsTotal(combine, dtype, x.size / output.size) ? rowBytes : 0;
  return onCells({ scratch, run: all }, [output]);
}

type RowsFunction = (heap: Heap, from: number, to: number, scratch: number) => void;

/** Rows of `inner` elements in one, in the order of [turns](../lower/folds/turns.ts). */
function foldOfRows(
  combine: Combine,
  dtype: DType,
  rows: number,
  inner: number,
  combineTwo: RuntimeFunction,
): RowsFunction {
  const rowBytes = inner * byteSize(dtype);
  const several = runtimeExports()[lineFoldName(combine, dtype)] as RuntimeFunction | undefined;
  const takeTurns = runtimeExports()[turnFoldName(combine, dtype)] as RuntimeFunction | undefined;
  const { blocks, turns, inTurns } = takeTurns ? orderOfRows(rows) : orderOfRows(0);
  const neutral = identityOf(combine, dtype);
  const turnsPerCall = Math.max(1, Math.floor(elementsPerCall / (rowsPerTurn * inner)));
  const block = (to: number, from: number): void => {
    for (let t = 0; t < turns; t += turnsPerCall)
      takeTurns!(inner, turns * rowBytes, to, from + t * rowBytes, Math.min(turnsPerCall, turns - t));
  };
  const oneByOne = (to: number, from: number, begin: number, end: number): void => {
    let row = begin;
    if (several)
      for (; row + linesAtOnce <= end; row += linesAtOnce) several(inner, rowBytes, to, from + row * rowBytes);
    for (; row < end; row++) combineTwo(inner, to, to, from + row * rowBytes);
  };
  if (turns === 0)
    return (heap, from, to) => {
      heap.u8.copyWithin(to, from, from + rowBytes);
      oneByOne(to, from, 1, rows);
    };
  const blockBytes = rowsPerTurn * turns * rowBytes;
  if (!keepsTotal(combine, dtype, rows))
    return (heap, from, to) => {
      heap.fill(dtype, to, inner, neutral);
      for (let b = 0; b < blocks; b++) block(to, from + b * blockBytes);
      oneByOne(to, from, inTurns, rows);
    };
  return (heap, from, to, scratch) => {
    heap.fill(dtype, to, inner, neutral);
    const add = (take: () => void): void => {
      heap.fill(dtype, scratch, inner, neutral);
      take();
      combineTwo(inner, to, to, scratch);
    };
    for (let b = 0; b < blocks; b++) add(() => block(scratch, from + b * blockBytes));
    for (let row = inTurns; row < rows; row += restPerBlock)
      add(() => oneByOne(scratch, from, row, Math.min(row + restPerBlock, rows)));
  };
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
