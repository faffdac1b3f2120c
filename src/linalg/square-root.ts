/** Square roots of matrices. */
import type { ArrayLike } from '../array.ts';
import { ComplexArray } from '../complex/complex-array.ts';
import { sqrt as complexSqrt } from '../complex/exponential.ts';
import { customJvp } from '../control/custom-jvp.ts';
import { recordedList } from '../core/recorded.ts';
import type { Value } from '../core/trace.ts';
import { abs, add, div, mul, sqrt, sub } from '../lax/arithmetic.ts';
import { eq, lt, ne, select } from '../lax/compare.ts';
import { matrixProduct, realProduct, rowSums, transposed } from '../lax/linalg/complex-matrices.ts';
import { eig, schur, triangularRoot } from '../lax/linalg.ts';
import { and, or } from '../lax/logic.ts';
import { max } from '../lax/minmax.ts';
import { conjugate, mapped, type Planes, product, quotient, reciprocal, sum as sumOf } from '../lax/planes.ts';
import { any, sum } from '../lax/reductions.ts';
import { expandDims } from '../lax/slicing.ts';
import { eye, zeros } from '../numpy/creation.ts';
import { triu } from '../numpy/matrices.ts';
import { matrixTranspose } from '../numpy/shape.ts';
import { square } from './operands.ts';

/**
 * The complex Schur form of a real one: blocks [[α, β], [γ, α]] have the eigenvalue α + iμ, μ = √(−βγ), with the vector (β, iμ), so that the unitary matrix whose blocks
 * are [[β, iμ], [iμ, β]] / √(β² + μ²) makes all of them triangular at once.
 */
function complexForm(t: Value, z: Value): { t: Planes; z: Planes } {
  const n = t.shape.at(-1)!;
  const one = eye(n, n, { dtype: t.dtype });
  const below = mul(t, eye(n, n, { dtype: t.dtype, k: -1 }));
  const inBlock = ne(below, 0);
  // β and γ where γ stands.
  const [beta, gamma] = [select(inBlock, matrixTranspose(t), 1), select(inBlock, below, -1)];
  const mu = mul(sqrt(abs(beta)), sqrt(abs(gamma)));
  const largest = max(abs(beta), mu);
  const [b, m] = [div(beta, largest), div(mu, largest)];
  const length = sqrt(add(mul(b, b), mul(m, m)));
  const only = (x: Value): Value => select(inBlock, x, 0);
  const side = only(div(m, length));
  const difference = only(sub(div(b, length), 1));
  const onDiagonal = add(sum(difference, { axis: -1 }), sum(difference, { axis: -2 }));
  const q: Planes = [mul(one, expandDims(add(onDiagonal, 1), [-1])), add(side, matrixTranspose(side))];
  const turned = matrixProduct(conjugate(q), realProduct(t, q));
  return { t: mapped((x) => triu(x), turned), z: realProduct(z, q) };
}

const rootOf: (a: Value) => Value[] = recordedList((a) => {
  const n = a.shape.at(-1)!;
  const [t, z] = schur(a);
  const form = complexForm(t, z);
  const [x, y] = matrixProduct(form.z, matrixProduct(triangularRoot(form.t), transposed(conjugate(form.z))));
  // Without negative eigenvalues it is real.
  const one = eye(n, n, { dtype: a.dtype });
  const [re, im] = mapped((plane) => sum(mul(plane, one), { axis: -1 }), form.t);
  const isComplex = expandDims(any(and(lt(re, 0), eq(im, 0)), { axis: -1 }), [-2, -1]);
  const isNan = ne(y, y);
  return [x, select(or(isComplex, isNan), y, 0)];
});

const squareRoot = customJvp((a: Value) => rootOf(a));
/** X·Ẋ + Ẋ·X = Ȧ: with A = V·Λ·V⁻¹, the elements of V⁻¹·Ẋ·V are those of V⁻¹·Ȧ·V over √λᵢ + √λⱼ. */
squareRoot.defjvp(([a], [da]) => {
  const [re, im] = squareRoot(a) as unknown as [Value, Value];
  const [w, vl, vr] = eig(a);
  const planes = ({ real, imag }: ComplexArray): Planes => [real, imag];
  const [left, right] = [conjugate(planes(vl)), planes(vr)];
  const overlaps = mapped((x) => expandDims(x, [-1]), reciprocal(rowSums(product(left, right))));
  const inverse = product(transposed(left), overlaps);
  const roots = planes(complexSqrt(w));
  const divisors = sumOf(
    mapped((x) => expandDims(x, [-1]), roots),
    mapped((x) => expandDims(x, [-2]), roots),
  );
  const inVectors = quotient(matrixProduct(inverse, realProduct(da as Value, right)), divisors);
  const change = matrixProduct(right, matrixProduct(inVectors, inverse));
  return [[re, im], [...change]] as any;
});

/**
 * The principal square root x of a square matrix, x x = a, whose eigenvalues have real parts that are not negative: always complex, with an imaginary part that is 0 if no
 * eigenvalue is negative. By the complex Schur form (Å. Björck and S. Hammarling, A Schur method for the square root of a matrix, 1983). A singular matrix may have none: then
 * elements are infinite or NaN. Its derivative needs a basis of eigenvectors, and an `a` that is not singular. Over leading batch axes.
 *
 * @example
 * linalg.sqrtm(np.array([[5, 4], [4, 5]])).real; // [[2. 1.], [1. 2.]]
 * @throws ShapeError when `a` is not square
 */
export function sqrtm(a: ArrayLike): ComplexArray {
  const value = square('sqrtm', a);
  if (value.size === 0) return new ComplexArray(value, zeros(value.shape, { dtype: value.dtype }));
  const [re, im] = (value.isTracer ? squareRoot : rootOf)(value) as unknown as [Value, Value];
  return new ComplexArray(re, im);
}
