/** The beta distribution with parameters `a` and `b`, between loc and loc + scale. */
import type { Value } from '../core/trace.ts';
import { add, clamp, neg, sub } from '../lax/arithmetic.ts';
import { ge, le } from '../lax/compare.ts';
import { and } from '../lax/logic.ts';
import { exp, log } from '../lax/transcendental.ts';
import { betainc, betaln, xlog1py, xlogy } from '../special/index.ts';
import { type OfShapes, onSupport, shapedBy2 } from './operands.ts';

const logDensity = (z: Value, a: Value, b: Value, logScale: Value): Value =>
  onSupport(and(ge(z, 0), le(z, 1)), z, 0.5, (y) => {
    const powers = add(xlogy(sub(a, 1), y), xlog1py(sub(b, 1), neg(y)));
    return sub(powers, add(betaln(a, b), logScale));
  });
const upTo = (z: Value, a: Value, b: Value): Value => betainc(a, b, clamp(0, z, 1));
const above = (z: Value, a: Value, b: Value): Value => betainc(b, a, sub(1, clamp(0, z, 1)));

/** log of the density. */
export const logpdf: OfShapes = shapedBy2('beta.logpdf', logDensity);
/** The density. */
export const pdf: OfShapes = shapedBy2('beta.pdf', (z, a, b, logScale) => exp(logDensity(z, a, b, logScale)));
/** The probability of values up to x. */
export const cdf: OfShapes = shapedBy2('beta.cdf', upTo);
/** log of `cdf`. */
export const logcdf: OfShapes = shapedBy2('beta.logcdf', (z, a, b) => log(upTo(z, a, b)));
/** The probability of values above x. */
export const sf: OfShapes = shapedBy2('beta.sf', above);
/** log of `sf`. */
export const logsf: OfShapes = shapedBy2('beta.logsf', (z, a, b) => log(above(z, a, b)));
