/** Hessenberg and real Schur form of one matrix, in JavaScript: the reference semantics of `hessenberg`, `schur` and `eig`. */
import { dropped, nearLargest, patientSweeps, strangeSweeps } from '../../../jit/runtime/linalg/spectral-constants.ts';
import { identityRows, type Reflector, type Rows, reflector, reflectRows, rotateRows } from './plane.ts';

/**
 * A ← Qᵀ·A·Q without elements below the subdiagonal, by Householder reflections (Golub & Van Loan, Matrix Computations, 4th ed.,
 * § 7.4.3), of rows and columns `low` … `high` − 1. Gives the reflections, whose product is Q: that of column k begins at row k + 1.
 */
export function hessenbergForm(a: Rows, low: number, high: number): Reflector[] {
  const { data, width: n } = a;
  const reflectors: Reflector[] = [];
  for (let k = 0; k < n - 1; k++) {
    const count = k < low || k >= high - 1 ? 0 : high - k - 1;
    const r = reflector(
      Float64Array.from({ length: Math.max(count, 1) }, (_, i) => (count > 0 ? data[(k + 1 + i) * n + k]! : 0)),
    );
    reflectors.push(r);
    if (count === 0) continue;
    for (let i = 0; i < count; i++) data[(k + 1 + i) * n + k] = i === 0 ? r.beta : 0;
    reflectColumns(a, k + 1, k + 1, n, r);
    reflectRows(a, 0, high, k + 1, r);
  }
  return reflectors;
}

/** M ← (I − τ·v·vᵀ)·M in columns `first` … `end` − 1; v stands at rows from `row`. */
function reflectColumns({ data, width }: Rows, row: number, first: number, end: number, { v, tau }: Reflector): void {
  if (tau === 0) return;
  for (let j = first; j < end; j++) {
    let product = 0;
    for (let i = 0; i < v.length; i++) product += v[i]! * data[(row + i) * width + j]!;
    for (let i = 0; i < v.length; i++) data[(row + i) * width + j]! -= tau * product * v[i]!;
  }
}

/** The columns of the product of the reflections, in rows. */
export function productOf(reflectors: readonly Reflector[], n: number): Rows {
  const q = identityRows(n, n);
  for (let k = reflectors.length - 1; k >= 0; k--) reflectRows(q, k + 1, n, k + 1, reflectors[k]!);
  return q;
}

/** A block of two rows made [[a, b], [c, d]] with c = 0, or a = d and b·c < 0, by the rotation with this cosine and sine. */
interface Standard {
  readonly block: readonly [a: number, b: number, c: number, d: number];
  readonly c: number;
  readonly s: number;
}

const sameSign = (x: number, y: number): boolean => x < 0 === y < 0;
const signed = (size: number, sign: number): number => (sign < 0 ? -size : size);

/** √(x² + y²) where the squares may vanish. */
function lengthOf(x: number, y: number): number {
  const larger = Math.max(Math.abs(x), Math.abs(y));
  const share = Math.min(Math.abs(x), Math.abs(y)) / larger;
  return larger * Math.sqrt(1 + share * share);
}

/** The standard form of a block of two rows. Of those of a pair, which a quarter of a turn exchanges, the one with the larger element above. */
export function standardise(...block: [a: number, b: number, c: number, d: number]): Standard {
  const found = equalDiagonal(...block);
  const [a, b, c, d] = found.block;
  if (Math.abs(b) >= nearLargest * Math.abs(c)) return found;
  return { block: [a, -c, -b, d], c: -found.s, s: found.c };
}

/** As in LAPACK (Z. Bai and J. Demmel, On swapping diagonal blocks in real Schur form, 1993). */
function equalDiagonal(a: number, b: number, c: number, d: number): Standard {
  if (c === 0) return { block: [a, b, c, d], c: 1, s: 0 };
  if (b === 0) return { block: [d, -c, 0, a], c: 0, s: 1 };
  if (a === d && !sameSign(b, c)) return { block: [a, b, c, d], c: 1, s: 0 };
  const p = 0.5 * (a - d);
  const larger = Math.max(Math.abs(b), Math.abs(c));
  const lesser = signed(Math.min(Math.abs(b), Math.abs(c)), sameSign(b, c) ? 1 : -1);
  const scale = Math.max(Math.abs(p), larger);
  const discriminant = (p / scale) * p + (larger / scale) * lesser;
  if (discriminant >= 4 * Number.EPSILON * scale) {
    // Two real eigenvalues that are apart.
    const z = p + signed(Math.sqrt(scale) * Math.sqrt(discriminant), p);
    const length = lengthOf(c, z);
    return { block: [d + z, b - c, 0, d - (larger / z) * lesser], c: z / length, s: c / length };
  }
  // Complex or nearly equal: first equal elements on the diagonal.
  const sigma = b + c;
  const length = lengthOf(sigma, 2 * p);
  const cosine = Math.sqrt(0.5 * (1 + Math.abs(sigma) / length));
  const sine = -(p / (length * cosine)) * signed(1, sigma);
  const [aa, bb] = [a * cosine + b * sine, b * cosine - a * sine];
  const [cc, dd] = [c * cosine + d * sine, d * cosine - c * sine];
  const middle = 0.5 * (aa * cosine + cc * sine + (dd * cosine - bb * sine));
  const above = bb * cosine + dd * sine;
  const below = cc * cosine - aa * sine;
  if (below === 0) return { block: [middle, above, 0, middle], c: cosine, s: sine };
  if (above === 0) return { block: [middle, -below, 0, middle], c: -sine, s: cosine };
  if (!sameSign(above, below)) return { block: [middle, above, below, middle], c: cosine, s: sine };
  const [root, rootBelow] = [Math.sqrt(Math.abs(above)), Math.sqrt(Math.abs(below))];
  const apart = signed(root * rootBelow, below);
  const share = 1 / Math.sqrt(Math.abs(above + below));
  const [c1, s1] = [root * share, rootBelow * share];
  return {
    block: [middle + apart, above - below, 0, middle - apart],
    c: cosine * c1 - sine * s1,
    s: cosine * s1 + sine * c1,
  };
}

/** One after the other, in the diagonal blocks of a real Schur form: the first of a pair has the positive imaginary part. */
export interface Eigenvalues {
  readonly re: Float64Array;
  readonly im: Float64Array;
}

/**
 * The real Schur form of a Hessenberg matrix, by Francis's implicit double-shift QR steps (Golub & Van Loan, § 7.5; the criterion
 * by which elements below the diagonal are dropped is that of M. Ahues and F. Tisseur, LAPACK Working Note 122, 1997). Rotates the
 * rows of `z` along. Only eigenvalues are right unless `wholeForm`. Undefined where the iteration does not end after `patience` sweeps
 * for a row: two or three are usual.
 */
export function francis(
  h: Rows,
  low: number,
  high: number,
  wholeForm: boolean,
  z: Rows,
  patience: number = patientSweeps,
): Eigenvalues | undefined {
  const { data, width: n } = h;
  const at = (i: number, j: number): number => data[i * n + j]!;
  const [re, im] = [new Float64Array(n), new Float64Array(n)];
  for (let i = 0; i < n; i++) re[i] = at(i, i);
  let last = high - 1;
  let sweeps = 0;
  let left = patience * Math.max(10, high - low);
  while (last >= low) {
    const first = startOf(data, n, low, last, high);
    if (first > low) data[first * n + first - 1] = 0;
    if (first >= last - 1) {
      if (first === last) re[last] = at(last, last);
      else split(h, last, wholeForm, z, re, im);
      last = first - 1;
      sweeps = 0;
      continue;
    }
    if (left-- === 0) return undefined;
    sweep(h, first, last, wholeForm, z, shiftsOf(data, n, first, last, sweeps++));
  }
  return { re, im };
}

/** The row after the last element beside the diagonal, from `last` upwards, that may be taken for 0. */
function startOf(data: Float64Array, n: number, low: number, last: number, high: number): number {
  let k = last;
  for (; k > low; k--) {
    const beside = Math.abs(data[k * n + k - 1]!);
    if (beside <= dropped) break;
    const [above, own] = [data[(k - 1) * n + k - 1]!, data[k * n + k]!];
    let size = Math.abs(above) + Math.abs(own);
    if (size === 0) {
      if (k - 2 >= low) size += Math.abs(data[(k - 1) * n + k - 2]!);
      if (k + 1 < high) size += Math.abs(data[(k + 1) * n + k]!);
    }
    if (beside > Number.EPSILON * size) continue;
    const across = Math.abs(data[(k - 1) * n + k]!);
    const [ab, ba] = [Math.max(beside, across), Math.min(beside, across)];
    const apart = Math.abs(above - own);
    const [aa, bb] = [Math.max(Math.abs(own), apart), Math.min(Math.abs(own), apart)];
    if (ba * (ab / (aa + ab)) <= Math.max(dropped, Number.EPSILON * (bb * (aa / (aa + ab))))) break;
  }
  return k;
}

/** real ± i·im, or a real one twice. */
interface Shifts {
  readonly real: number;
  readonly im: number;
}

/**
 * The eigenvalues of the last two rows; of real ones that nearer to the corner, twice. Every tenth sweep has strange ones: some
 * matrices, a cyclic shift among them, stay what they are under their own.
 */
function shiftsOf(data: Float64Array, n: number, first: number, last: number, sweeps: number): Shifts {
  const at = (i: number, j: number): number => data[i * n + j]!;
  let [a, b, c, d] = [at(last - 1, last - 1), at(last - 1, last), at(last, last - 1), at(last, last)];
  if (sweeps % strangeSweeps === strangeSweeps - 1) {
    const isTop = sweeps % (2 * strangeSweeps) === strangeSweeps - 1;
    const s = isTop
      ? Math.abs(at(first + 1, first)) + Math.abs(at(first + 2, first + 1))
      : Math.abs(c) + Math.abs(at(last - 1, last - 2));
    a = d = 0.75 * s + (isTop ? at(first, first) : d);
    b = -0.4375 * s;
    c = s;
  }
  const size = Math.abs(a) + Math.abs(b) + Math.abs(c) + Math.abs(d);
  if (size === 0) return { real: 0, im: 0 };
  const [p, q, r, s] = [a / size, b / size, c / size, d / size];
  const middle = 0.5 * (p + s);
  const square = (p - middle) * (s - middle) - q * r;
  const root = Math.sqrt(Math.abs(square));
  if (square >= 0) return { real: middle * size, im: root * size };
  const nearer = Math.abs(middle + root - s) <= Math.abs(middle - root - s) ? middle + root : middle - root;
  return { real: nearer * size, im: 0 };
}

/** One double-shift step on rows `first` … `last`, of which there are three or more. */
function sweep(h: Rows, first: number, last: number, wholeForm: boolean, z: Rows, { real, im }: Shifts): void {
  const { data, width: n } = h;
  const at = (i: number, j: number): number => data[i * n + j]!;
  // It may begin below two consecutive elements that are small together.
  let start = last - 2;
  let head: [number, number, number];
  for (; ; start--) {
    const own = at(start, start);
    const below = at(start + 1, start);
    const size = Math.abs(own - real) + im + Math.abs(below);
    const share = below / size;
    head = [
      share * at(start, start + 1) + (own - real) * ((own - real) / size) + im * (im / size),
      share * (own + at(start + 1, start + 1) - real - real),
      share * at(start + 2, start + 1),
    ];
    const sum = Math.abs(head[0]) + Math.abs(head[1]) + Math.abs(head[2]);
    head = [head[0] / sum, head[1] / sum, head[2] / sum];
    if (start === first) break;
    const around = Math.abs(at(start - 1, start - 1)) + Math.abs(own) + Math.abs(at(start + 1, start + 1));
    const coupling = Math.abs(at(start, start - 1)) * (Math.abs(head[1]) + Math.abs(head[2]));
    if (coupling <= Number.EPSILON * Math.abs(head[0]) * around) break;
  }
  for (let k = start; k < last; k++) {
    const count = Math.min(3, last - k + 1);
    const column =
      k > start ? Float64Array.from({ length: count }, (_, i) => at(k + i, k - 1)) : Float64Array.from(head);
    const r = reflector(column);
    if (k > start) for (let i = 0; i < count; i++) data[(k + i) * n + k - 1] = i === 0 ? r.beta : 0;
    else if (start > first) data[k * n + k - 1]! *= 1 - r.tau;
    reflectColumns(h, k, k, wholeForm ? n : last + 1, r);
    reflectRows(h, wholeForm ? 0 : first, Math.min(k + 4, last + 1), k, r);
    reflectColumns(z, k, 0, z.width, r);
  }
}

/** The eigenvalues of the block that ends at row `last`, and its standard form. */
function split(h: Rows, last: number, wholeForm: boolean, z: Rows, re: Float64Array, im: Float64Array): void {
  const { data, width: n } = h;
  const top = last - 1;
  const { block, c, s } = standardise(
    data[top * n + top]!,
    data[top * n + last]!,
    data[last * n + top]!,
    data[last * n + last]!,
  );
  re[top] = block[0];
  re[last] = block[3];
  im[top] = block[2] === 0 ? 0 : Math.sqrt(Math.abs(block[1])) * Math.sqrt(Math.abs(block[2]));
  im[last] = im[top] === 0 ? 0 : -im[top]!;
  if (wholeForm) {
    rotateRows(h, top, last, c, s);
    for (let i = 0; i <= last; i++) {
      const [x, y] = [data[i * n + top]!, data[i * n + last]!];
      data[i * n + top] = c * x + s * y;
      data[i * n + last] = c * y - s * x;
    }
    if (z.width > 0) rotateRows(z, top, last, c, s);
  }
  // Exactly, and without what rotations left in front of the block.
  data.fill(0, last * n, last * n + top);
  data[top * n + top] = block[0];
  data[top * n + last] = block[1];
  data[last * n + top] = block[2];
  data[last * n + last] = block[3];
}
