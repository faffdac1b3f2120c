/** What operations along one axis share: the loop in the reference, the loop in kernels. */

import type { Operand } from '../../jit/lower-rule.ts';
import type { Expr, FunctionBuilder } from '../../jit/wasm/code.ts';
import { nest } from '../../jit/wasm/loop-nest.ts';
import { byteSize } from '../core/dtype.ts';
import { ShapeError } from '../core/errors.ts';
import { normalizeAxis, type Shape, sizeOf } from '../core/shape.ts';
import type { Value } from '../core/trace.ts';

/** A shape around an axis: `outer` × `n` × `inner` elements in row-major order. */
export interface Rows {
  readonly outer: number;
  readonly n: number;
  readonly inner: number;
}

export const rowsOf = (shape: Shape, axis: number): Rows => ({
  outer: sizeOf(shape.slice(0, axis)),
  n: shape[axis]!,
  inner: sizeOf(shape.slice(axis + 1)),
});

/** Calls `visit(start, row)` for each row along the axis: element k is at start + k·inner. */
export function forEachRow({ outer, n, inner }: Rows, visit: (start: number, row: number) => void): void {
  for (let o = 0; o < outer; o++) for (let i = 0; i < inner; i++) visit(o * n * inner + i, o * inner + i);
}

/**
 * Emits a loop over the rows of operands that all have the shape behind `rows`, or, in `folded`, lack its axis. `body`
 * gets the address of each operand's first element of the row.
 */
export function rowLoop(
  f: FunctionBuilder,
  { outer, n, inner }: Rows,
  whole: readonly Operand[],
  folded: readonly Operand[],
  body: (whole: readonly Expr[], folded: readonly Expr[]) => void,
): void {
  const bytes = (x: Operand): number => byteSize(x.aval.dtype);
  const axes = [
    { extent: outer, steps: [...whole.map((x) => n * inner * bytes(x)), ...folded.map((x) => inner * bytes(x))] },
    { extent: inner, steps: [...whole.map(bytes), ...folded.map(bytes)] },
  ];
  nest(
    f,
    axes,
    [...whole, ...folded].map((x) => x.ptr),
    (at) => body(at.slice(0, whole.length), at.slice(whole.length)),
  );
}

/** `axis` of `x` from the front, or a ShapeError that names the operation. */
export function axisOf(operation: string, x: Value, axis: number): number {
  const normal = normalizeAxis(axis, x.aval.ndim);
  if (normal === undefined) throw new ShapeError(`${operation}: axis ${axis} is out of range for ${x.aval}.`);
  return normal;
}
