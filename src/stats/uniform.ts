/** The uniform distribution between loc and loc + scale. */
import type { Value } from '../core/trace.ts';
import { neg, sub } from '../lax/arithmetic.ts';
import { ge, le, select } from '../lax/compare.ts';
import { and } from '../lax/logic.ts';
import { clamp } from '../lax/minmax.ts';
import { exp, log } from '../lax/transcendental.ts';
import { located, type OfLocation, ofProbability, quantile } from './operands.ts';

const logDensity = (z: Value, logScale: Value): Value =>
  select(and(ge(z, 0), le(z, 1)), neg(logScale), Number.NEGATIVE_INFINITY);

/** log of the density. */
export const logpdf: OfLocation = located('uniform.logpdf', logDensity);
/** The density. */
export const pdf: OfLocation = located('uniform.pdf', (z, logScale) => exp(logDensity(z, logScale)));
/** The probability of values up to x. */
export const cdf: OfLocation = located('uniform.cdf', (z) => clamp(0, z, 1));
/** log of `cdf`. */
export const logcdf: OfLocation = located('uniform.logcdf', (z) => log(clamp(0, z, 1)));
/** The probability of values above x. */
export const sf: OfLocation = located('uniform.sf', (z) => clamp(0, sub(1, z), 1));
/** log of `sf`. */
export const logsf: OfLocation = located('uniform.logsf', (z) => log(clamp(0, sub(1, z), 1)));
/** The value below which there is a probability of q. */
export const ppf: OfLocation = quantile('uniform.ppf', (q) => ofProbability(q, q));
