/** The normal distribution. */
import type { ArrayLike, NDArray } from '../array.ts';
import { recorded } from '../core/recorded.ts';
import type { Value } from '../core/trace.ts';
import { add, mul, neg, sub } from '../lax/arithmetic.ts';
import { exp } from '../lax/transcendental.ts';
import { logNdtr, ndtr, ndtri } from '../special.ts';
import { floats, located, type OfLocation } from './operands.ts';

const logDensity = (z: Value, logScale: Value): Value =>
  sub(mul(mul(z, z), -0.5), add(logScale, 0.5 * Math.log(2 * Math.PI)));

/**
 * log of the density.
 *
 * @example
 * stats.norm.logpdf(0); // -0.9189385
 */
export const logpdf: OfLocation = located('norm.logpdf', logDensity);
/** The density. */
export const pdf: OfLocation = located('norm.pdf', (z, logScale) => exp(logDensity(z, logScale)));
/** The probability of values up to x. */
export const cdf: OfLocation = located('norm.cdf', (z) => ndtr(z));
/** log of `cdf`, accurate in both tails. */
export const logcdf: OfLocation = located('norm.logcdf', (z) => logNdtr(z));
/** The probability of values above x. */
export const sf: OfLocation = located('norm.sf', (z) => ndtr(neg(z)));
/** log of `sf`. */
export const logsf: OfLocation = located('norm.logsf', (z) => logNdtr(neg(z)));
/** The value below which there is a probability of q: the inverse of `cdf`. */
export const ppf: (q: ArrayLike, loc?: ArrayLike, scale?: ArrayLike) => NDArray = recorded((q, loc = 0, scale = 1) => {
  const [p, centre, width] = floats('norm.ppf', q, loc, scale) as [Value, Value, Value];
  return add(mul(ndtri(p), width), centre);
});
