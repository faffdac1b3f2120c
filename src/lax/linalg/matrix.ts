/** What the matrix factorisations share: triangles, transposes, checks, samples. Matrices are the last two axes. */
import type { ShapedArray } from '../../core/aval.ts';
import type { DType } from '../../core/dtype.ts';
import { DtypeError, ShapeError } from '../../core/errors.ts';
import { range, type Shape, sizeOf } from '../../core/shape.ts';
import type { Value } from '../../core/trace.ts';
import { add } from '../arithmetic.ts';
import { ge, select } from '../compare.ts';
import { broadcastedIota, full, zerosLike } from '../creation.ts';
import { batchMatmul } from '../dot.ts';
import { transpose } from '../movement.ts';

export const rowsOf = (aval: ShapedArray): number => aval.shape.at(-2)!;
export const columnsOf = (aval: ShapedArray): number => aval.shape.at(-1)!;
export const batchOf = (aval: ShapedArray): Shape => aval.shape.slice(0, -2);

/** @throws unless `x` is a floating matrix, or a batch of them */
export function checkMatrix(operation: string, x: ShapedArray, square = false): void {
  if (x.ndim < 2 || (square && rowsOf(x) !== columnsOf(x))) {
    throw new ShapeError(`${operation}: needs a ${square ? 'square ' : ''}matrix, but got ${x}.`);
  }
  if (!x.isFloating) throw new DtypeError(`${operation}: needs floating operands, but got ${x}.`);
}

/** Rows i and columns j with j − i ≤ k are kept, the others become 0. */
export function lowerTriangle(x: Value, k = 0): Value {
  return select(lowerMask(x.aval, k), x, zerosLike(x.aval));
}

/** Rows i and columns j with j − i ≥ k are kept. */
export function upperTriangle(x: Value, k = 0): Value {
  return select(lowerMask(x.aval, k - 1), zerosLike(x.aval), x);
}

function lowerMask({ shape }: ShapedArray, k: number): Value {
  const rows = broadcastedIota('int32', shape, shape.length - 2);
  return ge(k === 0 ? rows : add(rows, k), broadcastedIota('int32', shape, shape.length - 1));
}

/** The identity on the square matrices of a shape. */
export function identity(shape: Shape, dtype: DType): Value {
  const ones = full(shape, 1, dtype);
  return upperTriangle(lowerTriangle(ones));
}

export const matrixTranspose = (x: Value): Value => {
  const n = x.aval.ndim;
  return transpose(x, [...range(n - 2), n - 1, n - 2]);
};

export const matmul = batchMatmul as (x: Value, y: Value) => Value;

/** Numbers that look random, the same each time. */
function sequence(count: number, seed: number): number[] {
  return range(count).map((i) => {
    const x = Math.sin((i + 1) * 12.9898 + seed * 78.233) * 43758.5453;
    return 2 * (x - Math.floor(x)) - 1;
  });
}

/** Values of well-conditioned matrices: random ones with something added to the diagonal, positive definite on demand. */
export function matrixValues(shape: Shape, kind: 'general' | 'positive' | 'triangular', seed = 1): number[] {
  const [m, n] = [shape.at(-2)!, shape.at(-1)!];
  return range(sizeOf(shape.slice(0, -2))).flatMap((batch) => {
    const a = sequence(m * n, seed + batch);
    if (kind === 'general') return a;
    if (kind === 'triangular') return a.map((v, i) => (Math.floor(i / n) === i % n ? 2 + v : v / n));
    return range(m * n).map((e) => {
      const [i, j] = [Math.floor(e / n), e % n];
      return range(n).reduce((sum, k) => sum + (a[i * n + k]! * a[j * n + k]!) / n, i === j ? 1 : 0);
    });
  });
}
