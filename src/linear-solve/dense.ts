/** Methods that write the operator out as a matrix and factorise it, once for all right-hand sides. */
import { vmapValues } from '../../transforms/vmap.ts';
import type { LinearMap, LinearSolver } from '../control/custom-linear-solve.ts';
import type { ShapedArray } from '../core/aval.ts';
import type { Value } from '../core/trace.ts';
import { allFinite, statusCode, statusWhere } from '../implicit/status.ts';
import { abs, mul } from '../lax/arithmetic.ts';
import { le, select } from '../lax/compare.ts';
import { convert } from '../lax/convert.ts';
import { full, iota } from '../lax/creation.ts';
import * as lax from '../lax/linalg.ts';
import { not } from '../lax/logic.ts';
import { reshape, transpose } from '../lax/movement.ts';
import { reduceMax, reduceMin } from '../lax/reductions.ts';
import { cholesky as choleskyFactor, luFactor, luSolve, permuteRows } from '../linalg/factor.ts';
import { eye } from '../numpy/creation.ts';
import { diagonalOf } from '../numpy/matrices.ts';
import { minus, norm, ravel, sizeOf, unravel } from './vectors.ts';

/** The operator as a matrix: its columns are the images of the unit vectors. */
export function materialise(matvec: LinearMap, like: readonly ShapedArray[]): Value {
  const n = sizeOf(like);
  const dtype = like.some((aval) => aval.dtype === 'float64') ? 'float64' : like[0]!.dtype;
  const columns = vmapValues((e) => [ravel(matvec(unravel(e!, like)))], n, [eye(n, null, { dtype })], [true]);
  return transpose(columns.outs[0]!);
}

interface Factorisation {
  /** The factors of a matrix, and the status of every solve with them. */
  readonly factorise: (matrix: Value) => { factors: Value[]; status: Value };
  /** A x = b, or Aᵀ x = b, for a column b. */
  readonly solve: (factors: readonly Value[], b: Value, transposed: boolean) => Value;
}

function dense({ factorise, solve }: Factorisation): LinearSolver {
  return {
    prepare: (matvec, like) => {
      const { factors, status } = factorise(materialise(matvec, like));
      return [status, ...factors];
    },
    solve: (matvec, b, [status, ...factors], transposed) => {
      const right = ravel(b);
      const column = solve(factors, reshape(right, [right.aval.size, 1]), transposed);
      const x = unravel(
        reshape(column, [right.aval.size]),
        b.map((v) => v.aval),
      );
      const info = () => {
        const found = statusWhere([[not(allFinite(b)), 'nonfinite']], 'converged');
        const size = norm(b);
        const residual = norm(minus(b, matvec(x))).div(select(size.gt(0), size, full([], 1, size.dtype)));
        return { status: select(status!.eq(0), found, status!), iterations: full([], 1, 'int32'), residual };
      };
      return { x, info };
    },
  };
}

const epsilon = (v: Value): number => (v.aval.dtype === 'float64' ? 2 ** -52 : 2 ** -23);

/** Singular where the smallest pivot is nothing beside the largest. */
export function pivotStatus(lu: Value): Value {
  const n = lu.aval.shape[0]!;
  if (n === 0) return statusCode('converged');
  const pivots = abs(diagonalOf('lu', lu, 0, -2, -1));
  const negligible = mul(reduceMax(pivots, { axis: 0 }), n * epsilon(lu));
  return statusWhere(
    [
      [not(allFinite([lu])), 'nonfinite'],
      [le(reduceMin(pivots, { axis: 0 }), negligible), 'singular'],
    ],
    'converged',
  );
}

/** LU with partial pivoting; the transposed system uses the same factors. */
export const lu: LinearSolver = dense({
  factorise: (matrix) => {
    const { lu, permutation } = luFactor(matrix);
    // Where row i of the matrix went: what undoes the permutation.
    const n = permutation.aval.shape[0]!;
    const inverse = full([n], 0, 'int32').at(permutation).set(iota('int32', n));
    return { factors: [lu, permutation, inverse], status: pivotStatus(lu) };
  },
  solve: ([lu, permutation, inverse], b, transposed) => {
    const substitute = (right: Value, lower: boolean): Value =>
      lax.triangularSolve(lu!, right, { leftSide: true, lower, transposeA: transposed, unitDiagonal: lower });
    if (!transposed) return substitute(substitute(permuteRows(b, permutation!), true), false);
    return permuteRows(substitute(substitute(b, false), true), inverse!);
  },
});

/** For symmetric positive definite matrices. */
export const cholesky: LinearSolver = dense({
  factorise: (matrix) => {
    const l = choleskyFactor(matrix);
    const status = statusWhere(
      [
        [not(allFinite([matrix])), 'nonfinite'],
        [not(allFinite([l])), 'indefinite'],
      ],
      'converged',
    );
    return { factors: [l], status };
  },
  solve: ([l], b) => {
    const options = { leftSide: true, lower: true, unitDiagonal: false };
    return lax.triangularSolve(l!, lax.triangularSolve(l!, b, options), { ...options, transposeA: true });
  },
});

/** The inverse, by LU. */
export const inv: LinearSolver = dense({
  factorise: (matrix) => {
    const factor = luFactor(matrix);
    const n = matrix.aval.shape[0]!;
    return {
      factors: [luSolve(factor, convert(eye(n), matrix.dtype))],
      status: pivotStatus(factor.lu),
    };
  },
  solve: ([inverse], b, transposed) => (transposed ? transpose(inverse!) : inverse!).matmul(b),
});
