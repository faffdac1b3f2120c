/** The logistic distribution. */
import type { Value } from '../core/trace.ts';
import { abs, add, min, mul, neg, sub } from '../lax/arithmetic.ts';
import { exp, log1p, logistic } from '../lax/transcendental.ts';
import { logit } from '../special/elementary.ts';
import { located, type OfLocation, ofProbability, quantile } from './operands.ts';

/** The density is even: −|z| − 2 log(1 + e⁻|ᶻ|), without overflow. */
const logDensity = (z: Value, logScale: Value): Value => {
  const size = abs(z);
  return neg(add(size, add(mul(log1p(exp(neg(size))), 2), logScale)));
};

/** log of the density. */
export const logpdf: OfLocation = located('logistic.logpdf', logDensity);
/** The density. */
export const pdf: OfLocation = located('logistic.pdf', (z, logScale) => exp(logDensity(z, logScale)));
/** The probability of values up to x. */
export const cdf: OfLocation = located('logistic.cdf', (z) => logistic(z));
/** The probability of values above x. */
export const sf: OfLocation = located('logistic.sf', (z) => logistic(neg(z)));
/** log of `cdf`, without overflow. */
export const logcdf: OfLocation = located('logistic.logcdf', logUpTo);
/** log of `sf`. */
export const logsf: OfLocation = located('logistic.logsf', (z) => logUpTo(neg(z)));
/** The value below which there is a probability of q: `special.logit`. */
export const ppf: OfLocation = quantile('logistic.ppf', (q) => ofProbability(q, logit(q)));

/** −log(1 + e⁻ᶻ) = min(z, 0) − log(1 + e⁻|ᶻ|). */
function logUpTo(z: Value): Value {
  return sub(min(z, 0), log1p(exp(neg(abs(z)))));
}
