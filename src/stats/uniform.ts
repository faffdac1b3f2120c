/** The uniform distribution between loc and loc + scale. */
import type { Value } from '../core/trace.ts';
import { neg } from '../lax/arithmetic.ts';
import { ge, le, select } from '../lax/compare.ts';
import { and } from '../lax/logic.ts';
import { clamp } from '../lax/minmax.ts';
import { exp } from '../lax/transcendental.ts';
import { located, type OfLocation } from './operands.ts';

const logDensity = (z: Value, logScale: Value): Value =>
  select(and(ge(z, 0), le(z, 1)), neg(logScale), Number.NEGATIVE_INFINITY);

/** log of the density. */
export const logpdf: OfLocation = located('uniform.logpdf', logDensity);
/** The density. */
export const pdf: OfLocation = located('uniform.pdf', (z, logScale) => exp(logDensity(z, logScale)));
/** The probability of values up to x. */
export const cdf: OfLocation = located('uniform.cdf', (z) => clamp(0, z, 1));
