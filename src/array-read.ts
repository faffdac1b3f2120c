/** From stored elements to JavaScript values. */
import type { ShapedArray } from './core/aval.ts';
import { castNumber, type TypedArray } from './core/dtype.ts';
import { ShapeError } from './core/errors.ts';
import type { Shape } from './core/shape.ts';

/** What `tolist` gives: numbers (booleans for bool arrays) in lists nested as deep as the rank. */
export type NestedList = number | boolean | NestedList[];

/** What `NestedList` can be used as. */
export type ReadonlyNestedList = number | boolean | readonly ReadonlyNestedList[];

const asStored = (value: number): number => value;

/** Converts a stored element to what JavaScript calls it. Weak numbers are stored in float64 and read as float32. */
export function elementReader(aval: ShapedArray): (value: number) => number | boolean {
  if (aval.dtype === 'bool') return (value) => value !== 0;
  return aval.weakType ? (value) => castNumber(value, 'float32') : asStored;
}

/** Where the element at a position along each axis lies. */
export function offsetOf(aval: ShapedArray, index: readonly number[]): number {
  const { shape } = aval;
  if (index.length !== shape.length)
    throw new ShapeError(`item: ${index.length} positions for the ${shape.length} axes of ${aval}.`);
  let offset = 0;
  for (let axis = 0; axis < shape.length; axis++) {
    const [i, n] = [index[axis]!, shape[axis]!];
    if (!Number.isInteger(i) || i < -n || i >= n)
      throw new ShapeError(`item: position ${i} is out of range for axis ${axis} of ${aval}.`);
    offset = offset * n + (i < 0 ? i + n : i);
  }
  return offset;
}

/** Row-major elements in nested lists. */
export function nested(
  data: TypedArray | number[],
  shape: Shape,
  read: (value: number) => number | boolean,
): NestedList {
  if (shape.length === 0) return read(data[0]!);
  const last = shape.length - 1;
  const row = read === asStored ? rowsOf(data) : (at: number, n: number) => readFrom(data, at, n, read);
  const build = (axis: number, at: number, count: number): NestedList[] => {
    const n = shape[axis]!;
    if (axis === last) return row(at, n);
    const list: NestedList[] = [];
    const step = n === 0 ? 0 : count / n;
    for (let i = 0; i < n; i++) list.push(build(axis + 1, at + i * step, step));
    return list;
  };
  return build(0, 0, data.length);
}

/** Lists of `n` elements from `at` on. The loops differ in what they read, since one that reads all types is compiled for none. */
function rowsOf(data: TypedArray | number[]): (at: number, n: number) => number[] {
  if (Array.isArray(data)) return (at, n) => data.slice(at, at + n);
  if (data instanceof Float64Array)
    return (at, n) => {
      const list = roomFor(n);
      for (let i = 0; i < n; i++) list[i] = data[at + i]!;
      return list;
    };
  if (data instanceof Float32Array)
    return (at, n) => {
      const list = roomFor(n);
      for (let i = 0; i < n; i++) list[i] = data[at + i]!;
      return list;
    };
  if (data instanceof Int32Array)
    return (at, n) => {
      const list = roomFor(n);
      for (let i = 0; i < n; i++) list[i] = data[at + i]!;
      return list;
    };
  return (at, n) => {
    const list = roomFor(n);
    for (let i = 0; i < n; i++) list[i] = data[at + i]!;
    return list;
  };
}

/** Elements of a list that is made with room for all of them; a longer one grows, since it would not be an array of numbers then. */
const mostAtOnce = 2 ** 16;
const roomFor = (n: number): number[] => (n <= mostAtOnce ? new Array<number>(n) : []);

function readFrom(
  data: TypedArray | number[],
  at: number,
  n: number,
  read: (value: number) => number | boolean,
): (number | boolean)[] {
  const list: (number | boolean)[] = [];
  for (let i = 0; i < n; i++) list.push(read(data[at + i]!));
  return list;
}
