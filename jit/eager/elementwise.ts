/** Elementwise operations that run at once, in prebuilt kernels. */
import type { ShapedArray } from '../../src/core/aval.ts';
import { byteSize, type DType, isFloating } from '../../src/core/dtype.ts';
import type { Params } from '../../src/core/primitive.ts';
import { Cell } from '../heap.ts';
import { elementsPerCall } from '../lower/kernel.ts';
import { elementwiseName } from '../runtime/elementwise.ts';
import { elementwiseExports } from '../runtime/instance.ts';
import { Workspace } from '../workspace.ts';
import type { EagerFunction } from './eager.ts';

type RuntimeFunction = (...args: number[]) => number;

export function eagerElementwise(
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
