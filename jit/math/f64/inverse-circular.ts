/** Arc sine, arc cosine and arc tangents. */
import { type Expr, f64x2c } from '../../wasm/code.ts';
import type { VectorFunction } from '../vector-function.ts';
import { asinTail, atanTail } from './coefficients.ts';
import { bits, Lanes, type Pair, signBit } from './lanes.ts';
import { halfPi } from './reduction.ts';

/**
 * For a = |x|: asin a = a + a·z·P(z) with z = a² up to 1/2; above, acos a = 2·asin s with s = √z, z = (1 − a)/2. All
 * named: the argument, its z·P(z), and what is lost in rounding √z.
 */
function arcSine(v: Lanes, x: Expr): { far: Expr; s: Expr; series: Expr; lost: Expr } {
  const a = v.let(v.abs(x));
  const far = v.let(v.gt(a, 0.5));
  const z = v.let(v.select(far, v.mul(v.sub(1, a), 0.5), v.mul(a, a)));
  const s = v.let(v.select(far, v.sqrt(z), a));
  const series = v.let(v.mul(z, v.polynomial(asinTail, z)));
  // z − s² with s in two parts.
  const { high, low } = v.split(s);
  const rest = v.sub(v.sub(z, v.mul(high, high)), v.mul(v.add(high, s), low));
  const lost = v.let(v.and(far, v.div(rest, v.max(v.add(s, s), 2 ** -1022))));
  return { far, s, series, lost };
}

/** What `write` gives from −1 to 1, else NaN: where no lane is inside, there is nothing to compute. */
function inDomain(v: Lanes, x: Expr, write: () => Expr): Expr {
  const result = v.var(f64x2c(Number.NaN));
  const inside = v.let(v.le(v.abs(x), 1));
  v.ifAny(inside, () => v.merge(result, inside, write()));
  return result;
}

/** asin a = π/2 − 2·(s + s·zP) for a > 1/2. */
export const asin: VectorFunction = (f, target, x) => {
  const v = new Lanes(f, target);
  return inDomain(v, x, () => {
    const { far, s, series, lost } = arcSine(v, x);
    const tail = v.let(v.madd(s, series, lost));
    const near = v.add(s, tail);
    const [high, low] = halfPi;
    const first = v.quickSum(high, v.mul(s, -2));
    const away = v.add(first.high, v.add(v.add(first.low, low), v.mul(tail, -2)));
    return v.copysign(v.select(far, away, near), x);
  });
};

/** π/2 − asin x up to 1/2; above, 2·(s + s·zP), taken from π for negative x. */
export const acos: VectorFunction = (f, target, x) => {
  const v = new Lanes(f, target);
  return inDomain(v, x, () => {
    const { far, s, series, lost } = arcSine(v, x);
    const tail = v.let(v.madd(s, series, lost));
    const [high, low] = halfPi;
    // ±asin or ±2·asin is taken from 0, π/2 or π.
    const negative = v.let(v.lt(x, 0));
    const right = v.let(v.andnot(far, negative));
    const factor = v.let(v.select(far, 2, 1));
    const multiple = v.let(v.select(v.and(far, negative), 2, v.andnot(f64x2c(1), far)));
    const sign = v.let(v.andnot(v.and(x, signBit), far));
    const turned = v.let(v.xor(v.select(right, factor, v.neg(factor)), sign));
    const first = v.quickSum(v.mul(multiple, high), v.mul(turned, s));
    return v.add(first.high, v.add(v.madd(multiple, low, first.low), v.mul(turned, tail)));
  });
};

/** √2 − 1 = tan(π/8). */
const eighth = Math.SQRT2 - 1;

/**
 * atan(n/d) for 0 ≤ n ≤ d, d > 0, as a large part and a small rest: above tan(π/8) as π/4 + atan((n − d)/(n + d)).
 * The operands are named.
 */
function octant(v: Lanes, n: Expr, d: Expr): Pair {
  const steep = v.let(v.gt(n, v.mul(d, eighth)));
  const minus = v.quickSum(v.neg(d), n);
  const plus = v.quickSum(d, n);
  const numerator = v.let(v.select(steep, minus.high, n));
  const denominator = v.let(v.select(steep, plus.high, d));
  const t = v.let(v.div(numerator, denominator));
  const lost = v.div(v.sub(v.and(steep, minus.low), v.mul(t, v.and(steep, plus.low))), denominator);
  const z = v.let(v.mul(t, t));
  const tail = v.madd(v.mul(t, z), v.polynomial(atanTail, z), lost);
  const first = v.quickSum(v.and(steep, f64x2c(halfPi[0] / 2)), t);
  return { high: first.high, low: v.let(v.add(v.add(first.low, v.and(steep, f64x2c(halfPi[1] / 2))), tail)) };
}

/** `angle`, or π/2·`multiple` − `angle` where the mask is set. */
function complement(v: Lanes, angle: Pair, mask: Expr, multiple: number): Pair {
  const sign = v.let(v.and(mask, signBit));
  const sum = v.quickSum(v.and(mask, f64x2c(multiple * halfPi[0])), v.xor(angle.high, sign));
  const low = v.add(v.and(mask, f64x2c(multiple * halfPi[1])), v.xor(angle.low, sign));
  return { high: sum.high, low: v.let(v.add(sum.low, low)) };
}

export const atan: VectorFunction = (f, target, x) => {
  const v = new Lanes(f, target);
  // Beyond 2⁶⁰ the angle is π/2 to all digits.
  const a = v.let(v.min(v.abs(x), 2 ** 60));
  const steep = v.let(v.gt(a, 1));
  const angle = octant(v, v.let(v.select(steep, 1, a)), v.let(v.select(steep, a, 1)));
  const { high, low } = complement(v, angle, steep, 1);
  return v.copysign(v.add(high, low), x);
};

export const atan2: VectorFunction = (f, target, y, x) => {
  const v = new Lanes(f, target);
  const [a, b] = [v.let(v.abs(y)), v.let(v.abs(x))];
  const steep = v.let(v.gt(a, b));
  const smaller = v.var(v.select(steep, b, a));
  const larger = v.var(v.select(steep, a, b));
  // Sums overflow, products underflow, 0/0 and ∞/∞ are no numbers.
  const odd = v.let(v.not(v.and(v.gt(larger, 2 ** -960), v.lt(larger, 2 ** 1000))));
  v.ifAny(odd, () => {
    const tiny = v.let(v.le(larger, 2 ** -960));
    const factor = v.let(v.select(odd, v.select(tiny, 2 ** 100, 2 ** -100), 1));
    const infinite = v.let(v.eq(larger, Number.POSITIVE_INFINITY));
    const both = v.eq(smaller, Number.POSITIVE_INFINITY);
    const scaled = v.select(v.isNaN(smaller), smaller, v.and(both, f64x2c(1)));
    v.set(smaller, v.select(infinite, scaled, v.mul(smaller, factor)));
    v.set(larger, v.select(v.or(infinite, v.eq(larger, 0)), 1, v.mul(larger, factor)));
  });
  const turned = complement(v, octant(v, smaller, larger), steep, 1);
  const backwards = v.let(v.not({ kind: 'op', type: 'v128', op: 'i64x2.ge_s', args: [x, bits(0n)] }));
  const { high, low } = complement(v, turned, backwards, 2);
  return v.copysign(v.add(high, low), y);
};
