/** Complex matrices as planes of real ones, for rules of derivatives. */
import type { Value } from '../../core/trace.ts';
import { add, sub } from '../arithmetic.ts';
import { mapped, type Planes } from '../planes.ts';
import { sum } from '../reductions.ts';
import { matmul, matrixTranspose } from './matrix.ts';

export const transposed = (a: Planes): Planes => mapped(matrixTranspose, a);
export const rowSums = (a: Planes): Planes => mapped((x) => sum(x, { axis: -2 }), a);

export const matrixProduct = ([a, b]: Planes, [c, d]: Planes): Planes => [
  sub(matmul(a, c), matmul(b, d)),
  add(matmul(a, d), matmul(b, c)),
];
/** A real matrix times a complex one. */
export const realProduct = (a: Value, b: Planes): Planes => mapped((x) => matmul(a, x), b);
