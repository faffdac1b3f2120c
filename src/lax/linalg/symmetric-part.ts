/** What decompositions of symmetric matrices read of their operand: its symmetric part, or its lower triangle. */
import { allocate, type TypedArray } from '../../core/dtype.ts';
import type { HostArray } from '../../core/primitive.ts';
import type { Value } from '../../core/trace.ts';
import { add, mul } from '../arithmetic.ts';
import { lowerTriangle, matrixTranspose } from './matrix.ts';

/** ½(A + Aᵀ), rounded as the dtype is. */
export function symmetricPart({ aval, data }: HostArray): TypedArray {
  const n = aval.shape.at(-1)!;
  const out = allocate(aval.dtype, aval.size);
  for (let at = 0; at < aval.size; at += n * n)
    for (let i = 0; i < n; i++)
      for (let j = 0; j < n; j++) {
        const sum = data[at + i * n + j]! + data[at + j * n + i]!;
        out[at + i * n + j] = (aval.dtype === 'float32' ? Math.fround(sum) : sum) * 0.5;
      }
  return out;
}

/** The change of what is read: of the symmetric part, or of the matrix whose lower triangle it is. */
export const symmetricTangent = (tangent: Value, symmetrizeInput: boolean): Value =>
  symmetrizeInput
    ? mul(add(tangent, matrixTranspose(tangent)), 0.5)
    : add(lowerTriangle(tangent), matrixTranspose(lowerTriangle(tangent, -1)));
