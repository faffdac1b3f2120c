/** Hurwitz's zeta function and the derivatives of digamma. */
import { whileLoop } from '../control/loops.ts';
import type { Value } from '../core/trace.ts';
import { floor, pow, sub } from '../lax/arithmetic.ts';
import { select } from '../lax/compare.ts';
import { and, or } from '../lax/logic.ts';
import { digamma, exp, lgamma, log } from '../lax/transcendental.ts';
import { type Bound, specialFunction } from './function.ts';
import { isNaN } from './pieces.ts';

/** The Bernoulli numbers B₂, B₄, … */
const bernoulli = [
  1 / 6,
  -1 / 30,
  1 / 42,
  -1 / 30,
  5 / 66,
  -691 / 2730,
  7 / 6,
  -3617 / 510,
  43867 / 798,
  -174611 / 330,
  854513 / 138,
  -236364091 / 2730,
];
/** B₂ⱼ/(2j)! of the Euler–Maclaurin formula. */
const eulerMaclaurin: readonly number[] = bernoulli.map((b, j) => {
  let divided = b;
  for (let k = 2; k <= 2 * j + 2; k++) divided /= k;
  return divided;
});
const terms = 10;

/** Σ (q + k)⁻ˢ over k ≥ 0, for s > 1 and q > 0: ten terms, and the Euler–Maclaurin formula for the rest. */
function positiveZeta(s: Value, q: Value): Value {
  const power = (x: Value): Value => pow(x, s.neg());
  let sum = power(q);
  for (let k = 1; k < terms; k++) sum = sum.add(power(q.add(k)));
  const a = q.add(terms);
  const last = power(a);
  // s(s + 1)⋯(s + 2j)/a²ʲ⁺¹
  let factor = s.div(a);
  let rest = a.div(s.sub(1)).add(0.5);
  eulerMaclaurin.forEach((b, j) => {
    rest = rest.add(factor.mul(b));
    factor = factor.mul(s.add(2 * j + 1).div(a)).mul(s.add(2 * j + 2).div(a));
  });
  // A large s may make 0·∞ of it.
  return sum.add(select(last.eq(0), 0, last.mul(rest)));
}

/**
 * For q < 0, where s must be an integer, with −q = f + m, m an integer and 0 < f < 1: the terms from 1 − f on, and
 * those before as (−1)ˢ (ζ(s, f) − ζ(s, f + m + 1)).
 */
function hurwitz(s: Value, q: Value): Value {
  const negative = q.lt(0);
  const m = floor(q.neg());
  const f = q.neg().sub(m);
  const valid = and(
    s.gt(1),
    or(and(q.gt(0), q.lt(Number.POSITIVE_INFINITY)), and(negative, and(floor(s).eq(s), floor(q).ne(q)))),
  );
  const [at, first] = [select(valid, s, 2), select(valid, select(negative, sub(1, f), q), 1)];
  const sign = select(floor(at.mul(0.5)).mul(2).eq(at), 1, -1);
  const count = select(and(valid, negative), 3, 1);
  const [, value] = whileLoop(
    ([i]) => i.lt(count),
    ([i, total]) => {
      const place = select(i.eq(0), first, select(i.eq(1), f, f.add(m).add(1)));
      const factor = select(i.eq(0), 1, select(i.eq(1), sign, sign.neg()));
      return [i.add(1), total.add(factor.mul(positiveZeta(at, place)))] as const;
    },
    [q.mul(0), q.mul(0)] as const,
  );
  const pole = or(s.eq(1), and(s.gt(1), and(q.le(0), floor(q).eq(q))));
  const missing = or(isNaN(s), isNaN(q));
  const none = and(s.gt(1), q.eq(Number.POSITIVE_INFINITY));
  const edge = select(and(pole, missing.not()), Number.POSITIVE_INFINITY, select(none, 0, Number.NaN));
  return select(valid, value, edge);
}

export const hurwitzZeta: Bound = specialFunction('zeta', {
  scalar: hurwitz,
  jvp: [
    'zeta: there is no derivative with respect to the exponent',
    (dq, [s, q]) => dq.mul(s!.neg()).mul(hurwitzZeta(s!.add(1), q!)),
  ],
  intervals: [
    [1.5, 9],
    [0.2, 9],
  ],
});

/** n! as a product, which is exact to a few units in the last place, up to 170. */
function factorial(n: Value): Value {
  const [, value] = whileLoop(
    ([k]) => and(k.le(n), k.le(170)),
    ([k, product]) => [k.add(1), product.mul(k)] as const,
    [n.mul(0).add(1), n.mul(0).add(1)] as const,
  );
  return value;
}

/** (−1)ⁿ⁺¹ n! ζ(n + 1, x). */
export const polygammaOf: Bound = specialFunction('polygamma', {
  scalar: (n, x) => {
    const order = and(n.ge(0), floor(n).eq(n));
    const positive = and(order, n.gt(0));
    const at = select(positive, n, 1);
    const zeta = hurwitz(at.add(1), x);
    const large = at.gt(170);
    const size = select(large, exp(lgamma(at.add(1)).add(log(zeta.abs()))), factorial(select(large, 1, at)).mul(zeta));
    const odd = floor(at.mul(0.5)).mul(2).ne(at);
    const value = select(odd, size, size.neg());
    return select(positive, value, select(order, digamma(x), Number.NaN));
  },
  jvp: [
    'polygamma: there is no derivative with respect to the order',
    (dx, [n, x]) => dx.mul(polygammaOf(n!.add(1), x!)),
  ],
  intervals: [
    [0, 9],
    [0.2, 9],
  ],
});
