/** The Laplace distribution. */
import type { Value } from '../core/trace.ts';
import { abs, add, mul, neg, sub } from '../lax/arithmetic.ts';
import { le, select } from '../lax/compare.ts';
import { exp, log, log1p } from '../lax/transcendental.ts';
import { located, type OfLocation, ofProbability, quantile } from './operands.ts';

const logDensity = (z: Value, logScale: Value): Value => sub(neg(abs(z)), add(logScale, Math.LN2));

/** log of the density. */
export const logpdf: OfLocation = located('laplace.logpdf', logDensity);
/** The density. */
export const pdf: OfLocation = located('laplace.pdf', (z, logScale) => exp(logDensity(z, logScale)));
/** The probability of values up to x. */
export const cdf: OfLocation = located('laplace.cdf', upTo);

function upTo(z: Value): Value {
  const tail = mul(exp(neg(abs(z))), 0.5);
  return select(le(z, 0), tail, sub(1, tail));
}
/** log of `cdf`. */
export const logcdf: OfLocation = located('laplace.logcdf', logUpTo);
/** The probability of values above x. */
export const sf: OfLocation = located('laplace.sf', (z) => upTo(neg(z)));
/** log of `sf`. */
export const logsf: OfLocation = located('laplace.logsf', (z) => logUpTo(neg(z)));
/** The value below which there is a probability of q. */
export const ppf: OfLocation = quantile('laplace.ppf', (q) => {
  const below = le(q, 0.5);
  const size = log(mul(2, select(below, q, sub(1, q))));
  return ofProbability(q, select(below, size, neg(size)));
});

function logUpTo(z: Value): Value {
  const left = le(z, 0);
  const tail = log1p(mul(exp(neg(abs(z))), -0.5));
  return select(left, sub(z, Math.LN2), tail);
}
