/** The gamma distribution with shape `a`. */
import type { Value } from '../core/trace.ts';
import { add, max, sub } from '../lax/arithmetic.ts';
import { ge } from '../lax/compare.ts';
import { exp, lgamma, log } from '../lax/transcendental.ts';
import { gammainc, gammaincc, xlogy } from '../special/index.ts';
import { type OfShape, onSupport, shaped } from './operands.ts';

const logDensity = (z: Value, a: Value, logScale: Value): Value =>
  onSupport(ge(z, 0), z, 1, (y) => sub(xlogy(sub(a, 1), y), add(add(y, lgamma(a)), logScale)));
const upTo = (z: Value, a: Value): Value => gammainc(a, max(z, 0));
const above = (z: Value, a: Value): Value => gammaincc(a, max(z, 0));

/** log of the density. */
export const logpdf: OfShape = shaped('gamma.logpdf', logDensity);
/** The density. */
export const pdf: OfShape = shaped('gamma.pdf', (z, a, logScale) => exp(logDensity(z, a, logScale)));
/** The probability of values up to x. Differentiable, also in `a`. */
export const cdf: OfShape = shaped('gamma.cdf', upTo);
/** log of `cdf`. */
export const logcdf: OfShape = shaped('gamma.logcdf', (z, a) => log(upTo(z, a)));
/** The probability of values above x, without cancellation. */
export const sf: OfShape = shaped('gamma.sf', above);
/** log of `sf`. */
export const logsf: OfShape = shaped('gamma.logsf', (z, a) => log(above(z, a)));
