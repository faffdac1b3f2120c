/** From stored elements to JavaScript values. */
import type { ShapedArray } from './core/aval.ts';
import { castNumber, type TypedArray } from './core/dtype.ts';
import type { Shape } from './core/shape.ts';

/** What `tolist` gives: numbers (booleans for bool arrays) in lists nested as deep as the rank. */
export type NestedList = number | boolean | NestedList[];

/** What `NestedList` can be used as. */
export type ReadonlyNestedList = number | boolean | readonly ReadonlyNestedList[];

/** Converts a stored element to what JavaScript calls it. Weak numbers are stored in float64 and read as float32. */
export function elementReader(aval: ShapedArray): (value: number) => number | boolean {
  if (aval.dtype === 'bool') return (value) => value !== 0;
  return aval.weakType ? (value) => castNumber(value, 'float32') : (value) => value;
}

/** Row-major elements in nested lists. */
export function nested(data: TypedArray, shape: Shape, read: (value: number) => number | boolean): NestedList {
  const build = (axis: number, at: number, count: number): NestedList => {
    if (axis === shape.length) return read(data[at]!);
    const n = shape[axis]!;
    const step = n === 0 ? 0 : count / n;
    return Array.from({ length: n }, (_, i) => build(axis + 1, at + i * step, step));
  };
  return build(0, 0, data.length);
}
