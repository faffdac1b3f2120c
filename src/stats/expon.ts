/** The exponential distribution, from loc on with mean loc + scale. */
import type { Value } from '../core/trace.ts';
import { max, neg, sub } from '../lax/arithmetic.ts';
import { ge } from '../lax/compare.ts';
import { exp, expm1, log, log1p } from '../lax/transcendental.ts';
import { located, type OfLocation, ofProbability, onSupport, quantile } from './operands.ts';

const logDensity = (z: Value, logScale: Value): Value => onSupport(ge(z, 0), z, 0, (y) => sub(neg(y), logScale));

/** log of the density. */
export const logpdf: OfLocation = located('expon.logpdf', logDensity);
/** The density. */
export const pdf: OfLocation = located('expon.pdf', (z, logScale) => exp(logDensity(z, logScale)));
/** The probability of values up to x. */
export const cdf: OfLocation = located('expon.cdf', (z) => neg(expm1(neg(max(z, 0)))));
/** The probability of values above x. */
export const sf: OfLocation = located('expon.sf', (z) => exp(neg(max(z, 0))));
/** log of `cdf`. */
export const logcdf: OfLocation = located('expon.logcdf', (z) => log(neg(expm1(neg(max(z, 0))))));
/** log of `sf`. */
export const logsf: OfLocation = located('expon.logsf', (z) => neg(max(z, 0)));
/** The value below which there is a probability of q. */
export const ppf: OfLocation = quantile('expon.ppf', (q) => ofProbability(q, neg(log1p(neg(q)))));
