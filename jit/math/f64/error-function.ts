/** The error function, its complement and its inverse; polynomials are those of the reference in src/core/special.ts. */
import { erfCentre, erfcScaled } from '../../../src/core/special-coefficients.ts';
import { call, type Expr, f64x2c } from '../../wasm/code.ts';
import type { VectorFunction } from '../vector-function.ts';
import { erfInvDenominator, erfInvFar, erfInvNear, erfInvNumerator, expTail } from './coefficients.ts';
import { expPair, reduce, scale } from './exponential.ts';
import { Lanes, type Pair } from './lanes.ts';
import { logPair } from './power.ts';

const [scaled0, ...scaledRest] = erfcScaled as [number, ...number[]];

/** erfc for 3/4 ≤ a ≤ 28: exp(−a²)·p/(1 + 2a), every factor in two parts. `a` is named. */
function erfcTail(v: Lanes, a: Expr): Expr {
  const square = v.product(a, a);
  const { pair, k, integer } = expPair(v, v.let(v.max(v.neg(square.high), -746)), v.let(v.neg(square.low)));
  const u = v.let(v.div(v.sub(a, 3), v.add(a, 3)));
  const p = v.quickSum(scaled0, v.mul(u, v.polynomial(scaledRest, u)));
  return scale(v, v.quotient(v.pairProduct(pair, p), v.quickSum(v.add(a, a), 1)), k, integer);
}

/** The same, with a relative error of a few last places, up to a = 6. */
function erfcTailRoughly(v: Lanes, a: Expr): Expr {
  const { integer, r } = reduce(v, v.let(v.mul(v.neg(a), a)));
  const exponential = v.madd(v.mul(r.high, r.high), v.polynomial(expTail, r.high), v.add(r.high, 1));
  const u = v.let(v.div(v.sub(a, 3), v.add(a, 3)));
  const p = v.mul(v.polynomial(erfcScaled, u), v.powerOf2(integer));
  return v.div(v.mul(exponential, p), v.add(v.add(a, a), 1));
}

export const erf: VectorFunction = (f, target, x) => {
  const v = new Lanes(f, target);
  const a = v.let(v.abs(x));
  const square = v.let(v.mul(x, x));
  const result = v.var(v.madd(a, v.polynomial(erfCentre, square), a));
  const far = v.let(v.gt(a, 1));
  v.ifAny(far, () => v.merge(result, far, v.sub(1, erfcTailRoughly(v, v.let(v.min(a, 6))))));
  return v.copysign(result, x);
};

export const erfc: VectorFunction = (f, target, x) => {
  const v = new Lanes(f, target);
  const near = v.let(v.and(v.ge(x, -1), v.le(x, 0.75)));
  const one = v.sum(1, v.neg(x));
  const square = v.let(v.mul(x, x));
  const centre = v.add(one.high, v.sub(one.low, v.mul(x, v.polynomial(erfCentre, square))));
  const result = v.var(centre);
  v.ifAny(v.not(near), () => {
    const tail = v.let(erfcTail(v, v.let(v.min(v.abs(x), 28))));
    v.merge(result, v.not(near), v.select(v.lt(x, 0), v.sub(2, tail), tail));
  });
  return result;
};

/** p(u + low) for a small `low`, u named, as a pair. The first coefficient is in two parts. */
function near(v: Lanes, [high, low, ...rest]: readonly number[], u: Expr, shift: Expr): Pair {
  const p = v.quickSum(high!, v.mul(u, v.polynomial(rest, u)));
  const slope = v.madd(u, 2 * rest[1]!, rest[0]!);
  return { high: p.high, low: v.let(v.madd(shift, slope, v.add(p.low, low!))) };
}

/** |y| where the quotient of polynomials ends: few uniform numbers are beyond. */
const centreEnd = 31 / 32;

/**
 * In the centre y + y·q for a quotient q of polynomials in (31/32)² − y², which goes from −0.11 to 0.57: a third of the result at most, so that
 * its errors count for a third. The difference of squares is that of a product: rounded on its own y² would be too far off where the slope is
 * nine. What is outside is another function, so that the centre is short enough to be written out in loops, where its constants leave them.
 */
export const erfInv: VectorFunction = (f, target, y) => {
  const v = new Lanes(f, target);
  const a = v.let(v.abs(y));
  const inward = v.let(v.mul(v.sub(centreEnd, a), v.add(a, centreEnd)));
  // From c₀, which is most of it where q is large, one rounding and not one a level.
  const polynomial = ([first, ...rest]: readonly number[]) => v.madd(inward, v.polynomial(rest, inward), first!);
  const quotient = v.div(polynomial(erfInvNumerator), polynomial(erfInvDenominator));
  const result = v.var(v.madd(a, quotient, a));
  const outside = v.let(v.not(v.le(a, centreEnd)));
  v.ifAny(outside, () => v.merge(result, outside, call('erfInvTail_f64x2', 'v128', a)));
  return v.copysign(result, y);
};

/** erf⁻¹(a) for a > 0.9: s = √−log(1 − a) in two parts times a polynomial of s; ∞ at 1, and NaN above and for NaN. */
export const erfInvTail: VectorFunction = (f, target, a) => {
  const v = new Lanes(f, target);
  const log = logPair(v, v.let(v.sub(1, a)), f64x2c(0));
  const s = v.let(v.sqrt(v.neg(log.high)));
  const p = v.product(s, s);
  const rest = v.sub(v.sub(v.neg(v.add(log.high, p.high)), p.low), log.low);
  const low = v.let(v.div(rest, v.add(s, s)));
  const factor = near(v, erfInvNear, v.let(v.sub(s, 1.5)), low);
  const [high, small] = [v.var(factor.high), v.var(factor.low)];
  const far = v.let(v.ge(s, 2.2));
  v.ifAny(far, () => {
    const other = near(v, erfInvFar, v.let(v.sub(s, 4)), low);
    v.merge(high, far, other.high);
    v.merge(small, far, other.low);
  });
  const x = v.pairProduct({ high: s, low }, { high, low: small });
  const end = v.select(v.eq(a, 1), Number.POSITIVE_INFINITY, Number.NaN);
  return v.select(v.lt(a, 1), v.add(x.high, x.low), end);
};
