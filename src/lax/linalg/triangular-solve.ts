import { triangularSolveCalls } from '../../../jit/runtime/linalg/calls.ts';
import { isLinear } from '../../../transforms/transpose.ts';
import type { ArrayLike } from '../../array.ts';
import { allocate } from '../../core/dtype.ts';
import { DtypeError, ShapeError } from '../../core/errors.ts';
import { checkChoice, optionsOf } from '../../core/options.ts';
import { type Primitive, primitive, reductionAccuracy, type Sample, sharedParamsByKey } from '../../core/primitive.ts';
import { range, type Shape, sameShape, sizeOf } from '../../core/shape.ts';
import { bind1, type Value } from '../../core/trace.ts';
import { isZero } from '../../core/zero.ts';
import { promoteDTypes, toFloating } from '../../promote.ts';
import { neg, sub } from '../arithmetic.ts';
import { reshape, strengthen, transpose } from '../movement.ts';
import { repeatLanes } from '../rule-helpers.ts';
import { batchOf, checkMatrix, lowerTriangle, matmul, matrixTranspose, matrixValues, upperTriangle } from './matrix.ts';

export interface TriangularSolveParams {
  /** Solve op(A)·X = B, else X·op(A) = B. */
  readonly leftSide: boolean;
  /** A is lower triangular; the other triangle is not read. */
  readonly lower: boolean;
  readonly transposeA: boolean;
  /** Take the diagonal as ones without reading it. */
  readonly unitDiagonal: boolean;
}

const sharedSolveParams = sharedParamsByKey<TriangularSolveParams>();
const solveParams = (params: TriangularSolveParams): TriangularSolveParams => {
  const { leftSide, lower, transposeA, unitDiagonal } = params;
  return sharedSolveParams(`${leftSide} ${lower} ${transposeA} ${unitDiagonal}`, () => params);
};

/**
 * Every variant is T·Y = C for a T that is op(A) or, on the right side, its transpose, with Y the right-hand sides as
 * columns: element (i, j) of T at i·row + j·column, element (i, c) of Y at i·inner + c·outer.
 */
function layout(b: Shape, m: number, { leftSide, lower, transposeA }: TriangularSolveParams) {
  const flipped = transposeA === leftSide;
  const count = leftSide ? b.at(-1)! : b.at(-2)!;
  return {
    forward: lower !== flipped,
    ...(flipped ? { row: 1, column: m } : { row: m, column: 1 }),
    count,
    ...(leftSide ? { inner: count, outer: 1 } : { inner: 1, outer: m }),
  };
}

export const triangularSolveP: Primitive<TriangularSolveParams> = primitive<TriangularSolveParams>({
  name: 'triangular_solve',
  type: ([a, b], { leftSide }) => {
    checkMatrix('triangularSolve', a!, true);
    checkMatrix('triangularSolve', b!);
    if (a!.dtype !== b!.dtype) throw new DtypeError(`triangularSolve: operands have dtypes ${a}, ${b}.`);
    if (!sameShape(batchOf(a!), batchOf(b!)) || b!.shape.at(leftSide ? -2 : -1) !== a!.shape.at(-1)) {
      throw new ShapeError(
        `triangularSolve: ${a} does not fit right-hand sides ${b} on the ${leftSide ? 'left' : 'right'}.`,
      );
    }
    return [b!];
  },
  run: ([a, b], params, [out]) => {
    const m = a!.aval.shape.at(-1)!;
    const { forward, row, column, count, inner, outer } = layout(b!.aval.shape, m, params);
    const result = allocate(out!.dtype, out!.size);
    const y = new Float64Array(m);
    for (let batch = 0; batch < sizeOf(batchOf(out!)); batch++) {
      const [at, bt] = [batch * m * m, batch * m * count];
      for (let c = 0; c < count; c++) {
        for (let step = 0; step < m; step++) {
          const i = forward ? step : m - 1 - step;
          let value = b!.data[bt + i * inner + c * outer]!;
          for (let j = forward ? 0 : i + 1; j < (forward ? i : m); j++) {
            value -= a!.data[at + i * row + j * column]! * y[j]!;
          }
          y[i] = params.unitDiagonal ? value : value / a!.data[at + i * (row + column)]!;
          result[bt + i * inner + c * outer] = y[i]!;
        }
      }
    }
    return [result];
  },
  accuracy: reductionAccuracy(64),
  /** op(A)·X = B gives op(A)·Ẋ = Ḃ − op(Ȧ)·X, where only A's own triangle counts. */
  jvp: ([a, b], [da, db], params) => {
    const x = bind1(triangularSolveP, [a!, b!], params);
    let rhs = isZero(db!) ? undefined : (db as Value);
    if (!isZero(da!)) {
      const k = params.unitDiagonal ? 1 : 0;
      const triangle = params.lower ? lowerTriangle(da!, -k) : upperTriangle(da!, k);
      const moved = params.transposeA ? matrixTranspose(triangle) : triangle;
      const product = params.leftSide ? matmul(moved, x) : matmul(x, moved);
      rhs = rhs ? sub(rhs, product) : neg(product);
    }
    return [[x], [bind1(triangularSolveP, [a!, rhs!], params)]];
  },
  transpose: ([ct], [a, b], params) => [
    undefined,
    isLinear(b)
      ? bind1(triangularSolveP, [a as Value, ct as Value], { ...params, transposeA: !params.transposeA })
      : undefined,
  ],
  batch: (size, [a, b], [aBatched, bBatched], params) => {
    if (aBatched || !bBatched) {
      const both = [a!, bBatched ? b! : repeatLanes(b!, size)];
      return { outs: [bind1(triangularSolveP, both, params)], batched: [true] };
    }
    return { outs: [solveLanes(a!, b!, params)], batched: [true] };
  },
  lower: {
    kind: 'runtime',
    calls: (params, [a, b]) => {
      const n = a!.shape.at(-1)!;
      const { forward, row, column, count, inner } = layout(b!.shape, n, params);
      // One column with contiguous rows is a vector.
      const rows = params.leftSide && inner > 1;
      const unit = params.unitDiagonal;
      return triangularSolveCalls(a!.dtype, { batch: sizeOf(batchOf(a!)), n, count, row, column, unit, forward, rows });
    },
  },
  samples: () =>
    (['float32', 'float64'] as const).flatMap((dtype) =>
      [
        { a: [0, 0], b: [0, 3] },
        { a: [1, 1], b: [1, 1] },
        { a: [3, 3], b: [3, 1] },
        { a: [4, 4], b: [4, 4] },
        { a: [5, 5], b: [5, 3] },
        { a: [17, 17], b: [17, 5] },
        { a: [2, 3, 3], b: [2, 3, 3] },
        { a: [0, 3, 3], b: [0, 3, 1] },
        { a: [2, 2, 4, 4], b: [2, 2, 4, 0] },
      ].flatMap((shapes) =>
        range(16).map((bits): Sample => {
          const [leftSide, lower, transposeA, unitDiagonal] = range(4).map((i) => ((bits >> i) & 1) === 1);
          const n = shapes.b.length;
          const b = leftSide ? shapes.b : [...shapes.b.slice(0, -2), shapes.b[n - 1]!, shapes.b[n - 2]!];
          return {
            inputs: [
              { shape: shapes.a, dtype, values: matrixValues(shapes.a, 'triangular') },
              { shape: b, dtype, low: -2, high: 2 },
            ],
            params: { leftSide, lower, transposeA, unitDiagonal },
          };
        }),
      ),
    ),
});

/** One matrix and a right-hand side per lane: the lanes become more columns (or rows) of one system. */
function solveLanes(a: Value, b: Value, params: TriangularSolveParams): Value {
  const n = b.aval.ndim;
  const order = params.leftSide ? [...range(n).slice(1), 0] : [...range(n).slice(1, -2), n - 2, 0, n - 1];
  const moved = transpose(b, order);
  const joined = params.leftSide ? n - 2 : n - 3;
  const full = moved.aval.shape;
  const merged = [...full.slice(0, joined), full[joined]! * full[joined + 1]!, ...full.slice(joined + 2)];
  const solved = reshape(bind1(triangularSolveP, [a, reshape(moved, merged)], params), full);
  return transpose(
    solved,
    range(n).map((axis) => order.indexOf(axis)),
  );
}

/**
 * Solves op(a)·x = b (or x·op(a) = b with `leftSide` false) for a triangular matrix, over leading batch axes. Only the
 * triangle named by `lower` is read. A zero on the diagonal gives infinities or NaN.
 *
 * @example
 * triangularSolve(l, b, { leftSide: true, lower: true }); // f32[3,3], f32[3,2] → f32[3,2]
 * @throws ShapeError when the shapes do not fit
 */
export function triangularSolve(a: ArrayLike, b: ArrayLike, given: Partial<TriangularSolveParams> = {}): Value {
  const {
    leftSide = false,
    lower = false,
    transposeA = false,
    unitDiagonal = false,
  } = optionsOf('triangularSolve', given, ['leftSide', 'lower', 'transposeA', 'unitDiagonal']);
  checkChoice('triangularSolve', '`lower`', lower, [true, false]);
  const [matrix, rhs] = promoteDTypes('triangularSolve', [a, b]).map((x) =>
    strengthen(toFloating(x, 'triangularSolve')),
  ) as [Value, Value];
  const vector = rhs.aval.ndim === matrix.aval.ndim - 1;
  const sides = vector
    ? reshape(rhs, leftSide ? [...rhs.shape, 1] : [...rhs.shape.slice(0, -1), 1, rhs.shape.at(-1)!])
    : rhs;
  const x = bind1(triangularSolveP, [matrix, sides], solveParams({ leftSide, lower, transposeA, unitDiagonal }));
  return vector ? reshape(x, rhs.shape) : x;
}
