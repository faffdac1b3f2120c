import type { ShapedArray } from '../src/core/aval.ts';
import { allocate, byteSize, type DType, isFloating, type TypedArray } from '../src/core/dtype.ts';
import type { Params, Primitive } from '../src/core/primitive.ts';
import { sizeOf, stridesOf } from '../src/core/shape.ts';
import { Cell, type Heap, heap, smallBytes } from './heap.ts';
import { coalesce } from './loop-nest.ts';
import { axesOf, isMatrix, productOf, type Side } from './lower/dot-code.ts';
import { elementsPerCall } from './lower/kernel.ts';
import type { DotDimensions, View } from './lower-rule.ts';
import { elementwiseName, isPrebuilt } from './runtime/elementwise.ts';
import { foldName } from './runtime/folds.ts';
import { gemmScratchBytes } from './runtime/gemm.ts';
import { elementwiseExports, runtimeExports } from './runtime/instance.ts';
import { isPrebuiltReady } from './runtime/prebuilt.ts';

/** One operation on operands of known types, as a call into the runtime module. */
export type EagerFunction = (operands: readonly Cell[]) => Cell;

/** Below this many elements JavaScript is as quick, and computes the same bits wherever the result is exact. */
const fewElements = 32;

/**
 * How to execute one operation in the prebuilt runtime module; undefined where it holds no function for it, or JavaScript
 * does as well. Nothing is compiled: code outside `jit` is fast from its first line.
 */
export function planEager(
  primitive: Primitive,
  inputs: readonly ShapedArray[],
  params: Params,
  output: ShapedArray,
): EagerFunction | undefined {
  if (!isPrebuiltReady()) return undefined;
  const { lower } = primitive;
  switch (lower.kind) {
    case 'elementwise':
      if (inputs.length === 0 || !isPrebuilt(params) || output.size === 0) return undefined;
      if (output.size < fewElements && primitive.accuracy.kind === 'exact') return undefined;
      return elementwise(primitive.name, inputs, params, output);
    case 'reduce':
      return reduce(inputs[0]!, lower.combine, lower.axes(params), output);
    case 'dot':
      return dot(inputs, lower.dimensions(params), output);
    case 'view':
      return view(lower.view(params, inputs[0]!, output), output);
    case 'reshape':
      return view({ offset: 0, strides: stridesOf(output.shape) }, output);
    default:
      return undefined;
  }
}

type RuntimeFunction = (...args: number[]) => number;

/** Memory for one operation: operands pinned or copied in, the result, scratch. Everything is let go of at the end. */
class Workspace {
  readonly heap: Heap = heap();
  private readonly top: number;
  private readonly depth: number;
  private readonly pins: number;

  constructor() {
    const { frames, pinned } = this.heap;
    this.top = frames.top;
    this.depth = frames.depth;
    this.pins = pinned.length;
    this.heap.clock++;
  }

  scratch(bytes: number): number {
    return this.heap.frames.push(Math.ceil(Math.max(bytes, 1) / 64) * 64);
  }

  /** Where the operand's elements are. Small arrays stay with JavaScript: they are copied. */
  operand(cell: Cell): number {
    if (cell.byteLength > smallBytes) return this.heap.pin(cell);
    const address = this.scratch(smallBytes);
    const data = cell.peek();
    const view = this.heap.elements(cell.dtype);
    const start = address / view.BYTES_PER_ELEMENT;
    // A few elements: quicker one by one than through `set`.
    for (let i = 0; i < data.length; i++) view[start + i] = data[i]!;
    return address;
  }

  view(dtype: DType, address: number, length: number): TypedArray {
    const view = this.heap.elements(dtype);
    const start = address / view.BYTES_PER_ELEMENT;
    return view.subarray(start, start + length);
  }

  /** Runs `compute` with the address for a result. */
  result(dtype: DType, length: number, compute: (address: number) => void): Cell {
    if (length * byteSize(dtype) <= smallBytes) {
      const address = this.scratch(smallBytes);
      compute(address);
      return Cell.fromHost(dtype, this.heap.copyOut(dtype, address, length));
    }
    const cell = Cell.inHeap(dtype, length);
    compute(this.heap.pin(cell));
    return cell;
  }

  close(): void {
    this.heap.unpin(this.pins);
    this.heap.frames.pop(this.top, this.depth);
  }
}

function within<T>(use: (w: Workspace) => T): T {
  const workspace = new Workspace();
  try {
    return use(workspace);
  } finally {
    workspace.close();
  }
}

function elementwise(
  name: string,
  inputs: readonly ShapedArray[],
  params: Params,
  output: ShapedArray,
): EagerFunction | undefined {
  const n = output.size;
  const isScalar = inputs.map((x) => x.ndim === 0 && output.ndim > 0);
  const byValue = inputs.length === 2 ? isScalar : inputs.map(() => false);
  const dtypes = inputs.map((x) => x.dtype);
  const run = elementwiseExports()[elementwiseName(name, params, dtypes, byValue)] as RuntimeFunction | undefined;
  if (!run) return undefined;
  const bytes = byteSize(output.dtype);
  const steps = dtypes.map((dtype, i) => (isScalar[i] ? 0 : byteSize(dtype)));
  return (operands) =>
    within((w) => {
      const places = operands.map((cell, i) => {
        if (byValue[i]) return cell.first();
        if (!isScalar[i]) return w.operand(cell);
        const filled = w.scratch(Math.min(n, elementsPerCall) * byteSize(cell.dtype));
        w.view(cell.dtype, filled, Math.min(n, elementsPerCall)).fill(cell.first());
        return filled;
      });
      const [x, y, z] = places as [number, number, number];
      const [dx, dy, dz] = steps as [number, number, number];
      return w.result(output.dtype, n, (to) => {
        // In pieces, so that the engine can go over to optimised code in between.
        for (let i = 0; i < n; i += elementsPerCall) {
          const count = Math.min(elementsPerCall, n - i);
          const at = to + i * bytes;
          if (places.length === 1) run(count, at, x + i * dx);
          // By value −0 must stay what it is.
          else if (places.length === 2) run(count, at, dx === 0 ? x : x + i * dx, dy === 0 ? y : y + i * dy);
          else if (places.length === 3) run(count, at, x + i * dx, y + i * dy, z + i * dz);
          else run(count, at, ...places.map((place, k) => place + i * steps[k]!));
        }
      });
    });
}

const binaryOf: Record<string, string> = { add: 'add', mul: 'mul', max: 'max', min: 'min', and: 'and', or: 'or' };

type Combine = 'add' | 'mul' | 'max' | 'min' | 'and' | 'or';

/** Folds over the last axes row by row, over the first ones by combining rows; others are left to JavaScript. */
function reduce(
  x: ShapedArray,
  combine: Combine,
  axes: readonly number[],
  output: ShapedArray,
): EagerFunction | undefined {
  const { shape, dtype, ndim } = x;
  if (x.size < fewElements || output.size === 0) return undefined;
  const folded = shape.map((n, axis) => n === 1 || axes.includes(axis));
  const kept = shape.map((n, axis) => n === 1 || !axes.includes(axis));
  const split = axes.length === 0 ? 0 : Math.min(...axes.filter((axis) => shape[axis] !== 1), ndim);
  const last = Math.max(-1, ...axes.filter((axis) => shape[axis] !== 1));
  if (folded.slice(split).every(Boolean)) {
    const run = runtimeExports()[foldName(combine, dtype)] as RuntimeFunction;
    const length = sizeOf(shape.slice(split));
    const rowBytes = length * byteSize(dtype);
    return ([operand]) =>
      within((w) => {
        const from = w.operand(operand!);
        if (output.size === 1) {
          const data = allocate(dtype, 1);
          data[0] = foldRow(run, combine, dtype, length, from);
          return Cell.fromHost(dtype, data);
        }
        return w.result(dtype, output.size, (to) => {
          const results = w.view(dtype, to, output.size);
          for (let row = 0; row < output.size; row++)
            results[row] = foldRow(run, combine, dtype, length, from + row * rowBytes);
        });
      });
  }
  if (!folded.slice(0, last + 1).every(Boolean) || !kept.slice(last + 1).every(Boolean)) return undefined;
  const run = elementwiseExports()[elementwiseName(binaryOf[combine]!, {}, [dtype, dtype], [false, false])] as
    | RuntimeFunction
    | undefined;
  if (!run) return undefined;
  const rowBytes = output.size * byteSize(dtype);
  const rows = x.size / output.size;
  return ([operand]) =>
    within((w) => {
      const from = w.operand(operand!);
      return w.result(dtype, output.size, (to) => {
        w.heap.u8.copyWithin(to, from, from + rowBytes);
        for (let row = 1; row < rows; row++) run(output.size, to, to, from + row * rowBytes);
      });
    });
}

/** Floats in pieces, so that the engine can go over to optimised code in between, and for a smaller rounding error. */
function foldRow(run: RuntimeFunction, combine: Combine, dtype: DType, length: number, from: number): number {
  if (!isFloating(dtype)) return run(length, from);
  let total = run(Math.min(length, elementsPerCall), from);
  for (let i = elementsPerCall; i < length; i += elementsPerCall) {
    const part = run(Math.min(elementsPerCall, length - i), from + i * byteSize(dtype));
    total = combine === 'add' ? total + part : combine === 'mul' ? total * part : Math[combine as 'max'](total, part);
  }
  return total;
}

/** Rows and columns that are copied together where one side lies across the other. */
const tile = 64;

/** A copy in another order: the innermost two axes by the runtime, what is outside of them from here. */
function view({ offset, strides }: View, output: ShapedArray): EagerFunction | undefined {
  if (output.size < fewElements) return undefined;
  const { dtype } = output;
  const bytes = byteSize(dtype);
  const own = stridesOf(output.shape);
  const axes = coalesce(output.shape.map((extent, axis) => ({ extent, steps: [own[axis]!, strides[axis]!] })));
  while (axes.length < 2) axes.unshift({ extent: 1, steps: [0, 0] });
  const [rows, columns] = axes.splice(-2) as [(typeof axes)[0], (typeof axes)[0]];
  const [toRow, fromRow] = rows.steps as [number, number];
  const [toColumn, fromColumn] = columns.steps as [number, number];
  const across = Math.abs(fromColumn) > Math.abs(fromRow) && fromRow !== 0;
  const [rowTile, columnTile] = across ? [tile, tile] : [rows.extent, columns.extent];
  const copy = runtimeExports()[`copy_${bytes}`] as RuntimeFunction;
  const block = (to: number, from: number): void => {
    for (let i = 0; i < rows.extent; i += rowTile)
      for (let j = 0; j < columns.extent; j += columnTile) {
        const target = to + (i * toRow + j * toColumn) * bytes;
        const source = from + (i * fromRow + j * fromColumn) * bytes;
        const [m, n] = [Math.min(rowTile, rows.extent - i), Math.min(columnTile, columns.extent - j)];
        copy(m, n, target, toRow, toColumn, source, fromRow, fromColumn);
      }
  };
  const outer = (axis: number, to: number, from: number): void => {
    if (axis === axes.length) {
      block(to, from);
      return;
    }
    const { extent, steps } = axes[axis]!;
    for (let i = 0; i < extent; i++) outer(axis + 1, to + i * steps[0]! * bytes, from + i * steps[1]! * bytes);
  };
  return ([operand]) =>
    within((w) => {
      const from = w.operand(operand!) + offset * bytes;
      return w.result(dtype, output.size, (to) => outer(0, to, from));
    });
}

function dot([x, y]: readonly ShapedArray[], d: DotDimensions, output: ShapedArray): EagerFunction | undefined {
  const { dtype } = output;
  if (!isFloating(dtype) || output.size === 0 || x!.size === 0) return undefined;
  const [lhs, rhs] = [x!, y!].map(({ shape }): Side => ({ shape, strides: stridesOf(shape) })) as [Side, Side];
  if (!isMatrix(lhs, axesOf(lhs.shape.length, d.lhsBatch, d.lhsContract))) return undefined;
  if (!isMatrix(rhs, axesOf(rhs.shape.length, d.rhsBatch, d.rhsContract))) return undefined;
  const { m, n, k, lhs: a, rhs: b, batch } = productOf(lhs, rhs, d);
  if (batch.length > 1) return undefined;
  const bytes = byteSize(dtype);
  const gemm = runtimeExports()[dtype === 'float32' ? 'gemm_f32' : 'gemm_f64'] as RuntimeFunction;
  const { extent, steps } = batch[0] ?? { extent: 1, steps: [0, 0, 0] };
  return ([first, second]) =>
    within((w) => {
      const [left, right] = [w.operand(first!), w.operand(second!)];
      const scratch = w.scratch(gemmScratchBytes(m, n, k, bytes));
      return w.result(dtype, output.size, (to) => {
        for (let i = 0; i < extent; i++) {
          const [p, q, r] = [left + i * steps[0]! * bytes, right + i * steps[1]! * bytes, to + i * steps[2]! * bytes];
          gemm(m, n, k, p, a.row, a.column, q, b.row, b.column, r, n, 0, scratch);
        }
      });
    });
}
