/** Factorisations, and solving with them. */

import { type ArrayLike, NDArray } from '../array.ts';
import { TraceError } from '../core/errors.ts';
import { checkChoice, naming, optionsOf } from '../core/options.ts';
import { recorded, recordedList } from '../core/recorded.ts';
import type { Value } from '../core/trace.ts';
import { add } from '../lax/arithmetic.ts';
import { permuteRows } from '../lax/linalg/lu.ts';
import * as lax from '../lax/linalg.ts';
import { broadcastTo } from '../lax/movement.ts';
import { eye } from '../numpy/creation.ts';
import { tril, triu } from '../numpy/matrices.ts';
import { matrixTranspose } from '../numpy/shape.ts';
import { matrix, square, system } from './operands.ts';

/**
 * The lower triangular L with L Lᵀ = a, for symmetric positive definite `a`; of another matrix, the symmetric part is
 * factorised. NaN where that is not positive definite. With `upper`, Lᵀ.
 */
export function cholesky(a: ArrayLike, given: { upper?: boolean } = {}): NDArray {
  const { upper = false } = optionsOf('cholesky', given, ['upper']);
  checkChoice('cholesky', '`upper`', upper, [true, false]);
  return factorOf('cholesky', a, upper);
}

const factorOf: (operation: string, a: ArrayLike, upper: boolean) => NDArray = recorded((operation, a, upper) => {
  const factor = lax.cholesky(square(operation, a));
  return upper ? matrixTranspose(factor) : factor;
});

export type QrMode = 'reduced' | 'complete' | 'r';

/**
 * [q, r] with q r = a: q has orthonormal columns, r is upper triangular. `mode: 'complete'` makes q square,
 * `mode: 'r'` gives r alone.
 */
export function qr(a: ArrayLike): [NDArray, NDArray];
export function qr(a: ArrayLike, options: { mode?: 'reduced' | 'complete' }): [NDArray, NDArray];
export function qr(a: ArrayLike, options: { mode: 'r' }): NDArray;
export function qr(a: ArrayLike, given: { mode?: QrMode } = {}): NDArray | [NDArray, NDArray] {
  const { mode = 'reduced' } = optionsOf('qr', given, ['mode']);
  checkChoice('qr', 'mode', mode, ['reduced', 'complete', 'r']);
  const value = matrix('qr', a);
  return mode === 'r' ? lax.triangularFactor(value) : lax.qr(value, { fullMatrices: mode === 'complete' });
}

export interface TriangularOptions {
  lower?: boolean;
  /** Solve with the transpose of `a`. */
  trans?: boolean;
  /** Take the diagonal to be ones. */
  unitDiagonal?: boolean;
}

/** The x with a x = b, for a triangular `a`; the other triangle is not read. */
export function solveTriangular(a: ArrayLike, b: ArrayLike, given: TriangularOptions = {}): NDArray {
  const {
    lower = false,
    trans = false,
    unitDiagonal = false,
  } = optionsOf('solveTriangular', given, ['lower', 'trans', 'unitDiagonal']);
  checkTriangle('solveTriangular', lower);
  const { a: left, b: right, restore } = system('solveTriangular', square('solveTriangular', a), b);
  return restore(lax.triangularSolve(left, right, { leftSide: true, lower, transposeA: trans, unitDiagonal }));
}

/** @throws CotangentError when `lower` is not true or false */
const checkTriangle = (operation: string, lower: unknown): void =>
  checkChoice(operation, '`lower`', lower, [true, false]);

/** A Cholesky factor for `choSolve`. */
export interface CholeskyFactor {
  readonly factor: NDArray;
  readonly lower: boolean;
}
export const choFactor = (a: ArrayLike, given: { lower?: boolean } = {}): CholeskyFactor => {
  const { lower = true } = optionsOf('choFactor', given, ['lower']);
  checkTriangle('choFactor', lower);
  return {
    factor: factorOf('choFactor', a, !lower),
    lower,
  };
};

/** The x with a x = b, from the Cholesky factor of `a` (a lower triangular array alone will do). */
export function choSolve(factor: CholeskyFactor | NDArray, b: ArrayLike): NDArray {
  const pair = typeof factor === 'object' && factor !== null && 'factor' in factor;
  if (!pair && !(factor instanceof NDArray))
    throw new TraceError(`choSolve: the factor must be what \`choFactor\` returns, but it is ${naming(factor)}.`, {
      hint: 'of a lower triangle alone: `linalg.choSolve(l, b)`, of an upper one `{ factor: u, lower: false }`',
    });
  const { factor: f, lower } = pair ? factor : { factor: factor as NDArray, lower: true };
  const { a, b: right, restore } = system('choSolve', f, b);
  const forward = lax.triangularSolve(a, right, { leftSide: true, lower, transposeA: !lower, unitDiagonal: false });
  return restore(lax.triangularSolve(a, forward, { leftSide: true, lower, transposeA: lower, unitDiagonal: false }));
}

/** P a = L U: both triangles in one matrix, the ones of L left out, and the order of rows. */
export interface LuFactor {
  readonly lu: NDArray;
  readonly pivots: NDArray;
  readonly permutation: NDArray;
}

export { permuteRows };

export function luFactor(a: ArrayLike): LuFactor {
  const [lu, pivots, permutation] = lax.lu(square('luFactor', a)) as [Value, Value, Value];
  return { lu, pivots, permutation };
}

/**
 * [p, l, u] with p l u = a: a permutation, a lower triangle with ones on its diagonal and an upper one.
 *
 * @throws ShapeError when `a` is not square
 */
export const lu: (a: ArrayLike) => NDArray[] = recordedList((a) => {
  const [both, , permutation] = lax.lu(square('lu', a)) as [Value, Value, Value];
  const n = both.shape.at(-1)!;
  const identity = broadcastTo(eye(n, { dtype: both.dtype as 'float32' }), both.shape);
  // Row i of l u is row permutation[i] of a: the rows of the transpose of p are those of the identity in that order.
  const p = matrixTranspose(permuteRows(identity, permutation));
  return [p, add(tril(both, { k: -1 }), identity), triu(both)];
});

/** The x with a x = b, from the LU factors of `a`. */
export function luSolve(factors: LuFactor, b: ArrayLike): NDArray {
  if (typeof factors !== 'object' || factors === null || !('permutation' in factors))
    throw new TraceError(`luSolve: the factors must be what \`luFactor\` returns, but they are ${naming(factors)}.`);
  const { lu, permutation } = factors;
  const { a, b: right, restore } = system('luSolve', lu, b);
  const order = broadcastTo(permutation, a.shape.slice(0, -1));
  const forward = lax.triangularSolve(a, permuteRows(right, order), {
    leftSide: true,
    lower: true,
    transposeA: false,
    unitDiagonal: true,
  });
  return restore(
    lax.triangularSolve(a, forward, { leftSide: true, lower: false, transposeA: false, unitDiagonal: false }),
  );
}
