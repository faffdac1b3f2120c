/** Lists of arrays as vectors of one space. */
import type { Value } from '../core/trace.ts';
import { add, div, mul, sub } from '../lax/arithmetic.ts';
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
export const sizeOf = (x: Vectors): number => x.reduce((n, v) => n + v.aval.size, 0);

/** All elements in one array. */
export const ravel = (x: Vectors): Value =>
  x.length === 1
    ? reshape(x[0]!, [x[0]!.aval.size])
    : concatenate(
        x.map((v) => reshape(v, [v.aval.size])),
        0,
      );

/** The inverse of `ravel`, for vectors of the types of `x`. */
export function unravel(flat: Value, x: Vectors): Vectors {
  let start = 0;
  return x.map((v) => {
    const part = slice(flat, [start], [start + v.aval.size]);
    start += v.aval.size;
    return like(reshape(part, v.aval.shape), v);
  });
}
