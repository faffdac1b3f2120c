/** The error function, the gamma function and their kin. */
import type { ArrayLike } from '../array.ts';
import * as reference from '../core/special.ts';
import type { Value } from '../core/trace.ts';
import { toFloating } from '../promote.ts';
import { add, div, integerPow, mul, neg, sub } from './arithmetic.ts';
import { lt, select } from './compare.ts';
import type { UnaryOp } from './family.ts';
import { exp, mathFunction, sin } from './transcendental.ts';

const twoOverRootPi = 2 / Math.sqrt(Math.PI);
const gaussian = (x: Value): Value => exp(neg(integerPow(x, 2)));

/** 2/√π ∫₀ˣ e^(−t²) dt. */
export const erf: UnaryOp = mathFunction('erf', reference.erf, (dx, x) => mul(dx, mul(gaussian(x), twoOverRootPi)));
/** 1 − erf x, accurate for large x. */
export const erfc: UnaryOp = mathFunction('erfc', reference.erfc, (dx, x) => mul(dx, mul(gaussian(x), -twoOverRootPi)));
/** Inverse of erf on (−1, 1); ±∞ at ±1. */
export const erfInv: UnaryOp = mathFunction(
  'erf_inv',
  reference.erfInv,
  (dx, _x, out) => mul(dx, mul(exp(integerPow(out, 2)), 1 / twoOverRootPi)),
  [-0.99, 0.99],
  { fn: 'erfInv' },
);
/** 1/(1 + e⁻ˣ). */
export const logistic: UnaryOp = mathFunction(
  'logistic',
  reference.logistic,
  (dx, _x, out) => mul(dx, mul(out, sub(1, out))),
  [-10, 10],
);
/** The zeros of lgamma and digamma below 0 come from terms of about this size that cancel. */
const reflected = (x: number): number => (x < 0 ? Math.abs(Math.log(-x)) + 1 : 0);

/** log |Γ(x)|; ∞ at 0, −1, −2, … */
export const lgamma: UnaryOp = mathFunction('lgamma', reference.lgamma, (dx, x) => mul(dx, digamma(x)), [0.1, 10], {
  terms: reflected,
});
/** Γ′(x)/Γ(x); NaN at 0, −1, −2, … */
export const digamma: UnaryOp = mathFunction('digamma', reference.digamma, (dx, x) => mul(dx, trigamma(x)), [0.1, 10], {
  terms: reflected,
});

/** B₂ₖ, the Bernoulli numbers of the asymptotic series ψ′(x) ~ 1/x + 1/(2x²) + Σ B₂ₖ/x^(2k+1). */
const bernoulli = [1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6];
const shifts = 8;

/**
 * The derivative of digamma, ψ′(x), composed of differentiable operations, so that all its derivatives exist. The
 * recurrence ψ′(x) = ψ′(x + 1) + 1/x² moves x to at least 8.5, where seven terms of the asymptotic series reach float64
 * precision; below 1/2 the reflection ψ′(1 − x) + ψ′(x) = (π / sin πx)² is used.
 */
export function trigamma(x: ArrayLike): Value {
  const value = toFloating(x, 'trigamma');
  const reflected = lt(value, 0.5);
  let at = select(reflected, sub(1, value), value);
  let sum: Value | undefined;
  for (let i = 0; i < shifts; i++, at = add(at, 1)) {
    const term = integerPow(at, -2);
    sum = sum ? add(sum, term) : term;
  }
  const inverse = div(1, at);
  const inverseSquare = mul(inverse, inverse);
  let series: Value = mul(inverseSquare, bernoulli.at(-1)!);
  for (let k = bernoulli.length - 2; k >= 0; k--) series = mul(inverseSquare, add(series, bernoulli[k]!));
  // Here series = Σ B₂ₖ x^(−2k), and ψ′ = (1 + 1/(2x) + series)/x.
  const direct = add(sum!, mul(inverse, add(add(series, mul(inverse, 0.5)), 1)));
  const sine = sin(mul(select(reflected, value, 0.5), Math.PI));
  return select(reflected, sub(integerPow(div(Math.PI, sine), 2), direct), direct);
}
