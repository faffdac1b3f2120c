import { schurCalls } from '../../../jit/runtime/linalg/calls.ts';
import type { ArrayLike } from '../../array.ts';
import { allocate } from '../../core/dtype.ts';
import { noParams, type Primitive, primitive, reductionAccuracy, type Sample } from '../../core/primitive.ts';
import { sizeOf } from '../../core/shape.ts';
import { bind, type Value } from '../../core/trace.ts';
import { toFloating } from '../../promote.ts';
import { add, div, mul, neg, sub } from '../arithmetic.ts';
import { ne, select } from '../compare.ts';
import { zerosLike } from '../creation.ts';
import { strengthen } from '../movement.ts';
import { conjugate, mapped, type Planes, product, quotient, reciprocal } from '../planes.ts';
import { sum } from '../reductions.ts';
import { expandDims } from '../slicing.ts';
import { matrixProduct, realProduct, rowSums, transposed } from './complex-matrices.ts';
import { schurFormVectors } from './eig.ts';
import { realSchur } from './general-eigen.ts';
import { batchOf, checkMatrix, identity, lowerTriangle, matmul, matrixTranspose, matrixValues } from './matrix.ts';
import { scaleOf } from './plane.ts';

/**
 * (T, Z) with A = Z·T·Zᵀ, Z orthogonal and T upper quasi-triangular: blocks of two rows on its diagonal have a conjugate pair of eigenvalues, equal
 * elements on the diagonal and others of opposite sign. NaN where A is not finite, or the iteration does not end.
 */
export const schurP: Primitive<object> = primitive<object>({
  name: 'schur',
  type: ([a]) => {
    checkMatrix('schur', a!, true);
    return [a!, a!];
  },
  run: ([a], _, [out]) => {
    const n = out!.shape.at(-1)!;
    const [t, z] = [0, 1].map(() => allocate(out!.dtype, out!.size).fill(Number.NaN));
    for (let batch = 0; batch < sizeOf(batchOf(out!)); batch++) {
      const at = batch * n * n;
      const matrix = a!.data.subarray(at, at + n * n);
      const scale = scaleOf(matrix);
      const schur = Number.isNaN(scale)
        ? undefined
        : realSchur(
            Float64Array.from(matrix, (x) => x / scale),
            n,
          );
      if (!schur) continue;
      t!.set(
        schur.t.map((x) => x * scale),
        at,
      );
      z!.set(
        schur.z.data.map((_, e) => schur.z.data[(e % n) * n + Math.floor(e / n)]!),
        at,
      );
    }
    return [t!, z!];
  },
  accuracy: reductionAccuracy(64),
  /**
   * Zᵀ·Ż = X is skew, and Ṫ = P + T·X − X·T with P = Zᵀ·Ȧ·Z. What stands below the blocks of Ṫ is 0; with X = L − Lᵀ off the blocks that is low(L·T −
   * T·L) = low(P), since what Lᵀ adds stands above. With T = V·Λ·V⁻¹, V upper like T, and L = low(V·M·V⁻¹) it becomes low(M·Λ − Λ·M) = low(V⁻¹·P·V): M_ij =
   * (V⁻¹PV)_ij / (λⱼ − λᵢ), nothing to be solved one after the other. Within a block [[a, b], [c, a]] a rotation by x adds ±(b + c)·x to
   * the elements on the diagonal, which must stay equal.
   */
  jvp: ([a], [tangent]) => {
    const [t, z] = bind(schurP, [a!], noParams) as [Value, Value];
    const zt = matrixTranspose(z);
    const p = matmul(zt, matmul(tangent as Value, z));
    const one = identity(t.aval.shape, t.aval.dtype);
    const zero = zerosLike(t.aval);
    const inBlock = ne(lowerTriangle(t, -1), zero);
    const low = (x: Value): Value => select(inBlock, zero, lowerTriangle(x, -1));
    const { values, left, right } = schurFormVectors(t);
    const overlaps = mapped((x) => expandDims(x, [-1]), reciprocal(rowSums(product(conjugate(left), right))));
    const inverse = product(transposed(conjugate(left)), overlaps);
    const gap = (x: Value): Value => sub(expandDims(x, [-2]), expandDims(x, [-1]));
    // Gaps that are not read are 1.
    const isRead = ne(low(add(zero, 1)), zero);
    const gaps: Planes = [select(isRead, gap(values[0]), 1), select(isRead, gap(values[1]), 0)];
    const inVectors = matrixProduct(inverse, realProduct(p, right));
    const m = mapped(low, quotient(inVectors, gaps));
    const l = low(matrixProduct(right, matrixProduct(m, inverse))[0]);
    const outer = sub(l, matrixTranspose(l));
    const change = (x: Value): Value => add(p, sub(matmul(t, x), matmul(x, t)));
    // Row i and column i − 1 of a block: the difference of its diagonal, and b + c.
    const diagonal = sum(mul(change(outer), one), { axis: -1 });
    const apart = sub(expandDims(diagonal, [-2]), expandDims(diagonal, [-1]));
    const both = add(t, matrixTranspose(t));
    const inner = select(inBlock, neg(div(apart, mul(2, select(inBlock, both, 1)))), zero);
    const x = add(outer, sub(inner, matrixTranspose(inner)));
    const dt = change(x);
    return [
      [t, z],
      [sub(dt, low(dt)), matmul(z, x)],
    ];
  },
  batch: (_size, [a]) => {
    const outs = bind(schurP, [a!], noParams);
    return { outs, batched: outs.map(() => true) };
  },
  lower: { kind: 'runtime', calls: (_, [a]) => schurCalls(a!.dtype, sizeOf(batchOf(a!)), a!.shape.at(-1)!) },
  samples: () => schurSamples(),
});

export const schurSamples = (): Sample[] =>
  (['float32', 'float64'] as const).flatMap((dtype) =>
    [
      [0, 0],
      [1, 1],
      [2, 2],
      [3, 3],
      [4, 4],
      [5, 5],
      [7, 7],
      [17, 17],
      [2, 3, 3],
      [0, 3, 3],
      [2, 1, 4, 4],
    ].map(
      (shape): Sample => ({ inputs: [{ shape, dtype, values: matrixValues(shape, 'general') }], params: noParams }),
    ),
  );

/**
 * `[t, z]` with x = z·t·zᵀ, over leading batch axes: orthogonal z, and t upper triangular but for blocks of two rows, each of which has a
 * conjugate pair of eigenvalues (the real Schur form; Golub & Van Loan, Matrix Computations, 4th ed., § 7.4). Blocks have equal elements on
 * their diagonal and elements of opposite sign beside it. The order of blocks and signs of columns are not determined. A matrix that is
 * not finite, or with which the iteration does not converge, gives NaN. Derivatives need distinct eigenvalues, and blocks that are no multiples of rotations; they are infinite or NaN else.
 *
 * @example
 * const [t, z] = schur(a); // f32[3,3] → f32[3,3], f32[3,3]
 * @throws ShapeError when the last two axes differ in length
 */
export function schur(x: ArrayLike): [t: Value, z: Value] {
  const a = strengthen(toFloating(x, 'schur'));
  checkMatrix('schur', a.aval, true);
  return bind(schurP, [a], noParams) as [Value, Value];
}
