/** The normal distribution. */
import type { Value } from '../core/trace.ts';
import { add, mul, neg, sub } from '../lax/arithmetic.ts';
import { exp } from '../lax/transcendental.ts';
import { logNdtr, ndtr, ndtri } from '../special/index.ts';
import { located, type OfLocation, quantile } from './operands.ts';

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
export const ppf: OfLocation = quantile('norm.ppf', (q) => ndtri(q));
/** The value above which there is a probability of q: the inverse of `sf`. */
export const isf: OfLocation = quantile('norm.isf', (q) => neg(ndtri(q)));
