/** Remainders, exactly, and floors of quotients. */
import { call, type Expr, f64x2c, op } from '../../wasm/code.ts';
import { mathName } from '../names.ts';
import type { VectorFunction } from '../vector-function.ts';
import { scale } from './exponential.ts';
import { Lanes, roundingShift } from './lanes.ts';

const { POSITIVE_INFINITY: infinity, NaN: nan } = Number;
const smallestNormal = 2 ** -1022;
/** Bits of the quotient that one step finds. */
const digits = 22;
/** Up to here no multiple of the divisor that is next to the dividend is infinite. */
const largest = 2 ** 1000;

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
  const dividend = v.let(v.abs(x));
  const divisor = v.let(v.abs(y));
  const result = v.var(dividend);
  // Mostly one digit is all: r and t are |x| and |y| themselves.
  const short = v.and(
    v.lt(dividend, v.min(v.mul(divisor, 2 ** digits), largest)),
    v.and(v.ge(divisor, smallestNormal), v.lt(divisor, infinity)),
  );
  f.if(
    op('i64x2.all_true', short),
    () => {
      v.set(result, withoutMultiples(v, dividend, divisor));
      v.set(result, v.add(result, v.and(v.lt(result, 0), divisor)));
    },
    () => v.set(result, longRemainder(v, x, dividend, divisor)),
  );
  return v.copysign(result, x);
};

/** r − q·t for the integer q next to r/t; all named, and t finite. */
function withoutMultiples(v: Lanes, r: Expr, t: Expr): Expr {
  return lessMultiple(v, r, t, v.let(v.nearest(v.div(r, t))));
}

/** r − q·t; all named. */
function lessMultiple(v: Lanes, r: Expr, t: Expr, q: Expr): Expr {
  const parts = v.split(t);
  const minus = v.let(v.neg(q));
  return v.madd(minus, parts.low, v.madd(minus, parts.high, r));
}

/**
 * ⌊x/y⌋. The floor of the rounded quotient q is one too many where x/y was rounded up to it: the sign of x − q·y tells, which
 * is exact for short quotients, or rounded where nothing cancels.
 */
export const floorDivide: VectorFunction = (f, target, x, y) => {
  const v = new Lanes(f, target);
  const quotient = v.let(v.floor(v.div(x, y)));
  const size = v.let(v.abs(y));
  const result = v.var(quotient);
  const short = v.and(
    v.lt(v.abs(quotient), 2 ** digits),
    v.and(v.ge(size, smallestNormal), v.lt(size, largest * 2 ** -digits)),
  );
  f.if(
    op('i64x2.all_true', short),
    () => {
      const isLess = v.lt(v.flip(lessMultiple(v, x, y, quotient), y), 0);
      v.set(result, v.sub(quotient, v.and(isLess, f64x2c(1))));
    },
    () => v.set(result, longFloor(v, x, y, quotient)),
  );
  return result;
};

/** (x − r)/y for the remainder r with the sign of y, which differs from an integer by roundings. */
function longFloor(v: Lanes, x: Expr, y: Expr, quotient: Expr): Expr {
  const truncated = v.let(call(mathName('rem', 'f64x2'), 'v128', x, y));
  const isOther = v.lt(v.flip(truncated, y), 0);
  const r = v.let(v.add(truncated, v.and(isOther, y)));
  const whole = v.let(v.nearest(v.div(v.sub(x, r), y)));
  const result = v.var(v.select(v.eq(whole, 0), v.copysign(0, quotient), whole));
  const infinite = v.let(v.and(v.eq(v.abs(y), infinity), v.lt(v.abs(x), infinity)));
  v.merge(result, infinite, v.select(v.lt(v.flip(x, y), 0), -1, quotient));
  v.merge(result, v.eq(y, 0), quotient);
  return result;
}

function longRemainder(v: Lanes, x: Expr, dividend: Expr, divisor: Expr): Expr {
  const { f } = v;
  const valid = v.let(v.and(v.lt(dividend, infinity), v.and(v.gt(divisor, 0), v.lt(divisor, infinity))));
  const r = v.var(v.and(dividend, valid));
  const b = v.let(v.select(valid, divisor, 1));
  const { normal, down, exponent } = normalized(v, b);
  const top = v.let(v.add(exponent, digits));
  const shift = v.var(f64x2c(0));
  f.doWhile(op('v128.any_true', v.gt(shift, 0)), () => {
    v.set(shift, v.max(v.sub(normalized(v, v.let(v.abs(r))).exponent, top), 0));
    const up = v.let(v.sub(shift, down));
    const t = v.let(scale(v, normal, up, v.let(v.add(up, roundingShift))));
    const huge = v.let(v.gt(v.abs(r), largest));
    // There t is large as well, and a power of 2 between them changes nothing.
    const down60 = v.let(v.select(huge, 2 ** -60, 1));
    const difference = v.let(withoutMultiples(v, v.let(v.mul(r, down60)), v.let(v.mul(t, down60))));
    v.set(r, v.select(huge, v.mul(difference, 2 ** 60), difference));
  });
  const result = v.var(v.add(r, v.and(v.lt(r, 0), b)));
  v.ifAny(v.not(valid), () => {
    v.merge(result, v.not(valid), nan);
    v.merge(result, v.and(v.eq(divisor, infinity), v.lt(dividend, infinity)), x);
  });
  return result;
}
