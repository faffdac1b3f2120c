/** Trees of arrays as vectors. */
import type { ShapedArray } from '../core/aval.ts';
import type { DType } from '../core/dtype.ts';
import type { Value } from '../core/trace.ts';
import { abs, add, mul, neg, sqrt, sub } from '../lax/arithmetic.ts';
import { select as choose } from '../lax/compare.ts';
import { convert } from '../lax/convert.ts';
import { scalar } from '../lax/creation.ts';
import { reduceMax, sum } from '../lax/reductions.ts';
import * as vectors from '../linear-solve/vectors.ts';
import * as tree from '../tree.ts';

const leaves = (x: unknown): Value[] => tree.leaves(x) as Value[];
const like = (s: Value | number, v: Value): Value | number =>
  typeof s === 'number' || s.aval.dtype === v.aval.dtype ? s : convert(s, v.aval.dtype);

/** A number or a scalar in a given dtype. */
export const scalarOf = (s: Value | number, dtype: DType): Value =>
  typeof s === 'number' ? scalar(s, dtype) : s.aval.dtype === dtype && !s.aval.weakType ? s : convert(s, dtype);

export const dot = (x: unknown, y: unknown): Value => {
  const ys = leaves(y);
  return leaves(x)
    .map((v, i) => sum(mul(v, ys[i]!)))
    .reduce((a, b) => add(a, b));
};
/** ‖x‖₂. */
export const norm = (x: unknown): Value => sqrt(dot(x, x));
/** ‖v‖∞ of an array; 0 if it has no elements. */
export const infNorm = (v: Value): Value => (v.size > 0 ? reduceMax(abs(v)) : scalar(0, v.dtype));
export const minus = (x: any, y: any): any => tree.map((a, b) => sub(a, b!), x, y);
export const negated = (x: any): any => tree.map((a) => neg(a), x);
/** x + s·y. */
export const axpy = (x: any, s: Value | number, y: any): any => tree.map((a, b) => add(a, mul(like(s, a), b!)), x, y);
export const select = (pred: Value, x: any, y: any): any =>
  x === null ? null : tree.map((a, b) => choose(pred, a, b!), x, y);

/** All elements in one array, in the widest dtype among them. */
export const ravel = (x: unknown): Value => vectors.ravel(leaves(x));
/** The inverse of `ravel`, for trees like `x`. */
export function unravel(flat: Value, x: unknown): any {
  const { def, leaves } = tree.flatten(x);
  return tree.unflatten(def, vectors.unravel(flat, typesOf(leaves as Value[])));
}
export const typesOf = (values: readonly Value[]): ShapedArray[] => values.map((v) => v.aval);

/** The widest dtype among the leaves: that of errors and step sizes. */
export const dtypeOf = (x: unknown): DType => (leaves(x).some((v) => v.dtype === 'float64') ? 'float64' : 'float32');
