/** Balancing of one matrix, in JavaScript: the first step of the reference semantics of `eig`. */
import { balanceGain, balanceLimit, negligibleSquare } from '../../../jit/runtime/linalg/spectral-constants.ts';

/** Rows and columns from `low` to `high` − 1 are left to the iteration; the others show their eigenvalue on the diagonal. */
export interface Balance {
  readonly low: number;
  readonly high: number;
  /** Factors of rows and columns within, powers of two. */
  readonly scales: Float64Array;
  /** What each row and column outside was exchanged with. */
  readonly exchanges: Int32Array;
}

/**
 * A ← D⁻¹·Pᵀ·A·P·D (B. Parlett and C. Reinsch, Balancing a matrix for calculation of eigenvalues and eigenvectors, 1969). P brings
 * rows and columns that are zero but for their diagonal to the ends, where they show an eigenvalue exactly; D makes the lengths of
 * each row and its column about equal, in the Euclidean norm: others can make the matrix worse (R. James, J. Langou and B. Lowery,
 * On matrix balancing and eigenvector computation, 2014).
 */
export function balance(a: Float64Array, n: number): Balance {
  const exchanges = Int32Array.from({ length: n }, (_, i) => i);
  let [low, high] = [0, n];
  const exchange = (i: number, j: number): void => {
    exchanges[j] = i;
    for (let k = 0; k < n; k++) [a[k * n + i], a[k * n + j]] = [a[k * n + j]!, a[k * n + i]!];
    for (let k = 0; k < n; k++) [a[i * n + k], a[j * n + k]] = [a[j * n + k]!, a[i * n + k]!];
  };
  const isAlone = (i: number, element: (k: number) => number): boolean => {
    for (let k = low; k < high; k++) if (k !== i && element(k) !== 0) return false;
    return true;
  };
  for (let i = high - 1; i >= 0; i--) {
    if (!isAlone(i, (k) => a[i * n + k]!)) continue;
    exchange(i, high - 1);
    high--;
    i = high;
  }
  for (let j = low; j < high; j++) {
    if (!isAlone(j, (k) => a[k * n + j]!)) continue;
    exchange(j, low);
    low++;
    j = low - 1;
  }
  return { low, high, scales: scaled(a, n, low, high), exchanges };
}

function scaled(a: Float64Array, n: number, low: number, high: number): Float64Array {
  const scales = new Float64Array(n).fill(1);
  const length = (start: number, step: number): number => {
    let [squares, largest] = [0, 0];
    for (let k = low; k < high; k++) {
      const x = a[start + k * step]!;
      squares += x * x;
      largest = Math.max(largest, Math.abs(x));
    }
    return squares < negligibleSquare ? largest : Math.sqrt(squares);
  };
  for (let again = true; again; ) {
    again = false;
    for (let i = low; i < high; i++) {
      let column = length(i, n);
      let row = length(i * n, 1);
      if (column === 0 || row === 0) continue;
      const before = column + row;
      let factor = 1;
      while (column < row / 2 && factor * scales[i]! < balanceLimit) {
        factor *= 2;
        column *= 2;
        row /= 2;
      }
      while (column / 2 >= row && factor * scales[i]! > 1 / balanceLimit) {
        factor /= 2;
        column /= 2;
        row *= 2;
      }
      if (column + row >= balanceGain * before) continue;
      again = true;
      scales[i]! *= factor;
      for (let k = low; k < n; k++) a[i * n + k]! /= factor;
      for (let k = 0; k < high; k++) a[k * n + i]! *= factor;
    }
  }
  return scales;
}

/** Eigenvectors of the matrix as it was, from those in rows of the balanced one: right ones P·D·v, left ones P·D⁻¹·u. */
export function unbalance(vectors: Float64Array, n: number, balance: Balance, isLeft: boolean): void {
  const { low, high, scales, exchanges } = balance;
  for (let at = 0; at < vectors.length; at += n) {
    for (let k = low; k < high; k++) vectors[at + k]! *= isLeft ? 1 / scales[k]! : scales[k]!;
    const exchange = (k: number): void => {
      const other = exchanges[k]!;
      [vectors[at + k], vectors[at + other]] = [vectors[at + other]!, vectors[at + k]!];
    };
    for (let k = low - 1; k >= 0; k--) exchange(k);
    for (let k = high; k < n; k++) exchange(k);
  }
}
