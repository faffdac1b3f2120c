import { type Expr, f64c, i32c, op, select } from '../../../jit/code.ts';
import { copyRun, fillRun } from '../../../jit/loop-nest.ts';
import { addScaled, elementAt, floatCode, loadFloat, storeFloat } from '../../../jit/vector-loops.ts';
import type { ArrayLike } from '../../array.ts';
import { allocate } from '../../core/dtype.ts';
import { RuleError } from '../../core/errors.ts';
import { type Primitive, primitive, reductionAccuracy, type Sample } from '../../core/primitive.ts';
import { sizeOf } from '../../core/shape.ts';
import { bind, type Value } from '../../core/trace.ts';
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
}

/**
 * A = Q·R by Householder reflections I − τ·v·vᵀ with v = (1, …). The signs are LAPACK's: a column is reflected onto
 * −sign(its head)·‖column‖, and left alone where it is zero below its head.
 */
export const qrP: Primitive<QrParams> = primitive<QrParams>({
  name: 'qr',
  type: ([a], { fullMatrices }) => {
    checkMatrix('qr', a!);
    const [m, n] = [rowsOf(a!), columnsOf(a!)];
    const k = fullMatrices ? m : Math.min(m, n);
    return [a!.withShape([...batchOf(a!), m, k]), a!.withShape([...batchOf(a!), k, n])];
  },
  run: ([a], _, [qAval, rAval]) => {
    const [m, n, columns] = [rowsOf(a!.aval), columnsOf(a!.aval), columnsOf(qAval!)];
    const q = allocate(qAval!.dtype, qAval!.size);
    const r = allocate(rAval!.dtype, rAval!.size);
    for (let batch = 0; batch < sizeOf(batchOf(a!.aval)); batch++) {
      const w = Float64Array.from(a!.data.subarray(batch * m * n, (batch + 1) * m * n));
      const reflections = Array.from({ length: Math.min(m, n) }, (_, j) => reflectColumn(w, m, n, j));
      const basis = new Float64Array(m * columns);
      for (let i = 0; i < Math.min(m, columns); i++) basis[i * columns + i] = 1;
      reflections.reverse().forEach(({ v, tau }, back) => {
        reflect(basis, columns, v, tau, reflections.length - 1 - back, reflections.length - 1 - back);
      });
      q.set(basis, batch * m * columns);
      for (let i = 0; i < columns; i++) for (let j = i; j < n; j++) r[(batch * columns + i) * n + j] = w[i * n + j]!;
    }
    return [q, r];
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
    const [q, r] = bind(qrP, [a!], params) as [Value, Value];
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
    return [
      [q, r],
      [dq, dr],
    ];
  },
  batch: (_size, [a], _, params) => ({ outs: bind(qrP, [a!], params), batched: [true, true] }),
  lower: {
    kind: 'kernel',
    build: ({ f, scratch }, [a], [q, r]) => {
      const [m, n, columns] = [rowsOf(a!.aval), columnsOf(a!.aval), columnsOf(q!.aval)];
      const k = Math.min(m, n);
      const { dtype } = a!.aval;
      const code = floatCode(dtype);
      const { type, bytes } = code;
      const zero: Expr = { kind: 'const', type, value: 0 };
      const one: Expr = { kind: 'const', type, value: 1 };
      const plus = (x: Expr, y: Expr) => op('i32.add', x, y);
      const times = (x: Expr, c: number) => op('i32.mul', x, i32c(c));
      if (q!.aval.size > 0) fillRun(f, dtype, q!.ptr, q!.aval.size, zero);
      if (r!.aval.size > 0) fillRun(f, dtype, r!.ptr, r!.aval.size, zero);
      if (q!.aval.size === 0) return;
      // The matrix as it is reduced; one row of v a reflection, with its head; τ of each; a row of products.
      const work = f.let(scratch(Math.max(16, m * n * bytes)));
      const heads = f.let(scratch(Math.max(16, k * m * bytes)));
      const taus = f.let(scratch(Math.max(16, k * bytes)));
      const products = f.let(scratch(Math.max(n, columns) * bytes));
      const at = (base: Expr, i: Expr) => elementAt(base, i, code);
      const widened = (x: Expr) => (type === 'f32' ? op('f64.promote_f32', x) : x);

      /** The rows from `head` of a matrix, and its columns from `from`: M ← M − τ·v·(vᵀ·M). */
      const apply = (matrix: Expr, width: number, v: Expr, tau: Expr, head: Expr, from: Expr) => {
        const count = f.let(op('i32.sub', i32c(width), from));
        const part = (i: Expr) => at(matrix, plus(times(i, width), from));
        f.for(0, count, (c) => storeFloat(f, code, at(products, c), zero));
        f.for(head, m, (i) => addScaled(f, code, products, part(i), loadFloat(code, at(v, i)), count, 'add'));
        f.for(head, m, (i) => {
          addScaled(f, code, part(i), products, op(`${type}.mul`, tau, loadFloat(code, at(v, i))), count);
        });
      };

      f.for(0, sizeOf(batchOf(a!.aval)), (batch) => {
        if (m * n > 0) copyRun(f, work, plus(a!.ptr, times(batch, m * n * bytes)), m * n * bytes);
        const basis = f.let(plus(q!.ptr, times(batch, m * columns * bytes)));
        const triangle = f.let(plus(r!.ptr, times(batch, columns * n * bytes)));
        const entry = (i: Expr, j: Expr) => at(work, plus(times(i, n), j));
        f.for(0, k, (j) => {
          const v = f.let(at(heads, times(j, m)));
          const next = f.let(plus(j, i32c(1)));
          const squares = f.var(f64c(0));
          f.for(next, m, (i) => {
            const x = f.let(widened(loadFloat(code, entry(i, j))));
            f.set(squares, op('f64.add', squares, op('f64.mul', x, x)));
          });
          const tau = f.var(zero);
          storeFloat(f, code, at(v, j), one);
          f.for(next, m, (i) => storeFloat(f, code, at(v, i), zero));
          f.if(op('f64.ne', squares, f64c(0)), () => {
            const head = f.let(loadFloat(code, entry(j, j)));
            const wide = f.let(widened(head));
            const length = f.let(op('f64.sqrt', op('f64.add', op('f64.mul', wide, wide), squares)));
            const signed = select(op('f64.ge', wide, f64c(0)), op('f64.neg', length), length);
            const beta = f.let(type === 'f32' ? op('f32.demote_f64', signed) : signed);
            f.set(tau, op(`${type}.div`, op(`${type}.sub`, beta, head), beta));
            const scale = f.let(op(`${type}.sub`, head, beta));
            f.for(next, m, (i) => {
              storeFloat(f, code, at(v, i), op(`${type}.div`, loadFloat(code, entry(i, j)), scale));
            });
            apply(work, n, v, tau, j, next);
            storeFloat(f, code, entry(j, j), beta);
          });
          storeFloat(f, code, at(taus, j), tau);
        });
        f.for(0, columns, (i) => storeFloat(f, code, at(basis, times(i, columns + 1)), one));
        f.for(0, k, (step) => {
          const j = f.let(op('i32.sub', i32c(k - 1), step));
          const tau = f.let(loadFloat(code, at(taus, j)));
          apply(basis, columns, f.let(at(heads, times(j, m))), tau, j, j);
        });
        f.for(0, Math.min(columns, n), (i) => {
          f.copy(at(triangle, times(i, n + 1)), entry(i, i), times(op('i32.sub', i32c(n), i), bytes));
        });
      });
    },
  },
  samples: () => qrSamples(),
});

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
    [false, true].flatMap((fullMatrices) =>
      (fullMatrices ? wide : [...wide, ...tall]).map((shape) => ({
        inputs: [{ shape, dtype, values: matrixValues(shape, 'general') }],
        params: { fullMatrices },
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
  let squares = 0;
  for (let i = j + 1; i < m; i++) squares += w[i * n + j]! ** 2;
  if (squares === 0) return { v, tau: 0 };
  const head = w[j * n + j]!;
  const length = Math.sqrt(head * head + squares);
  const beta = head >= 0 ? -length : length;
  for (let i = j + 1; i < m; i++) v[i] = w[i * n + j]! / (head - beta);
  const tau = (beta - head) / beta;
  reflect(w, n, v, tau, j, j + 1);
  w[j * n + j] = beta;
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
export function qr(x: ArrayLike, { fullMatrices = true }: Partial<QrParams> = {}): [q: Value, r: Value] {
  return bind(qrP, [strengthen(toFloating(x, 'qr'))], { fullMatrices }) as [Value, Value];
}
