/** Powers, the cube root and √(x² + y²). */
import { type Expr, f64x2c } from '../../wasm/code.ts';
import type { VectorFunction } from '../vector-function.ts';
import { atanhFar, cubeRoot } from './coefficients.ts';
import { expPair, log2High, log2Low, scale } from './exponential.ts';
import { bits, Lanes, type Pair, signBit } from './lanes.ts';
import { normalize } from './logarithm.ts';

const { POSITIVE_INFINITY: infinity, NaN: nan } = Number;
const smallestNormal = 2 ** -1022;

/** 1/3 in two parts. */
const third: Pair = { high: f64x2c(1 / 3), low: f64x2c(1.850371707708594e-17) };

/**
 * log x + exponent·log 2 to about 2⁻⁶⁵ for positive normal x. With s = f/(2 + f) in two parts,
 * log(1 + f) = 2s·(1 + z·(1/3 + z·Q(z))), z = s²; only z·Q(z) < 2⁻⁷ is rounded to one.
 */
export function logPair(v: Lanes, x: Expr, exponent: Expr): Pair {
  const { k: own, f } = normalize(v, x);
  const k = v.let(v.add(own, exponent));
  const s = v.pairQuotient({ high: f, low: f64x2c(0) }, v.quickSum(2, f));
  const z = v.pairProduct(s, s);
  const inner = v.quickSum(third.high, v.mul(z.high, v.polynomial(atanhFar, z.high)));
  const t = v.pairProduct(z, { high: inner.high, low: v.let(v.add(inner.low, third.low)) });
  const one = v.quickSum(1, t.high);
  const half = v.pairProduct(s, { high: one.high, low: v.let(v.add(one.low, t.low)) });
  const sum = v.quickSum(v.mul(k, log2High), v.mul(half.high, 2));
  return v.quickSum(sum.high, v.add(sum.low, v.madd(half.low, 2, v.mul(k, log2Low))));
}

/** An exponent beyond it leads to 0, 1 or ∞ for every base. */
const largestExponent = 2 ** 66;

/** x and x·x where y is 1 and 2, as most often: rounded once, and at once where that is so in all lanes. */
export const pow: VectorFunction = (f, target, x, y) => {
  const v = new Lanes(f, target);
  const isSquare = v.let(v.eq(y, 2));
  const few = v.let(v.or(isSquare, v.eq(y, 1)));
  const result = v.var(v.mul(x, v.select(isSquare, x, 1)));
  v.ifAny(v.let(v.not(few)), () => v.merge(result, v.not(few), general(v, x, y)));
  return result;
};

/** e^(y·log |x|), the sign and special values put right afterwards. */
function general(v: Lanes, x: Expr, y: Expr): Expr {
  const plain = v.and(v.and(v.ge(x, smallestNormal), v.lt(x, infinity)), v.lt(v.abs(y), largestExponent));
  const odd = v.let(v.not(plain));
  const base = v.var(x);
  const exponent = v.var(f64x2c(0));
  const factor = v.var(y);
  v.ifAny(odd, () => {
    v.set(base, v.abs(x));
    const subnormal = v.let(v.lt(base, smallestNormal));
    v.merge(base, subnormal, v.mul(base, 2 ** 54));
    v.merge(exponent, subnormal, -54);
    v.set(factor, v.max(v.min(y, largestExponent), -largestExponent));
  });
  const log = logPair(v, base, exponent);
  const p = v.product(factor, log.high);
  const low = v.madd(factor, log.low, p.low);
  const inside = v.lt(v.abs(p.high), 800);
  const { pair, k, integer } = expPair(v, v.let(v.max(v.min(p.high, 710), -746)), v.let(v.and(inside, low)));
  const result = v.var(scale(v, v.add(pair.high, pair.low), k, integer));
  v.ifAny(odd, () => specialPower(v, x, y, result));
  return result;
}

/** Puts `result`, which is |x|^y for finite x and y, right in all lanes, as IEEE 754 has it. */
function specialPower(v: Lanes, x: Expr, y: Expr, result: ReturnType<Lanes['var']>): void {
  const a = v.let(v.abs(x));
  const whole = v.let(v.eq(v.nearest(y), y));
  const half = v.let(v.mul(y, 0.5));
  const odd = v.andnot(whole, v.eq(v.nearest(half), half));
  const extreme = v.let(v.or(v.eq(a, 0), v.eq(a, infinity)));
  v.merge(result, extreme, v.and(v.xor(v.lt(y, 0), v.eq(a, infinity)), f64x2c(infinity)));
  v.set(result, v.xor(result, v.and(v.and(odd, x), signBit)));
  v.merge(result, v.andnot(v.lt(x, 0), v.or(whole, extreme)), nan);
  v.merge(result, v.or(v.isNaN(x), v.isNaN(y)), nan);
  v.merge(result, v.or(v.eq(x, 1), v.eq(y, 0)), 1);
}

/**
 * √(x² + y²). Where the sum of squares neither overflows nor comes near to vanishing, what is lost of the smaller square is
 * nothing beside the larger; elsewhere both are multiplied by a power of 2 first. An infinity decides, whatever the other is.
 */
export const hypot: VectorFunction = (f, target, x, y) => {
  const v = new Lanes(f, target);
  const squares = (a: Expr, b: Expr): Expr => v.madd(a, a, v.mul(b, b));
  const sum = v.let(squares(x, y));
  const result = v.var(v.sqrt(sum));
  const odd = v.let(v.not(v.and(v.ge(sum, 2 ** -900), v.lt(sum, infinity))));
  v.ifAny(odd, () => {
    const larger = v.let(v.max(v.abs(x), v.abs(y)));
    const isLarge = v.let(v.gt(larger, 1));
    const scale = v.let(v.select(isLarge, 2 ** -600, 2 ** 600));
    const root = v.sqrt(squares(v.let(v.mul(x, scale)), v.let(v.mul(y, scale))));
    v.merge(result, odd, v.mul(root, v.select(isLarge, 2 ** 600, 2 ** -600)));
    v.merge(result, v.or(v.eq(v.abs(x), infinity), v.eq(v.abs(y), infinity)), infinity);
  });
  return result;
};

/** A third of the exponent's bias, less what makes the errors of the first guess even, in the upper half of a double. */
const guessBias = 715094163;

/**
 * A third of the bits is a guess within 4 %, t·(t³/x)^(−1/3) by a polynomial has 23 bits, and after rounding it to
 * those t² is exact in Newton's step (Kahan; fdlibm).
 */
export const cbrt: VectorFunction = (f, target, x) => {
  const v = new Lanes(f, target);
  const a = v.var(v.abs(x));
  const back = v.var(f64x2c(1));
  const odd = v.let(v.not(v.and(v.ge(a, smallestNormal), v.lt(a, infinity))));
  v.ifAny(odd, () => {
    const subnormal = v.let(v.lt(a, smallestNormal));
    v.merge(a, subnormal, v.mul(a, 2 ** 54));
    v.merge(back, subnormal, 2 ** -18);
  });
  const guess = v.let(v.shl(v.add(v.madd(v.upperHalf(a), 1 / 3, guessBias), 2 ** 52), 32));
  const d = v.let(v.sub(v.mul(v.mul(guess, guess), v.div(guess, a)), 1));
  const better = v.mul(guess, v.polynomial(cubeRoot, d));
  const t = v.let(v.and(v.iadd(better, bits(1n << 31n)), bits(-(1n << 32n))));
  const r = v.let(v.div(a, v.mul(t, t)));
  const step = v.div(v.sub(r, t), v.add(v.add(t, t), r));
  const result = v.var(v.mul(v.madd(t, step, t), back));
  v.ifAny(odd, () => v.merge(result, v.or(v.eq(x, 0), v.not(v.lt(v.abs(x), infinity))), x));
  return v.copysign(result, x);
};
