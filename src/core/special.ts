/**
 * Special functions in double precision: the reference semantics of the primitives. Errors are at most 2 ulp; near the
 * roots of lgamma and digamma on the negative axis the error is relative to the terms that cancel there.
 */
import {
  digammaNearRoot,
  digammaRoot,
  digammaStirling,
  erfCentre,
  erfcScaled,
  erfInvCentre,
  erfInvFar,
  erfInvNear,
  expTail,
  lgammaNear2,
  lgammaStirling,
  tanhCentre,
  zetaTail,
} from './special-coefficients.ts';

/** An unevaluated sum of two doubles, the second below the last place of the first. */
type Pair = readonly [high: number, low: number];

function polynomial(coefficients: readonly number[], x: number): number {
  let value = 0;
  for (let i = coefficients.length - 1; i >= 0; i--) value = value * x + coefficients[i]!;
  return value;
}

/** a + b exactly, for |a| ≥ |b|. */
function quickSum(a: number, b: number): Pair {
  const s = a + b;
  return [s, b - (s - a)];
}

/** a + b exactly (Knuth). */
function sum(a: number, b: number): Pair {
  const s = a + b;
  const t = s - a;
  return [s, a - (s - t) + (b - t)];
}

/** a·b exactly (Dekker); neither factor may be near overflow. */
function product(a: number, b: number): Pair {
  const split = (x: number): Pair => {
    const t = 134217729 * x;
    const high = t - (t - x);
    return [high, x - high];
  };
  const [ah, al] = split(a);
  const [bh, bl] = split(b);
  const p = a * b;
  return [p, ah * bh - p + ah * bl + al * bh + al * bl];
}

/** exp(high + low) to about 2⁻⁶⁰, as (pair)·2^k. */
function expPair(high: number, low: number): { pair: Pair; k: number } {
  const k = Math.round(high * Math.LOG2E);
  // log 2 in two parts, the first with trailing zeros so that its multiples are exact.
  const a = high - k * 0.6931471803691238;
  const c = low - k * 1.9082149292705877e-10;
  const r = a + c;
  const tail = r * r * polynomial(expTail, r) + (a - r + c);
  const [one, rest] = quickSum(1, r);
  return { pair: quickSum(one, rest + tail), k };
}

/** 2^k in two factors, so that a subnormal result is rounded once. */
const scale = (x: number, k: number): number => {
  const half = k >> 1;
  return x * 2 ** half * 2 ** (k - half);
};

/** 1/(2k + 1) for k = 2, 3, …: the series of atanh(s)/s in s², after 1 + s²/3. */
const atanhTail: readonly number[] = Array.from({ length: 14 }, (_, i) => 1 / (2 * i + 5));

/** log x to about 2⁻⁷⁰ for normal x: e·log 2 + 2·atanh((m − 1)/(m + 1)) for x = m·2ᵉ with m between √½ and √2. */
function logPair(x: number): Pair {
  let e = Math.round(Math.log2(x));
  let m = scale(x, -e);
  if (m < Math.SQRT1_2 || m > Math.SQRT2) {
    e += m < 1 ? -1 : 1;
    m = scale(x, -e);
  }
  const s = quotient(m - 1, sum(m, 1));
  const square = product(s[0], s[0]);
  const u: Pair = [square[0], square[1] + 2 * s[0] * s[1]];
  const inner = quickSum(1 / 3, u[0] * polynomial(atanhTail, u[0]));
  const w = product(u[0], inner[0]);
  const series = quickSum(1, w[0]);
  // What 1/3 has below its last place is 1.85·10⁻¹⁷.
  const rest = series[1] + w[1] + u[0] * (inner[1] + 1.850371707708594e-17) + u[1] * inner[0];
  const main = product(2 * s[0], series[0]);
  const tail = main[1] + 2 * (s[0] * rest + s[1] * series[0]);
  // log 2 in two parts, the first with trailing zeros so that its multiples are exact.
  const whole = sum(e * 0.6931471803691238, e * 1.9082149292705877e-10);
  const all = sum(whole[0], main[0]);
  return quickSum(all[0], all[1] + whole[1] + tail);
}

/**
 * The power as IEEE 754 has it, where JavaScript differs: 1^y is 1 for every y, and (−1)^±∞ is 1. Engines are off by
 * hundreds of ulp for large exponents.
 */
export function pow(x: number, y: number): number {
  if (x === 1 || (x === -1 && Math.abs(y) === Number.POSITIVE_INFINITY)) return 1;
  const a = Math.abs(x);
  // Beyond 2⁶³ the result is 0, 1 or ∞, whatever the base.
  const ordinary = a > 0 && a < Number.POSITIVE_INFINITY && Math.abs(y) < 2 ** 63 && y !== 0;
  if (!ordinary || (x < 0 && !Number.isInteger(y))) return x ** y;
  const tiny = a < 2 ** -1022;
  const [high, low] = logPair(tiny ? a * 2 ** 54 : a);
  const log = tiny ? sum(high, -37.42994775023705) : ([high, low] as Pair);
  const rest = tiny ? log[1] + low + 1.1902053746983427e-15 : low;
  const [p, q] = times(y, [log[0], rest]);
  const sign = x < 0 && y % 2 !== 0 ? -1 : 1;
  if (Math.abs(p) > 800) return sign * (p > 0 ? Number.POSITIVE_INFINITY : 0);
  const { pair, k } = expPair(p, q);
  return sign * scale(pair[0] + pair[1], k);
}

/** 2^x, where engines are off by more than an ulp. */
export function exp2(x: number): number {
  if (!(Math.abs(x) < 1100)) return 2 ** x;
  const k = Math.round(x);
  return scale(Math.exp((x - k) * Math.LN2), k);
}

/** √(x² + y²), infinite if an operand is. */
export function hypot(x: number, y: number): number {
  const larger = Math.max(Math.abs(x), Math.abs(y));
  if (Math.abs(x) === Number.POSITIVE_INFINITY || Math.abs(y) === Number.POSITIVE_INFINITY)
    return Number.POSITIVE_INFINITY;
  // A power of 2 with which neither squares nor their sum overflow or vanish.
  const shrink = larger > 2 ** 500 ? 2 ** -600 : larger < 2 ** -400 ? 2 ** 600 : 1;
  const [a, b] = [x * shrink, y * shrink];
  return Math.sqrt(a * a + b * b) / shrink;
}

/** ⌊x/y⌋ as NumPy has it: −1 for a finite x beyond 0 and an infinite y of the other sign, NaN for an infinite x. */
export function floorDivide(x: number, y: number): number {
  const quotient = Math.floor(x / y);
  if (y === 0) return quotient;
  if (Math.abs(y) === Number.POSITIVE_INFINITY && Number.isFinite(x)) return x !== 0 && x < 0 !== y < 0 ? -1 : quotient;
  // Rounding x / y up to an integer would be one too many: the remainder decides.
  const truncated = x % y;
  const remainder = truncated !== 0 && truncated < 0 !== y < 0 ? truncated + y : truncated;
  const whole = Math.round((x - remainder) / y);
  return whole === 0 ? quotient * 0 : whole;
}

/** erfc for 0.75 ≤ x ≤ 28: exp(−x²)·p/(1 + 2x), every factor in two parts. */
function erfcTail(x: number): number {
  const [s, t] = product(x, x);
  const { pair, k } = expPair(-s, -t);
  const [c0, ...rest] = erfcScaled;
  const u = (x - 3) / (x + 3);
  const p = quickSum(c0!, u * polynomial(rest, u));
  const n = product(pair[0], p[0]);
  const low = n[1] + (pair[0] * p[1] + pair[1] * p[0]);
  const d = quickSum(2 * x, 1);
  const q = n[0] / d[0];
  const back = product(q, d[0]);
  return scale(q + (n[0] - back[0] - back[1] + low - q * d[1]) / d[0], k);
}

/** (2/√π)·∫₀ˣ exp(−t²) dt. */
export function erf(x: number): number {
  const a = Math.abs(x);
  if (a <= 1) return x + x * polynomial(erfCentre, x * x);
  if (Number.isNaN(x)) return x;
  return Math.sign(x) * (a > 6 ? 1 : 1 - erfcTail(a));
}

/** 1 − erf(x), without cancellation. */
export function erfc(x: number): number {
  if (x >= -1 && x <= 0.75) {
    const high = 1 - x;
    const low = 1 - high - x;
    return high + (low - x * polynomial(erfCentre, x * x));
  }
  if (Number.isNaN(x)) return x;
  if (x < 0) return x < -6 ? 2 : 2 - erfcTail(-x);
  return x > 28 ? 0 : erfcTail(x);
}

/** Inverse of erf on [−1, 1]; NaN outside. */
export function erfInv(y: number): number {
  const a = Math.abs(y);
  if (a <= 0.5) return y * polynomial(erfInvCentre, y * y);
  if (!(a < 1)) return a === 1 ? y * Number.POSITIVE_INFINITY : Number.NaN;
  const s = Math.sqrt(-Math.log(1 - a));
  const first = s * (s < 2.2 ? polynomial(erfInvNear, s - 1.515) : polynomial(erfInvFar, s - 4.15));
  // A Newton step for erfc(x) = 1 − a, which is exact.
  const step = (erfc(first) - (1 - a)) / ((2 / Math.sqrt(Math.PI)) * Math.exp(-first * first));
  return Math.sign(y) * (first + step);
}

/** 1/(1 + e⁻ˣ). For negative x as e^x/(1 + e^x), which does not overflow. */
export function logistic(x: number): number {
  if (x >= 0) return 1 / (1 + Math.exp(-x));
  // Below, the denominator is 1.
  if (!(x > -40)) return Math.exp(x);
  const { pair, k } = expPair(x, 0);
  const e: Pair = [pair[0] * 2 ** k, pair[1] * 2 ** k];
  const one = quickSum(1, e[0]);
  return ratio(e, [one[0], one[1] + e[1]]);
}

/** (e²ˣ − 1)/(e²ˣ + 1), in two parts. */
export function tanh(x: number): number {
  const a = Math.abs(x);
  if (x === 0) return x;
  if (a < 0.03) return x + x * (x * x * polynomial(tanhCentre, x * x));
  if (!(a < 20)) return Number.isNaN(x) ? x : Math.sign(x);
  const { pair, k } = expPair(2 * a, 0);
  const e: Pair = [pair[0] * 2 ** k, pair[1] * 2 ** k];
  const [above, below] = [sum(e[0], -1), sum(e[0], 1)];
  return Math.sign(x) * ratio([above[0], above[1] + e[1]], [below[0], below[1] + e[1]]);
}

/** n/d for values in two parts. */
function ratio(n: Pair, d: Pair): number {
  const q = n[0] / d[0];
  const back = product(q, d[0]);
  return q + (n[0] - back[0] - back[1] + n[1] - q * d[1]) / d[0];
}

/** sin(πx), the argument reduced exactly. */
function sinPi(x: number): number {
  const n = Math.round(x);
  const s = Math.sin(Math.PI * (x - n));
  return n % 2 === 0 ? s : -s;
}

/**
 * π·cot(πr) for 0 < |r| ≤ 1/2 in two parts: 1/r + 2r/(r² − 1) − 2 Σ (ζ(2k) − 1)·r^(2k−1), the poles at 0 and ±1 and what is
 * left.
 */
function piCotPi(r: number): Pair {
  const pole = quotient(1, [r, 0]);
  const square = product(r, r);
  const below = quickSum(-1, square[0]);
  const poles = quotient(2 * r, [below[0], below[1] + square[1]]);
  const [first, ...others] = zetaTail;
  const series = quickSum(first!, square[0] * polynomial(others, square[0]));
  const rest = times(-2 * r, [series[0], series[1] + zetaTailLow]);
  const both = sum(pole[0], poles[0]);
  const all = sum(both[0], rest[0]);
  return [all[0], all[1] + both[1] + pole[1] + poles[1] + rest[1]];
}

/** What ζ(2) − 1 has below its last place. */
const zetaTailLow = 3.040672350398476e-17;

/** c₀ + c₁·x + …, the first sum in two parts. */
function polynomialPair([first, ...rest]: readonly number[], x: number): Pair {
  return quickSum(first!, x * polynomial(rest, x));
}

/** x·(high + low) in two parts. */
function times(x: number, [high, low]: Pair): Pair {
  const p = product(x, high);
  return [p[0], p[1] + x * low];
}

/** log π in two parts. */
const logPi: Pair = [1.1447298858494002, 1.0265951162707826e-17];

/** log |Γ(x)|. */
export function lgamma(x: number): number {
  if (Number.isNaN(x)) return x;
  if ((x <= 0 && Number.isInteger(x)) || Math.abs(x) === Number.POSITIVE_INFINITY) return Number.POSITIVE_INFINITY;
  const positive = lgammaPositive(Math.abs(x));
  // Γ(x)·Γ(−x) = −π/(x·sin πx); a tiny x leaves −log |x|.
  if (x > -1e-20) return positive[0] + positive[1];
  const [w, rest] = product(-x, Math.abs(sinPi(x)));
  const log = logPair(w);
  const terms = sum(log[0], positive[0]);
  const all = sum(logPi[0], -terms[0]);
  return all[0] + (all[1] + logPi[1] - (terms[1] + positive[1] + log[1] + rest / w));
}

/** log Γ(x) for 0 < x < ∞, as a sum of a large and a small part. */
function lgammaPositive(x: number): Pair {
  if (x >= 4) {
    // (x − 1/2)(log x − 1) + (log 2π − 1)/2 and the series. The product overflows only where the result does.
    if (x > 1e280) return [x * (Math.log(x) - 1), 0];
    const [high, low] = logPair(x);
    const series = polynomial(lgammaStirling, 1 / (x * x)) / x;
    const main = product(x - 0.5, high - 1);
    return [main[0], main[1] + (x - 0.5) * low + (0.4189385332046727 + series)];
  }
  if (x < 2 ** -900) return [-Math.log(x), 0];
  // Γ(x) = (x − 1)⋯z·Γ(z) with z in [3/2, 5/2); the product has at most two factors.
  let shifted = x;
  let factors: Pair = [1, 0];
  const up = x < 1.5;
  while (shifted >= 2.5) factors = times(--shifted, factors);
  const count = up ? (x < 0.5 ? 2 : 1) : 0;
  for (let k = 0; k < count; k++) factors = times(x, k === 0 ? [1, 0] : quickSum(k, x));
  const y = up ? (x < 0.5 ? x : x - 1) : shifted - 2;
  const [first, ...rest] = lgammaNear2 as [number, ...number[]];
  const inner = times(y, polynomialPair(rest, y));
  const outer = quickSum(first, inner[0]);
  const near = times(y, [outer[0], outer[1] + inner[1]]);
  const log = logPair(factors[0]);
  const sign = up ? -1 : 1;
  const all = sum(near[0], sign * log[0]);
  return [all[0], all[1] + near[1] + sign * (log[1] + factors[1] / factors[0])];
}

/** The derivative of log Γ; NaN at its poles. */
export function digamma(x: number): number {
  if (x <= 0 && (Number.isInteger(x) || x === Number.NEGATIVE_INFINITY)) return Number.NaN;
  if (!(x < Number.POSITIVE_INFINITY)) return x;
  // ψ(x) = ψ(−x) − 1/x − π/tan πx.
  if (x <= 0 && x > -1e-20) return -1 / x - 0.5772156649015329;
  const positive = digammaPositive(Math.abs(x));
  if (x > 0) return positive[0] + positive[1];
  const inverse = quotient(-1, [x, 0]);
  const reflected = piCotPi(x - Math.round(x));
  const terms = sum(inverse[0], positive[0]);
  const all = sum(terms[0], -reflected[0]);
  return all[0] + (all[1] + terms[1] + inverse[1] + positive[1] - reflected[1]);
}

/** n/d in two parts. */
function quotient(n: number, d: Pair): Pair {
  const q = n / d[0];
  const back = product(q, d[0]);
  return [q, (n - back[0] - back[1] - q * d[1]) / d[0]];
}

/** ψ(x) for 0 < x < ∞, as a sum of a large and a small part. */
function digammaPositive(x: number): Pair {
  if (x >= 4) {
    const inverse = 1 / x;
    const square = inverse * inverse;
    const [high, low] = logPair(x);
    return [high, low - (0.5 * inverse + square * polynomial(digammaStirling, square))];
  }
  if (x < 2 ** -900) return [-1 / x, 0];
  // ψ(x) = ψ(z) + Σ 1/(z + k) with z in [1, 2), of one sign; the sum as one fraction.
  let shifted = x;
  let numerator = 0;
  let denominator: Pair = [1, 0];
  while (shifted >= 2) {
    shifted -= 1;
    numerator = numerator * shifted + denominator[0];
    denominator = times(shifted, denominator);
  }
  const z = x < 1 ? x + 1 : shifted;
  const offset = x < 1 ? x - (digammaRoot[0] - 1) : shifted - digammaRoot[0];
  const factor = polynomialPair(digammaNearRoot, z - 1.5);
  const near = times(offset, factor);
  const rest = x < 1 ? quotient(-1, [x, 0]) : quotient(numerator, denominator);
  const all = sum(rest[0], near[0]);
  return [all[0], all[1] + rest[1] + near[1] - digammaRoot[1] * factor[0]];
}
