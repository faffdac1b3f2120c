/** Elementwise operations that run at once, in prebuilt kernels. */
import type { ShapedArray } from '../../src/core/aval.ts';
import { byteSize, type DType, isFloating } from '../../src/core/dtype.ts';
import type { Params } from '../../src/core/primitive.ts';
import { range } from '../../src/core/shape.ts';
import { elementsPerCall } from '../lower/kernels/kernel.ts';
import { elementwiseName } from '../runtime/elementwise.ts';
import { elementwiseExports } from '../runtime/instance.ts';
import { Cell } from '../storage/cell.ts';
import type { Heap } from '../storage/heap.ts';
import { Workspace } from '../storage/workspace.ts';
import { threadPool } from '../threads/thread-pool.ts';
import { OneElement, ShortMap } from './direct.ts';
import { fewMap } from './few.ts';
import { inPieces, isDealtOut } from './in-threads.ts';
import {
  type EagerFunction,
  type MemoryFunction,
  numberAt,
  onCells,
  setNumberAt,
  withMemory,
} from './memory-function.ts';

type RuntimeFunction = (...args: number[]) => number;

export function eagerElementwise(
  name: string,
  inputs: readonly ShapedArray[],
  params: Params,
  output: ShapedArray,
): EagerFunction | undefined {
  const single = inputs.every((x) => x.size === 1);
  if (name === 'select' && single) return oneChosen(output.dtype);
  const scalar = scalarFunctions[name];
  if (scalar && inputs.every((x) => x.size === 1 && isFloating(x.dtype)))
    return oneElement(scalar, inputs[0]!.dtype, output.dtype);
  const n = output.size;
  const isScalar = inputs.map((x) => x.ndim === 0 && output.ndim > 0);
  const byValue = inputs.length === 2 ? isScalar : inputs.map(() => false);
  const dtypes = inputs.map((x) => x.dtype);
  const key = elementwiseName(name, params, dtypes, byValue);
  const run = elementwiseExports()[key] as RuntimeFunction | undefined;
  if (!run) return undefined;
  const bytes = byteSize(output.dtype);
  const steps = dtypes.map((dtype, i) => (isScalar[i] ? 0 : byteSize(dtype)));
  const few = Math.min(n, elementsPerCall);
  const [dx, dy, dz] = steps as [number, number, number];
  const arity = inputs.length;
  const fills = byValue.includes(true) ? [] : range(arity).filter((i) => isScalar[i]);
  /** In pieces, so that the engine can go over to optimised code in between. */
  const pieces = (to: number, x: number, y: number, z: number, more: readonly number[] | undefined): void => {
    if (isDealtOut(n)) {
      const args = [0, to, ...[x, y, z].slice(0, arity), ...(more ?? [])];
      threadPool().call('elementwise', key, inPieces(n, 0, args, [0, bytes, ...steps]));
      return;
    }
    for (let i = 0; i < n; i += elementsPerCall) {
      const count = Math.min(elementsPerCall, n - i);
      const at = to + i * bytes;
      if (more) run(count, at, x + i * dx, y + i * dy, z + i * dz, ...more.map((p, k) => p + i * steps[k + 3]!));
      else if (arity === 1) run(count, at, x + i * dx);
      // By value −0 must stay what it is.
      else if (arity === 2) run(count, at, dx === 0 ? x : x + i * dx, dy === 0 ? y : y + i * dy);
      else run(count, at, x + i * dx, y + i * dy, z + i * dz);
    }
  };
  const short = n <= elementsPerCall && arity <= 2;
  const whole =
    arity === 1 ? (to: number, x: number) => run(n, to, x) : (to: number, x: number, y: number) => run(n, to, x, y);
  const each = short ? whole : pieces;
  const given = (heap: Heap, at: readonly number[], i: number): number =>
    byValue[i] ? numberAt(heap, dtypes[i]!, at[i]!) : at[i]!;
  const filledBytes = fills.map((i) => (few * byteSize(dtypes[i]!) + 63) & -64);
  /** Numbers that stand for a whole operand are written out, a piece of it. */
  const filled = (heap: Heap, at: readonly number[]): number[] => {
    const places = at.slice();
    let next = at[arity + 1]!;
    fills.forEach((i, k) => {
      heap.fill(dtypes[i]!, next, few, numberAt(heap, dtypes[i]!, at[i]!));
      places[i] = next;
      next += filledBytes[k]!;
    });
    return places;
  };
  const general = (heap: Heap, at: readonly number[]): void => {
    const places = fills.length > 0 ? filled(heap, at) : at;
    const x = given(heap, places, 0);
    const y = arity > 1 ? given(heap, places, 1) : 0;
    each(places[arity]!, x, y, arity > 2 ? places[2]! : 0, arity > 3 ? places.slice(3, arity) : undefined);
  };
  const simple = (_: Heap, at: readonly number[]): void => each(at[arity]!, at[0]!, at[1]!, 0, undefined);
  const inMemory: MemoryFunction = {
    scratch: filledBytes.reduce((a, b) => a + b, 0),
    run: short && !byValue.includes(true) && fills.length === 0 ? simple : general,
  };
  if (fills.length > 0) return onCells(inMemory, [output]);
  const place = (w: Workspace, cell: Cell, i: number): number => (byValue[i] ? cell.first() : w.operand(cell));
  return withMemory(
    (operands) => {
      const w = new Workspace();
      try {
        const x = place(w, operands[0]!, 0);
        const y = arity > 1 ? place(w, operands[1]!, 1) : 0;
        const z = arity > 2 ? place(w, operands[2]!, 2) : 0;
        const more = arity > 3 ? operands.slice(3).map((cell, i) => place(w, cell, i + 3)) : undefined;
        const cell = w.place(output);
        const to = w.address(cell);
        each(to, x, y, z, more);
        return w.taken(cell, output, to);
      } finally {
        w.close();
      }
    },
    inMemory,
    short ? (fewMap(name, inputs, output) ?? new ShortMap(run, inputs, byValue, output)) : undefined,
  );
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
function oneElement(f: ScalarFunction, dtype: DType, to: DType): EagerFunction {
  const run: MemoryFunction['run'] =
    dtype === 'float64' && to === 'float64'
      ? ({ f64 }, at) => {
          f64[at[at.length - 2]! >>> 3] = f(f64[at[0]! >>> 3]!, f64[at[1]! >>> 3]!);
        }
      : (heap, at) => {
          const y = at.length > 3 ? numberAt(heap, dtype, at[1]!) : 0;
          setNumberAt(heap, to, at[at.length - 2]!, f(numberAt(heap, dtype, at[0]!), y));
        };
  const inMemory = { scratch: 0, run };
  const rounded: ScalarFunction = to === 'float32' ? (x, y) => Math.fround(f(x, y)) : f;
  return withMemory(
    ([x, y]) => Cell.fromNumber(to, rounded(x!.first(), y === undefined ? 0 : y.first())),
    inMemory,
    new OneElement(to, rounded),
  );
}

function oneChosen(dtype: DType): EagerFunction {
  return withMemory(([chosen, x, y]) => Cell.fromNumber(dtype, (chosen!.first() ? x! : y!).first()), {
    scratch: 0,
    run: (heap, at) => setNumberAt(heap, dtype, at[3]!, numberAt(heap, dtype, heap.u8[at[0]!] ? at[1]! : at[2]!)),
  });
}
