import { choleskyCalls } from '../../../jit/runtime/linalg/calls.ts';
import type { ArrayLike } from '../../array.ts';
import { allocate, type DType } from '../../core/dtype.ts';
import { optionsOf } from '../../core/options.ts';
import { type Primitive, primitive, reductionAccuracy, type Sample, sharedParams } from '../../core/primitive.ts';
import { sizeOf } from '../../core/shape.ts';
import { bind1, type Value } from '../../core/trace.ts';
import { toFloating } from '../../promote.ts';
import { add, div } from '../arithmetic.ts';
import { strengthen } from '../movement.ts';
import { batchOf, checkMatrix, identity, lowerTriangle, matmul, matrixValues } from './matrix.ts';
import { symmetricPart, symmetricTangent } from './symmetric-part.ts';
import { triangularSolve } from './triangular-solve.ts';

export interface CholeskyParams {
  /** Whether ½(A + Aᵀ) is factorised; else only the lower triangle of A is read. */
  readonly symmetrizeInput: boolean;
}

/** The lower factor L with A = L·Lᵀ. NaN where A is not positive definite. */
export const choleskyP: Primitive<CholeskyParams> = primitive<CholeskyParams>({
  name: 'cholesky',
  type: ([a]) => {
    checkMatrix('cholesky', a!, true);
    return [a!];
  },
  run: ([a], { symmetrizeInput }, [out]) => {
    const n = out!.shape.at(-1)!;
    const result = allocate(out!.dtype, out!.size);
    const data = symmetrizeInput ? symmetricPart(a!) : a!.data;
    const l = new Float64Array(n * n);
    for (let at = 0; at < out!.size; at += n * n) {
      let positive = true;
      for (let i = 0; i < n; i++) {
        for (let j = 0; j <= i; j++) {
          let value = data[at + i * n + j]!;
          for (let k = 0; k < j; k++) value -= l[i * n + k]! * l[j * n + k]!;
          if (i === j && !(value > 0)) positive = false;
          l[i * n + j] = i === j ? Math.sqrt(value) : value / l[j * n + j]!;
        }
      }
      for (let i = 0; i < n; i++) {
        for (let j = 0; j <= i; j++) result[at + i * n + j] = positive ? l[i * n + j]! : Number.NaN;
      }
    }
    return [result];
  },
  accuracy: reductionAccuracy(64),
  /**
   * A = L·Lᵀ gives L⁻¹·Ȧ·L⁻ᵀ = L⁻¹·L̇ + (L⁻¹·L̇)ᵀ, and L⁻¹·L̇ is lower triangular: it is the lower triangle of the left
   * side with its diagonal halved (I. Murray, Differentiation of the Cholesky decomposition, 2016).
   */
  jvp: ([a], [da], params) => {
    const l = bind1(choleskyP, [a!], params);
    const tangent = da as Value;
    const symmetric = symmetricTangent(tangent, params.symmetrizeInput);
    const right = triangularSolve(l, symmetric, { lower: true, transposeA: true });
    const both = triangularSolve(l, right, { leftSide: true, lower: true });
    const phi = div(lowerTriangle(both), add(identity(l.aval.shape, l.aval.dtype), 1));
    return [[l], [matmul(l, phi)]];
  },
  batch: (_size, [a], _, params) => ({ outs: [bind1(choleskyP, [a!], params)], batched: [true] }),
  lower: {
    kind: 'runtime',
    calls: ({ symmetrizeInput }, [a]) =>
      choleskyCalls(a!.dtype, sizeOf(batchOf(a!)), a!.shape.at(-1)!, symmetrizeInput),
  },
  samples: () =>
    (['float32', 'float64'] as const).flatMap((dtype) =>
      [
        [0, 0],
        [1, 1],
        [3, 3],
        [4, 4],
        [5, 5],
        [17, 17],
        [2, 3, 3],
        [0, 3, 3],
        [2, 1, 4, 4],
      ].flatMap((shape) => [
        sample(shape, dtype, 'positive', false),
        // Not symmetric, but its symmetric part is positive definite.
        sample(shape, dtype, 'triangular', true),
      ]),
    ),
});

const sample = (
  shape: readonly number[],
  dtype: DType,
  kind: 'positive' | 'triangular',
  symmetrizeInput: boolean,
): Sample => ({ inputs: [{ shape, dtype, values: matrixValues(shape, kind) }], params: { symmetrizeInput } });

const params = {
  symmetric: sharedParams({ symmetrizeInput: true }),
  lower: sharedParams({ symmetrizeInput: false }),
};

/**
 * The lower triangular L with x = L·Lᵀ for positive definite matrices, over leading batch axes. The symmetric part of
 * `x` is factorised; with `symmetrizeInput` false, only its lower triangle is read. A matrix that is not positive
 * definite gives NaN.
 *
 * @example
 * cholesky(a); // f32[3,3] → f32[3,3]
 * @throws ShapeError when the last two axes differ in length
 */
export function cholesky(x: ArrayLike, given: { symmetrizeInput?: boolean } = {}): Value {
  const { symmetrizeInput = true } = optionsOf('cholesky', given, ['symmetrizeInput']);
  const a = strengthen(toFloating(x, 'cholesky'));
  checkMatrix('cholesky', a.aval, true);
  return bind1(choleskyP, [a], symmetrizeInput ? params.symmetric : params.lower);
}
