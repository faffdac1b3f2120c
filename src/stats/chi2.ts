/** The χ² distribution with `df` degrees of freedom: the gamma distribution with shape df/2 and twice the scale. */

import type { Value } from '../core/trace.ts';
import { add, mul } from '../lax/arithmetic.ts';
import { exp } from '../lax/transcendental.ts';
import * as gamma from './gamma.ts';
import { type OfShape, shaped } from './operands.ts';

const halved =
  (f: OfShape) =>
  (z: Value, df: Value): Value =>
    f(mul(z, 0.5), mul(df, 0.5));
const logDensity = (z: Value, df: Value, logScale: Value): Value =>
  add(halved(gamma.logpdf)(z, df), mul(add(logScale, Math.LN2), -1));

/** log of the density. */
export const logpdf: OfShape = shaped('chi2.logpdf', logDensity);
/** The density. */
export const pdf: OfShape = shaped('chi2.pdf', (z, df, logScale) => exp(logDensity(z, df, logScale)));
/** The probability of values up to x. */
export const cdf: OfShape = shaped('chi2.cdf', halved(gamma.cdf));
/** log of `cdf`. */
export const logcdf: OfShape = shaped('chi2.logcdf', halved(gamma.logcdf));
/** The probability of values above x, without cancellation. */
export const sf: OfShape = shaped('chi2.sf', halved(gamma.sf));
/** log of `sf`. */
export const logsf: OfShape = shaped('chi2.logsf', halved(gamma.logsf));
