/** Singular values of one matrix, in JavaScript: the reference semantics of `svd`. */
import { negligible, patientSteps, tinyLength } from '../../../jit/runtime/linalg/spectral-constants.ts';
import {
  identityRows,
  negateRow,
  type Reflector,
  type Rows,
  reflector,
  reflectRows,
  rotateRows,
  sortRows,
} from './plane.ts';

export interface SingularValues {
  readonly values: Float64Array;
  /** A singular vector in each row; without columns if they are not wanted. */
  readonly left: Rows;
  readonly right: Rows;
}

/**
 * Householder reflections to bidiagonal form, then implicit QR (G. Golub and W. Kahan 1965; J. Demmel and W. Kahan, Accurate singular
 * values of bidiagonal matrices, 1990, for steps without a shift). `a` is m × n with m ≥ n, of elements about 1, and is overwritten; `vectors`
 * left ones are wanted: none, n or m. Undefined where the iteration does not end.
 */
export function singularValues(a: Float64Array, m: number, n: number, vectors: number): SingularValues | undefined {
  const { diagonal, beside, lefts, rights } = bidiagonal({ data: a, width: n }, m);
  const left = identityRows(vectors, vectors && m);
  const right = identityRows(vectors && n, vectors && n);
  if (vectors) {
    for (let k = n - 1; k >= 0; k--) reflectRows(left, k, vectors, k, lefts[k]!);
    for (let k = n - 2; k >= 0; k--) reflectRows(right, k + 1, n, k + 1, rights[k]!);
  }
  if (!implicitQr(diagonal, beside, left, right)) return undefined;
  sortRows(diagonal, (x, y) => x > y, [left, right]);
  return { values: diagonal, left, right };
}

function bidiagonal(a: Rows, m: number) {
  const { data, width: n } = a;
  const diagonal = new Float64Array(n);
  const beside = new Float64Array(n);
  const [lefts, rights]: [Reflector[], Reflector[]] = [[], []];
  for (let k = 0; k < n; k++) {
    const column = reflector(Float64Array.from({ length: m - k }, (_, i) => data[(k + i) * n + k]!));
    lefts.push(column);
    diagonal[k] = column.beta;
    for (let j = k + 1; j < n && column.tau !== 0; j++) {
      let product = 0;
      for (let i = k; i < m; i++) product += column.v[i - k]! * data[i * n + j]!;
      for (let i = k; i < m; i++) data[i * n + j]! -= column.tau * column.v[i - k]! * product;
    }
    if (k === n - 1) break;
    const row = reflector(data.slice(k * n + k + 1, (k + 1) * n));
    rights.push(row);
    beside[k] = row.beta;
    reflectRows(a, k + 1, m, k + 1, row);
  }
  return { diagonal, beside, lefts, rights };
}

/** c and s with c·f + s·g = r = √(f² + g²). */
function rotation(f: number, g: number): [c: number, s: number, r: number] {
  const scale = Math.max(Math.abs(f), Math.abs(g)) < tinyLength ? 2 ** 600 : 1;
  const [x, y] = [f * scale, g * scale];
  const r = Math.sqrt(x * x + y * y);
  return r === 0 ? [1, 0, 0] : [x / r, y / r, r / scale];
}

/** Leaves the singular values in d and turns the rows of u and v along; false after 60 steps for each value. */
function implicitQr(d: Float64Array, e: Float64Array, u: Rows, v: Rows): boolean {
  let left = 60 * d.length;
  let patience = patientSteps;
  // Where many steps have changed nothing, rounding errors of larger elements keep it from becoming smaller.
  let least = negligible;
  for (let end = d.length; end > 0; ) {
    const last = end - 1;
    // The block of rows first … last, in which nothing beside the diagonal is negligible.
    let first = last;
    while (first > 0) {
      const size = Math.abs(d[first - 1]!) + Math.abs(d[first]!);
      if (Math.abs(e[first - 1]!) <= Number.EPSILON * size + least) {
        e[first - 1] = 0;
        break;
      }
      first--;
    }
    if (first === last) {
      if (d[last]! < 0) negateRow(v, last);
      d[last] = Math.abs(d[last]!);
      end--;
      patience = patientSteps;
      continue;
    }
    if (left-- === 0) return false;
    if (patience-- === 0) {
      const largest = Math.max(...d.map(Math.abs), ...e.map(Math.abs));
      least = Math.max(least, (Number.EPSILON / 8) * largest);
    }
    const shift = shiftOf(d, e, first, last);
    if (shift === 0) unshiftedStep(d, e, first, last, u, v);
    else step(d, e, first, last, shift, u, v);
  }
  return true;
}

/** The smaller singular value of the trailing 2×2; 0 where that is negligible, or an element of the diagonal is. */
function shiftOf(d: Float64Array, e: Float64Array, first: number, last: number): number {
  let [least, largest] = [Number.POSITIVE_INFINITY, 0];
  for (let i = first; i <= last; i++) {
    least = Math.min(least, Math.abs(d[i]!));
    largest = Math.max(largest, Math.abs(d[i]!), i < last ? Math.abs(e[i]!) : 0);
  }
  if (least <= Number.EPSILON * largest) return 0;
  const [x, y, z] = [Math.abs(d[last - 1]!), Math.abs(d[last]!), Math.abs(e[last - 1]!)];
  const [short, long] = [Math.min(x, y), Math.max(x, y)];
  const most = Math.max(long, z);
  const [sum, difference, beside] = [(long + short) / most, (long - short) / most, z / most];
  const square = beside * beside;
  const length = Math.sqrt(sum * sum + square) + Math.sqrt(difference * difference + square);
  const shift = ((2 * short) / length) * (long / most);
  const ratio = shift / Math.abs(d[first]!);
  return ratio * ratio < Number.EPSILON ? 0 : shift;
}

function step(d: Float64Array, e: Float64Array, first: number, last: number, shift: number, u: Rows, v: Rows): void {
  const head = d[first]!;
  let f = (Math.abs(head) - shift) * (Math.sign(head) + shift / head);
  let g = e[first]!;
  for (let j = first; j < last; j++) {
    let [c, s, r] = rotation(f, g);
    if (j > first) e[j - 1] = r;
    f = c * d[j]! + s * e[j]!;
    e[j] = c * e[j]! - s * d[j]!;
    g = s * d[j + 1]!;
    d[j + 1]! *= c;
    rotateRows(v, j, j + 1, c, s);
    [c, s, r] = rotation(f, g);
    d[j] = r;
    f = c * e[j]! + s * d[j + 1]!;
    d[j + 1] = c * d[j + 1]! - s * e[j]!;
    g = s * e[j + 1]!;
    e[j + 1]! *= c;
    rotateRows(u, j, j + 1, c, s);
  }
  e[last - 1] = f;
}

/**
 * Without a shift nothing is subtracted, so that small singular values keep their digits. An element 0 of the diagonal is at the end
 * after one step, and decoupled.
 */
function unshiftedStep(d: Float64Array, e: Float64Array, first: number, last: number, u: Rows, v: Rows): void {
  let [c, s, r] = [1, 0, 0];
  let [c2, s2] = [1, 0];
  for (let j = first; j < last; j++) {
    [c, s, r] = rotation(d[j]! * c, e[j]!);
    if (j > first) e[j - 1] = s2 * r;
    rotateRows(v, j, j + 1, c, s);
    [c2, s2, r] = rotation(c2 * r, d[j + 1]! * s);
    d[j] = r;
    rotateRows(u, j, j + 1, c2, s2);
  }
  const end = d[last]! * c;
  d[last] = end * c2;
  e[last - 1] = end * s2;
}
