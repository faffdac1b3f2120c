import { triangularRootCalls } from '../../../jit/runtime/linalg/calls.ts';
import { allocate } from '../../core/dtype.ts';
import { RuleError } from '../../core/errors.ts';
import { noParams, type Primitive, primitive, reductionAccuracy, type Sample } from '../../core/primitive.ts';
import { range, sizeOf } from '../../core/shape.ts';
import { bind, type Value } from '../../core/trace.ts';
import { broadcastInDim } from '../movement.ts';
import type { Planes } from '../planes.ts';
import { batchOf, checkMatrix, matrixValues } from './matrix.ts';

/** The principal root of a complex number. */
function principal(re: number, im: number): readonly [number, number] {
  const largest = Math.max(Math.abs(re), Math.abs(im));
  if (largest === 0) return [0, 0];
  const [x, y] = [re / largest, im / largest];
  const larger = Math.sqrt(0.5 * (Math.sqrt(x * x + y * y) + Math.abs(x))) * Math.sqrt(largest);
  const lesser = Math.abs(im) / (2 * larger);
  const up = re < 0 ? larger : lesser;
  return [re < 0 ? lesser : larger, im < 0 ? -up : up];
}

/**
 * Planes of the upper triangular R with R² = T, of an upper triangular T of complex numbers: its diagonal are principal roots, and R_ij =
 * (T_ij − Σ R_ik·R_kj) / (R_ii + R_jj), where k is between i and j (Å. Björck and S. Hammarling, A Schur method for the square root of a matrix, 1983).
 * Only `linalg.sqrtm` has it, which has a derivative of its own.
 */
export const triangularRootP: Primitive<object> = primitive<object>({
  name: 'triangular_root',
  type: ([re, im]) => {
    checkMatrix('triangular_root', re!, true);
    return [re!, im!];
  },
  run: ([re, im], _, [out]) => {
    const n = out!.shape.at(-1)!;
    const [x, y] = [0, 1].map(() => new Float64Array(out!.size)) as [Float64Array, Float64Array];
    for (let at = 0; at < out!.size; at += n * n)
      for (let j = 0; j < n; j++) {
        const diagonal = at + j * n + j;
        [x[diagonal], y[diagonal]] = principal(re!.data[diagonal]!, im!.data[diagonal]!);
        for (let i = j - 1; i >= 0; i--) {
          let [a, b] = [re!.data[at + i * n + j]!, im!.data[at + i * n + j]!];
          for (let k = i + 1; k < j; k++) {
            const [p, q, r, s] = [x[at + i * n + k]!, y[at + i * n + k]!, x[at + k * n + j]!, y[at + k * n + j]!];
            a -= p * r - q * s;
            b -= p * s + q * r;
          }
          const [c, d] = [x[at + i * n + i]! + x[diagonal]!, y[at + i * n + i]! + y[diagonal]!];
          if (a === 0 && b === 0 && c === 0 && d === 0) continue;
          const scale = 1 / Math.max(Math.abs(c), Math.abs(d));
          const [p, q] = [c * scale, d * scale];
          const square = p * p + q * q;
          x[at + i * n + j] = ((a * p + b * q) / square) * scale;
          y[at + i * n + j] = ((b * p - a * q) / square) * scale;
        }
      }
    return [x, y].map((plane) => {
      const data = allocate(out!.dtype, out!.size);
      data.set(plane);
      return data;
    });
  },
  accuracy: reductionAccuracy(64),
  jvp: () => {
    throw new RuleError('triangular_root: has no derivative of its own.');
  },
  batch: (size, inputs, batched) => {
    const planes = inputs.map((x, i) =>
      batched[i]
        ? x!
        : broadcastInDim(
            x!,
            [size, ...x!.aval.shape],
            range(x!.aval.ndim).map((axis) => axis + 1),
          ),
    );
    const outs = bind(triangularRootP, planes, noParams);
    return { outs, batched: [true, true] };
  },
  lower: {
    kind: 'runtime',
    calls: (_, [re]) => triangularRootCalls(re!.dtype, sizeOf(batchOf(re!)), re!.shape.at(-1)!),
  },
  samples: () =>
    (['float32', 'float64'] as const).flatMap((dtype) =>
      [
        [0, 0],
        [1, 1],
        [2, 2],
        [7, 7],
        [2, 3, 3],
      ].map((shape): Sample => {
        const n = shape.at(-1)!;
        const upper = (kind: 'triangular' | 'general', seed: number): number[] =>
          matrixValues(shape, kind, seed).map((v, e) => (Math.floor((e % (n * n)) / n) <= e % n ? v : 0));
        const planes = [upper('triangular', 1), upper('general', 5)];
        return { inputs: planes.map((values) => ({ shape, dtype, values })), params: noParams };
      }),
    ),
});

export const triangularRoot = (t: Planes): Planes => bind(triangularRootP, [...t], noParams) as [Value, Value];
