/** The normal distribution of vectors. */
import type { ArrayLike, NDArray } from '../array.ts';
import { ShapeError } from '../core/errors.ts';
import { recorded } from '../core/recorded.ts';
import { broadcastShapes, sizeOf } from '../core/shape.ts';
import type { Value } from '../core/trace.ts';
import { add, mul, sub } from '../lax/arithmetic.ts';
import { broadcastTo, reshape, transpose } from '../lax/movement.ts';
import { sum } from '../lax/reductions.ts';
import { exp, log } from '../lax/transcendental.ts';
import { cholesky, solveTriangular } from '../linalg/factor.ts';
import { diagonal } from '../numpy/matrices.ts';
import { promoteDTypes, toFloating } from '../promote.ts';

/**
 * log of the density at vectors along the last axis of `x`, for a mean and a covariance matrix (or stacks of them).
 *
 * @example
 * stats.multivariateNormal.logpdf(np.zeros([2]), np.zeros([2]), np.eye(2)); // -1.837877
 */
export const logpdf: (x: ArrayLike, mean: ArrayLike, cov: ArrayLike) => NDArray = recorded((x, mean, cov) =>
  logDensity('multivariateNormal.logpdf', x, mean, cov),
);
/** The density. */
export const pdf: (x: ArrayLike, mean: ArrayLike, cov: ArrayLike) => NDArray = recorded((x, mean, cov) =>
  exp(logDensity('multivariateNormal.pdf', x, mean, cov)),
);

function logDensity(name: string, ...given: [ArrayLike, ArrayLike, ArrayLike]): Value {
  const [x, mean, cov] = promoteDTypes(name, given).map((v) => toFloating(v, name)) as [Value, Value, Value];
  const n = cov.shape.at(-1);
  if (cov.ndim < 2 || cov.shape.at(-2) !== n || x.shape.at(-1) !== n || (mean.ndim > 0 && mean.shape.at(-1) !== n))
    throw new ShapeError(`${name}: x ${x.aval}, mean ${mean.aval} and covariance ${cov.aval} do not fit.`);
  const factor = cholesky(cov);
  const logDeterminant = sum(log(diagonal(factor, { axis1: -2, axis2: -1 })), { axis: -1 });
  return sub(
    mul(squaredNorms(name, factor, sub(x, mean)), -0.5),
    add(logDeterminant, 0.5 * n! * Math.log(2 * Math.PI)),
  );
}

/** ‖L⁻¹ d‖² of each vector: those that share a matrix are the right-hand sides of one system. */
function squaredNorms(name: string, factor: Value, d: Value): Value {
  const n = factor.shape.at(-1)!;
  const lead = d.shape.slice(0, -1);
  if (factor.ndim === 2) {
    const z = solveTriangular(factor, transpose(reshape(d, [sizeOf(lead), n])), { lower: true });
    return reshape(sum(mul(z, z), { axis: 0 }), lead);
  }
  const stack = broadcastShapes(lead, factor.shape.slice(0, -2));
  if (!stack) throw new ShapeError(`${name}: vectors ${d.aval} and matrices ${factor.aval} do not fit.`);
  const column = reshape(broadcastTo(d, [...stack, n]), [...stack, n, 1]);
  const z = solveTriangular(broadcastTo(factor, [...stack, n, n]), column, { lower: true });
  return sum(mul(z, z), { axis: [-2, -1] });
}
