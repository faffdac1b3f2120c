/** Eigenvalues of one symmetric matrix, in JavaScript: the reference semantics of `eigh`. */
import { negligible } from '../../../jit/runtime/linalg/spectral-constants.ts';
import { identityRows, type Reflector, type Rows, reflector, reflectRows, rotateRows, sortRows } from './plane.ts';

export interface SymmetricEigen {
  readonly values: Float64Array;
  /** An eigenvector in each row; without columns if they are not wanted. */
  readonly vectors: Rows;
}

/**
 * Householder reflections to tridiagonal form, then implicit QL (Golub & Van Loan, Matrix Computations, 4th ed., § 8.3;
 * the shifts are those of EISPACK's `tql2`). `a` holds both triangles of elements about 1 and is overwritten. Undefined
 * where the iteration does not end.
 */
export function symmetricEigen(a: Float64Array, n: number, wanted: boolean): SymmetricEigen | undefined {
  const { diagonal, beside, reflectors } = tridiagonal(a, n);
  const vectors = identityRows(n, wanted ? n : 0);
  if (wanted) for (let k = n - 2; k >= 0; k--) reflectRows(vectors, k + 1, n, k + 1, reflectors[k]!);
  if (!implicitQl(diagonal, beside, vectors)) return undefined;
  sortRows(diagonal, (x, y) => x < y, [vectors]);
  return { values: diagonal, vectors };
}

function tridiagonal(a: Float64Array, n: number) {
  const diagonal = new Float64Array(n);
  const beside = new Float64Array(n);
  const reflectors: Reflector[] = [];
  const p = new Float64Array(n);
  for (let k = 0; k < n; k++) {
    diagonal[k] = a[k * n + k]!;
    if (k === n - 1) break;
    const r = reflector(a.slice(k * n + k + 1, (k + 1) * n));
    reflectors.push(r);
    beside[k] = r.beta;
    if (r.tau === 0) continue;
    const { v, tau } = r;
    // (I − τvvᵀ)·A·(I − τvvᵀ) = A − v·wᵀ − w·vᵀ with w = p − ½τ(pᵀv)·v and p = τ·A·v.
    let product = 0;
    for (let i = k + 1; i < n; i++) {
      let sum = 0;
      for (let j = k + 1; j < n; j++) sum += a[i * n + j]! * v[j - k - 1]!;
      p[i] = tau * sum;
      product += p[i]! * v[i - k - 1]!;
    }
    for (let i = k + 1; i < n; i++) p[i]! -= 0.5 * tau * product * v[i - k - 1]!;
    for (let i = k + 1; i < n; i++) {
      for (let j = k + 1; j < n; j++) a[i * n + j]! -= v[i - k - 1]! * p[j]! + p[i]! * v[j - k - 1]!;
    }
  }
  return { diagonal, beside, reflectors };
}

/** Leaves the eigenvalues in d and turns the rows of z along; false after 30 steps for each eigenvalue. */
function implicitQl(d: Float64Array, e: Float64Array, z: Rows): boolean {
  const n = d.length;
  let left = 30 * n;
  for (let l = 0; l < n; l++) {
    for (;;) {
      let m = l;
      while (m < n - 1) {
        if (Math.abs(e[m]!) <= Number.EPSILON * (Math.abs(d[m]!) + Math.abs(d[m + 1]!)) + negligible) break;
        m++;
      }
      if (m === l) break;
      if (left-- === 0) return false;
      let g = (d[l + 1]! - d[l]!) / (2 * e[l]!);
      let r = Math.sqrt(g * g + 1);
      g = d[m]! - d[l]! + e[l]! / (g >= 0 ? g + r : g - r);
      let [s, c, p] = [1, 1, 0];
      let i = m - 1;
      for (; i >= l; i--) {
        const f = s * e[i]!;
        const b = c * e[i]!;
        r = Math.sqrt(f * f + g * g);
        e[i + 1] = r;
        if (r === 0) {
          d[i + 1]! -= p;
          e[m] = 0;
          break;
        }
        s = f / r;
        c = g / r;
        g = d[i + 1]! - p;
        r = (d[i]! - g) * s + 2 * c * b;
        p = s * r;
        d[i + 1] = g + p;
        g = c * r - b;
        rotateRows(z, i, i + 1, c, -s);
      }
      if (i >= l) continue;
      d[l]! -= p;
      e[l] = g;
      e[m] = 0;
    }
  }
  return true;
}
