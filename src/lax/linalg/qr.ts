import { qrCalls } from '../../../jit/runtime/linalg/calls.ts';
import type { ArrayLike } from '../../array.ts';
import { allocate } from '../../core/dtype.ts';
import { RuleError } from '../../core/errors.ts';
import { optionsOf } from '../../core/options.ts';
import { type Primitive, primitive, reductionAccuracy, type Sample, sharedParams } from '../../core/primitive.ts';
import { sizeOf } from '../../core/shape.ts';
import { bind, bind1, type Value } from '../../core/trace.ts';
import { toFloating } from '../../promote.ts';
import { add, sub } from '../arithmetic.ts';
import { strengthen } from '../movement.ts';
import { slice } from '../slicing.ts';
import {
  batchOf,
  checkMatrix,
  columnsOf,
  lowerTriangle,
  matmul,
  matrixTranspose,
  matrixValues,
  rowsOf,
  upperTriangle,
} from './matrix.ts';
import { triangularSolve } from './triangular-solve.ts';

interface QrParams {
  /** Q square, R of A's shape; else Q has min(m, n) columns and R as many rows. */
  readonly fullMatrices: boolean;
  /** R alone, in half the time. */
  readonly onlyR?: boolean;
}

/**
 * A = Q·R by Householder reflections I − τ·v·vᵀ with v = (1, …). The signs are LAPACK's: a column is reflected onto
 * −sign(its head)·‖column‖, and left alone where it is zero below its head.
 */
export const qrP: Primitive<QrParams> = primitive<QrParams>({
  name: 'qr',
  type: ([a], { fullMatrices, onlyR }) => {
    checkMatrix('qr', a!);
    const [m, n] = [rowsOf(a!), columnsOf(a!)];
    const k = fullMatrices ? m : Math.min(m, n);
    const r = a!.withShape([...batchOf(a!), k, n]);
    return onlyR ? [r] : [a!.withShape([...batchOf(a!), m, k]), r];
  },
  run: ([a], { onlyR }, outputs) => {
    const rAval = outputs.at(-1)!;
    const [m, n, columns] = [rowsOf(a!.aval), columnsOf(a!.aval), rowsOf(rAval)];
    const q = allocate(rAval.dtype, onlyR ? 0 : outputs[0]!.size);
    const r = allocate(rAval.dtype, rAval.size);
    for (let batch = 0; batch < sizeOf(batchOf(a!.aval)); batch++) {
      const w = Float64Array.from(a!.data.subarray(batch * m * n, (batch + 1) * m * n));
      const reflections = Array.from({ length: Math.min(m, n) }, (_, j) => reflectColumn(w, m, n, j));
      for (let i = 0; i < columns; i++) for (let j = i; j < n; j++) r[(batch * columns + i) * n + j] = w[i * n + j]!;
      if (onlyR) continue;
      const basis = new Float64Array(m * columns);
      for (let i = 0; i < Math.min(m, columns); i++) basis[i * columns + i] = 1;
      reflections.reverse().forEach(({ v, tau }, back) => {
        reflect(basis, columns, v, tau, reflections.length - 1 - back, reflections.length - 1 - back);
      });
      q.set(basis, batch * m * columns);
    }
    return onlyR ? [r] : [q, r];
  },
  accuracy: reductionAccuracy(64),
  /**
   * Ȧ = Q̇·R + Q·Ṙ. With R₁ the leading square of R and C = Qᵀ·Ȧ₁·R₁⁻¹, the skew matrix Ω = Qᵀ·Q̇ has C's strictly
   * lower triangle; then Q̇ = Q·(Ω − C) + Ȧ₁·R₁⁻¹ and Ṙ = Qᵀ·Ȧ − Ω·R.
   */
  jvp: ([a], [da], params) => {
    const [m, n] = [rowsOf(a!.aval), columnsOf(a!.aval)];
    if (params.fullMatrices && m > n) {
      throw new RuleError(
        `qr: the full factors of ${a!.aval} have no derivative: the columns that complete Q are not determined.`,
        {
          hint: 'ask for the reduced ones with `fullMatrices: false`',
        },
      );
    }
    const [q, r] = bind(qrP, [a!], params.fullMatrices ? complete : reduced) as [Value, Value];
    const k = Math.min(m, n);
    const lead = (x: Value) =>
      slice(
        x,
        x.aval.shape.map(() => 0),
        [...x.aval.shape.slice(0, -1), k],
      );
    const scaled = triangularSolve(lead(r), lead(da as Value));
    const qt = matrixTranspose(q);
    const c = matmul(qt, scaled);
    const below = lowerTriangle(c, -1);
    const omega = sub(below, matrixTranspose(below));
    const dq = add(matmul(q, sub(omega, c)), scaled);
    const dr = upperTriangle(sub(matmul(qt, da as Value), matmul(omega, r)));
    if (params.onlyR) return [[r], [dr]];
    return [
      [q, r],
      [dq, dr],
    ];
  },
  batch: (_size, [a], _, params) => {
    const outs = bind(qrP, [a!], params);
    return { outs, batched: outs.map(() => true) };
  },
  lower: {
    kind: 'runtime',
    calls: ({ onlyR = false }, [a], outputs) =>
      qrCalls(a!.dtype, sizeOf(batchOf(a!)), rowsOf(a!), columnsOf(a!), rowsOf(outputs.at(-1)!), onlyR),
  },
  samples: () => qrSamples(),
});

const complete = sharedParams<QrParams>({ fullMatrices: true });
const reduced = sharedParams<QrParams>({ fullMatrices: false });
const triangular = sharedParams<QrParams>({ fullMatrices: false, onlyR: true });

/** The full factors of tall matrices are left out here: they have no derivative. */
function qrSamples(): Sample[] {
  const wide = [
    [0, 0],
    [1, 1],
    [3, 3],
    [4, 4],
    [5, 5],
    [17, 17],
    [3, 5],
    [0, 3],
    [2, 3, 3],
    [0, 3, 3],
  ];
  const tall = [
    [5, 3],
    [17, 4],
    [4, 0],
    [2, 1, 4, 2],
  ];
  return (['float32', 'float64'] as const).flatMap((dtype) =>
    [complete, reduced, triangular].flatMap((params) =>
      (params.fullMatrices ? wide : [...wide, ...tall]).map((shape) => ({
        inputs: [{ shape, dtype, values: matrixValues(shape, 'general') }],
        params,
      })),
    ),
  );
}

interface Reflection {
  readonly v: Float64Array;
  readonly tau: number;
}

/** Reduces column j of `w` and updates the columns after it. */
function reflectColumn(w: Float64Array, m: number, n: number, j: number): Reflection {
  const v = new Float64Array(m);
  v[j] = 1;
  const column = Float64Array.from({ length: m - j }, (_, i) => w[(j + i) * n + j]!);
  const largest = column.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
  // Where squares would vanish or overflow.
  const isFar = Number.isFinite(largest) && (largest < 2 ** -480 || largest > 2 ** 480);
  const scale = isFar ? 2 ** (largest < 1 ? 1000 : -1000) : 1;
  let squares = 0;
  for (let i = 1; i < column.length; i++) squares += (column[i]! * scale) ** 2;
  if (squares === 0) return { v, tau: 0 };
  const head = column[0]! * scale;
  const length = Math.sqrt(head * head + squares);
  const beta = head >= 0 ? -length : length;
  for (let i = 1; i < column.length; i++) v[j + i] = (column[i]! * scale) / (head - beta);
  const tau = (beta - head) / beta;
  reflect(w, n, v, tau, j, j + 1);
  w[j * n + j] = beta / scale;
  return { v, tau };
}

/** M ← M − τ·v·(vᵀ·M) on rows from `head` and columns from `from`. */
function reflect(matrix: Float64Array, width: number, v: Float64Array, tau: number, head: number, from: number): void {
  for (let c = from; c < width; c++) {
    let product = 0;
    for (let i = head; i < v.length; i++) product += v[i]! * matrix[i * width + c]!;
    for (let i = head; i < v.length; i++) matrix[i * width + c]! -= tau * v[i]! * product;
  }
}

/**
 * `[q, r]` with orthonormal columns of q, upper triangular r and x = q·r, over leading batch axes.
 *
 * @example
 * const [q, r] = qr(a, { fullMatrices: false }); // f32[5,3] → f32[5,3], f32[3,3]
 * @throws ShapeError when `x` has less than two axes
 */
export function qr(x: ArrayLike, given: Partial<QrParams> = {}): [q: Value, r: Value] {
  const { fullMatrices = true } = optionsOf('qr', given, ['fullMatrices']);
  return bind(qrP, [strengthen(toFloating(x, 'qr'))], fullMatrices ? complete : reduced) as [Value, Value];
}

/** The upper triangular r of a reduced x = q·r. */
export const triangularFactor = (x: Value): Value => bind1(qrP, [x], triangular);
