/** Powers and chains of matrices. */

import type { ArrayLike, NDArray } from '../array.ts';
import { ShapeError } from '../core/errors.ts';
import { checkList } from '../core/options.ts';
import { recorded } from '../core/recorded.ts';
import { range } from '../core/shape.ts';
import { broadcastTo } from '../lax/movement.ts';
import { eye } from '../numpy/creation.ts';
import { factors, matmul } from '../numpy/products.ts';
import { square } from './operands.ts';
import { inv } from './solve.ts';

/** a multiplied n times, by repeated squaring; for negative n, of the inverse. */
export const matrixPower: (a: ArrayLike, n: number) => NDArray = recorded((a, n) => {
  const value = square('matrixPower', a);
  if (!Number.isInteger(n)) throw new ShapeError(`matrixPower: the power ${n} is not an integer.`);
  let base: NDArray = n < 0 ? inv(value) : value;
  let result: NDArray | undefined;
  for (let rest = Math.abs(n); rest > 0; rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) result = result ? matmul(result, base) : base;
    if (rest > 1) base = matmul(base, base);
  }
  return result ?? broadcastTo(eye(value.shape.at(-1)!, null, { dtype: value.dtype }), value.shape);
});

/**
 * The product of matrices in the order that needs the fewest multiplications, found by dynamic programming. The first
 * and last may be vectors.
 */
export const multiDot: (arrays: readonly ArrayLike[]) => NDArray = recorded((arrays) => {
  checkList('multiDot', 'the first argument', arrays);
  if (arrays.length === 0) throw new ShapeError('multiDot: needs at least one array.');
  const values = factors('multiDot', arrays);
  values.forEach((v, i) => {
    const end = i === 0 || i === values.length - 1;
    if (v.ndim !== 2 && !(end && v.ndim === 1))
      throw new ShapeError(`multiDot: array ${i} is ${v.aval}, not a matrix.`);
  });
  // lengths[i] × lengths[i + 1] is matrix i; a vector at an end is a row or a column.
  const rows = values.map((v, i) => (v.ndim === 1 && i === 0 ? 1 : v.shape[0]!));
  const last = values.at(-1)!;
  const lengths = [...rows, last.ndim === 1 ? 1 : last.shape[1]!];
  const n = values.length;
  const cost = range(n).map(() => new Array<number>(n).fill(0));
  const cut = range(n).map(() => new Array<number>(n).fill(0));
  for (let span = 1; span < n; span++) {
    for (let i = 0; i + span < n; i++) {
      const j = i + span;
      cost[i]![j] = Number.POSITIVE_INFINITY;
      for (let k = i; k < j; k++) {
        const total = cost[i]![k]! + cost[k + 1]![j]! + lengths[i]! * lengths[k + 1]! * lengths[j + 1]!;
        if (total < cost[i]![j]!) [cost[i]![j], cut[i]![j]] = [total, k];
      }
    }
  }
  const chain = (i: number, j: number): NDArray =>
    i === j ? values[i]! : matmul(chain(i, cut[i]![j]!), chain(cut[i]![j]! + 1, j));
  return chain(0, n - 1);
});
