/** The derivative of a product of many factors. */
import { range, sizeOf } from '../core/shape.ts';
import type { Value } from '../core/trace.ts';
import { add, mul } from './arithmetic.ts';
import { zerosLike } from './creation.ts';
import { reshape, transpose } from './movement.ts';
import { concatenate, slice } from './slicing.ts';

/**
 * The tangent of the product of `x` over `axes`: halves are multiplied together, each with its tangent by the product
 * rule, until one factor is left. No division, so factors may be 0, and every derivative of this is right as well.
 */
export function productTangent(x: Value, dx: Value, axes: readonly number[]): Value {
  const { shape } = x.aval;
  const kept = range(shape.length).filter((axis) => !axes.includes(axis));
  const outShape = kept.map((axis) => shape[axis]!);
  const rows = sizeOf(outShape);
  let n = sizeOf(axes.map((axis) => shape[axis]!));
  if (n === 0) return zerosLike(x.aval.withShape(outShape));
  const asRows = (value: Value): Value => reshape(transpose(value, [...kept, ...axes]), [rows, n]);
  let [value, tangent] = [asRows(x), asRows(dx)];
  while (n > 1) {
    const half = Math.floor(n / 2);
    const part = (v: Value, from: number, to: number): Value => slice(v, [0, from], [rows, to]);
    const [a, b, da, db] = [
      part(value, 0, half),
      part(value, half, 2 * half),
      part(tangent, 0, half),
      part(tangent, half, 2 * half),
    ];
    const product = mul(a, b);
    const productDot = add(mul(da, b), mul(a, db));
    const odd = n % 2 === 1;
    value = odd ? concatenate([product, part(value, n - 1, n)], 1) : product;
    tangent = odd ? concatenate([productDot, part(tangent, n - 1, n)], 1) : productDot;
    n = half + (odd ? 1 : 0);
  }
  return reshape(tangent, outShape);
}
