/** Eigenvalues and vectors of one general matrix, in JavaScript: the reference semantics of `eig` and `schur`. */
import { nearLargest } from '../../../jit/runtime/linalg/spectral-constants.ts';
import { balance, unbalance } from './balance.ts';
import { type Eigenvalues, francis, hessenbergForm, productOf } from './francis.ts';
import { identityRows, type Rows } from './plane.ts';
import { flipped, inBasis, normalise, schurVectors } from './schur-vectors.ts';

export interface GeneralEigen {
  readonly values: Eigenvalues;
  /** A real vector in its row; the real and the imaginary part of the first of a pair in the rows of both. */
  readonly left: Float64Array | undefined;
  readonly right: Float64Array | undefined;
}

export interface Wanted {
  readonly left: boolean;
  readonly right: boolean;
  /** Balance first. Without it the eigenvalues of a Schur form keep their order. */
  readonly balance: boolean;
}

/** `a` has elements about 1 and is overwritten. Undefined where the iteration does not end. */
export function generalEigen(a: Float64Array, n: number, wanted: Wanted, patience?: number): GeneralEigen | undefined {
  const balanced = wanted.balance
    ? balance(a, n)
    : { low: 0, high: n, scales: new Float64Array(n).fill(1), exchanges: new Int32Array(0) };
  const { low, high } = balanced;
  const vectors = wanted.left || wanted.right;
  const h: Rows = { data: a, width: n };
  const reflectors = hessenbergForm(h, low, high);
  const z = vectors ? productOf(reflectors, n) : identityRows(n, 0);
  const values = francis(h, low, high, vectors, z, patience);
  if (!values) return undefined;
  const finish = (rows: Float64Array, isLeft: boolean): Float64Array => {
    const all = inBasis(rows, z.data, n);
    unbalance(all, n, balanced, isLeft);
    normalise(all, n, values.im);
    return all;
  };
  return {
    values,
    right: wanted.right ? finish(schurVectors(a, n, values), false) : undefined,
    left: wanted.left ? finish(leftVectors(a, n, values), true) : undefined,
  };
}

/** Rows as of `schurVectors`, with uᴴ·T = λ·uᴴ. */
function leftVectors(t: Float64Array, n: number, { re, im }: Eigenvalues): Float64Array {
  const backwards = { re: re.slice().reverse(), im: im.map((x) => 0 - x).reverse() };
  const rows = schurVectors(flipped(t, n), n, backwards);
  // The vector y of a row of the flipped matrix, read backwards, has yᵀ·T = λ·yᵀ: u is its conjugate.
  const out = new Float64Array(n * n);
  for (let p = 0; p < n; p++) {
    const isPair = im[p] !== 0;
    const isSecond = isPair && im[p]! < 0;
    const source = n - 1 - (isPair ? (isSecond ? p - 1 : p + 1) : p);
    for (let k = 0; k < n; k++) out[p * n + k] = (isSecond ? -1 : 1) * rows[source * n + n - 1 - k]!;
  }
  return out;
}

export interface RealSchur {
  readonly t: Float64Array;
  /** Schur vectors in rows. */
  readonly z: Rows;
}

/** A = Zᵀ·T·Z with the rows of Z, the first of the largest elements of each positive. Undefined where the iteration does not end. */
export function realSchur(a: Float64Array, n: number, patience?: number): RealSchur | undefined {
  const h: Rows = { data: a, width: n };
  const z = productOf(hessenbergForm(h, 0, n), n);
  if (!francis(h, 0, n, true, z, patience)) return undefined;
  for (let i = 0; i < n; i++) if (isNegative(z.data.subarray(i * n, (i + 1) * n))) negate(a, z.data, n, i);
  return { t: a, z };
}

/** Whether the first of the largest elements is below 0. */
function isNegative(x: Float64Array): boolean {
  const largest = x.reduce((most, element) => Math.max(most, Math.abs(element)), 0);
  return x.find((element) => Math.abs(element) >= nearLargest * largest)! < 0;
}

/** The other sign of Schur vector i. */
function negate(t: Float64Array, z: Float64Array, n: number, i: number): void {
  for (let k = 0; k < n; k++) {
    z[i * n + k] = -z[i * n + k]!;
    if (k === i) continue;
    t[i * n + k] = 0 - t[i * n + k]!;
    t[k * n + i] = 0 - t[k * n + i]!;
  }
}
