import { ShapeError } from './errors.ts';
import { naming } from './options.ts';

/** Shapes are lists of non-negative integers; data is contiguous and row-major wherever nothing else is said. */
export type Shape = readonly number[];

/** A shape as users give it: also the length of a vector. */
export type ShapeLike = number | Shape;

/**
 * A shape that a user gave.
 * @throws ShapeError when it is no list of non-negative integers
 */
export function checkShape(shape: unknown, operation: string): Shape {
  const list = typeof shape === 'number' ? [shape] : shape;
  if (Array.isArray(list) && list.every((n) => Number.isInteger(n) && n >= 0)) return list;
  const shown = Array.isArray(list) ? `[${list.map(naming)}]` : naming(list);
  throw new ShapeError(`${operation}: ${shown} is not a shape: lengths are integers from 0 on.`, {
    hint: (Array.isArray(list) ? list : [list]).some(isTraced) ? shapesAreKnown : undefined,
  });
}

export const shapesAreKnown = 'shapes must be known while a function is traced: make the argument static';
export const isTraced = (x: unknown): boolean =>
  typeof x === 'object' && x !== null && (x as { isTracer?: boolean }).isTracer === true;

/**
 * How often a user wants something.
 * @throws ShapeError when it is no integer from 0 on
 */
export function checkCount(n: unknown, operation: string, what: string): number {
  if (Number.isInteger(n) && (n as number) >= 0) return n as number;
  throw new ShapeError(`${operation}: ${what} must be an integer from 0 on, but it is ${naming(n)}.`, {
    hint: isTraced(n) ? shapesAreKnown : undefined,
  });
}

export function sizeOf(shape: Shape): number {
  let size = 1;
  for (let i = 0; i < shape.length; i++) size *= shape[i]!;
  return size;
}

export function sameShape(a: Shape, b: Shape): boolean {
  if (a === b) return true;
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** Row-major strides, in elements. */
export function stridesOf(shape: Shape): number[] {
  const strides = new Array<number>(shape.length);
  let step = 1;
  for (let i = shape.length - 1; i >= 0; i--) {
    strides[i] = step;
    step *= shape[i]!;
  }
  return strides;
}

/** NumPy's broadcasting of shapes; undefined where they do not fit together. */
export function broadcastShapes(...shapes: Shape[]): number[] | undefined {
  const rank = Math.max(0, ...shapes.map((s) => s.length));
  const out = new Array<number>(rank).fill(1);
  for (const shape of shapes) {
    const lead = rank - shape.length;
    for (let i = 0; i < shape.length; i++) {
      const n = shape[i]!;
      const m = out[lead + i]!;
      if (n === m || n === 1) continue;
      if (m !== 1) return undefined;
      out[lead + i] = n;
    }
  }
  return out;
}

/** `axis` as an index from the front; undefined when it is out of range. */
export function normalizeAxis(axis: number, rank: number): number | undefined {
  if (!Number.isInteger(axis) || axis < -rank || axis >= rank) return undefined;
  return axis < 0 ? axis + rank : axis;
}

export const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

/** The shape without the given axes. */
export const withoutAxes = (shape: Shape, axes: readonly number[]): number[] =>
  shape.filter((_, i) => !axes.includes(i));
