/** The Cauchy distribution. */
import type { Value } from '../core/trace.ts';
import { add, div, min, mul, neg, sub } from '../lax/arithmetic.ts';
import { gt, le, select } from '../lax/compare.ts';
import { atan2, exp, log, log1p, tan } from '../lax/transcendental.ts';
import { located, type OfLocation, ofProbability, quantile } from './operands.ts';

const logDensity = (z: Value, logScale: Value): Value => neg(add(log1p(mul(z, z)), add(logScale, Math.log(Math.PI))));

/** log of the density. */
export const logpdf: OfLocation = located('cauchy.logpdf', logDensity);
/** The density. */
export const pdf: OfLocation = located('cauchy.pdf', (z, logScale) => exp(logDensity(z, logScale)));
/** Without cancellation in the tail: the angle of (1, −z). */
const upTo = (z: Value): Value => div(atan2(1, neg(z)), Math.PI);
/** The probability of values up to x. */
export const cdf: OfLocation = located('cauchy.cdf', upTo);
/** log of `cdf`. */
export const logcdf: OfLocation = located('cauchy.logcdf', (z) => log(upTo(z)));
/** The probability of values above x. */
export const sf: OfLocation = located('cauchy.sf', (z) => upTo(neg(z)));
/** log of `sf`. */
export const logsf: OfLocation = located('cauchy.logsf', (z) => log(upTo(neg(z))));
/** The value below which there is a probability of q. */
export const ppf: OfLocation = quantile('cauchy.ppf', (q) => {
  // In the tails the cotangent of the smaller probability.
  const [below, edge] = [le(q, 0.5), min(q, sub(1, q))];
  const size = div(1, tan(mul(Math.PI, edge)));
  const tail = select(below, neg(size), size);
  return ofProbability(q, select(gt(edge, 0.25), tan(mul(Math.PI, sub(q, 0.5))), tail));
});
