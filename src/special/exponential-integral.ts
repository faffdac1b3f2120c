/** Exponential integrals. */
import { whileLoop } from '../control/loops.ts';
import type { Value } from '../core/trace.ts';
import { floor, pow } from '../lax/arithmetic.ts';
import { select } from '../lax/compare.ts';
import { onesLike } from '../lax/creation.ts';
import { and, or } from '../lax/logic.ts';
import { digamma, exp, lgamma, log } from '../lax/transcendental.ts';
import { type Bound, inDouble, specialFunction } from './function.ts';
import { isNaN } from './pieces.ts';

const euler = 0.5772156649015329;
const steps = 500;

/** Σ xᵏ/(k·k!) over k ≥ 1. */
function entireSeries(x: Value, active: Value): Value {
  const zero = x.mul(0);
  const [, , sum] = whileLoop(
    ([k, term, sum]) => and(and(active, k.lt(steps)), term.abs().gt(sum.abs().mul(2 ** -55))),
    ([k, term, sum]) => {
      const next = term.mul(x.div(k));
      return [k.add(1), next, sum.add(next.div(k))] as const;
    },
    [zero.add(1), zero.add(1), zero] as const,
  );
  return sum;
}

/** eˣ·Eₙ(x) for x > 1 and n ≥ 1, by its continued fraction (DLMF 8.19.17) in Lentz's method. */
function scaledFraction(n: Value, x: Value, active: Value): Value {
  const start = x.add(n).reciprocal();
  const one = start.mul(0).add(1);
  const [, , , value] = whileLoop(
    ([k, , , , change]) =>
      and(
        and(active, k.lt(steps)),
        change
          .sub(1)
          .abs()
          .gt(2 ** -53),
      ),
    ([k, c, d, value]) => {
      const numerator = k.mul(n.sub(1).add(k)).neg();
      const b = x.add(n).add(k.mul(2));
      const nextD = numerator.mul(d).add(b).reciprocal();
      const nextC = b.add(numerator.div(c));
      const change = nextC.mul(nextD);
      return [k.add(1), nextC, nextD, value.mul(change), change] as const;
    },
    [one, one.mul(1e300), start, start, one.mul(2)] as const,
  );
  return value;
}

/** Eₙ(x) for 0 < x ≤ 1 and n ≥ 1 (DLMF 8.19.8): the term with the logarithm, and the other powers. */
function powerSeries(n: Value, x: Value, active: Value): Value {
  const zero = x.mul(0);
  const last = n.sub(1);
  const [, , sum] = whileLoop(
    ([m, term, sum]) => and(and(active, m.lt(steps)), or(m.le(n), term.abs().gt(sum.abs().mul(2 ** -55)))),
    ([m, term, sum]) => {
      const pole = m.eq(last);
      const part = select(pole, 0, term.div(select(pole, 1, m.sub(last))));
      return [m.add(1), term.mul(x.neg()).div(m.add(1)), sum.sub(part)] as const;
    },
    [zero, zero.add(1), zero] as const,
  );
  const odd = floor(last.mul(0.5)).mul(2).ne(last);
  const size = pow(x, last).mul(exp(lgamma(n).neg()));
  return select(odd, size.neg(), size)
    .mul(digamma(n).sub(log(x)))
    .add(sum);
}

function generalized(n: Value, x: Value): Value {
  const order = and(n.ge(0), floor(n).eq(n));
  const inside = and(and(order, n.gt(0)), and(x.gt(0), x.lt(Number.POSITIVE_INFINITY)));
  const [k, at] = [select(inside, n, 1), select(inside, x, 1)];
  // For a large order the fraction is as quick, and the powers of the series cancel.
  const near = and(at.le(1), k.lt(50));
  const small = powerSeries(select(near, k, 1), select(near, at, 1), near);
  const far = scaledFraction(k, at, near.not()).mul(exp(at.neg()));
  const value = select(near, small, far);
  const zeroth = exp(x.neg()).div(x);
  const atZero = select(n.le(1), Number.POSITIVE_INFINITY, select(n.gt(1), n.sub(1), 1).reciprocal());
  const ends = select(x.eq(0), atZero, select(x.eq(Number.POSITIVE_INFINITY), 0, select(n.eq(0), zeroth, Number.NaN)));
  const valid = and(order, x.ge(0));
  return select(inside, value, select(valid, ends, Number.NaN));
}

/** Eₙ(x). */
export const generalizedIntegral: Bound = specialFunction('expn', {
  scalar: generalized,
  jvp: [
    'expn: there is no derivative with respect to the order',
    (dx, [n, x]) => dx.mul(generalizedIntegral(n!.sub(1), x!)).neg(),
  ],
  intervals: [
    [1, 9],
    [0.1, 9],
  ],
});

/** Terms of the divergent series that are used from x = 40 on, where the smallest is 10⁻¹⁷. */
const asymptoticTerms = 40;

/** Ei(x) = γ + log |x| + Σ xᵏ/(k·k!) for 0 < x < 40, beyond that eˣ/x·Σ k!/xᵏ; −E₁(−x) below 0. */
function exponentialIntegral(x: Value): Value {
  const positive = x.gt(0);
  const near = and(positive, x.lt(40));
  const at = select(near, x, 1);
  const series = entireSeries(at, near).add(log(at).add(euler));
  const large = select(and(positive, near.not()), x, 40);
  let tail: Value = large.mul(0).add(1);
  for (let k = asymptoticTerms; k >= 1; k--) tail = tail.mul(large.reciprocal().mul(k)).add(1);
  // e^x overflows before Ei does.
  const root = exp(large.mul(0.5));
  const far = select(large.gt(720), Number.POSITIVE_INFINITY, root.div(large).mul(tail).mul(root));
  const below = generalized(onesLike(x.aval), select(positive, 1, x.neg())).neg();
  const value = select(near, series, select(positive, far, below));
  return select(isNaN(x), Number.NaN, value);
}

export const exponentialIntegralEi: Bound = specialFunction('expi', {
  scalar: exponentialIntegral,
  jvp: [(dx, [x]) => dx.mul(inDouble((x) => exp(x).div(x), x!))],
  intervals: [[0.6, 50]],
});
