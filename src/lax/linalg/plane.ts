/** Reflections and rotations of rows, in JavaScript: what the reference semantics of `eigh` and `svd` are made of. */

import { negligibleSquare } from '../../../jit/runtime/linalg/spectral-constants.ts';

/** A matrix whose rows lie one after the other. */
export interface Rows {
  readonly data: Float64Array;
  /** Length of a row. */
  readonly width: number;
}

export function identityRows(count: number, width: number): Rows {
  const data = new Float64Array(count * width);
  for (let i = 0; i < Math.min(count, width); i++) data[i * width + i] = 1;
  return { data, width };
}

/** A power of two near the largest magnitude, so that squares neither overflow nor vanish; NaN unless all is finite. */
export function scaleOf(x: ArrayLike<number>): number {
  let largest = 0;
  for (let i = 0; i < x.length; i++) {
    const size = Math.abs(x[i]!);
    if (!(size < Number.POSITIVE_INFINITY)) return Number.NaN;
    if (size > largest) largest = size;
  }
  return largest === 0 ? 1 : 2 ** Math.max(-1022, Math.floor(Math.log2(largest)));
}

export interface Reflector {
  /** v[0] is 1. */
  readonly v: Float64Array;
  readonly tau: number;
  readonly beta: number;
}

/** The reflection I − τ·v·vᵀ that takes x to (β, 0, …), with LAPACK's sign of β. */
export function reflector(x: Float64Array): Reflector {
  const v = x.slice();
  v[0] = 1;
  let squares = 0;
  for (let i = 1; i < x.length; i++) squares += x[i]! * x[i]!;
  const head = x[0]!;
  if (squares < negligibleSquare) return { v: v.fill(0, 1), tau: 0, beta: head };
  const length = Math.sqrt(head * head + squares);
  const beta = head >= 0 ? -length : length;
  for (let i = 1; i < x.length; i++) v[i] = x[i]! / (head - beta);
  return { v, tau: (beta - head) / beta, beta };
}

/** M ← M·(I − τ·v·vᵀ) on rows `first` … `end` − 1; v stands at columns from `column`. */
export function reflectRows({ data, width }: Rows, first: number, end: number, column: number, r: Reflector): void {
  if (r.tau === 0) return;
  for (let i = first; i < end; i++) {
    const at = i * width + column;
    let product = 0;
    for (let j = 0; j < r.v.length; j++) product += r.v[j]! * data[at + j]!;
    for (let j = 0; j < r.v.length; j++) data[at + j]! -= r.tau * product * r.v[j]!;
  }
}

/** Rows i and j ← c·i + s·j and c·j − s·i. */
export function rotateRows({ data, width }: Rows, i: number, j: number, c: number, s: number): void {
  for (let k = 0; k < width; k++) {
    const [x, y] = [data[i * width + k]!, data[j * width + k]!];
    data[i * width + k] = c * x + s * y;
    data[j * width + k] = c * y - s * x;
  }
}

export function negateRow({ data, width }: Rows, i: number): void {
  for (let k = i * width; k < (i + 1) * width; k++) data[k] = -data[k]!;
}

export function swapRows({ data, width }: Rows, i: number, j: number): void {
  for (let k = 0; k < width; k++) {
    [data[i * width + k], data[j * width + k]] = [data[j * width + k]!, data[i * width + k]!];
  }
}

/** Sorts the first values and their rows along with them, exchanging as few as possible. */
export function sortRows(
  values: Float64Array,
  before: (x: number, y: number) => boolean,
  tables: readonly Rows[],
): void {
  for (let i = 0; i < values.length - 1; i++) {
    let best = i;
    for (let j = i + 1; j < values.length; j++) if (before(values[j]!, values[best]!)) best = j;
    if (best === i) continue;
    [values[i], values[best]] = [values[best]!, values[i]!];
    for (const table of tables) swapRows(table, i, best);
  }
}
