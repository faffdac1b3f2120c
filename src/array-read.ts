/** From stored elements to JavaScript values, and what to say when there are none. */
import type { ShapedArray } from './core/aval.ts';
import { castNumber, type TypedArray } from './core/dtype.ts';
import { ControlFlowError } from './core/errors.ts';
import type { Shape } from './core/shape.ts';

/** What `tolist` gives: numbers (booleans for bool arrays) in lists nested as deep as the rank. */
export type NestedList = number | boolean | NestedList[];

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

/** How to go on where a value is not known, by the transformation that traces it. */
export function readingHint(transformation: string | undefined): string {
  switch (transformation) {
    case 'jvp':
    case 'linearize':
    case 'grad':
      return 'return it with `hasAux`, or read it without its derivative: `lax.stopGradient(x).item()`';
    case 'vmap':
      return 'each lane has a value of its own: choose with `np.where(…)`, or read the result after the call';
    default:
      return 'choose between values with `np.where(…)`, between computations with `lax.cond(…)`, or make the argument static';
  }
}

export const operatorError = (aval: ShapedArray, traced: boolean): ControlFlowError =>
  new ControlFlowError(
    `A JavaScript operator or Math function was applied to ${traced ? 'a traced' : 'an'} array of type ${aval}.`,
    { hint: 'compare with `x.gt(0)`, compute with `x.add(1)` or `np.sin(x)`, or read a number with `x.item()`' },
  );
