/** The regularized incomplete beta function, and log B. */
import { whileLoop } from '../control/loops.ts';
import type { Value } from '../core/trace.ts';
import { max, min, pow, sub } from '../lax/arithmetic.ts';
import { select } from '../lax/compare.ts';
import { and, or } from '../lax/logic.ts';
import { digamma, exp, lgamma, log, log1p } from '../lax/transcendental.ts';
import { type Bound, inDouble, specialFunction } from './function.ts';
import { deviance, halfLog2Pi, isNaN, lgamma1p, stirlingRest } from './pieces.ts';

/** xᵃ·(1 − x)ᵇ / (a·B(a, b)), where y = 1 − x: for large a or b by Stirling's form, as the binomial probability that it is. */
function density(a: Value, b: Value, x: Value, y: Value): Value {
  const n = a.add(b);
  const large = max(a, b).ge(10);
  const apart = b.mul(x).sub(a.mul(y));
  const part = (shape: Value, difference: Value, at: Value): Value =>
    shape.mul(deviance(difference.div(shape), log(n.mul(at).div(shape))));
  const exponent = part(a, apart, x).add(part(b, apart.neg(), y));
  const rest = stirlingRest(n).sub(stirlingRest(a)).sub(stirlingRest(b));
  const stirling = exp(rest.sub(exponent)).mul(b.div(a.mul(n).mul(2 * Math.PI)).sqrt());
  const [p, q] = [select(large, 1, a), select(large, 1, b)];
  const factor = exp(lgamma1p(p.add(q)).sub(lgamma1p(p)).sub(lgamma1p(q))).mul(q.div(p.add(q)));
  const product = pow(x, p).mul(pow(y, q)).mul(factor);
  return select(large, stirling, product);
}

/** Numbers of steps are about the square root of the larger parameter. */
const mostSteps = 20_000;

/** The continued fraction of I·a·B/(xᵃ·(1 − x)ᵇ) (DLMF 8.17.22) by Lentz's method, two levels a step. */
function fraction(a: Value, b: Value, x: Value, active: Value): Value {
  const n = a.add(b);
  const one = x.mul(0).add(1);
  const d0 = away(sub(1, n.mul(x).div(a.add(1)))).reciprocal();
  const [, , , value] = whileLoop(
    ([m, , , , change]) =>
      and(
        and(active, m.le(mostSteps)),
        change
          .sub(1)
          .abs()
          .gt(2 ** -52),
      ),
    ([m, c, d, value]) => {
      const twice = a.add(m.mul(2));
      const even = m.mul(b.sub(m)).mul(x).div(twice.sub(1).mul(twice));
      const d1 = away(even.mul(d).add(1)).reciprocal();
      const c1 = away(even.div(c).add(1));
      const odd = a
        .add(m)
        .mul(n.add(m))
        .mul(x)
        .div(twice.mul(twice.add(1)))
        .neg();
      const d2 = away(odd.mul(d1).add(1)).reciprocal();
      const c2 = away(odd.div(c1).add(1));
      const change = d2.mul(c2);
      return [m.add(1), c2, d2, value.mul(d1.mul(c1)).mul(change), change] as const;
    },
    [1, one, d0, d0, one.mul(2)] as const,
  );
  return value;
}

const away = (x: Value): Value => select(x.abs().lt(1e-300), 1e-300, x);

/** Of rank-0 float64 values. */
export function regularizedBetaScalar(givenA: Value, givenB: Value, givenX: Value): Value {
  const positive = and(givenA.gt(0), givenB.gt(0));
  const finite = and(givenA.lt(1e300), givenB.lt(1e300));
  const inside = and(and(positive, finite), and(givenX.gt(0), givenX.lt(1)));
  const [p, q, at] = [select(inside, givenA, 1), select(inside, givenB, 1), select(inside, givenX, 0.5)];
  // The fraction is quick below the mean; above it is that of the complement.
  const swapped = at.gt(p.add(1).div(p.add(q).add(2)));
  const rest = sub(1, at);
  const [a, b] = [select(swapped, q, p), select(swapped, p, q)];
  const [x, y] = [select(swapped, rest, at), select(swapped, at, rest)];
  const tail = min(density(a, b, x, y).mul(fraction(a, b, x, inside)), 1);
  const value = select(swapped, sub(1, tail), tail);
  const valid = and(positive, and(givenX.ge(0), givenX.le(1)));
  const known = and(valid, or(givenX.eq(0), givenX.eq(1)));
  return select(inside, value, select(known, givenX, Number.NaN));
}

/** ∂/∂x: the density of the beta distribution. */
const slope = (a: Value, b: Value, x: Value): Value =>
  inDouble(
    (a, b, x) => {
      const power = (p: Value, log: Value): Value => select(p.eq(0), 0, p.mul(select(p.eq(0), 0, log)));
      return exp(
        power(a.sub(1), log(x))
          .add(power(b.sub(1), log1p(x.neg())))
          .sub(logBeta(a, b)),
      );
    },
    a,
    b,
    x,
  );

export const regularizedBeta: Bound = specialFunction('regularized_incomplete_beta', {
  scalar: regularizedBetaScalar,
  jvp: [
    'betainc: there is no derivative with respect to `a`',
    'betainc: there is no derivative with respect to `b`',
    (dx, [a, b, x]) => dx.mul(slope(a!, b!, x!)),
  ],
  accuracy: [1, 256],
  intervals: [
    [0.1, 20],
    [0.1, 20],
    [0.01, 0.99],
  ],
});

/**
 * log B(a, b) without the cancellation of log Γ(a) + log Γ(b) − log Γ(a + b) for large parameters: by what Stirling's formula leaves
 * of the large ones. With p ≤ q: a large q makes log Γ(q) − log Γ(p + q) = p − (q − 1/2)·log(1 + p/q) − p·log(p + q) + rests.
 */
function logBetaScalar(a: Value, b: Value): Value {
  const [p, q] = [min(a, b), max(a, b)];
  const inside = and(p.gt(0), q.lt(1e300));
  const [s, l] = [select(inside, p, 1), select(inside, q, 1)];
  const n = s.add(l);
  const rests = stirlingRest(l).sub(stirlingRest(n));
  const half = s
    .sub(l.sub(0.5).mul(log1p(s.div(l))))
    .sub(s.mul(log(n)))
    .add(rests);
  const one = lgamma(s).add(half);
  // Both: −p·log(1 + q/p) − q·log(1 + p/q) + ½ log(2π(p + q)/(pq)).
  const both = s
    .mul(log1p(l.div(s)))
    .add(l.mul(log1p(s.div(l))))
    .neg()
    .add(log(n.div(s).div(l)).mul(0.5).add(halfLog2Pi))
    .add(rests.add(stirlingRest(s)));
  const none = lgamma(s).add(lgamma(l)).sub(lgamma(n));
  const value = select(l.lt(10), none, select(s.lt(10), one, both));
  return select(inside, value, outside(p, q));
}

/** The values for p ≤ q that are not positive and finite: those of |B|. */
function outside(p: Value, q: Value): Value {
  const direct = lgamma(p)
    .add(lgamma(q))
    .sub(lgamma(p.add(q)));
  const infinite = q.ge(1e300);
  const far = select(infinite, Number.NEGATIVE_INFINITY, direct);
  return select(or(isNaN(p), isNaN(q)), Number.NaN, select(p.eq(0), Number.POSITIVE_INFINITY, far));
}

export const logBeta: Bound = specialFunction('log_beta', {
  scalar: logBetaScalar,
  jvp: [
    (da, [a, b]) => da.mul(inDouble((a, b) => digamma(a).sub(digamma(a.add(b))), a!, b!)),
    (db, [a, b]) => db.mul(inDouble((a, b) => digamma(b).sub(digamma(a.add(b))), a!, b!)),
  ],
  accuracy: [1, 64],
  intervals: [
    [0.1, 20],
    [0.1, 20],
  ],
});
