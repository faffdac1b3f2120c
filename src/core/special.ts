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
} from './special-coefficients.ts';

/** An unevaluated sum of two doubles, the second below the last place of the first. */
type Pair = readonly [high: number, low: number];

function polynomial(coefficients: readonly number[], x: number): number {
  let sum = 0;
  for (let i = coefficients.length - 1; i >= 0; i--) sum = sum * x + coefficients[i]!;
  return sum;
}

/** a + b exactly, for |a| ≥ |b|. */
function quickSum(a: number, b: number): Pair {
  const sum = a + b;
  return [sum, b - (sum - a)];
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
  const [sum, rest] = quickSum(1, r);
  return { pair: quickSum(sum, rest + tail), k };
}

/** 2^k in two factors, so that a subnormal result is rounded once. */
const scale = (x: number, k: number): number => {
  const half = k >> 1;
  return x * 2 ** half * 2 ** (k - half);
};

/** log x to about 2⁻⁷⁰ for normal x: one Newton step for exp(y) = x, whose residual is computed in two parts. */
function logPair(x: number): Pair {
  const y = Math.log(x);
  const { pair, k } = expPair(-y, 0);
  const p = product(scale(x, k), pair[0]);
  return [y, p[0] - 1 + p[1] + pair[1]];
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
  const e = Math.exp(x);
  // From e = 2⁻⁵³ on the denominator rounds to 1; in between the division adds half an ulp to the exponential's.
  return e / (1 + e);
}

/** sin(πx), the argument reduced exactly. */
function sinPi(x: number): number {
  const n = Math.round(x);
  const s = Math.sin(Math.PI * (x - n));
  return n % 2 === 0 ? s : -s;
}

/** cot(πr), |r| ≤ 1/2; near ±1/2, where it vanishes, from the exact distance to there. */
function cotPi(r: number): number {
  const a = Math.abs(r);
  return Math.sign(r) * (a < 0.25 ? 1 / Math.tan(Math.PI * a) : Math.tan(Math.PI * (0.5 - a)));
}

/** log |Γ(x)|. */
export function lgamma(x: number): number {
  if (x <= 0) {
    if (Number.isInteger(x) || x === Number.NEGATIVE_INFINITY) return Number.POSITIVE_INFINITY;
    // Γ(x)·Γ(−x) = −π/(x·sin πx); a tiny x leaves −log |x|.
    if (x > -1e-20) return -Math.log(-x);
    return Math.log(Math.PI / Math.abs(x * sinPi(x))) - lgamma(-x);
  }
  if (!(x < Number.POSITIVE_INFINITY)) return x;
  if (x >= 4) {
    // (x − 1/2)(log x − 1) + (log 2π − 1)/2 and the series. The product overflows only where the result does.
    if (x > 1e280) return x * (Math.log(x) - 1);
    const [high, low] = logPair(x);
    const series = polynomial(lgammaStirling, 1 / (x * x)) / x;
    const main = product(x - 0.5, high - 1);
    return main[0] + (main[1] + (x - 0.5) * low + (0.4189385332046727 + series));
  }
  // Γ(x) = (x − 1)⋯z·Γ(z) with z in [3/2, 5/2).
  let shifted = x;
  let factors = 1;
  while (shifted >= 2.5) {
    shifted -= 1;
    factors *= shifted;
  }
  let divisors = 1;
  while (shifted < 1.5) {
    divisors *= shifted;
    shifted += 1;
  }
  // Near 0 the sum x + 1 forgets x, and nothing is lost by that.
  const y = x < 1.5 ? (x < 0.5 ? x : x - 1) : shifted - 2;
  const near = y * polynomial(lgammaNear2, y);
  return factors > 1 ? near + Math.log(factors) : near - Math.log(divisors);
}

/** The derivative of log Γ; NaN at its poles. */
export function digamma(x: number): number {
  if (x <= 0) {
    if (Number.isInteger(x) || x === Number.NEGATIVE_INFINITY) return Number.NaN;
    // ψ(x) = ψ(−x) − 1/x − π/tan πx.
    if (x > -1e-20) return -1 / x - 0.5772156649015329;
    return digamma(-x) - 1 / x - Math.PI * cotPi(x - Math.round(x));
  }
  if (!(x < Number.POSITIVE_INFINITY)) return x;
  if (x >= 4) {
    const inverse = 1 / x;
    const square = inverse * inverse;
    return Math.log(x) - (0.5 * inverse + square * polynomial(digammaStirling, square));
  }
  // ψ(x) = ψ(z) + Σ 1/(z + k) with z in [1, 2), of one sign; the sum as one fraction.
  let shifted = x;
  let numerator = 0;
  let denominator = 1;
  while (shifted >= 2) {
    shifted -= 1;
    numerator = numerator * shifted + denominator;
    denominator *= shifted;
  }
  const z = shifted < 1 ? shifted + 1 : shifted;
  const offset = shifted < 1 ? shifted - (digammaRoot[0] - 1) : shifted - digammaRoot[0];
  const near = (offset - digammaRoot[1]) * polynomial(digammaNearRoot, z - 1.5);
  return shifted < 1 ? near - 1 / shifted : near + numerator / denominator;
}
