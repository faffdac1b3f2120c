/** Lists of arrays as vectors of one space. */
import type { ShapedArray } from '../core/aval.ts';
import type { Value } from '../core/trace.ts';
import { add, div, mul, sqrt, sub } from '../lax/arithmetic.ts';
import { convert } from '../lax/convert.ts';
import { zerosLike } from '../lax/creation.ts';
import { reshape } from '../lax/movement.ts';
import { sum } from '../lax/reductions.ts';
import { concatenate, slice } from '../lax/slicing.ts';

export type Vectors = Value[];

export const plus = (x: Vectors, y: Vectors): Vectors => x.map((v, i) => add(v, y[i]!));
export const minus = (x: Vectors, y: Vectors): Vectors => x.map((v, i) => sub(v, y[i]!));
/** The scalar takes the dtype of each array. */
const like = (a: Value, v: Value): Value => (a.aval.dtype === v.aval.dtype ? a : convert(a, v.aval.dtype));
export const scale = (a: Value, x: Vectors): Vectors => x.map((v) => mul(like(a, v), v));
export const over = (x: Vectors, a: Value): Vectors => x.map((v) => div(v, like(a, v)));
/** x + a·y. */
export const axpy = (x: Vectors, a: Value, y: Vectors): Vectors => x.map((v, i) => add(v, mul(like(a, v), y[i]!)));
export const zeros = (x: Vectors): Vectors => x.map((v) => zerosLike(v.aval));
export const dot = (x: Vectors, y: Vectors): Value =>
  x.map((v, i) => sum(mul(v, y[i]!))).reduce((total, part) => add(total, part));
export const norm = (x: Vectors): Value => sqrt(dot(x, x));
export const sizeOf = (avals: readonly ShapedArray[]): number => avals.reduce((n, aval) => n + aval.size, 0);

/** All elements in one array, in the widest dtype among them. */
export function ravel(x: Vectors): Value {
  if (x.length === 1) return reshape(x[0]!, [x[0]!.aval.size]);
  const wide = x.find((v) => v.aval.dtype === 'float64') ?? x[0]!;
  return concatenate(
    x.map((v) => like(reshape(v, [v.aval.size]), wide)),
    0,
  );
}

/** The inverse of `ravel`, for vectors of the given types. */
export function unravel(flat: Value, avals: readonly ShapedArray[]): Vectors {
  let start = 0;
  return avals.map((aval) => {
    const part = avals.length === 1 ? flat : slice(flat, [start], [start + aval.size]);
    start += aval.size;
    return part.aval.dtype === aval.dtype ? reshape(part, aval.shape) : convert(reshape(part, aval.shape), aval.dtype);
  });
}

export const typesOf = (x: Vectors): ShapedArray[] => x.map((v) => v.aval);
