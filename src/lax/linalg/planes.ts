/** Complex matrices as planes of real numbers, for rules of derivatives. */
import type { Value } from '../../core/trace.ts';
import { abs, add, div, mul, neg, sub } from '../arithmetic.ts';
import { max } from '../minmax.ts';
import { sum } from '../reductions.ts';
import { stopGradient } from '../stop-gradient.ts';
import { matmul, matrixTranspose } from './matrix.ts';

export interface Planes {
  readonly re: Value;
  readonly im: Value;
}

/** A function of both planes. */
export const mapped = (f: (x: Value) => Value, { re, im }: Planes): Planes => ({ re: f(re), im: f(im) });

export const conj = ({ re, im }: Planes): Planes => ({ re, im: neg(im) });
export const plus = (a: Planes, b: Planes): Planes => ({ re: add(a.re, b.re), im: add(a.im, b.im) });
export const times = (a: Planes, b: Planes): Planes => ({
  re: sub(mul(a.re, b.re), mul(a.im, b.im)),
  im: add(mul(a.re, b.im), mul(a.im, b.re)),
});
export const transposed = (a: Planes): Planes => mapped(matrixTranspose, a);
export const rowSums = (a: Planes): Planes => mapped((x) => sum(x, { axis: -2 }), a);

/** 1/z, without squares that overflow or vanish. */
export function reciprocal({ re, im }: Planes): Planes {
  const size = stopGradient(max(abs(re), abs(im))) as Value;
  const [x, y] = [div(re, size), div(im, size)];
  const square = mul(size, add(mul(x, x), mul(y, y)));
  return { re: div(x, square), im: neg(div(y, square)) };
}

export const product = (a: Planes, b: Planes): Planes => ({
  re: sub(matmul(a.re, b.re), matmul(a.im, b.im)),
  im: add(matmul(a.re, b.im), matmul(a.im, b.re)),
});
/** A real matrix times a complex one. */
export const realProduct = (a: Value, b: Planes): Planes => mapped((x) => matmul(a, x), b);
