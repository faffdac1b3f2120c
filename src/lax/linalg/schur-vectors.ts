/** Eigenvectors of a real Schur form, in JavaScript: the last step of the reference semantics of `eig`. */
import { dropped, leastPivot, nearLargest, vectorLimit } from '../../../jit/runtime/linalg/spectral-constants.ts';
import type { Eigenvalues } from './francis.ts';

type Complex = readonly [re: number, im: number];

const times = ([a, b]: Complex, [c, d]: Complex): Complex => [a * c - b * d, a * d + b * c];
const minus = ([a, b]: Complex, [c, d]: Complex): Complex => [a - c, b - d];
const size = ([a, b]: Complex): number => Math.max(Math.abs(a), Math.abs(b));
function over([a, b]: Complex, [c, d]: Complex): Complex {
  const scale = 1 / size([c, d]);
  const [p, q] = [c * scale, d * scale];
  const square = p * p + q * q;
  return [((a * p + b * q) / square) * scale, ((b * p - a * q) / square) * scale];
}

/**
 * Right eigenvectors of an upper quasi-triangular T whose blocks have the standard form, by substitution upwards (Golub & Van Loan,
 * § 7.6.4). A real one stands in the row of its eigenvalue, the real and the imaginary part of that of a pair, with the positive
 * imaginary part, in the rows of both. Its largest element is about 1, so that what grows beyond all bounds does not overflow.
 */
export function schurVectors(t: Float64Array, n: number, { re, im }: Eigenvalues): Float64Array {
  const rows = new Float64Array(n * n);
  for (let j = n - 1; j >= 0; j--) {
    const isPair = im[j] !== 0;
    const top = isPair ? j - 1 : j;
    const [wr, wi] = [re[top]!, im[top]!];
    const x = rows.subarray(top * n, (top + 1) * n);
    const y = isPair ? rows.subarray(j * n, (j + 1) * n) : undefined;
    if (!y) x[j] = 1;
    else {
      const [b, c] = [t[top * n + j]!, t[j * n + top]!];
      const isUpper = Math.abs(b) >= Math.abs(c);
      x[top] = isUpper ? 1 : -wi / c;
      y[j] = isUpper ? wi / b : 1;
    }
    substitute(t, n, im, top, j + 1, [wr, wi], x, y);
    j = top;
  }
  return rows;
}

/** Elements of x + i·y above row `top` of the vector to λ that is known from there to `end`. */
function substitute(
  t: Float64Array,
  n: number,
  im: Float64Array,
  top: number,
  end: number,
  [wr, wi]: Complex,
  x: Float64Array,
  y: Float64Array | undefined,
): void {
  const least = Math.max(leastPivot * (Math.abs(wr) + Math.abs(wi)), dropped);
  const scale = (factor: number): void => {
    for (let k = 0; k < end; k++) {
      x[k]! *= factor;
      if (y) y[k]! *= factor;
    }
  };
  const rightSide = (i: number, from: number): Complex => {
    let [a, b] = [0, 0];
    for (let k = from; k < end; k++) {
      a -= t[i * n + k]! * x[k]!;
      if (y) b -= t[i * n + k]! * y[k]!;
    }
    return [a, b];
  };
  const pivot = (z: Complex): Complex => (size(z) < least ? [least, 0] : z);
  const put = (i: number, [a, b]: Complex): void => {
    x[i] = a;
    if (y) y[i] = b;
  };
  for (let i = top - 1; i >= 0; i--) {
    const isPair = im[i] !== 0;
    const diagonal: Complex = [t[i * n + i]! - wr, -wi];
    if (!isPair) {
      const divisor = pivot(diagonal);
      let right = rightSide(i, i + 1);
      if (size(right) > vectorLimit * size(divisor)) {
        const factor = 1 / size(right);
        scale(factor);
        right = [right[0] * factor, right[1] * factor];
      }
      put(i, over(right, divisor));
    } else {
      // [[d, b], [c, d]]·(p, q) = (r, s): elimination with the larger of d and c.
      const [b, c]: [Complex, Complex] = [
        [t[(i - 1) * n + i]!, 0],
        [t[i * n + i - 1]!, 0],
      ];
      let [r, s] = [rightSide(i - 1, i + 1), rightSide(i, i + 1)];
      const isFirst = size(diagonal) >= size(c);
      const factor = isFirst ? over(c, diagonal) : over(diagonal, c);
      const rest = pivot(isFirst ? minus(diagonal, times(factor, b)) : minus(b, times(factor, diagonal)));
      const largest = Math.max(size(r), size(s));
      const divisor = Math.min(size(rest), isFirst ? size(diagonal) : size(c));
      if (largest > vectorLimit * divisor) {
        const by = 1 / largest;
        scale(by);
        r = [r[0] * by, r[1] * by];
        s = [s[0] * by, s[1] * by];
      }
      const q = over(isFirst ? minus(s, times(factor, r)) : minus(r, times(factor, s)), rest);
      const p = isFirst ? over(minus(r, times(b, q)), diagonal) : over(minus(s, times(diagonal, q)), c);
      put(i - 1, p);
      put(i, q);
    }
    const first = isPair ? i - 1 : i;
    const grown = Math.max(...[first, i].map((k) => size([x[k]!, y ? y[k]! : 0])));
    if (grown > vectorLimit) scale(1 / grown);
    i = first;
  }
  let largest = 0;
  for (let k = 0; k < end; k++) largest = Math.max(largest, size([x[k]!, y ? y[k]! : 0]));
  scale(1 / largest);
}

/** Upside down and transposed: its right vectors, read backwards, are left ones of T. */
export const flipped = (t: Float64Array, n: number): Float64Array =>
  t.map((_, e) => t[(n - 1 - (e % n)) * n + n - 1 - Math.floor(e / n)]!);

/** The products of vectors in rows with a basis whose vectors stand in rows. */
export function inBasis(vectors: Float64Array, basis: Float64Array, n: number): Float64Array {
  const out = new Float64Array(n * n);
  for (let i = 0; i < n; i++)
    for (let k = 0; k < n; k++) {
      const factor = vectors[i * n + k]!;
      if (factor !== 0) for (let j = 0; j < n; j++) out[i * n + j]! += factor * basis[k * n + j]!;
    }
  return out;
}

/** Length 1, and the first of the largest elements real and positive. Rows as `schurVectors` leaves them. */
export function normalise(rows: Float64Array, n: number, im: Float64Array): void {
  for (let j = 0; j < n; j++) {
    const x = rows.subarray(j * n, (j + 1) * n);
    const y = im[j] !== 0 ? rows.subarray((j + 1) * n, (j + 2) * n) : undefined;
    let largest = 0;
    for (let k = 0; k < n; k++) largest = Math.max(largest, size([x[k]!, y ? y[k]! : 0]));
    let [squares, top] = [0, 0];
    for (let k = 0; k < n; k++) {
      x[k]! /= largest;
      if (y) y[k]! /= largest;
      const square = x[k]! * x[k]! + (y ? y[k]! * y[k]! : 0);
      squares += square;
      top = Math.max(top, square);
    }
    const square = (k: number): number => x[k]! * x[k]! + (y ? y[k]! * y[k]! : 0);
    let k = 0;
    while (square(k) < nearLargest * top) k++;
    const length = Math.sqrt(squares);
    if (!y) {
      const factor = x[k]! < 0 ? -length : length;
      for (let i = 0; i < n; i++) x[i]! /= factor;
      continue;
    }
    const own = Math.sqrt(square(k)) * length;
    const [c, s] = [x[k]! / own, y[k]! / own];
    for (let i = 0; i < n; i++) [x[i], y[i]] = [c * x[i]! + s * y[i]!, c * y[i]! - s * x[i]!];
    y[k] = 0;
    j++;
  }
}
