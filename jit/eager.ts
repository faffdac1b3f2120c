import type { ShapedArray } from '../src/core/aval.ts';
import { byteSize, type DType, isFloating } from '../src/core/dtype.ts';
import type { Params, Primitive } from '../src/core/primitive.ts';
import { sizeOf, stridesOf } from '../src/core/shape.ts';
import { Cell, type Heap, heap, smallBytes } from './heap.ts';
import { axesOf, isMatrix, productOf } from './lower/dot-code.ts';
import { elementsPerCall } from './lower/kernel.ts';
import type { DotDimensions } from './lower-rule.ts';
import { elementwiseName, isPrebuilt } from './runtime/elementwise.ts';
import { foldName } from './runtime/folds.ts';
import { gemmScratchBytes } from './runtime/gemm.ts';
import { elementwiseExports, runtimeExports } from './runtime/instance.ts';

/** An operand of an operation that is executed at once. */
export interface EagerOperand {
  readonly aval: ShapedArray;
  readonly cell: Cell;
}

/** Below this many elements JavaScript is as quick, and computes the same bits wherever the result is exact. */
const fewElements = 32;

/**
 * Executes one operation in the prebuilt runtime module; undefined where it holds no function for it, or JavaScript
 * does as well. Nothing is compiled: code outside `jit` is fast from its first line.
 */
export function eager(
  primitive: Primitive,
  inputs: readonly EagerOperand[],
  params: Params,
  output: ShapedArray,
): Cell | undefined {
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
  operand({ aval, cell }: EagerOperand): number {
    if (cell.byteLength > smallBytes) return this.heap.pin(cell);
    const address = this.scratch(smallBytes);
    this.view(aval.dtype, address, cell.length).set(cell.peek());
    return address;
  }

  view(
    dtype: DType,
    address: number,
    length: number,
  ): Float32Array | Float64Array | Int32Array | Uint32Array | Uint8Array {
    const { heap: h } = this;
    const view = { float32: h.f32, float64: h.f64, int32: h.i32, uint32: h.u32, bool: h.u8 }[dtype];
    const start = address / view.BYTES_PER_ELEMENT;
    return view.subarray(start, start + length);
  }

  /** Runs `compute` with the address for a result. */
  result(dtype: DType, length: number, compute: (address: number) => void): Cell {
    if (length * byteSize(dtype) <= smallBytes) {
      const address = this.scratch(smallBytes);
      compute(address);
      return Cell.fromHost(dtype, this.view(dtype, address, length).slice());
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
  inputs: readonly EagerOperand[],
  params: Params,
  output: ShapedArray,
): Cell | undefined {
  const n = output.size;
  const dtypes = inputs.map((x) => x.aval.dtype);
  const isScalar = inputs.map((x) => x.aval.ndim === 0 && output.ndim > 0);
  const byValue = inputs.length === 2 ? isScalar : inputs.map(() => false);
  const run = elementwiseExports()[elementwiseName(name, params, dtypes, byValue)] as RuntimeFunction | undefined;
  if (!run) return undefined;
  return within((w) => {
    const places = inputs.map((x, i) => {
      if (byValue[i]) return { at: x.cell.first(), step: 0 };
      const { dtype } = x.aval;
      if (!isScalar[i]) return { at: w.operand(x), step: byteSize(dtype) };
      const filled = w.scratch(Math.min(n, elementsPerCall) * byteSize(dtype));
      w.view(dtype, filled, Math.min(n, elementsPerCall)).fill(x.cell.first());
      return { at: filled, step: 0 };
    });
    const bytes = byteSize(output.dtype);
    return w.result(output.dtype, n, (to) => {
      // In pieces, so that the engine can go over to optimised code in between.
      for (let i = 0; i < n; i += elementsPerCall) {
        run(Math.min(elementsPerCall, n - i), to + i * bytes, ...places.map(({ at, step }) => at + i * step));
      }
    });
  });
}

const binaryOf: Record<string, string> = { add: 'add', mul: 'mul', max: 'max', min: 'min', and: 'and', or: 'or' };

type Combine = 'add' | 'mul' | 'max' | 'min' | 'and' | 'or';

/** Folds over the last axes row by row, over the first ones by combining rows; others are left to JavaScript. */
function reduce(x: EagerOperand, combine: Combine, axes: readonly number[], output: ShapedArray): Cell | undefined {
  const { shape, dtype, ndim } = x.aval;
  if (x.aval.size < fewElements || output.size === 0) return undefined;
  const folded = shape.map((n, axis) => n === 1 || axes.includes(axis));
  const kept = shape.map((n, axis) => n === 1 || !axes.includes(axis));
  const split = axes.length === 0 ? 0 : Math.min(...axes.filter((axis) => shape[axis] !== 1), ndim);
  const last = Math.max(-1, ...axes.filter((axis) => shape[axis] !== 1));
  if (folded.slice(split).every(Boolean)) {
    const run = runtimeExports()[foldName(combine, dtype)] as RuntimeFunction;
    const length = sizeOf(shape.slice(split));
    return within((w) => {
      const from = w.operand(x);
      return w.result(dtype, output.size, (to) => {
        const results = w.view(dtype, to, output.size);
        for (let row = 0; row < output.size; row++)
          results[row] = foldRow(run, combine, dtype, length, from + row * length * byteSize(dtype));
      });
    });
  }
  if (!folded.slice(0, last + 1).every(Boolean) || !kept.slice(last + 1).every(Boolean)) return undefined;
  const run = elementwiseExports()[elementwiseName(binaryOf[combine]!, {}, [dtype, dtype], [false, false])] as
    | RuntimeFunction
    | undefined;
  if (!run) return undefined;
  return within((w) => {
    const from = w.operand(x);
    const rowBytes = output.size * byteSize(dtype);
    return w.result(dtype, output.size, (to) => {
      w.heap.u8.copyWithin(to, from, from + rowBytes);
      const rows = x.aval.size / output.size;
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

function dot([x, y]: readonly EagerOperand[], d: DotDimensions, output: ShapedArray): Cell | undefined {
  const { dtype } = output;
  if (!isFloating(dtype) || output.size === 0 || x!.aval.size * y!.aval.size < fewElements * fewElements)
    return undefined;
  const [lhs, rhs] = [x!, y!].map(({ aval }) => ({ shape: aval.shape, strides: stridesOf(aval.shape) })) as [any, any];
  if (!isMatrix(lhs, axesOf(lhs.shape.length, d.lhsBatch, d.lhsContract))) return undefined;
  if (!isMatrix(rhs, axesOf(rhs.shape.length, d.rhsBatch, d.rhsContract))) return undefined;
  const { m, n, k, lhs: a, rhs: b, batch } = productOf(lhs, rhs, d);
  if (batch.length > 1) return undefined;
  const bytes = byteSize(dtype);
  const gemm = runtimeExports()[dtype === 'float32' ? 'gemm_f32' : 'gemm_f64'] as RuntimeFunction;
  return within((w) => {
    const [left, right] = [w.operand(x!), w.operand(y!)];
    const scratch = w.scratch(gemmScratchBytes(m, n, k, bytes));
    return w.result(dtype, output.size, (to) => {
      const { extent, steps } = batch[0] ?? { extent: 1, steps: [0, 0, 0] };
      for (let i = 0; i < extent; i++) {
        const [p, q, r] = [left + i * steps[0]! * bytes, right + i * steps[1]! * bytes, to + i * steps[2]! * bytes];
        gemm(m, n, k, p, a.row, a.column, q, b.row, b.column, r, n, 0, scratch);
      }
    });
  });
}
