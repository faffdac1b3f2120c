/** What operations along one axis share: how they name it, and the loop over rows in the reference. */
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

/** `axis` of `x` from the front, or a ShapeError that names the operation. */
export function axisOf(operation: string, x: Value, axis: number): number {
  const normal = normalizeAxis(axis, x.aval.ndim);
  if (normal === undefined) throw new ShapeError(`${operation}: axis ${axis} is out of range for ${x.aval}.`);
  return normal;
}
