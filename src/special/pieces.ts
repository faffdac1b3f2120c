/** What the programs of special functions have in common: rank-0 float64 values throughout. */
import { lgammaNear2, lgammaStirling } from '../core/special-coefficients.ts';
import type { Value } from '../core/trace.ts';
import { integerPow } from '../lax/arithmetic.ts';
import { select } from '../lax/compare.ts';
import { lgamma, log, log1p } from '../lax/transcendental.ts';

/** c₀ + c₁·x + …, by Horner's rule. */
export function polynomial(coefficients: readonly number[], x: Value): Value {
  let value: Value | number = coefficients.at(-1)!;
  for (let i = coefficients.length - 2; i >= 0; i--) value = x.mul(value).add(coefficients[i]!);
  return value as Value;
}

export const isNaN = (x: Value): Value => x.ne(x);

/** Σ v²ʲ/(2j + 3), of log((1 + v)/(1 − v)) = 2v + 2v³·Σ. */
const atanhTail = Array.from({ length: 17 }, (_, j) => 1 / (2 * j + 3));

/**
 * t − log(1 + t), where `log1pt` is log(1 + t) for |t| > 1/2. With v = t/(2 + t), log(1 + t) = 2 atanh v and
 * t − 2v = t·v, so that nothing cancels near 0.
 */
export function deviance(t: Value, log1pt: Value): Value {
  const near = t.abs().le(0.5);
  const small = select(near, t, 0.25);
  const v = small.div(small.add(2));
  const square = v.mul(v);
  const central = small.mul(v).sub(v.mul(square).mul(2).mul(polynomial(atanhTail, square)));
  return select(near, central, t.sub(log1pt));
}

/** log Γ(1 + a) for a ≥ 0, relative to its size also near 0. */
export function lgamma1p(a: Value): Value {
  const near = a.le(0.5);
  const small = select(near, a, 0.25);
  const central = small.mul(polynomial(lgammaNear2, small)).sub(log1p(small));
  return select(near, central, lgamma(a.add(1)));
}

/** log Γ(a) − (a − 1/2)·log a + a − log(2π)/2 for a > 0: what Stirling's formula leaves. */
export function stirlingRest(a: Value): Value {
  const far = a.ge(4);
  const large = select(far, a, 4);
  const series = polynomial(lgammaStirling, integerPow(large, -2)).div(large);
  const small = select(far, 1, a);
  const direct = lgamma(small)
    .sub(small.sub(0.5).mul(log(small)))
    .add(small.sub(halfLog2Pi));
  return select(far, series, direct);
}

export const halfLog2Pi: number = 0.5 * Math.log(2 * Math.PI);
