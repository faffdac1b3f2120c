/** The Cauchy distribution. */
import type { Value } from '../core/trace.ts';
import { add, div, mul, neg } from '../lax/arithmetic.ts';
import { atan, exp, log1p } from '../lax/transcendental.ts';
import { located, type OfLocation } from './operands.ts';

const logDensity = (z: Value, logScale: Value): Value => neg(add(log1p(mul(z, z)), add(logScale, Math.log(Math.PI))));

/** log of the density. */
export const logpdf: OfLocation = located('cauchy.logpdf', logDensity);
/** The density. */
export const pdf: OfLocation = located('cauchy.pdf', (z, logScale) => exp(logDensity(z, logScale)));
/** The probability of values up to x. */
export const cdf: OfLocation = located('cauchy.cdf', (z) => add(div(atan(z), Math.PI), 0.5));
