/** The logarithm and the inverse of the normal distribution function, accurate in the tails. */
import { erfcScaled, erfInvFar, erfInvNear } from '../core/special-coefficients.ts';
import type { Value } from '../core/trace.ts';
import { min, round, sub } from '../lax/arithmetic.ts';
import { select } from '../lax/compare.ts';
import { and, or } from '../lax/logic.ts';
import { erfc, erfInv, exp, log, log1p } from '../lax/transcendental.ts';
import { erfcInvFar } from './coefficients.ts';
import { type Bound, inDouble, specialFunction } from './function.ts';
import { halfLog2Pi, isNaN, polynomial } from './pieces.ts';

/** exp(z²)·erfc(z) for z ≥ 3/4; beyond 28 by six terms of the asymptotic series. */
function scaledErfc(z: Value): Value {
  const central = min(z, 28);
  const near = polynomial(erfcScaled, central.sub(3).div(central.add(3))).div(central.mul(2).add(1));
  const large = select(z.gt(28), z, 28);
  const half = large.mul(large).mul(2).reciprocal();
  const far = polynomial([1, -1, 3, -15, 105, -945], half).div(large.mul(Math.sqrt(Math.PI)));
  return select(z.gt(28), far, near);
}

/** The probability of values above x > 0. e^(−x²/2) is taken apart at a multiple of 1/16, whose square is exact. */
function upperTail(x: Value): Value {
  const z = x.mul(Math.SQRT1_2);
  const far = and(z.gt(0.75), z.lt(28));
  const at = select(far, x, 2);
  const near = round(at.mul(16)).mul(1 / 16);
  const density = exp(near.mul(near).mul(-0.5)).mul(exp(at.sub(near).mul(at.add(near)).mul(-0.5)));
  const tail = scaledErfc(at.mul(Math.SQRT1_2)).mul(density);
  return select(far, tail, erfc(z)).mul(0.5);
}

export const logNormalCdf: Bound = specialFunction('log_ndtr', {
  scalar: (x) => {
    const z = x.mul(-Math.SQRT1_2);
    const left = z.gt(0.75);
    const tail = log(scaledErfc(select(left, z, 1)).mul(0.5)).sub(x.mul(x).mul(0.5));
    const middle = log(erfc(z).mul(0.5));
    const right = log1p(upperTail(x).neg());
    return select(left, tail, select(x.gt(0), right, middle));
  },
  // The density over the probability.
  jvp: [(dx, [x], out) => dx.mul(inDouble((x, y) => exp(x.mul(x).mul(-0.5).sub(y).sub(halfLog2Pi)), x!, out))],
  accuracy: [1, 16],
  intervals: [[-30, 6]],
});

/** The x > 0 with erfc(x) = 2p, for p ≤ 1/4: x/s is smooth in s = √(−log 2p). */
function tailQuantile(p: Value): Value {
  const s = log(p.mul(2)).neg().sqrt();
  const [near, far, farther] = [s.lt(2.2), s.lt(6), 0.5 * (1 / 6 + 1 / 28)];
  const t = s
    .reciprocal()
    .sub(farther)
    .mul(2 / (1 / 6 - 1 / 28));
  const ratio = select(
    near,
    polynomial(erfInvNear, select(near, s, 1.515).sub(1.515)),
    select(far, polynomial(erfInvFar, select(far, s, 4.15).sub(4.15)), polynomial(erfcInvFar, t)),
  );
  return s.mul(ratio);
}

export const normalQuantile: Bound = specialFunction('ndtri', {
  scalar: (p) => {
    const q = min(p, sub(1, p));
    const central = q.ge(0.25);
    const tail = tailQuantile(select(central, 0.1, q));
    const size = select(central, erfInv(select(central, sub(1, q.mul(2)), 0)), tail).mul(Math.SQRT2);
    const value = select(p.gt(0.5), size, size.neg());
    const ends = select(p.eq(0), Number.NEGATIVE_INFINITY, select(p.eq(1), Number.POSITIVE_INFINITY, value));
    return select(or(isNaN(p), or(p.lt(0), p.gt(1))), Number.NaN, ends);
  },
  jvp: [(dp, [_], out) => dp.mul(inDouble((y) => exp(y.mul(y).mul(0.5).add(halfLog2Pi)), out))],
  accuracy: [1, 16],
  intervals: [[0.001, 0.999]],
});
