import { luCalls } from '../../../jit/runtime/linalg/calls.ts';
import type { ArrayLike } from '../../array.ts';
import { shapedArray } from '../../core/aval.ts';
import { allocate } from '../../core/dtype.ts';
import { type Primitive, primitive, reductionAccuracy, type Sample, sharedParamsByKey } from '../../core/primitive.ts';
import { range, sizeOf } from '../../core/shape.ts';
import { bind, bind1, type Value } from '../../core/trace.ts';
import { Zero } from '../../core/zero.ts';
import { toFloating } from '../../promote.ts';
import { add } from '../arithmetic.ts';
import { scalar } from '../creation.ts';
import { type GatherParams, gatherP } from '../gather.ts';
import { reshape, strengthen } from '../movement.ts';
import { pad } from '../pad.ts';
import { slice } from '../slicing.ts';
import {
  batchOf,
  checkMatrix,
  columnsOf,
  identity,
  lowerTriangle,
  matmul,
  matrixValues,
  rowsOf,
  upperTriangle,
} from './matrix.ts';
import { triangularSolve } from './triangular-solve.ts';

/** Gaussian elimination with partial pivoting: (LU, pivots, permutation) with A[permutation] = L·U. */
export const luP: Primitive<object> = primitive<object>({
  name: 'lu',
  type: ([a]) => {
    checkMatrix('lu', a!);
    const [m, n] = [rowsOf(a!), columnsOf(a!)];
    const batch = batchOf(a!);
    return [a!, shapedArray([...batch, Math.min(m, n)], 'int32'), shapedArray([...batch, m], 'int32')];
  },
  run: ([a], _, outputs) => {
    const [out, pivotsAval, permutationAval] = outputs;
    const [m, n] = [rowsOf(out!), columnsOf(out!)];
    const k = Math.min(m, n);
    const result = allocate(out!.dtype, out!.size);
    const pivots = new Int32Array(pivotsAval!.size);
    const permutation = new Int32Array(permutationAval!.size);
    for (let batch = 0; batch < sizeOf(batchOf(out!)); batch++) {
      const lu = Float64Array.from(a!.data.subarray(batch * m * n, (batch + 1) * m * n));
      const rows = permutation.subarray(batch * m, (batch + 1) * m);
      rows.forEach((_, i) => {
        rows[i] = i;
      });
      for (let j = 0; j < k; j++) {
        let best = j;
        for (let i = j + 1; i < m; i++) if (Math.abs(lu[i * n + j]!) > Math.abs(lu[best * n + j]!)) best = i;
        pivots[batch * k + j] = best;
        if (best !== j) {
          [rows[j], rows[best]] = [rows[best]!, rows[j]!];
          for (let c = 0; c < n; c++) [lu[j * n + c], lu[best * n + c]] = [lu[best * n + c]!, lu[j * n + c]!];
        }
        const pivot = lu[j * n + j]!;
        if (pivot === 0) continue;
        for (let i = j + 1; i < m; i++) {
          const factor = lu[i * n + j]! / pivot;
          lu[i * n + j] = factor;
          for (let c = j + 1; c < n; c++) lu[i * n + c]! -= factor * lu[j * n + c]!;
        }
      }
      result.set(lu, batch * m * n);
    }
    return [result, pivots, permutation];
  },
  accuracy: reductionAccuracy(64),
  /**
   * With P·A = L·U: L⁻¹·P·Ȧ·U⁻¹ = L⁻¹·L̇ + U̇·U⁻¹, the first strictly lower, the second upper triangular. L and U are
   * completed with identities to square matrices where A is not square.
   */
  jvp: ([a], [da]) => {
    const [lu, pivots, permutation] = bind(luP, [a!]) as [Value, Value, Value];
    const [m, n] = [rowsOf(lu.aval), columnsOf(lu.aval)];
    const k = Math.min(m, n);
    const { dtype, shape } = lu.aval;
    const batch = batchOf(lu.aval);
    const start = shape.map(() => 0);
    const zero = scalar(0, dtype);
    const none = batch.map(() => [0, 0, 0] as const);
    const left = pad(lowerTriangle(slice(lu, start, [...batch, m, k]), -1), zero, [...none, [0, 0, 0], [0, m - k, 0]]);
    const l = add(left, identity(left.aval.shape, dtype));
    const upper = pad(upperTriangle(slice(lu, start, [...batch, k, n])), zero, [...none, [0, n - k, 0], [0, 0, 0]]);
    const corner = identity([...batch, n - k, n - k], dtype);
    const u = n > k ? add(upper, pad(corner, zero, [...none, [k, 0, 0], [k, 0, 0]])) : upper;
    const reached = triangularSolve(l, permuteRows(da as Value, permutation), {
      leftSide: true,
      lower: true,
      unitDiagonal: true,
    });
    const both = triangularSolve(u, reached);
    const dl = matmul(l, lowerTriangle(both, -1));
    const du = matmul(upperTriangle(both), u);
    return [
      [lu, pivots, permutation],
      [add(dl, du), new Zero(pivots.aval), new Zero(permutation.aval)],
    ];
  },
  batch: (_size, [a]) => ({ outs: bind(luP, [a!]), batched: [true, true, true] }),
  lower: {
    kind: 'runtime',
    calls: (_, [a]) => luCalls(a!.dtype, sizeOf(batchOf(a!)), rowsOf(a!), columnsOf(a!)),
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
        [5, 3],
        [3, 5],
        [0, 3],
        [4, 0],
        [2, 3, 3],
        [0, 3, 3],
        [2, 1, 4, 2],
      ].map((shape): Sample => ({ inputs: [{ shape, dtype, values: matrixValues(shape, 'general') }], params: {} })),
    ),
});

const rowsParams = sharedParamsByKey<GatherParams>();

/** Rows of each matrix in the order that `permutation` gives. */
export function permuteRows(x: Value, permutation: Value): Value {
  const { shape, ndim } = x.aval;
  const params = rowsParams(`${shape}`, () => ({
    offsetDims: [ndim - 1],
    collapsedSliceDims: [ndim - 2],
    startIndexMap: [ndim - 2],
    operandBatchingDims: range(ndim - 2),
    startIndicesBatchingDims: range(ndim - 2),
    sliceSizes: shape.map((n, axis) => (axis === ndim - 1 ? n : Math.min(1, n))),
    mode: 'promise_in_bounds',
    fillValue: 0,
  }));
  return bind1(gatherP, [x, reshape(permutation, [...permutation.aval.shape, 1])], params);
}

/**
 * LU factorisation with partial pivoting, over leading batch axes: `[lu, pivots, permutation]`. L (unit diagonal) and U
 * share one matrix; row i was exchanged with row `pivots[i]`; `x[permutation] = L·U`. A singular matrix gives a zero
 * on U's diagonal.
 *
 * @example
 * const [factors, pivots, permutation] = lu(a); // f32[3,3] → f32[3,3], i32[3], i32[3]
 * @throws ShapeError when `x` has less than two axes
 */
export function lu(x: ArrayLike): [lu: Value, pivots: Value, permutation: Value] {
  return bind(luP, [strengthen(toFloating(x, 'lu'))]) as [Value, Value, Value];
}
