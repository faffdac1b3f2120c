/** The Laplace distribution. */
import type { Value } from '../core/trace.ts';
import { abs, add, mul, neg, sub } from '../lax/arithmetic.ts';
import { le, select } from '../lax/compare.ts';
import { exp } from '../lax/transcendental.ts';
import { located, type OfLocation } from './operands.ts';

const logDensity = (z: Value, logScale: Value): Value => sub(neg(abs(z)), add(logScale, Math.LN2));

/** log of the density. */
export const logpdf: OfLocation = located('laplace.logpdf', logDensity);
/** The density. */
export const pdf: OfLocation = located('laplace.pdf', (z, logScale) => exp(logDensity(z, logScale)));
/** The probability of values up to x. */
export const cdf: OfLocation = located('laplace.cdf', (z) => {
  const tail = mul(exp(neg(abs(z))), 0.5);
  return select(le(z, 0), tail, sub(1, tail));
});
