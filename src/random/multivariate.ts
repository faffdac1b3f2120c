/** Random vectors. */
import type { ArrayLike } from '../array.ts';
import { ShapeError } from '../core/errors.ts';
import { beforeOptions, optionsOf } from '../core/options.ts';
import { broadcastShapes, checkShape, type ShapeLike } from '../core/shape.ts';
import type { Value } from '../core/trace.ts';
import { add } from '../lax/arithmetic.ts';
import { convert } from '../lax/convert.ts';
import { cholesky } from '../lax/linalg.ts';
import { matmul } from '../numpy/products.ts';
import { expandDims, matrixTranspose, squeeze } from '../numpy/shape.ts';
import { promoteDTypes, toFloating } from '../promote.ts';
import { type FloatOptions, floatDType, normal } from './continuous.ts';
import { keyWords } from './keys.ts';

/**
 * Normal vectors along the last axis, with a mean and a covariance matrix, or stacks of them: mean + L z for the Cholesky
 * factor L of the covariance. `shape` is that in front of the vectors, to which those stacks broadcast.
 *
 * @example
 * multivariateNormal(key(0), np.zeros([2]), np.eye(2), [5]); // f32[5,2]
 * @throws ShapeError when mean and covariance do not fit
 */
export function multivariateNormal(
  k: ArrayLike,
  mean: ArrayLike,
  cov: ArrayLike,
  shape?: ShapeLike | FloatOptions,
  options?: FloatOptions,
): Value {
  const name = 'multivariateNormal';
  const [size, given] = beforeOptions<ShapeLike, FloatOptions>(shape, options);
  keyWords(name, k);
  const { dtype: wanted } = optionsOf(name, given, ['dtype']);
  const [m, c] = promoteDTypes(name, [mean, cov]).map((v) => toFloating(v, name)) as [Value, Value];
  const n = m.shape.at(-1);
  if (n === undefined || c.ndim < 2 || c.shape.at(-1) !== n || c.shape.at(-2) !== n)
    throw new ShapeError(`${name}: the mean ${m.aval} and the covariance ${c.aval} do not fit.`);
  const dtype = floatDType(name, { dtype: wanted ?? m.dtype });
  const lead =
    size === undefined ? broadcastShapes(m.shape.slice(0, -1), c.shape.slice(0, -2)) : checkShape(size, name);
  if (!lead) throw new ShapeError(`${name}: the mean ${m.aval} and the covariance ${c.aval} do not fit.`);
  const z = normal(k, [...lead, n], { dtype });
  const factor = cholesky(convert(c, dtype));
  const spread =
    factor.ndim === 2 ? matmul(z, matrixTranspose(factor)) : squeeze(matmul(factor, expandDims(z, -1)), { axis: -1 });
  return add(convert(m, dtype), spread);
}
