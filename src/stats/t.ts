/** Student's t distribution with `df` degrees of freedom. */
import type { Value } from '../core/trace.ts';
import { add, div, mul, neg, sub } from '../lax/arithmetic.ts';
import { select } from '../lax/compare.ts';
import { exp, lgamma, log, log1p } from '../lax/transcendental.ts';
import { type Bound, inDouble, specialFunction } from '../special/function.ts';
import { regularizedBetaScalar } from '../special/incomplete-beta.ts';
import { type OfShape, shaped } from './operands.ts';

const logDensity = (z: Value, n: Value, logScale: Value): Value => {
  const [half, more] = [mul(n, 0.5), mul(add(n, 1), 0.5)];
  const norm = sub(sub(lgamma(more), lgamma(half)), add(logScale, mul(log(mul(n, Math.PI)), 0.5)));
  return sub(norm, mul(more, log1p(div(mul(z, z), n))));
};

/** Half of an incomplete beta function of n/(n + z²), or, near 0, of z²/(n + z²). */
const upTo: Bound = specialFunction('student_t_cdf', {
  scalar: (n, z) => {
    const square = z.mul(z);
    const tail = square.gt(n);
    const [half, one] = [n.mul(0.5), n.mul(0).add(0.5)];
    // n/(n + z²) where z² is infinite, and z²/(n + z²) where n is much smaller.
    const at = select(tail, div(1, square.div(n).add(1)), square.div(n.add(square)));
    const part = regularizedBetaScalar(select(tail, half, one), select(tail, one, half), at).mul(0.5);
    const upper = select(tail, part, sub(0.5, part));
    return select(z.gt(0), sub(1, upper), upper);
  },
  jvp: [
    'stats.t: there is no derivative of a probability with respect to `df`',
    (dz, [n, z]) => dz.mul(inDouble((n, z) => exp(logDensity(z, n, mul(n, 0))), n!, z!)),
  ],
  intervals: [
    [1, 9],
    [-5, 5],
  ],
});

/** log of the density. */
export const logpdf: OfShape = shaped('t.logpdf', logDensity);
/** The density. */
export const pdf: OfShape = shaped('t.pdf', (z, n, logScale) => exp(logDensity(z, n, logScale)));
/** The probability of values up to x. */
export const cdf: OfShape = shaped('t.cdf', (z, n) => upTo(n, z));
/** log of `cdf`. */
export const logcdf: OfShape = shaped('t.logcdf', (z, n) => log(upTo(n, z)));
/** The probability of values above x. */
export const sf: OfShape = shaped('t.sf', (z, n) => upTo(n, neg(z)));
/** log of `sf`. */
export const logsf: OfShape = shaped('t.logsf', (z, n) => log(upTo(n, neg(z))));
