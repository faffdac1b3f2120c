/** Γ, and its sign. */
import { whileLoop } from '../control/loops.ts';
import type { Value } from '../core/trace.ts';
import { div, floor, pow, round, sub } from '../lax/arithmetic.ts';
import { select } from '../lax/compare.ts';
import { onesLike } from '../lax/creation.ts';
import { and, or } from '../lax/logic.ts';
import { digamma, exp, sin } from '../lax/transcendental.ts';
import { type Bound, inDouble, specialFunction } from './function.ts';
import { isNaN, stirlingRest } from './pieces.ts';

/** By Stirling's formula from 10 on, which Γ(x) = Γ(x + n)/(x⋯(x + n − 1)) leads to; the power in two, since it overflows before Γ does. */
function positiveGamma(x: Value): Value {
  const [y, product] = whileLoop(
    ([y]) => y.lt(10),
    ([y, product]) => [y.add(1), product.mul(y)] as const,
    [x, x.mul(0).add(1)] as const,
  );
  const root = pow(y, y.mul(0.5).sub(0.25));
  return root
    .mul(exp(y.neg()).mul(exp(stirlingRest(y))))
    .mul(root)
    .mul(Math.sqrt(2 * Math.PI))
    .div(product);
}

export const gammaOf: Bound = specialFunction('gamma', {
  scalar: (x) => {
    // Γ(x)·Γ(1 − x) = π/sin πx. Far below, Γ is 0.
    const reflected = x.lt(0.5);
    const inside = and(x.gt(-185), x.lt(172));
    const at = select(inside, select(reflected, sub(1, x), x), 1);
    const value = positiveGamma(at);
    const whole = round(x);
    const pole = and(x.le(0), whole.eq(x));
    const sine = sin(select(or(pole, inside.not()), 0.5, x.sub(whole)).mul(Math.PI));
    const sign = select(floor(whole.mul(0.5)).mul(2).eq(whole), 1, -1);
    const mirrored = div(Math.PI, sine.mul(sign).mul(value));
    const outside = select(x.gt(0), Number.POSITIVE_INFINITY, select(pole, Number.NaN, 0));
    const regular = select(inside, select(reflected, mirrored, value), outside);
    const poles = select(x.eq(0), x.reciprocal(), Number.NaN);
    return select(isNaN(x), Number.NaN, select(pole, poles, regular));
  },
  jvp: [(dx, [x], out) => dx.mul(inDouble((x, y) => y.mul(digamma(x)), x!, out))],
  accuracy: [1, 32],
  intervals: [[-5, 20]],
});

/** 1 or −1, of the dtype of x. */
export function signOfGamma(x: Value): Value {
  const below = floor(x);
  const even = floor(below.mul(0.5)).mul(2).eq(below);
  const pole = and(x.lt(0), below.eq(x));
  const one = onesLike(x.aval);
  const negativeZero = and(x.eq(0), x.reciprocal().lt(0));
  const sign = select(or(negativeZero, and(x.lt(0), even.not())), one.neg(), one);
  return select(or(isNaN(x), pole), Number.NaN, select(x.gt(0), 1, sign));
}
