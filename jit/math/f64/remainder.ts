/** The remainder of a truncated quotient, exactly. */
import { type Expr, f64x2c, op } from '../../code.ts';
import type { VectorFunction } from '../vector-function.ts';
import { scale } from './exponential.ts';
import { Lanes, roundingShift } from './lanes.ts';

const { POSITIVE_INFINITY: infinity, NaN: nan } = Number;
const smallestNormal = 2 ** -1022;
/** Bits of the quotient that one step finds. */
const digits = 22;

/** a = normal·2^−down for a > 0, and ⌊log₂ a⌋. */
function normalized(v: Lanes, a: Expr): { normal: Expr; down: Expr; exponent: Expr } {
  const subnormal = v.let(v.lt(a, smallestNormal));
  const normal = v.let(v.select(subnormal, v.mul(a, 2 ** 54), a));
  const down = v.let(v.and(subnormal, f64x2c(54)));
  return { normal, down, exponent: v.let(v.sub(v.exponent(normal), down)) };
}

/**
 * Long division of r = |x| by b = |y| with digits of 22 bits. A step subtracts q·t, where t = b·2ʲ and q = r/t rounded
 * to an integer |q| ≤ 2²³. With t in parts of 26 and 27 bits the products are exact. So are both differences: they are
 * multiples of t's last place, and less than t. In the end |r| ≤ b/2, and a negative r is short of the remainder by b.
 */
export const rem: VectorFunction = (f, target, x, y) => {
  const v = new Lanes(f, target);
  const divisor = v.let(v.abs(y));
  const valid = v.let(v.and(v.lt(v.abs(x), infinity), v.and(v.gt(divisor, 0), v.lt(divisor, infinity))));
  const r = v.var(v.and(v.abs(x), valid));
  const b = v.let(v.select(valid, divisor, 1));
  const { normal, down, exponent } = normalized(v, b);
  const top = v.let(v.add(exponent, digits));
  const shift = v.var(f64x2c(0));
  f.doWhile(op('v128.any_true', v.gt(shift, 0)), () => {
    v.set(shift, v.max(v.sub(normalized(v, v.let(v.abs(r))).exponent, top), 0));
    const up = v.let(v.sub(shift, down));
    const t = v.let(scale(v, normal, up, v.let(v.add(up, roundingShift))));
    const q = v.let(v.neg(v.nearest(v.div(r, t))));
    const parts = v.split(t);
    v.set(r, v.madd(q, parts.low, v.madd(q, parts.high, r)));
  });
  const result = v.var(v.add(r, v.and(v.lt(r, 0), b)));
  v.ifAny(v.not(valid), () => {
    v.merge(result, v.not(valid), nan);
    v.merge(result, v.and(v.eq(divisor, infinity), v.lt(v.abs(x), infinity)), x);
  });
  return v.copysign(result, x);
};
