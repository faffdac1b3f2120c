/** The logistic distribution. */
import type { Value } from '../core/trace.ts';
import { abs, add, mul, neg } from '../lax/arithmetic.ts';
import { exp, log1p, logistic } from '../lax/transcendental.ts';
import { located, type OfLocation } from './operands.ts';

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
