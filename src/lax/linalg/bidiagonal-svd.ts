/** Singular values of one matrix, in JavaScript: the reference semantics of `svd`. */
import { negligible } from '../../../jit/runtime/linalg/spectral-constants.ts';
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
 * Householder reflections to bidiagonal form, then implicit QR (Golub & Kahan 1965; the steps are those of LINPACK's
 * `dsvdc`, with the shift from the trailing 2×2). `a` is m × n with m ≥ n, of elements about 1, and is overwritten; `vectors`
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
  const r = Math.sqrt(f * f + g * g);
  return r === 0 ? [1, 0, 0] : [f / r, g / r, r];
}

/** Leaves the singular values in d and turns the rows of u and v along; false after 60 steps for each value. */
function implicitQr(d: Float64Array, e: Float64Array, u: Rows, v: Rows): boolean {
  let left = 60 * d.length;
  const small = (x: number, size: number) => Math.abs(x) <= Number.EPSILON * size + negligible;
  for (let end = d.length; end > 0; ) {
    const last = end - 1;
    // The block of rows first … last, in which nothing beside the diagonal is negligible.
    let first = last;
    while (first > 0) {
      if (small(e[first - 1]!, Math.abs(d[first - 1]!) + Math.abs(d[first]!))) {
        e[first - 1] = 0;
        break;
      }
      first--;
    }
    if (first === last) {
      if (d[last]! < 0) {
        d[last]! *= -1;
        negateRow(v, last);
      }
      end--;
      continue;
    }
    if (left-- === 0) return false;
    // A negligible diagonal element decouples: rotations move what stands beside it out of its row, or its column.
    let zero = last;
    while (zero >= first) {
      const beside = (zero < last ? Math.abs(e[zero]!) : 0) + (zero > first ? Math.abs(e[zero - 1]!) : 0);
      if (small(d[zero]!, beside)) break;
      zero--;
    }
    if (zero === last) {
      d[last] = 0;
      let f = e[last - 1]!;
      e[last - 1] = 0;
      for (let j = last - 1; j >= first; j--) {
        const [c, s, r] = rotation(d[j]!, f);
        d[j] = r;
        if (j > first) {
          f = -s * e[j - 1]!;
          e[j - 1]! *= c;
        }
        rotateRows(v, j, last, c, s);
      }
    } else if (zero >= first) {
      d[zero] = 0;
      let f = e[zero]!;
      e[zero] = 0;
      for (let j = zero + 1; j <= last; j++) {
        const [c, s, r] = rotation(d[j]!, f);
        d[j] = r;
        f = -s * e[j]!;
        e[j]! *= c;
        rotateRows(u, j, zero, c, s);
      }
    } else {
      step(d, e, first, last, u, v);
    }
  }
  return true;
}

/** One step of QR on the block, with an eigenvalue of the trailing 2×2 of BᵀB as the shift. */
function step(d: Float64Array, e: Float64Array, first: number, last: number, u: Rows, v: Rows): void {
  const [x, y, z] = [d[last]!, d[last - 1]!, e[last - 1]!];
  const b = ((y + x) * (y - x) + z * z) / 2;
  const c2 = x * z * (x * z);
  const root = Math.sqrt(b * b + c2);
  const divisor = b < 0 ? b - root : b + root;
  const shift = divisor === 0 ? 0 : c2 / divisor;
  let f = (d[first]! + x) * (d[first]! - x) + shift;
  let g = d[first]! * e[first]!;
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
