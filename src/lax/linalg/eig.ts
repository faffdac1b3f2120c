import { eigCalls } from '../../../jit/runtime/linalg/calls.ts';
import { nearLargest } from '../../../jit/runtime/linalg/spectral-constants.ts';
import type { ArrayLike } from '../../array.ts';
import { ComplexArray } from '../../complex/complex-array.ts';
import { allocate } from '../../core/dtype.ts';
import { optionsOf } from '../../core/options.ts';
import { type Primitive, primitive, reductionAccuracy, type Sample, sharedParamsByKey } from '../../core/primitive.ts';
import { sizeOf } from '../../core/shape.ts';
import { bind, type Value } from '../../core/trace.ts';
import { toFloating } from '../../promote.ts';
import { argmax } from '../argreduce.ts';
import { add, div, mul, neg, sub } from '../arithmetic.ts';
import { eq, ge, select } from '../compare.ts';
import { broadcastedIota, zerosLike } from '../creation.ts';
import { and } from '../logic.ts';
import { strengthen } from '../movement.ts';
import { conjugate, mapped, type Planes, product, reciprocal, sum as sumOf } from '../planes.ts';
import { reduceMax, sum } from '../reductions.ts';
import { expandDims } from '../slicing.ts';
import { matrixProduct, realProduct, rowSums, transposed } from './complex-matrices.ts';
import { generalEigen, type Wanted } from './general-eigen.ts';
import { batchOf, checkMatrix, identity, matrixValues } from './matrix.ts';
import { scaleOf } from './plane.ts';

/**
 * Planes of λ, and of U and V where they are wanted, with A·V = V·diag(λ) and Uᴴ·A = diag(λ)·Uᴴ. Vectors have length 1, and the first
 * of their largest elements is real and positive. The first of a conjugate pair has the positive imaginary part. NaN where A is
 * not finite, or the iteration does not end.
 */
export const eigP: Primitive<Wanted> = primitive<Wanted>({
  name: 'eig',
  type: ([a], { left, right }) => {
    checkMatrix('eig', a!, true);
    const values = a!.withShape(a!.shape.slice(0, -1));
    return [values, values, ...(left ? [a!, a!] : []), ...(right ? [a!, a!] : [])];
  },
  run: ([a], params, outputs) => {
    const n = a!.aval.shape.at(-1)!;
    const results = outputs.map(({ dtype, size }) => allocate(dtype, size).fill(Number.NaN));
    const [re, im, ...vectors] = results;
    for (let batch = 0; batch < sizeOf(batchOf(a!.aval)); batch++) {
      const at = batch * n * n;
      const matrix = a!.data.subarray(at, at + n * n);
      const scale = scaleOf(matrix);
      const found = Number.isNaN(scale)
        ? undefined
        : generalEigen(
            Float64Array.from(matrix, (x) => x / scale),
            n,
            params,
          );
      if (!found) continue;
      const { values } = found;
      re!.set(
        values.re.map((x) => x * scale),
        batch * n,
      );
      im!.set(
        values.im.map((x) => x * scale),
        batch * n,
      );
      [found.left, found.right]
        .filter((rows) => rows !== undefined)
        .forEach((rows, k) => {
          for (let j = 0; j < n; j++) {
            const own = values.im[j]!;
            const first = (own < 0 ? j - 1 : j) * n;
            for (let i = 0; i < n; i++) {
              vectors[2 * k]![at + i * n + j] = rows[first + i]!;
              vectors[2 * k + 1]![at + i * n + j] = own === 0 ? 0 : Math.sign(own) * rows[first + n + i]!;
            }
          }
        });
    }
    return results;
  },
  accuracy: reductionAccuracy(64),
  /**
   * Let P = V⁻¹·Ȧ·V. Rows of V⁻¹ are multiples of rows of Uᴴ, P_ij = uᵢᴴ·Ȧ·vⱼ / uᵢᴴ·vᵢ, so that nothing is solved. Then λ̇ = diag P, and V̇ =
   * V·(F∘P) with F_ij = 1/(λⱼ − λᵢ) off the diagonal, but for multiples of each vector (M. Giles, Collected matrix derivative results for
   * forward and reverse mode, 2008), which the normalisation determines. The conjugates of left vectors are right ones of Aᵀ, where P becomes Pᵀ with
   * other divisors: conj(U)˙ = conj(U)·(F∘P′), P′_ij = uⱼᴴ·Ȧ·vᵢ / uᵢᴴ·vᵢ. Vectors of equal eigenvalues have no derivative.
   */
  jvp: ([a], [tangent], params) => {
    const da = tangent as Value;
    if (a!.aval.size === 0) {
      const outs = bind(eigP, [a!], params);
      return [outs, outs.map((out) => zerosLike(out.aval))];
    }
    const all = bind(eigP, [a!], paramsOf({ ...params, left: true, right: true }));
    const [re, im, leftRe, leftIm, rightRe, rightIm] = all as [Value, Value, Value, Value, Value, Value];
    const [left, right]: [Planes, Planes] = [
      [leftRe, leftIm],
      [rightRe, rightIm],
    ];
    const turned = realProduct(da, right);
    const overlaps = reciprocal(rowSums(product(conjugate(left), right)));
    if (!params.left && !params.right) {
      const dValues = product(rowSums(product(conjugate(left), turned)), overlaps);
      return [[re, im], [...dValues]];
    }
    const m = matrixProduct(transposed(conjugate(left)), turned);
    const one = identity(re.aval.withShape(a!.aval.shape).shape, re.aval.dtype);
    const divisors = mapped((x) => expandDims(x, [-1]), overlaps);
    const p = product(m, divisors);
    const dValues = mapped((x) => sum(mul(x, one), { axis: -1 }), p);
    const gap = (x: Value): Value => sub(expandDims(x, [-2]), expandDims(x, [-1]));
    const inverse = reciprocal([add(gap(re), one), gap(im)]);
    const f: Planes = [sub(inverse[0], one), inverse[1]];
    const outs = [re, im];
    const tangents = [...dValues];
    const give = (vectors: Planes, change: Planes): void => {
      outs.push(...vectors);
      tangents.push(...change);
    };
    if (params.left) {
      const change = matrixProduct(conjugate(left), product(f, product(transposed(m), divisors)));
      give(left, normalised(left, conjugate(change)));
    }
    if (params.right) give(right, normalised(right, matrixProduct(right, product(f, p))));
    return [outs, tangents];
  },
  batch: (_size, [a], _, params) => {
    const outs = bind(eigP, [a!], params);
    return { outs, batched: outs.map(() => true) };
  },
  lower: {
    kind: 'runtime',
    calls: (params, [a]) => eigCalls(a!.dtype, sizeOf(batchOf(a!)), a!.shape.at(-1)!, params),
  },
  samples: () =>
    (['float32', 'float64'] as const).flatMap((dtype) =>
      sampled.flatMap(([params, shapes]) =>
        shapes.map((shape): Sample => ({ inputs: [{ shape, dtype, values: matrixValues(shape, 'general') }], params })),
      ),
    ),
});

/**
 * The change that leaves lengths as they are, and the element real that was made real: of v = column and its change r, r + c·v with Re c =
 * −Re(vᴴ·r) and Im c = −Im(r_k)/v_k.
 */
function normalised(v: Planes, r: Planes): Planes {
  const [[a, b], [da, db]] = [v, r];
  const along = sum(add(mul(a, da), mul(b, db)), { axis: -2, keepdims: true });
  const square = mul(a, a);
  const largest = reduceMax(add(square, mul(b, b)), { axis: -2, keepdims: true });
  // Rounded to float32, squares may be further apart than they were.
  const chosen = and(eq(b, 0), ge(square, mul(largest, 2 * nearLargest - 1)));
  const k = expandDims(argmax(chosen, { axis: -2 }), [-2]);
  const isK = eq(broadcastedIota('int32', a.aval.shape, a.aval.ndim - 2), k);
  const at = (x: Value): Value => sum(select(isK, x, 0), { axis: -2, keepdims: true });
  return sumOf(r, product(v, [neg(along), neg(div(at(db), at(a)))]));
}

const params = sharedParamsByKey<Wanted>();
const paramsOf = ({ left, right, balance }: Wanted): Wanted =>
  params(`${left},${right},${balance}`, () => ({ left, right, balance }));
const valuesOnly = paramsOf({ left: false, right: false, balance: true });
const withRight = paramsOf({ left: false, right: true, balance: true });
const withBoth = paramsOf({ left: true, right: true, balance: true });

const sampled: readonly (readonly [Wanted, readonly (readonly number[])[]])[] = [
  [
    valuesOnly,
    [
      [0, 0],
      [1, 1],
      [2, 2],
      [5, 5],
      [17, 17],
      [2, 3, 3],
      [0, 3, 3],
    ],
  ],
  [
    withRight,
    [
      [3, 3],
      [2, 1, 4, 4],
    ],
  ],
  [
    withBoth,
    [
      [0, 0],
      [1, 1],
      [2, 2],
      [4, 4],
      [2, 3, 3],
    ],
  ],
  [
    paramsOf({ left: true, right: false, balance: false }),
    [
      [3, 3],
      [17, 17],
    ],
  ],
];

/** Planes of the right and left vectors of a real Schur form, in the order of its blocks. */
export function schurFormVectors(t: Value): { values: Planes; left: Planes; right: Planes } {
  const unbalanced = paramsOf({ left: true, right: true, balance: false });
  const [re, im, a, b, c, d] = bind(eigP, [t], unbalanced) as [Value, Value, Value, Value, Value, Value];
  return { values: [re, im], left: [a, b], right: [c, d] };
}

export interface EigOptions {
  /** Default true. */
  computeLeftEigenvectors?: boolean;
  /** Default true. */
  computeRightEigenvectors?: boolean;
}

/**
 * `[w, vl, vr]` for general matrices, over leading batch axes: eigenvalues, and left and right eigenvectors in columns, those that
 * are asked for: x·vr = vr·diag(w) and vlᴴ·x = diag(w)·vlᴴ. Vectors have length 1, and the first of their largest elements is real and
 * positive. Complex eigenvalues of a real matrix come in pairs, the one with the positive imaginary part first. A matrix that is not
 * finite gives NaN, and so would one with which the iteration does not converge: see `linalg.eig`. Derivatives of vectors need distinct eigenvalues; they are infinite or NaN else.
 *
 * @example
 * const [w, , vr] = eig(a); // f32[3,3] → c64[3], c64[3,3]
 * @throws ShapeError when the last two axes differ in length
 */
export function eig(
  x: ArrayLike,
  options: EigOptions & { computeLeftEigenvectors: false; computeRightEigenvectors: false },
): [w: ComplexArray];
export function eig(
  x: ArrayLike,
  options: EigOptions & { computeLeftEigenvectors: false },
): [w: ComplexArray, vr: ComplexArray];
export function eig(
  x: ArrayLike,
  options: EigOptions & { computeRightEigenvectors: false },
): [w: ComplexArray, vl: ComplexArray];
export function eig(x: ArrayLike, options?: EigOptions): [w: ComplexArray, vl: ComplexArray, vr: ComplexArray];
export function eig(x: ArrayLike, given: EigOptions = {}): ComplexArray[] {
  const { computeLeftEigenvectors: left = true, computeRightEigenvectors: right = true } = optionsOf('eig', given, [
    'computeLeftEigenvectors',
    'computeRightEigenvectors',
  ]);
  const a = strengthen(toFloating(x, 'eig'));
  checkMatrix('eig', a.aval, true);
  const planes = bind(eigP, [a], paramsOf({ left, right, balance: true }));
  return Array.from({ length: planes.length / 2 }, (_, k) => new ComplexArray(planes[2 * k]!, planes[2 * k + 1]!));
}
