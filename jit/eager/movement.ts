/** Copies of elements in another order that run at once, in the runtime module. */
import type { ShapedArray } from '../../src/core/aval.ts';
import { byteSize, type DType } from '../../src/core/dtype.ts';
import { stridesOf } from '../../src/core/shape.ts';
import { elementsPerCall } from '../lower/kernels/kernel.ts';
import { regionWalk, type Source } from '../lower/regions.ts';
import type { Region, Regions, View } from '../lower-rule.ts';
import { runtimeExports } from '../runtime/instance.ts';
import { Cell, type Walk } from '../storage/cell.ts';
import type { Heap } from '../storage/heap.ts';
import { largestUnwritten, smallBytes } from '../storage/sizes.ts';
import { Workspace } from '../storage/workspace.ts';
import { coalesce, type NestAxis } from '../wasm/loop-nest.ts';
import {
  type EagerFunction,
  type MemoryFunction,
  numberAt,
  onCells,
  setNumberAt,
  withMemory,
} from './memory-function.ts';
import { fillBits } from './positions.ts';

type RuntimeFunction = (...args: number[]) => number;
type Copy = (to: number, from: number) => void;

/** Rows of fewer elements are taken column by column. */
const shortest = 8;

/** Rows and columns that are copied together where one side lies across the other. */
const tile = 64;

/** Rows that are written together where columns of the operand become rows. */
const strip = 16;
/** Elements of a matrix for which that is worth three calls. */
const fewestTurned = 256;

/** A walk over two arrays, with steps (to, from) in elements: the innermost two axes by the runtime, the others from here. */
function copier(dtype: DType, walk: readonly NestAxis[]): Copy {
  const bytes = byteSize(dtype);
  const axes = coalesce(walk);
  while (axes.length < 2) axes.unshift({ extent: 1, steps: [0, 0] });
  let [rows, columns] = axes.splice(-2) as [NestAxis, NestAxis];
  const isRun = columns.steps.every((step) => step === 1);
  if (rows.steps[1] === 1 && rows.steps[0] === columns.extent && columns.steps[0] === 1 && columns.steps[1] === 0) {
    const repeat = runtimeExports()[`repeat_${bytes}`] as RuntimeFunction;
    const [m, n] = [rows.extent, columns.extent];
    const runs = Math.max(1, Math.floor(elementsPerCall / n));
    const all: Copy = (to, from) => {
      for (let i = 0; i < m; i += runs) repeat(Math.min(runs, m - i), n, to + i * n * bytes, from + i * bytes);
    };
    return walked(axes, bytes, all);
  }
  const turned = turnedCopy(bytes, axes, rows, columns);
  if (turned) return turned;
  // Short rows would be mostly their beginnings and ends.
  if (!isRun && columns.extent < shortest && rows.extent > columns.extent) [rows, columns] = [columns, rows];
  const [toRow, fromRow] = rows.steps as [number, number];
  const [toColumn, fromColumn] = columns.steps as [number, number];
  const across = Math.abs(fromColumn) > Math.abs(fromRow) && fromRow !== 0;
  const [rowTile, columnTile] = across ? [tile, tile] : [rows.extent, columns.extent];
  const copy = runtimeExports()[`copy_${bytes}`] as RuntimeFunction;
  const block: Copy = (to, from) => {
    for (let i = 0; i < rows.extent; i += rowTile)
      for (let j = 0; j < columns.extent; j += columnTile) {
        const target = to + (i * toRow + j * toColumn) * bytes;
        const source = from + (i * fromRow + j * fromColumn) * bytes;
        const [m, n] = [Math.min(rowTile, rows.extent - i), Math.min(columnTile, columns.extent - j)];
        copy(m, n, target, toRow, toColumn, source, fromRow, fromColumn);
      }
  };
  return walked(axes, bytes, block);
}

/**
 * Rows of the result that are columns of the operand, by tiles: sixteen rows after the other, so that lines of the cache are used
 * up while they are there. Undefined where there is nothing to be gained. `outer` are the axes around `first` and `columns`.
 */
function turnedCopy(bytes: number, outer: readonly NestAxis[], first: NestAxis, columns: NestAxis): Copy | undefined {
  const axes = [...outer, first];
  const rows = axes.find(({ extent, steps }) => steps[1] === 1 && extent >= 4);
  if (!rows || bytes === 1 || columns.steps[0] !== 1 || columns.extent < 4) return undefined;
  if (rows.extent * columns.extent < fewestTurned) return undefined;
  const turn = runtimeExports()[`turn_${bytes}`] as RuntimeFunction;
  const copy = runtimeExports()[`copy_${bytes}`] as RuntimeFunction;
  const [toRow, fromColumn] = [rows.steps[0]!, columns.steps[1]!];
  if (Math.abs(fromColumn) <= 1) return undefined;
  const [high, wide] = [rows.extent & -4, columns.extent & -4];
  const columnsPerCall = elementsPerCall / strip;
  const rowsPerCall = Math.max(strip, Math.floor(columnsPerCall / wide) * strip);
  const rest = (i: number, j: number, m: number, n: number, to: number, from: number): void => {
    if (m > 0 && n > 0)
      copy(m, n, to + (i * toRow + j) * bytes, toRow, 1, from + (i + j * fromColumn) * bytes, 1, fromColumn);
  };
  const block: Copy = (to, from) => {
    for (let i = 0; i < high; i += rowsPerCall) {
      const m = Math.min(rowsPerCall, high - i);
      for (let j = 0; j < wide; j += columnsPerCall) {
        const n = Math.min(columnsPerCall, wide - j);
        turn(m, n, to + (i * toRow + j) * bytes, toRow, from + (i + j * fromColumn) * bytes, fromColumn);
      }
    }
    rest(0, wide, high, columns.extent - wide, to, from);
    rest(high, 0, rows.extent - high, columns.extent, to, from);
  };
  return walked(
    axes.filter((axis) => axis !== rows),
    bytes,
    block,
  );
}

/** `block` at every place of a walk. */
function walked(axes: readonly NestAxis[], bytes: number, block: Copy): Copy {
  const outer = (axis: number, to: number, from: number): void => {
    if (axis === axes.length) {
      block(to, from);
      return;
    }
    const { extent, steps } = axes[axis]!;
    for (let i = 0; i < extent; i++) outer(axis + 1, to + i * steps[0]! * bytes, from + i * steps[1]! * bytes);
  };
  return (to, from) => outer(0, to, from);
}

/** Operand 0, indexed in another way: read where it lies until the elements are wanted in their order. */
export function eagerView({ offset, strides }: View, output: ShapedArray): EagerFunction | undefined {
  if (output.size === 0) return undefined;
  const start = offset * byteSize(output.dtype);
  if (output.size === 1) return oneElementAt(offset, output);
  const isRepeated = output.shape.every((extent, axis) => extent === 1 || strides[axis] === 0) && offset === 0;
  if (isRepeated && output.size * byteSize(output.dtype) <= largestUnwritten) return repeatedElement(output);
  const own = stridesOf(output.shape);
  const copy = copier(
    output.dtype,
    output.shape.map((extent, axis) => ({ extent, steps: [own[axis]!, strides[axis]!] })),
  );
  const inMemory: MemoryFunction = { scratch: 0, run: (_, at) => copy(at[1]!, at[0]! + start) };
  const { dtype, size } = output;
  const outputBytes = size * byteSize(dtype);
  // Whether more fits should be said where it is made.
  if (outputBytes <= smallBytes || outputBytes > largestUnwritten) return onCells(inMemory, [output]);
  const settled = (of: Cell, to: Cell): void => {
    const w = new Workspace();
    try {
      const place = w.address(to);
      copy(place, w.operand(of) + start);
    } finally {
      w.close();
    }
  };
  const walk: Walk = { shape: output.shape, offset, strides, copy: settled };
  return withMemory(([operand]) => Cell.view(dtype, size, operand!, walk), inMemory);
}

function oneElementAt(offset: number, output: ShapedArray): EagerFunction {
  const { dtype } = output;
  const start = offset * byteSize(dtype);
  return withMemory(([operand]) => Cell.fromNumber(dtype, operand!.at(offset)), {
    scratch: 0,
    run: (heap, at) => setNumberAt(heap, dtype, at[1]!, numberAt(heap, dtype, at[0]! + start)),
  });
}

function repeatedElement({ dtype, size }: ShapedArray): EagerFunction {
  return withMemory(([operand]) => Cell.repeated(dtype, size, operand!.first()), {
    scratch: 0,
    run: (heap, at) => heap.fill(dtype, at[1]!, size, numberAt(heap, dtype, at[0]!)),
  });
}

/** Writes a part of an output: `at` are the addresses of the operands, `to` is that of the whole output. */
export type Box = (heap: Heap, at: readonly number[], to: number) => void;

/** A box of the operand at `index`, whose array begins at its address and lies in it as `source` says. */
export function copiedBox(part: Region, source: Source, index: number, { dtype, shape }: ShapedArray): Box {
  const bytes = byteSize(dtype);
  const { axes, to: toStart, from: fromStart } = regionWalk(part, source, shape);
  const copy = copier(dtype, axes);
  const [into, out] = [toStart * bytes, fromStart * bytes];
  return (_, at, to) => copy(to + into, at[index]! + out);
}

/** Boxes put together, over the value of the operand at `fill` where there are none. */
export function eagerBoxes(boxes: readonly Box[], fill: number | undefined, output: ShapedArray): EagerFunction {
  const { dtype } = output;
  const write = runtimeExports()[`fill_${byteSize(dtype)}`] as RuntimeFunction;
  const run = (heap: Heap, at: readonly number[]): void => {
    const to = at[at.length - 2]!;
    if (fill !== undefined) {
      const value = numberAt(heap, dtype, at[fill]!);
      write(to, output.size, fillBits[dtype]?.(value) ?? value);
    }
    for (let i = 0; i < boxes.length; i++) boxes[i]!(heap, at, to);
  };
  return onCells({ scratch: 0, run }, [output]);
}

export const wholeSource = ({ shape }: ShapedArray): Source => ({ offset: 0, strides: stridesOf(shape) });

export const isEmptyBox = ({ axes }: Region): boolean => axes.some(({ count }) => count === 0);

export function eagerWholeRegions(
  { fill, parts }: Regions,
  inputs: readonly ShapedArray[],
  output: ShapedArray,
): EagerFunction | undefined {
  if (output.size === 0) return undefined;
  const boxes = parts
    .filter((part) => !isEmptyBox(part))
    .map((part) => copiedBox(part, wholeSource(inputs[part.operand]!), part.operand, output));
  return eagerBoxes(boxes, fill, output);
}
