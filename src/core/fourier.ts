/** The discrete Fourier transform in JavaScript and float64: the reference semantics, and what tables are made with. */
import { type Roots, rootsOfUnity } from './roots-of-unity.ts';

/** Complex numbers in two planes. */
export interface Planes {
  readonly re: Float64Array;
  readonly im: Float64Array;
}

export const planes = (n: number): Planes => ({ re: new Float64Array(n), im: new Float64Array(n) });

/** Prime factors in ascending order. */
export function primeFactors(n: number): number[] {
  const factors: number[] = [];
  let left = n;
  for (let p = 2; p * p <= left; p++) for (; left % p === 0; left /= p) factors.push(p);
  if (left > 1) factors.push(left);
  return factors;
}

/** Primes from here on are taken care of by a convolution. */
const largePrime = 50;

const rootTables = new Map<number, Roots>();

/** Roots for lengths that come again and again. */
function knownRoots(n: number): Roots {
  let roots = rootTables.get(n);
  if (!roots) {
    if (rootTables.size >= 32) rootTables.clear();
    rootTables.set(n, (roots = rootsOfUnity(n)));
  }
  return roots;
}

/** Σⱼ x[j]·exp(−2πi·jk/n), or with + where `inverse`; nothing is scaled. */
export function fourier({ re, im }: Planes, inverse = false): Planes {
  if (inverse) {
    const swapped = fourier({ re: im, im: re });
    return { re: swapped.im, im: swapped.re };
  }
  const factors = primeFactors(re.length);
  return (factors.at(-1) ?? 1) > largePrime ? chirp({ re, im }) : passes({ re, im }, factors);
}

/**
 * Stockham's transform: each pass takes a factor r out of the length and leaves its results in order (P. N. Swarztrauber,
 * FFT algorithms for vector computers, 1984).
 */
function passes(x: Planes, factors: readonly number[]): Planes {
  const n = x.re.length;
  const { cos, sin } = knownRoots(n);
  let from: Planes = { re: x.re.slice(), im: x.im.slice() };
  let to = planes(n);
  let [length, s] = [n, 1];
  for (const r of factors) {
    const m = length / r;
    to.re.fill(0);
    to.im.fill(0);
    for (let p = 0; p < m; p++)
      for (let k = 0; k < r; k++)
        for (let j = 0; j < r; j++) {
          // The root of the butterfly with the twiddle: w_r^(jk)·w_length^(pk) = w_length^(k(p + jm)).
          const root = ((k * (p + j * m)) % length) * s;
          const [c, d] = [cos[root]!, sin[root]!];
          let [at, out] = [s * (p + m * j), s * (r * p + k)];
          for (let q = 0; q < s; q++, at++, out++) {
            to.re[out]! += from.re[at]! * c + from.im[at]! * d;
            to.im[out]! += from.im[at]! * c - from.re[at]! * d;
          }
        }
    [from, to] = [to, from];
    length = m;
    s *= r;
  }
  return from;
}

/** exp(−πi·j²/n), j = 0 … n − 1: the chirp that makes a convolution of a transform. */
export function chirpOf(n: number): Planes {
  const { cos, sin } = knownRoots(2 * n);
  const chirp = planes(n);
  // j² modulo 2n, by differences: the square itself may be too large.
  let square = 0;
  for (let j = 0; j < n; j++) {
    chirp.re[j] = cos[square]!;
    chirp.im[j] = -sin[square]!;
    square = (square + 2 * j + 1) % (2 * n);
  }
  return chirp;
}

/** The transform of length m of the chirp by which a convolution multiplies, divided by m. */
export function chirpKernel(chirp: Planes, m: number): Planes {
  const n = chirp.re.length;
  const kernel = planes(m);
  for (let j = 0; j < n; j++)
    for (const at of j === 0 ? [0] : [j, m - j]) {
      kernel.re[at] = chirp.re[j]! / m;
      kernel.im[at] = -chirp.im[j]! / m;
    }
  return fourier(kernel);
}

/**
 * L. I. Bluestein, A linear filtering approach to the computation of the discrete Fourier transform, 1970: with
 * jk = (j² + k² − (j − k)²)/2 a transform of any length is a convolution.
 */
function chirp(x: Planes): Planes {
  const n = x.re.length;
  const m = 2 ** Math.ceil(Math.log2(2 * n - 1));
  const factor = chirpOf(n);
  const kernel = chirpKernel(factor, m);
  const padded = planes(m);
  multiply(padded, x, factor, n);
  const spectrum = fourier(padded);
  multiply(spectrum, spectrum, kernel, m);
  const convolved = fourier(spectrum, true);
  const out = planes(n);
  multiply(out, convolved, factor, n);
  return out;
}

function multiply(to: Planes, x: Planes, y: Planes, count: number): void {
  for (let i = 0; i < count; i++) {
    const [a, b, c, d] = [x.re[i]!, x.im[i]!, y.re[i]!, y.im[i]!];
    to.re[i] = a * c - b * d;
    to.im[i] = a * d + b * c;
  }
}
