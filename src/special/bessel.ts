/** Modified Bessel functions of the first kind, of order 0 and 1, as they are and times e^(−|x|). */
import type { Value } from '../core/trace.ts';
import { div, sign, sub } from '../lax/arithmetic.ts';
import { select } from '../lax/compare.ts';
import { exp } from '../lax/transcendental.ts';
import { i0Far, i0Near, i1Far, i1Near } from './coefficients.ts';
import { type Bound, specialFunction } from './function.ts';
import { polynomial } from './pieces.ts';

const nears = [i0Near, i1Near] as const;
const fars = [i0Far, i1Far] as const;

/** Where I overflows in float64. */
const largest = 715;

const bessel =
  (order: 0 | 1, scaled: boolean) =>
  (x: Value): Value => {
    const size = x.abs();
    const far = size.gt(8);
    const [near, large] = [select(far, 1, size), select(far, size, 8)];
    const series = polynomial(nears[order], near.mul(near).mul(0.25));
    const central = order === 0 ? series : series.mul(near).mul(0.5);
    const asymptotic = polynomial(fars[order], div(16, large).sub(1)).div(large.sqrt());
    let value: Value;
    if (scaled) value = select(far, asymptotic, central.mul(exp(near.neg())));
    else {
      // e^x overflows before I does.
      const root = exp(large.mul(0.5));
      const grown = select(large.gt(largest), Number.POSITIVE_INFINITY, asymptotic.mul(root).mul(root));
      value = select(far, grown, central);
    }
    return order === 0 ? value : value.mul(sign(x));
  };

const intervals = [[-12, 12]] as const;
const accuracy = [1, 16] as const;

/** I₁(x)/x, and 1/2 at 0. */
const overX = (value: Value, x: Value): Value => {
  const zero = x.eq(0);
  return select(zero, 0.5, value.div(select(zero, 1, x)));
};

export const besselI0: Bound = specialFunction('bessel_i0', {
  scalar: bessel(0, false),
  jvp: [(dx, [x]) => dx.mul(besselI1(x!))],
  accuracy,
  intervals,
});
export const besselI1: Bound = specialFunction('bessel_i1', {
  scalar: bessel(1, false),
  jvp: [(dx, [x], out) => dx.mul(besselI0(x!).sub(overX(out, x!)))],
  accuracy,
  intervals,
});
export const besselI0e: Bound = specialFunction('bessel_i0e', {
  scalar: bessel(0, true),
  jvp: [(dx, [x], out) => dx.mul(sub(besselI1e(x!), sign(x!).mul(out)))],
  accuracy,
  intervals,
});
export const besselI1e: Bound = specialFunction('bessel_i1e', {
  scalar: bessel(1, true),
  jvp: [(dx, [x], out) => dx.mul(besselI0e(x!).sub(overX(out, x!)).sub(sign(x!).mul(out)))],
  accuracy,
  intervals,
});
