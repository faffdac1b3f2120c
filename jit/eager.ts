import type { ShapedArray } from '../src/core/aval.ts';
import { byteSize, type DType, isFloating } from '../src/core/dtype.ts';
import type { Params, Primitive } from '../src/core/primitive.ts';
import { sizeOf, stridesOf } from '../src/core/shape.ts';
import { eagerCalls, eagerIota } from './eager-calls.ts';
import { eagerRegions, eagerView } from './eager-movement.ts';
import { eagerGather, eagerScatter } from './eager-windows.ts';
import { Cell } from './heap.ts';
import { axesOf, isMatrix, productOf, type Side } from './lower/dot-code.ts';
import { elementsPerCall } from './lower/kernel.ts';
import type { DotDimensions } from './lower-rule.ts';
import { elementwiseName, isPrebuilt } from './runtime/elementwise.ts';
import { foldName } from './runtime/folds.ts';
import { gemmScratchBytes } from './runtime/gemm.ts';
import { elementwiseExports, runtimeExports } from './runtime/instance.ts';
import { isPrebuiltReady } from './runtime/prebuilt.ts';
import { Workspace } from './workspace.ts';

/** One operation on operands of known types, as a call into the runtime module. */
export type EagerFunction = (operands: readonly Cell[]) => Cell | Cell[];

/**
 * How to execute one operation in the prebuilt runtime module; undefined where it holds no function for it. Nothing is compiled: code outside `jit` is fast from its first line.
 */
export function planEager(
  primitive: Primitive,
  inputs: readonly ShapedArray[],
  params: Params,
  outputs: readonly ShapedArray[],
): EagerFunction | undefined {
  if (!isPrebuiltReady()) return undefined;
  const { lower } = primitive;
  const output = outputs[0]!;
  switch (lower.kind) {
    case 'elementwise':
      if (primitive.name === 'iota') return output.size > 0 ? eagerIota(params, output) : undefined;
      if (inputs.length === 0 || !isPrebuilt(params) || output.size === 0) return undefined;
      return elementwise(primitive.name, inputs, params, output);
    case 'reduce':
      return reduce(inputs[0]!, lower.combine, lower.axes(params), output);
    case 'dot':
      return dot(inputs, lower.dimensions(params), output);
    case 'view':
      return eagerView(lower.view(params, inputs[0]!, output), output);
    case 'identity':
    case 'reshape':
      return ([operand]) => operand!.shared();
    case 'kernel':
      return lower.regions && eagerRegions(lower.regions(params, inputs, output), output);
    case 'gather':
      return eagerGather(inputs, lower.access(params, inputs), output);
    case 'scatter':
      return eagerScatter(inputs, lower.access(params, inputs), lower.combine, output);
    case 'runtime':
      return eagerCalls(lower.calls(params, inputs, outputs), inputs, outputs);
    default:
      return undefined;
  }
}

type RuntimeFunction = (...args: number[]) => number;

function elementwise(
  name: string,
  inputs: readonly ShapedArray[],
  params: Params,
  output: ShapedArray,
): EagerFunction | undefined {
  if (name === 'select' && output.size === 1 && inputs.every((x) => x.size === 1))
    return ([chosen, x, y]) => Cell.fromNumber(output.dtype, (chosen!.first() ? x! : y!).first());
  const scalar = scalarFunctions[name];
  if (scalar && inputs.every((x) => x.size === 1 && isFloating(x.dtype))) return oneElement(scalar, output.dtype);
  const n = output.size;
  const isScalar = inputs.map((x) => x.ndim === 0 && output.ndim > 0);
  const byValue = inputs.length === 2 ? isScalar : inputs.map(() => false);
  const dtypes = inputs.map((x) => x.dtype);
  const run = elementwiseExports()[elementwiseName(name, params, dtypes, byValue)] as RuntimeFunction | undefined;
  if (!run) return undefined;
  const bytes = byteSize(output.dtype);
  const steps = dtypes.map((dtype, i) => (isScalar[i] ? 0 : byteSize(dtype)));
  const few = Math.min(n, elementsPerCall);
  const place = (w: Workspace, cell: Cell, i: number): number => {
    if (byValue[i]) return cell.first();
    if (!isScalar[i]) return w.operand(cell);
    const filled = w.scratch(few * byteSize(cell.dtype));
    w.view(cell.dtype, filled, few).fill(cell.first());
    return filled;
  };
  const [dx, dy, dz] = steps as [number, number, number];
  // In pieces, so that the engine can go over to optimised code in between.
  return (operands) => {
    const w = new Workspace();
    try {
      const x = place(w, operands[0]!, 0);
      const y = operands.length > 1 ? place(w, operands[1]!, 1) : 0;
      const z = operands.length > 2 ? place(w, operands[2]!, 2) : 0;
      const more = operands.length > 3 ? operands.slice(3).map((cell, i) => place(w, cell, i + 3)) : undefined;
      const cell = w.place(output);
      const to = w.address(cell);
      for (let i = 0; i < n; i += elementsPerCall) {
        const count = Math.min(elementsPerCall, n - i);
        const at = to + i * bytes;
        if (more) run(count, at, x + i * dx, y + i * dy, z + i * dz, ...more.map((p, k) => p + i * steps[k + 3]!));
        else if (operands.length === 1) run(count, at, x + i * dx);
        // By value −0 must stay what it is.
        else if (operands.length === 2) run(count, at, dx === 0 ? x : x + i * dx, dy === 0 ? y : y + i * dy);
        else run(count, at, x + i * dx, y + i * dy, z + i * dz);
      }
      return w.taken(cell, output, to);
    } finally {
      w.close();
    }
  };
}

type ScalarFunction = (x: number, y: number) => number;

/** Operations whose result JavaScript rounds as WebAssembly does: of float32, that of the exact result in float64. */
const scalarFunctions: Readonly<Record<string, ScalarFunction>> = {
  add: (x, y) => x + y,
  sub: (x, y) => x - y,
  mul: (x, y) => x * y,
  div: (x, y) => x / y,
  sqrt: (x) => Math.sqrt(x),
  neg: (x) => -x,
  abs: (x) => Math.abs(x),
  max: (x, y) => Math.max(x, y),
  min: (x, y) => Math.min(x, y),
  eq: (x, y) => Number(x === y),
  ne: (x, y) => Number(x !== y),
  lt: (x, y) => Number(x < y),
  le: (x, y) => Number(x <= y),
  gt: (x, y) => Number(x > y),
  ge: (x, y) => Number(x >= y),
};

/** Arrays of one element need no memory. */
function oneElement(f: ScalarFunction, dtype: DType): EagerFunction {
  if (dtype === 'float32')
    return ([x, y]) => Cell.fromNumber(dtype, Math.fround(f(x!.first(), y === undefined ? 0 : y.first())));
  return ([x, y]) => Cell.fromNumber(dtype, f(x!.first(), y === undefined ? 0 : y.first()));
}

const binaryOf: Record<string, string> = { add: 'add', mul: 'mul', max: 'max', min: 'min', and: 'and', or: 'or' };

export type Combine = 'add' | 'mul' | 'max' | 'min' | 'and' | 'or';

/** Folds over the last axes row by row, over neighbouring others by combining rows; the rest is left to JavaScript. */
function reduce(
  x: ShapedArray,
  combine: Combine,
  axes: readonly number[],
  output: ShapedArray,
): EagerFunction | undefined {
  const { shape, dtype, ndim } = x;
  if (x.size === 0 || output.size === 0) return undefined;
  const folded = shape.map((n, axis) => n === 1 || axes.includes(axis));
  const kept = shape.map((n, axis) => n === 1 || !axes.includes(axis));
  const split = axes.length === 0 ? 0 : Math.min(...axes.filter((axis) => shape[axis] !== 1), ndim);
  const last = Math.max(-1, ...axes.filter((axis) => shape[axis] !== 1));
  if (folded.slice(split).every(Boolean)) {
    const run = runtimeExports()[foldName(combine, dtype)] as RuntimeFunction;
    const length = sizeOf(shape.slice(split));
    const rowBytes = length * byteSize(dtype);
    return ([operand]) => {
      const w = new Workspace();
      try {
        const from = w.operand(operand!);
        if (output.size === 1) {
          const total = foldRow(run, combine, dtype, length, from);
          return Cell.fromNumber(dtype, dtype === 'uint32' ? total >>> 0 : total);
        }
        const cell = w.place(output);
        const to = w.address(cell);
        const results = w.heap.elements(dtype);
        const start = to / results.BYTES_PER_ELEMENT;
        for (let row = 0; row < output.size; row++)
          results[start + row] = foldRow(run, combine, dtype, length, from + row * rowBytes);
        return w.taken(cell, output, to);
      } finally {
        w.close();
      }
    };
  }
  const within = folded.slice(split, last + 1);
  if (!kept.slice(0, split).every(Boolean) || !within.every(Boolean) || !kept.slice(last + 1).every(Boolean))
    return undefined;
  const run = elementwiseExports()[elementwiseName(binaryOf[combine]!, {}, [dtype, dtype], [false, false])] as
    | RuntimeFunction
    | undefined;
  if (!run) return undefined;
  const outer = sizeOf(shape.slice(0, split));
  const inner = output.size / outer;
  const rowBytes = inner * byteSize(dtype);
  const rows = x.size / output.size;
  return ([operand]) => {
    const w = new Workspace();
    try {
      const from = w.operand(operand!);
      const cell = w.place(output);
      const to = w.address(cell);
      for (let o = 0; o < outer; o++) {
        const [line, first] = [to + o * rowBytes, from + o * rows * rowBytes];
        w.heap.u8.copyWithin(line, first, first + rowBytes);
        for (let row = 1; row < rows; row++) run(inner, line, line, first + row * rowBytes);
      }
      return w.taken(cell, output, to);
    } finally {
      w.close();
    }
  };
}

/** Floats in pieces, so that the engine can go over to optimised code in between, and for a smaller rounding error. */
function foldRow(run: RuntimeFunction, combine: Combine, dtype: DType, length: number, from: number): number {
  if (!isFloating(dtype)) return run(length, from);
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
  return ([first, second]) => {
    const w = new Workspace();
    try {
      const [left, right] = [w.operand(first!), w.operand(second!)];
      const scratch = w.scratch(gemmScratchBytes(m, n, k, bytes));
      const cell = w.place(output);
      const to = w.address(cell);
      for (let i = 0; i < extent; i++) {
        const [p, q, r] = [left + i * steps[0]! * bytes, right + i * steps[1]! * bytes, to + i * steps[2]! * bytes];
        gemm(m, n, k, p, a.row, a.column, q, b.row, b.column, r, n, 0, scratch);
      }
      return w.taken(cell, output, to);
    } finally {
      w.close();
    }
  };
}
