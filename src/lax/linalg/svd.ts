import { svdCalls } from '../../../jit/runtime/linalg/calls.ts';
import type { ArrayLike } from '../../array.ts';
import { allocate } from '../../core/dtype.ts';
import { RuleError } from '../../core/errors.ts';
import { optionsOf } from '../../core/options.ts';
import { type Primitive, primitive, reductionAccuracy, type Sample, sharedParams } from '../../core/primitive.ts';
import { sizeOf } from '../../core/shape.ts';
import { bind, type Value } from '../../core/trace.ts';
import { toFloating } from '../../promote.ts';
import { add, div, mul, sub } from '../arithmetic.ts';
import { strengthen } from '../movement.ts';
import { sum } from '../reductions.ts';
import { expandDims } from '../slicing.ts';
import { singularValues } from './bidiagonal-svd.ts';
import { batchOf, checkMatrix, columnsOf, identity, matmul, matrixTranspose, matrixValues, rowsOf } from './matrix.ts';
import { type Rows, scaleOf } from './plane.ts';

interface SvdParams {
  /** U and Vᵀ square; else U has min(m, n) columns and Vᵀ as many rows. */
  readonly fullMatrices: boolean;
  readonly computeUv: boolean;
}

/** (σ, U, Vᵀ) with A = U·diag(σ)·Vᵀ and descending σ; σ alone without `computeUv`. NaN where A is not finite. As with `eigh`, signs need not be those of the reference. */
export const svdP: Primitive<SvdParams> = primitive<SvdParams>({
  name: 'svd',
  type: ([a], { fullMatrices, computeUv }) => {
    checkMatrix('svd', a!);
    const [m, n, batch] = [rowsOf(a!), columnsOf(a!), batchOf(a!)];
    const k = Math.min(m, n);
    const values = a!.withShape([...batch, k]);
    if (!computeUv) return [values];
    const square = (length: number) => (fullMatrices ? length : k);
    return [values, a!.withShape([...batch, m, square(m)]), a!.withShape([...batch, square(n), n])];
  },
  run: ([a], { computeUv, fullMatrices }, outputs) => {
    const [m, n] = [rowsOf(a!.aval), columnsOf(a!.aval)];
    const [long, short] = [Math.max(m, n), Math.min(m, n)];
    const results = outputs.map(({ dtype, size }) => allocate(dtype, size).fill(Number.NaN));
    const wanted = computeUv ? (fullMatrices ? long : short) : 0;
    for (let batch = 0; batch < sizeOf(batchOf(a!.aval)); batch++) {
      const matrix = a!.data.subarray(batch * m * n, (batch + 1) * m * n);
      const scale = scaleOf(matrix);
      if (Number.isNaN(scale)) continue;
      // Upright: of a wide matrix, the transpose.
      const upright = Float64Array.from({ length: m * n }, (_, e) => {
        const [i, j] = [Math.floor(e / short), e % short];
        return matrix[m >= n ? e : j * n + i]! / scale;
      });
      const svd = singularValues(upright, long, short, wanted);
      if (!svd) continue;
      results[0]!.set(
        svd.values.map((x) => x * scale),
        batch * short,
      );
      if (!computeUv) continue;
      const [left, right] = m >= n ? [svd.left, svd.right] : [svd.right, svd.left];
      results[1]!.set(transposed(left), batch * left.data.length);
      results[2]!.set(right.data, batch * right.data.length);
    }
    return results;
  },
  accuracy: reductionAccuracy(64),
  /**
   * With P = Uᵀ·Ȧ·V: σ̇ = diag P, U̇ = U·(F∘(P·Σ + Σ·Pᵀ)) and V̇ = V·(F∘(Σ·P + Pᵀ·Σ)), where F_ij = 1/(σ_j² − σ_i²) off the
   * diagonal, and the part of the longer factor outside of its range: (I − U·Uᵀ)·Ȧ·V·Σ⁻¹ (M. Giles, Collected matrix derivative
   * results for forward and reverse mode, 2008). Vectors of equal singular values have no derivative.
   */
  jvp: ([a], [tangent], params) => {
    const [m, n] = [rowsOf(a!.aval), columnsOf(a!.aval)];
    if (params.computeUv && params.fullMatrices && m !== n) {
      throw new RuleError(
        `svd: the full factors of ${a!.aval} have no derivative: the vectors that complete them are not determined.`,
        { hint: 'ask for the reduced ones with `fullMatrices: false`' },
      );
    }
    const da = tangent as Value;
    const [s, u, vt] = bind(svdP, [a!], reduced) as [Value, Value, Value];
    const [ut, v] = [matrixTranspose(u), matrixTranspose(vt)];
    const p = matmul(ut, matmul(da, v));
    const one = identity(p.aval.shape, p.aval.dtype);
    const ds = sum(mul(p, one), { axis: -1 });
    if (!params.computeUv) return [[s], [ds]];
    const [row, column] = [expandDims(s, [-2]), expandDims(s, [-1])];
    const f = sub(div(1, add(mul(add(row, column), sub(row, column)), one)), one);
    const symmetric = (x: Value) => mul(f, add(x, matrixTranspose(x)));
    const du = matmul(u, symmetric(mul(row, p)));
    const dv = matmul(v, symmetric(mul(column, p)));
    const outside = (x: Value, basis: Value, transposed: Value) =>
      div(sub(x, matmul(basis, matmul(transposed, x))), row);
    return [
      [s, u, vt],
      [
        ds,
        m > n ? add(du, outside(matmul(da, v), u, ut)) : du,
        matrixTranspose(n > m ? add(dv, outside(matmul(matrixTranspose(da), u), v, vt)) : dv),
      ],
    ];
  },
  batch: (_size, [a], _, params) => {
    const outs = bind(svdP, [a!], params);
    return { outs, batched: outs.map(() => true) };
  },
  lower: {
    kind: 'runtime',
    calls: ({ computeUv, fullMatrices }, [a]) =>
      svdCalls(a!.dtype, sizeOf(batchOf(a!)), rowsOf(a!), columnsOf(a!), computeUv, fullMatrices),
  },
  samples: () => svdSamples(),
});

function transposed({ data, width }: Rows): Float64Array {
  const rows = width === 0 ? 0 : data.length / width;
  return data.map((_, e) => data[(e % rows) * width + Math.floor(e / rows)]!);
}

const complete = sharedParams<SvdParams>({ fullMatrices: true, computeUv: true });
const reduced = sharedParams<SvdParams>({ fullMatrices: false, computeUv: true });
const valuesOnly = sharedParams<SvdParams>({ fullMatrices: false, computeUv: false });

/** The full factors of matrices that are not square are left out here: they have no derivative. */
function svdSamples(): Sample[] {
  const square = [
    [0, 0],
    [1, 1],
    [2, 2],
    [3, 3],
    [4, 4],
    [2, 3, 3],
    [0, 3, 3],
  ];
  const oblong = [
    [5, 3],
    [3, 5],
    [17, 4],
    [4, 17],
    [1, 3],
    [3, 1],
    [0, 3],
    [4, 0],
    [2, 1, 4, 2],
  ];
  return (['float32', 'float64'] as const).flatMap((dtype) =>
    [complete, reduced, valuesOnly].flatMap((params) =>
      (params === complete ? square : [...square, ...oblong]).map((shape) => ({
        inputs: [{ shape, dtype, values: matrixValues(shape, 'general') }],
        params,
      })),
    ),
  );
}

export interface SvdOptions {
  /** Square U and Vᵀ; else min(m, n) columns of U and rows of Vᵀ. Default true. */
  fullMatrices?: boolean;
  /** Default true; false gives the singular values alone. */
  computeUv?: boolean;
}

/**
 * `[u, s, vt]` with x = u·diag(s)·vt, over leading batch axes: orthonormal columns of u and rows of vt, and s ≥ 0 in descending
 * order; `s` alone with `computeUv: false`. Signs of the vectors are not determined, and neither are the vectors of equal
 * singular values; derivatives of these vectors are infinite or NaN. A matrix that is not finite gives NaN.
 *
 * @example
 * const [u, s, vt] = svd(a, { fullMatrices: false }); // f32[5,3] → f32[5,3], f32[3], f32[3,3]
 * @throws ShapeError when `x` has less than two axes
 */
export function svd(x: ArrayLike, options?: SvdOptions & { computeUv?: true }): [u: Value, s: Value, vt: Value];
export function svd(x: ArrayLike, options: SvdOptions & { computeUv: false }): Value;
export function svd(x: ArrayLike, options?: SvdOptions): Value | [u: Value, s: Value, vt: Value];
export function svd(x: ArrayLike, given: SvdOptions = {}): Value | [u: Value, s: Value, vt: Value] {
  const { fullMatrices = true, computeUv = true } = optionsOf('svd', given, ['fullMatrices', 'computeUv']);
  const a = strengthen(toFloating(x, 'svd'));
  if (!computeUv) return bind(svdP, [a], valuesOnly)[0]!;
  const [s, u, vt] = bind(svdP, [a], fullMatrices ? complete : reduced) as [Value, Value, Value];
  return [u, s, vt];
}
