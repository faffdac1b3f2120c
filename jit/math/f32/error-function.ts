/** The error function and its kin. */
import { type Expr, op } from '../../wasm/code.ts';
import type { VectorFunction } from '../vector-function.ts';
import { artanhTail, erfcLogarithm, erfcScaled, erfInvFar, erfInvNear, erfTail } from './coefficients.ts';
import { d, dadd, ddiv, dmul, dpolynomial, dsub, inDoubles, logarithm, power2 } from './doubles.ts';
import { power2 as smallPower } from './exponential.ts';
import { abs, c, choose, eq, ge, lt, max, min, mul, onLanes, sub, withSign } from './lanes.ts';

/** Beyond 1, 1 − 2^p(a), where the error of the power shrinks with it; NaN goes the other way. */
export const erf: VectorFunction = onLanes((v, x) => {
  const a = v.let(min(abs(x), c(3.93)));
  const far = sub(c(1), smallPower(v, v.let(v.polynomial(erfcLogarithm, v.let(sub(a, c(1)))))));
  const near = v.madd(a, v.polynomial(erfTail, v.let(mul(a, a))), a);
  return withSign(choose(ge(a, c(1)), far, near), x);
});

/** exp(−a²)·p(t)/(1 + 2a) in doubles; 2 less that for negative x. */
export const erfc: VectorFunction = onLanes((v, x) =>
  inDoubles(v, [v.let(max(min(x, c(10.1)), c(-10.1)))], (u) => {
    const a = v.let(op('f64x2.abs', u));
    const t = v.let(ddiv(dsub(a, d(2)), dadd(a, d(2))));
    const gaussian = power2(v, v.let(op('f64x2.pmax', dmul(dmul(a, a), d(-Math.LOG2E)), d(-500))));
    const scaled = ddiv(dpolynomial(v, erfcScaled, t), dadd(dadd(a, a), d(1)));
    const positive = v.let(dmul(gaussian, scaled));
    return choose(op('f64x2.lt', u, d(0)), dsub(d(2), positive), positive);
  }),
);

/** y times a polynomial in w = −log(1 − y²), or in √w where it is large (Giles, 2010). */
export const erfInv: VectorFunction = onLanes((v, y) => {
  const inside = inDoubles(v, [y], (u) => {
    const product = v.let(dmul(dsub(d(1), u), dadd(d(1), u)));
    const w = v.let(op('f64x2.neg', logarithm(v, product, artanhTail)));
    const near = dpolynomial(v, erfInvNear, v.let(dsub(w, d(2.5))));
    const far = dpolynomial(v, erfInvFar, v.let(dsub(op('f64x2.sqrt', w), d(3.125))));
    return dmul(u, choose(op('f64x2.lt', w, d(5)), near, far));
  });
  const a = v.let(abs(y));
  const outside: Expr = choose(eq(a, c(1)), withSign(c(Number.POSITIVE_INFINITY), y), c(Number.NaN));
  return choose(lt(a, c(1)), inside, outside);
});
