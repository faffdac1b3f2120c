import { eighCalls } from '../../../jit/runtime/linalg/calls.ts';
import type { ArrayLike } from '../../array.ts';
import { allocate } from '../../core/dtype.ts';
import { optionsOf } from '../../core/options.ts';
import { type Primitive, primitive, reductionAccuracy, type Sample, sharedParams } from '../../core/primitive.ts';
import { range, sizeOf } from '../../core/shape.ts';
import { bind, bind1, type Value } from '../../core/trace.ts';
import { toFloating } from '../../promote.ts';
import { add, div, mul, sub } from '../arithmetic.ts';
import { strengthen } from '../movement.ts';
import { sum } from '../reductions.ts';
import { expandDims } from '../slicing.ts';
import { batchOf, checkMatrix, identity, matmul, matrixTranspose, matrixValues } from './matrix.ts';
import { scaleOf } from './plane.ts';
import { symmetricEigen } from './symmetric-eigen.ts';
import { symmetricPart, symmetricTangent } from './symmetric-part.ts';

interface EighParams {
  readonly vectors: boolean;
  /** Whether A is ½(A + Aᵀ); else only the lower triangle of A is read. */
  readonly symmetrizeInput: boolean;
}

/**
 * (λ, V) with A·V = V·diag(λ) and ascending λ; λ alone without `vectors`. NaN where A is
 * not finite. The code of large matrices divides them, and signs of vectors need not be those of the reference.
 */
export const eighP: Primitive<EighParams> = primitive<EighParams>({
  name: 'eigh',
  type: ([a], { vectors }) => {
    checkMatrix('eigh', a!, true);
    const values = a!.withShape(a!.shape.slice(0, -1));
    return vectors ? [values, a!] : [values];
  },
  run: ([a], { vectors, symmetrizeInput }, [out]) => {
    const n = out!.shape.at(-1)!;
    const data = symmetrizeInput ? symmetricPart(a!) : a!.data;
    const values = allocate(out!.dtype, out!.size).fill(Number.NaN);
    const columns = allocate(out!.dtype, vectors ? out!.size * n : 0).fill(Number.NaN);
    for (let batch = 0; batch * n < out!.size; batch++) {
      const at = batch * n * n;
      const w = Float64Array.from(range(n * n), (e) => {
        const [i, j] = [Math.floor(e / n), e % n];
        return data[at + Math.max(i, j) * n + Math.min(i, j)]!;
      });
      const scale = scaleOf(w);
      if (Number.isNaN(scale)) continue;
      const eigen = symmetricEigen(
        w.map((x) => x / scale),
        n,
        vectors,
      );
      if (!eigen) continue;
      for (let k = 0; k < n; k++) {
        values[batch * n + k] = eigen.values[k]! * scale;
        if (vectors) for (let i = 0; i < n; i++) columns[at + i * n + k] = eigen.vectors.data[k * n + i]!;
      }
    }
    return vectors ? [values, columns] : [values];
  },
  accuracy: reductionAccuracy(64),
  /**
   * With P = Vᵀ·Ȧ·V: λ̇ = diag P and V̇ = V·(F∘P), where F_ij = 1/(λ_j − λ_i) off the diagonal (M. Giles, Collected
   * matrix derivative results for forward and reverse mode, 2008). Vectors of equal eigenvalues have no derivative.
   */
  jvp: ([a], [da], params) => {
    const [values, v] = bind(eighP, [a!], paramsOf(true, params.symmetrizeInput)) as [Value, Value];
    const symmetric = symmetricTangent(da as Value, params.symmetrizeInput);
    const p = matmul(matrixTranspose(v), matmul(symmetric, v));
    const one = identity(v.aval.shape, v.aval.dtype);
    const dValues = sum(mul(p, one), { axis: -1 });
    if (!params.vectors) return [[values], [dValues]];
    const gaps = sub(expandDims(values, [-2]), expandDims(values, [-1]));
    const f = sub(div(1, add(gaps, one)), one);
    return [
      [values, v],
      [dValues, matmul(v, mul(f, p))],
    ];
  },
  batch: (_size, [a], _, params) => {
    const outs = bind(eighP, [a!], params);
    return { outs, batched: outs.map(() => true) };
  },
  lower: {
    kind: 'runtime',
    calls: (params, [a]) => eighCalls(a!.dtype, sizeOf(batchOf(a!)), a!.shape.at(-1)!, params),
  },
  samples: () =>
    (['float32', 'float64'] as const).flatMap((dtype) =>
      allParams.flatMap((params) =>
        [
          [0, 0],
          [1, 1],
          [2, 2],
          [3, 3],
          [4, 4],
          [5, 5],
          [17, 17],
          [2, 3, 3],
          [0, 3, 3],
          [2, 1, 4, 4],
        ].map((shape): Sample => ({ inputs: [{ shape, dtype, values: matrixValues(shape, 'general') }], params })),
      ),
    ),
});

const allParams = [0, 1, 2, 3].map((k) => sharedParams<EighParams>({ vectors: k >= 2, symmetrizeInput: k % 2 === 1 }));
const paramsOf = (vectors: boolean, symmetrizeInput: boolean): EighParams =>
  allParams[2 * Number(vectors) + Number(symmetrizeInput)]!;

export interface EighOptions {
  /** Take the symmetric part of `x`; else only its lower triangle is read. Default true. */
  symmetrizeInput?: boolean;
}

/**
 * `[v, w]` for symmetric matrices, over leading batch axes: orthonormal eigenvectors in the columns of v, and their
 * eigenvalues in ascending order, so that x·v = v·diag(w). The signs of the vectors are not determined, and neither are the
 * vectors of equal eigenvalues; derivatives of these vectors are infinite or NaN. A matrix that is not finite gives NaN.
 *
 * @example
 * const [v, w] = eigh(a); // f32[3,3] → f32[3,3], f32[3]
 * @throws ShapeError when the last two axes differ in length
 */
export function eigh(x: ArrayLike, given: EighOptions = {}): [v: Value, w: Value] {
  const { symmetrizeInput = true } = optionsOf('eigh', given, ['symmetrizeInput']);
  const a = strengthen(toFloating(x, 'eigh'));
  checkMatrix('eigh', a.aval, true);
  const [w, v] = symmetricEigenpairs(a, symmetrizeInput);
  return [v, w];
}

/** Values and vectors of an operand that has been looked at. */
export const symmetricEigenpairs = (a: Value, symmetrizeInput: boolean): [w: Value, v: Value] =>
  bind(eighP, [a], paramsOf(true, symmetrizeInput)) as [Value, Value];

/** The values alone, which take about a third of the time; their derivatives are finite at equal ones too. */
export const symmetricEigenvalues = (a: Value, symmetrizeInput: boolean): Value =>
  bind1(eighP, [a], paramsOf(false, symmetrizeInput));
