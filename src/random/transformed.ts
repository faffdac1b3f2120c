/** Continuous distributions that are plain functions of uniform, normal or gamma numbers. */
import type { ArrayLike } from '../array.ts';
import { beforeOptions, checkNumbers, optionsOf } from '../core/options.ts';
import { recorded } from '../core/recorded.ts';
import { checkCount, checkShape, type ShapeLike } from '../core/shape.ts';
import type { Value } from '../core/trace.ts';
import { integerPow, mul, pow, sub } from '../lax/arithmetic.ts';
import { select } from '../lax/compare.ts';
import { convert } from '../lax/convert.ts';
import { sum } from '../lax/reductions.ts';
import { exp, log, log1p } from '../lax/transcendental.ts';
import { qr } from '../linalg/factor.ts';
import { diagonal } from '../numpy/matrices.ts';
import { expandDims, matrixTranspose } from '../numpy/shape.ts';
import { exponential, type FloatOptions, floatDType, normal, type Standard, uniform } from './continuous.ts';
import { rademacher } from './discrete.ts';
import { gamma, type OneParameter, parametersOf, type TwoParameters } from './gamma.ts';
import { keyWords, subkey } from './keys.ts';

/** From the Pareto distribution on [1, ∞), with density b·x^(−b−1). */
export const pareto: OneParameter = recorded((k, b, shape, options) => {
  const { size, dtype, values } = parametersOf('pareto', k, [b], shape, options);
  return exp(exponential(k, size, { dtype }).div(values[0]!));
}, 2);

/** From the distribution on [0, 1] with density a·x^(a−1). */
export const power: OneParameter = recorded((k, a, shape, options) => {
  const { size, dtype, values } = parametersOf('power', k, [a], shape, options);
  return exp(exponential(k, size, { dtype }).neg().div(values[0]!));
}, 2);

/** From the Rayleigh distribution: the length of a vector of two normal numbers with standard deviation `scale`. */
export const rayleigh: OneParameter = recorded((k, scale, shape, options) => {
  const { size, dtype, values } = parametersOf('rayleigh', k, [scale], shape, options);
  return values[0]!.mul(
    log(uniform(k, size, { dtype }))
      .mul(-2)
      .sqrt(),
  );
}, 2);

/**
 * From the Wald (inverse Gaussian) distribution with scale 1 and the given mean (Michael, Schucany and Haas, Am. Stat. 30, 1976).
 */
export const wald: OneParameter = recorded((k, mean, shape, options) => {
  const { size, dtype, values } = parametersOf('wald', k, [mean], shape, options);
  const m = values[0]!;
  const y = integerPow(normal(subkey('wald', k, 0), size, { dtype }), 2);
  const z = uniform(subkey('wald', k, 1), size, { dtype });
  const my = m.mul(y);
  const root = my.mul(4).add(my.mul(my)).sqrt();
  // The smaller root of a quadratic; 2m/(2 + m·y + √…) has no cancellation.
  const x = m.mul(2).div(my.add(root).add(2));
  return select(z.le(m.div(m.add(x))), x, m.mul(m).div(x));
}, 2);

/** From the Weibull distribution: scale · (−log(1 − u))^(1/concentration). */
export const weibullMin: TwoParameters = recorded((k, scale, concentration, shape, options) => {
  const { size, dtype, values } = parametersOf('weibullMin', k, [scale, concentration], shape, options);
  const [s, c] = values as [Value, Value];
  return pow(log1p(uniform(k, size, { dtype }).neg()).neg(), c.reciprocal()).mul(s);
}, 3);

/** e to the power of a normal number with standard deviation `sigma`. */
export const lognormal: OneParameter = recorded((k, sigma, shape, options) => {
  const { size, dtype, values } = parametersOf('lognormal', k, [sigma], shape, options);
  return exp(normal(k, size, { dtype }).mul(values[0]!));
}, 2);

/** From the triangular distribution between `left` and `right`, with its peak at `mode`. */
export const triangular: (
  k: ArrayLike,
  left: ArrayLike,
  mode: ArrayLike,
  right: ArrayLike,
  shape?: ShapeLike | FloatOptions,
  options?: FloatOptions,
) => Value = recorded((k, left, mode, right, shape, options) => {
  const { size, dtype, values } = parametersOf('triangular', k, [left, mode, right], shape, options);
  const [low, peak, high] = values as [Value, Value, Value];
  const width = high.sub(low);
  const u = uniform(k, size, { dtype });
  const rising = low.add(u.mul(width).mul(peak.sub(low)).sqrt());
  const falling = high.sub(sub(1, u).mul(width).mul(high.sub(peak)).sqrt());
  return select(u.lt(peak.sub(low).div(width)), rising, falling);
}, 4);

/** From the Maxwell distribution: the length of a vector of three standard normal numbers. */
export const maxwell: Standard = recorded((k, shape, options) => {
  const [size = [], given] = beforeOptions<ShapeLike, FloatOptions>(shape, options);
  keyWords('maxwell', k);
  const vectors = normal(k, [...checkShape(size, 'maxwell'), 3], { dtype: floatDType('maxwell', given) });
  return sum(mul(vectors, vectors), { axis: -1 }).sqrt();
}, 1);

/** `maxwell` with a random sign, times `scale`, plus `loc`. */
export const doubleSidedMaxwell: TwoParameters = recorded((k, loc, scale, shape, options) => {
  const { size, dtype, values } = parametersOf('doubleSidedMaxwell', k, [loc, scale], shape, options);
  const [centre, width] = values as [Value, Value];
  const sign = convert(rademacher(subkey('doubleSidedMaxwell', k, 1), size), dtype);
  return sign
    .mul(maxwell(subkey('doubleSidedMaxwell', k, 0), size, { dtype }))
    .mul(width)
    .add(centre);
}, 3);

/** With density proportional to exp(−|x|ᵖ). */
export const generalizedNormal: OneParameter = recorded((k, p, shape, options) => {
  const { size, dtype, values } = parametersOf('generalizedNormal', k, [p], shape, options);
  const inverse = values[0]!.reciprocal();
  const size1 = gamma(subkey('generalizedNormal', k, 0), inverse, size, { dtype });
  return convert(rademacher(subkey('generalizedNormal', k, 1), size), dtype).mul(pow(size1, inverse));
}, 2);

/**
 * Uniform in the unit ball of d dimensions in the norm of order p (2): `f32[...shape, d]`.
 *
 * @example
 * ball(key(0), 3, [10]); // f32[10,3]
 */
export function ball(
  k: ArrayLike,
  d: number,
  shape?: ShapeLike | (FloatOptions & { p?: number }),
  options?: FloatOptions & { p?: number },
): Value {
  const [size = [], given] = beforeOptions<ShapeLike, FloatOptions & { p?: number }>(shape, options);
  keyWords('ball', k);
  checkCount(d, 'ball', 'the dimension');
  const { p = 2, dtype: wanted } = optionsOf('ball', given, ['p', 'dtype']);
  checkNumbers('ball', given, ['p']);
  const dtype = floatDType('ball', wanted === undefined ? {} : { dtype: wanted });
  const lead = checkShape(size, 'ball');
  const g = generalizedNormal(subkey('ball', k, 0), p, [...lead, d], { dtype });
  const e = exponential(subkey('ball', k, 1), lead, { dtype });
  const norm = pow(sum(pow(g.abs(), p), { axis: -1 }).add(e), 1 / p);
  return g.div(expandDims(norm, -1));
}

/**
 * Orthogonal matrices `f32[...shape, n, m]`, with m = n when left out, uniform in Haar's measure: columns orthonormal for n ≥ m, rows
 * otherwise.
 */
export function orthogonal(
  k: ArrayLike,
  n: number,
  shape?: ShapeLike | (FloatOptions & { m?: number }),
  options?: FloatOptions & { m?: number },
): Value {
  const [size = [], given] = beforeOptions<ShapeLike, FloatOptions & { m?: number }>(shape, options);
  keyWords('orthogonal', k);
  checkCount(n, 'orthogonal', 'the number of rows');
  const { m = n, dtype: wanted } = optionsOf('orthogonal', given, ['m', 'dtype']);
  checkCount(m, 'orthogonal', '`m`');
  const dtype = floatDType('orthogonal', wanted === undefined ? {} : { dtype: wanted });
  const lead = checkShape(size, 'orthogonal');
  const [q, r] = qr(normal(k, [...lead, Math.max(n, m), Math.min(n, m)], { dtype })) as [Value, Value];
  // The signs of R's diagonal make the distribution uniform, whichever signs the factorisation chose.
  const signs = diagonal(r, { axis1: -2, axis2: -1 }).sign();
  const x = q.mul(expandDims(signs, -2));
  return n < m ? matrixTranspose(x) : x;
}
