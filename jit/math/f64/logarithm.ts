/** Logarithms and the inverse hyperbolic functions, which are logarithms. */
import { type Expr, f64x2c } from '../../wasm/code.ts';
import type { VectorFunction } from '../vector-function.ts';
import { atanhTail } from './coefficients.ts';
import { log2High, log2Low } from './exponential.ts';
import { bits, Lanes } from './lanes.ts';

const { POSITIVE_INFINITY: infinity, NaN: nan } = Number;
const smallestNormal = 2 ** -1022;
const mantissaBits = bits((1n << 52n) - 1n);
const rootHalfBits = 0x3fe6a09e667f3bcdn;
const oneBits = 0x3ff0000000000000n;

/** x = 2ᵏ·(1 + f) with 1 + f in [√½, √2); both locals, f exact. `x` is normal and positive, or the result arbitrary. */
export function normalize(v: Lanes, x: Expr): { k: Expr; f: Expr } {
  const moved = v.let(v.iadd(x, bits(oneBits - rootHalfBits)));
  return {
    k: v.let(v.exponent(moved)),
    f: v.let(v.sub(v.iadd(v.and(moved, mantissaBits), bits(rootHalfBits)), 1)),
  };
}

/**
 * The parts of log(1 + f) = f − f²/2 + s·(f²/2 + R), where s = f/(2 + f) and R = 2·s²·(1/3 + s²/5 + …): with
 * 2·atanh s = 2s + s·R and f − s·f = 2s (Ng, fdlibm). The last summand is returned as `rest`.
 */
export function logParts(v: Lanes, f: Expr): { halfSquare: Expr; rest: Expr } {
  const halfSquare = v.let(v.mul(v.mul(f, f), 0.5));
  const s = v.let(v.div(f, v.add(f, 2)));
  const z = v.let(v.mul(s, s));
  const series = v.polynomial(
    atanhTail.map((c) => 2 * c),
    z,
  );
  return { halfSquare, rest: v.mul(s, v.madd(z, series, halfSquare)) };
}

/** log x + correction + extra·log 2, for positive normal x. */
export function logOf(v: Lanes, x: Expr, correction?: Expr, extra?: Expr): Expr {
  const { k: exponent, f } = normalize(v, x);
  const k = extra ? v.let(v.add(exponent, extra)) : exponent;
  const { halfSquare, rest } = logParts(v, f);
  const low = v.madd(k, log2Low, rest);
  const small = v.sub(halfSquare, correction ? v.add(low, correction) : low);
  return v.madd(k, log2High, v.sub(f, small));
}

/** What is not a positive normal number. */
const oddBits = (v: Lanes, x: Expr): Expr => v.let(v.not(v.and(v.ge(x, smallestNormal), v.lt(x, infinity))));

/**
 * Applies `write` to x, where subnormal x is given as x·2⁵⁴ with −54 as what to add to its exponent; then puts right 0,
 * ∞, NaN and negative numbers.
 */
function forPositive(v: Lanes, x: Expr, write: (x: Expr, exponent: Expr) => Expr): Expr {
  const odd = oddBits(v, x);
  const scaled = v.var(x);
  const exponent = v.var(f64x2c(0));
  v.ifAny(odd, () => {
    const subnormal = v.let(v.lt(x, smallestNormal));
    v.merge(scaled, subnormal, v.mul(x, 2 ** 54));
    v.merge(exponent, subnormal, -54);
  });
  const result = v.var(write(scaled, exponent));
  v.ifAny(odd, () => {
    v.merge(result, v.not(v.lt(x, infinity)), x);
    v.merge(result, v.lt(x, 0), nan);
    v.merge(result, v.eq(x, 0), -infinity);
  });
  return result;
}

export const log: VectorFunction = (f, target, x) => {
  const v = new Lanes(f, target);
  return forPositive(v, x, (scaled, exponent) => logOf(v, scaled, undefined, exponent));
};

/** 1/log 2 in two parts, the first of 26 bits. */
const inverseLog2High = 1.4426950216293335;
const inverseLog2Low = 1.9259629911266175e-8;

/** log(1 + f) in two parts, the first of 26 bits, times 1/log 2 in two parts. */
export const log2: VectorFunction = (f, target, x) => {
  const v = new Lanes(f, target);
  return forPositive(v, x, (scaled, exponent) => {
    const { k, f: fraction } = normalize(v, scaled);
    const { halfSquare, rest } = logParts(v, fraction);
    const main = v.split(v.let(v.sub(fraction, halfSquare)));
    const low = v.let(v.add(v.sub(v.sub(fraction, main.high), halfSquare), rest));
    const whole = v.quickSum(v.let(v.add(k, exponent)), v.mul(main.high, inverseLog2High));
    const small = v.madd(v.add(low, main.high), inverseLog2Low, v.mul(low, inverseLog2High));
    return v.add(whole.high, v.add(whole.low, small));
  });
};

/** log(1 + y + low) for y > −1 and a small correction, accurate near 0. */
function log1pOf(v: Lanes, y: Expr, low?: Expr, extra?: Expr): Expr {
  const u = v.sum(1, y);
  return logOf(v, u.high, v.div(low ? v.add(u.low, low) : u.low, u.high), extra);
}

export const log1p: VectorFunction = (f, target, x) => {
  const v = new Lanes(f, target);
  const result = v.var(v.copysign(log1pOf(v, x), x));
  v.ifAny(v.not(v.and(v.gt(x, -1), v.lt(x, infinity))), () => {
    v.merge(result, v.not(v.lt(x, infinity)), x);
    v.merge(result, v.lt(x, -1), nan);
    v.merge(result, v.eq(x, -1), -infinity);
  });
  return result;
};

/** Beyond, squares beside which 1 is lost need not be taken: the result is log 2x. */
const large = 2 ** 28;

/** log(1 + a + a²/(1 + √(1 + a²))) for a = |x|. */
export const asinh: VectorFunction = (f, target, x) => {
  const v = new Lanes(f, target);
  const a = v.let(v.abs(x));
  const far = v.let(v.gt(a, large));
  const near = v.let(v.min(a, large));
  const square = v.let(v.mul(near, near));
  const y = v.quickSum(near, v.div(square, v.add(v.sqrt(v.add(square, 1)), 1)));
  const u = v.sum(1, y.high);
  const argument = v.let(v.select(far, a, u.high));
  const correction = v.div(v.andnot(v.add(u.low, y.low), far), argument);
  const result = v.var(logOf(v, argument, correction, v.and(far, f64x2c(1))));
  v.ifAny(v.not(v.lt(a, infinity)), () => v.merge(result, v.not(v.lt(a, infinity)), x));
  return v.copysign(result, x);
};

/** Up to which t = x − 1 the series of acosh is taken: the first summand left out is 2⁻⁶² of the result. */
const nearOne = 2 ** -6;
/** acosh(1 + t) = √(2t)·Σ bₖ·(−t)ᵏ/(2k + 1), bₖ = (2k)!/(8ᵏ·k!²), from the second summand on. */
const acoshSeries: number[] = [];
for (let k = 1, b = 1; k <= 7; k++) {
  b *= (1 - 2 * k) / (4 * k);
  acoshSeries.push(b / (2 * k + 1));
}

/**
 * log(1 + t + √(2t + t²)) for t = x − 1, which is exact. Where the result is small only the root and what is under it are rounded: 2t
 * is exact, t² is small beside it, and what the sums lose is the correction. Near 1 the result is the
 * root of 2t but for a correction. Each lane gets one of the two by what is in it alone. Below 1 the root is NaN.
 */
export const acosh: VectorFunction = (f, target, x) => {
  const v = new Lanes(f, target);
  const t = v.let(v.sub(v.min(x, large), 1));
  const away = v.let(v.gt(t, nearOne));
  const result = v.var(x);
  v.ifAny(away, () => {
    const far = v.let(v.gt(x, large));
    const y = v.quickSum(v.sqrt(v.madd(t, t, v.add(t, t))), t);
    const u = v.sum(1, y.high);
    const argument = v.let(v.select(far, x, u.high));
    const correction = v.div(v.andnot(v.add(u.low, y.low), far), argument);
    v.set(result, logOf(v, argument, correction, v.and(far, f64x2c(1))));
    const endless = v.let(v.eq(x, infinity));
    v.ifAny(endless, () => v.merge(result, endless, x));
  });
  v.unlessAll(away, () => {
    const root = v.let(v.sqrt(v.add(t, t)));
    v.set(result, v.select(away, result, v.madd(root, v.mul(v.polynomial(acoshSeries, t), t), root)));
  });
  return result;
};

/** ½·log(1 + 2a/(1 − a)) for a = |x|. */
export const atanh: VectorFunction = (f, target, x) => {
  const v = new Lanes(f, target);
  const a = v.let(v.abs(x));
  const result = v.var(f64x2c(nan));
  v.ifAny(v.lt(a, 1), () => {
    const y = v.pairQuotient({ high: v.let(v.add(a, a)), low: f64x2c(0) }, v.quickSum(1, v.neg(a)));
    v.set(result, v.mul(log1pOf(v, y.high, y.low), 0.5));
  });
  const outside = v.let(v.not(v.lt(a, 1)));
  v.ifAny(outside, () => v.merge(result, outside, v.select(v.eq(a, 1), infinity, nan)));
  return v.copysign(result, x);
};
