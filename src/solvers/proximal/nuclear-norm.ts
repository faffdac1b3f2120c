/** The proximity operator of the nuclear norm. */
import type { ArrayLike, NDArray } from '../../array.ts';
import { customJvp } from '../../control/custom-jvp.ts';
import { ShapeError } from '../../core/errors.ts';
import type { Value } from '../../core/trace.ts';
import { add, div, max, mul, sub } from '../../lax/arithmetic.ts';
import { gt, select } from '../../lax/compare.ts';
import { or } from '../../lax/logic.ts';
import { svd } from '../../linalg/index.ts';
import { matmul } from '../../numpy/products.ts';
import { expandDims } from '../../numpy/shape.ts';
import { toFloating, toValue } from '../../promote.ts';

/** U·diag(d)·Vᵀ. */
const compose = (u: Value, d: Value, vh: Value): Value => matmul(mul(u, d), vh);

/**
 * g(Y) = strength·‖Y‖∗, the sum of the singular values, of a matrix: each is lowered by the threshold, or 0 (Cai, Candès and Shen, A
 * Singular Value Thresholding Algorithm for Matrix Completion, 2010). The derivative has no poles where singular values are
 * equal or 0.
 *
 * @throws ShapeError when x is not a matrix
 */
export function nuclear(x: NDArray, strength: ArrayLike = 1, scaling: ArrayLike = 1): NDArray {
  const name = 'prox.nuclear';
  const matrix = toFloating(x, name);
  if (matrix.ndim !== 2) throw new ShapeError(`${name}: x must be a matrix, but it is ${matrix.aval}.`);
  return shrink(matrix, mul(toValue(strength, name), toValue(scaling, name)).astype(matrix.dtype)) as Value;
}

const shrink = customJvp((x: Value, threshold: Value): Value => {
  const { u, s, vh } = svd(x, { fullMatrices: false });
  return compose(u, max(sub(s, threshold), 0), vh);
});

/**
 * With P = Uᵀ dX V and f(σ) = (σ − t)₊ the derivative in X is U·C·Vᵀ, where C has the symmetric part of P times (fᵢ − fⱼ)/(σᵢ − σⱼ)
 * and its antisymmetric part times (fᵢ + fⱼ)/(σᵢ + σⱼ) (Lewis and Sendov, Nonsmooth analysis of singular values, 2005), and what dX has
 * outside of the spaces of U and V times f/σ. The first quotient is 1 where both are above the threshold, and 0 where both are below.
 */
shrink.defjvp(([x, threshold]: Value[], [dx, dt]: Value[]) => {
  const { u, s, vh } = svd(x!, { fullMatrices: false });
  const above = gt(s, threshold!);
  const f = select(above, sub(s, threshold!), 0);
  const [row, column] = [(v: Value) => expandDims(v, 0), (v: Value) => expandDims(v, 1)];
  const quotient = (a: Value, b: Value): Value => {
    const isZero = b.eq(0);
    return select(isZero, 0, div(a, select(isZero, 1, b)));
  };
  const p = matmul(matmul(u.T, dx!), vh.T);
  const differences = select(
    column(above).eq(row(above)),
    select(or(column(above), row(above)), 1, 0),
    quotient(sub(column(f), row(f)), sub(column(s), row(s))),
  );
  const sums = quotient(add(column(f), row(f)), add(column(s), row(s)));
  const core = mul(add(mul(add(p, p.T), differences), mul(sub(p, p.T), sums)), 0.5);
  const ratio = quotient(f, s);
  const [m, n] = x!.shape as [number, number];
  // Columns or rows that the smaller factor leaves out.
  const outside =
    m >= n
      ? compose(sub(matmul(dx!, vh.T), matmul(u, p)), ratio, vh)
      : matmul(mul(u, ratio), sub(matmul(u.T, dx!), matmul(p, vh)));
  const lowered = compose(u, select(above, 1, 0).astype(s.dtype), vh);
  return [compose(u, f, vh), sub(add(matmul(matmul(u, core), vh), outside), mul(lowered, dt!))];
});
