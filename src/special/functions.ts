/** The special functions of this folder, as users call them. */
import type { ArrayLike, NDArray } from '../array.ts';
import { recorded } from '../core/recorded.ts';
import { checkCount } from '../core/shape.ts';
import type { Value } from '../core/trace.ts';
import { add, mul, sub } from '../lax/arithmetic.ts';
import { select } from '../lax/compare.ts';
import { onesLike } from '../lax/creation.ts';
import * as lax from '../lax/transcendental.ts';
import {
  type Binary,
  combined,
  combined2,
  floating,
  floating2,
  floating3,
  type Ternary,
  type Unary,
} from '../numpy/elementwise.ts';
import { toFloating } from '../promote.ts';
import { besselI0, besselI0e, besselI1, besselI1e } from './bessel.ts';
import { exponentialIntegralEi, generalizedIntegral } from './exponential-integral.ts';
import { gammaOf, signOfGamma } from './gamma.ts';
import { logBeta, regularizedBeta } from './incomplete-beta.ts';
import { igamma, igammac } from './incomplete-gamma.ts';
import { logNormalCdf, normalQuantile } from './normal.ts';
import { hurwitzZeta, polygammaOf } from './zeta.ts';

/** log |Γ(x)|. */
export const gammaln: Unary = floating('gammaln', lax.lgamma);
/** The derivative of log |Γ|. */
export const digamma: Unary = floating('digamma', lax.digamma);
/**
 * The derivative of order n + 1 of log Γ, n = 0, 1, …: `digamma` for n = 0, else (−1)ⁿ⁺¹ n! ζ(n + 1, x). NaN for other n. Within
 * 1 ulp in float32 and 10 ulp in float64; n has no derivative.
 *
 * @example
 * special.polygamma(1, 1); // 1.644934
 */
export const polygamma: Binary = floating2('polygamma', polygammaOf);
/** Γ(x), within 1 ulp in float32 and 30 ulp in float64. ±∞ at ±0, NaN at −1, −2, … */
export const gamma: Unary = floating('gamma', gammaOf);
/** The sign of Γ(x): 1 or −1; NaN at −1, −2, … */
export const gammasgn: Unary = floating('gammasgn', signOfGamma);
/** n! = Γ(n + 1); 0 for negative n. */
export const factorial: Unary = floating('factorial', (n) =>
  select(n.lt(0), 0, gammaOf(add(select(n.lt(0), 0, n), 1))),
);

/**
 * The regularized lower incomplete gamma function P(a, x) = ∫₀ˣ tᵃ⁻¹ e⁻ᵗ dt / Γ(a). Computed in float64: float32 is within 1 ulp;
 * float64 within 50 ulp, 1000 in the tails, where a relative error of 2⁻⁵³ of x changes the result as much. Differentiable in both; in
 * a once. NaN for negative a or x.
 *
 * @example
 * special.gammainc(2, 3); // 0.8008517
 */
export const gammainc: Binary = floating2('gammainc', igamma);
/**
 * The regularized upper incomplete gamma function Q(a, x) = 1 − P(a, x), without cancellation; as accurate as `gammainc`.
 *
 * @example
 * special.gammaincc(2, 100); // 3.757276e-42
 */
export const gammaincc: Binary = floating2('gammaincc', igammac);
/**
 * The regularized incomplete beta function ∫₀ˣ tᵃ⁻¹ (1 − t)ᵇ⁻¹ dt / B(a, b). Computed in float64: float32 is within 1 ulp, float64
 * within 100 ulp, 1000 in the tails, for parameters up to 10⁴; above the mean as one minus the complement, so that what is small there has the error of 1. Differentiable in
 * x. NaN where a or b is not positive and finite, and outside of 0 ≤ x ≤ 1.
 *
 * @example
 * special.betainc(2, 3, 0.5); // 0.6875
 */
export const betainc: Ternary = floating3('betainc', regularizedBeta);
/** log |B(a, b)|, for large a and b without the cancellation of log Γ's. */
export const betaln: Binary = floating2('betaln', logBeta);
/** B(a, b) = Γ(a)·Γ(b)/Γ(a + b). */
export const beta: Binary = combined2('beta', (a, b) =>
  mul(mul(mul(signOfGamma(a), signOfGamma(b)), signOfGamma(add(a, b))), lax.exp(logBeta(a, b))),
);
/** The multivariate log Γ of dimension d. */
export const multigammaln: (x: ArrayLike, d: number) => NDArray = recorded((x, d) => {
  checkCount(d, 'multigammaln', 'the dimension');
  const value = toFloating(x, 'multigammaln');
  let result: Value = add(mul(value, 0), (d * (d - 1) * Math.log(Math.PI)) / 4);
  for (let j = 0; j < d; j++) result = add(result, lax.lgamma(sub(value, j / 2)));
  return result;
});

const hurwitz: Binary = floating2('zeta', hurwitzZeta);
/**
 * Hurwitz's zeta function Σ (q + k)⁻ˣ over k = 0, 1, …; Riemann's for q = 1, the default. For x > 1, ∞ at 1, NaN below; q < 0 where
 * x is an integer. Within 1 ulp in float32 and 50 ulp in float64. Differentiable in q.
 *
 * @example
 * special.zeta(2); // 1.644934
 */
export const zeta = (x: ArrayLike, q: ArrayLike = 1, ...extra: [unknown?, unknown?]): NDArray =>
  (hurwitz as (...args: unknown[]) => NDArray)(x, q, ...extra);

/** The modified Bessel function of the first kind of order 0: even, I₀(0) = 1. Within 1 ulp in float32 and 4 ulp in float64, as the three others. */
export const i0: Unary = floating('i0', besselI0);
/** e^(−|x|)·I₀(x), which does not overflow. */
export const i0e: Unary = floating('i0e', besselI0e);
/** The modified Bessel function of the first kind of order 1: odd. */
export const i1: Unary = floating('i1', besselI1);
/** e^(−|x|)·I₁(x), which does not overflow. */
export const i1e: Unary = floating('i1e', besselI1e);

/** The standard normal distribution function: the probability of values up to x. */
export const ndtr: Unary = combined('ndtr', (x) => mul(0.5, lax.erfc(mul(x, -Math.SQRT1_2))));
/** log of `ndtr`, accurate in both tails: within 1 ulp in float32, 4 ulp in float64. */
export const logNdtr: Unary = floating('logNdtr', logNormalCdf);
/** The inverse of `ndtr`, also for the smallest p: within 1 ulp in float32, 4 ulp in float64. */
export const ndtri: Unary = floating('ndtri', normalQuantile);

/**
 * The exponential integral Ei(x) = −∫ e⁻ᵗ/t dt from −x to ∞, as a principal value. Within 1 ulp in float32 and 30 ulp in float64, of 1
 * near its zero at 0.37.
 *
 * @example
 * special.expi(1); // 1.8951178
 */
export const expi: Unary = floating('expi', exponentialIntegralEi);
/** The exponential integral E₁(x) = ∫ e⁻ᵗ/t dt from x to ∞, for x ≥ 0. */
export const exp1: Unary = floating('exp1', (x) => generalizedIntegral(onesLike(x.aval), x));
/** The exponential integral Eₙ(x) = ∫ e⁻ˣᵗ/tⁿ dt from 1 to ∞, for n = 0, 1, … and x ≥ 0. Within 1 ulp in float32 and 40 ulp in float64. Differentiable in x. */
export const expn: Binary = floating2('expn', generalizedIntegral);
