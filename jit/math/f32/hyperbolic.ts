/** Hyperbolic functions and their inverses. */
import { type Expr, op } from '../../wasm/code.ts';
import type { VectorFunction } from '../vector-function.ts';
import { artanhTail, sinhTail } from './coefficients.ts';
import { d, dadd, ddiv, dmul, dsub, inDoubles, joined, logarithm } from './doubles.ts';
import { exponentials } from './exponential.ts';
import { abs, add, and, c, choose, eq, ge, lt, min, mul, onLanes, withSign } from './lanes.ts';

const infinity = c(Number.POSITIVE_INFINITY);

/** (E − 1/E)/2 beyond 1, with E = e^|x| in doubles. */
export const sinh: VectorFunction = onLanes((v, x) => {
  const a = v.let(abs(x));
  const [low, high] = exponentials(v, v.let(min(a, c(90)))).map((e) => dmul(dsub(e, ddiv(d(1), e)), d(0.5)));
  const z = v.let(mul(a, a));
  const small = add(a, mul(mul(a, z), v.polynomial(sinhTail, z)));
  return withSign(choose(lt(a, c(1)), small, joined(low!, high!)), x);
});

export const cosh: VectorFunction = onLanes((v, x) => {
  const [low, high] = exponentials(v, v.let(min(abs(x), c(90)))).map((e) => dmul(dadd(e, ddiv(d(1), e)), d(0.5)));
  return joined(low!, high!);
});

/** log(a + √(a² + 1)); x itself where that forgets a, and at ∞ and NaN. */
export const asinh: VectorFunction = onLanes((v, x) => {
  const a = v.let(abs(x));
  const inside = inDoubles(v, [a], (u) => {
    const root = op('f64x2.sqrt', dadd(dmul(u, u), d(1)));
    return logarithm(v, v.let(dadd(u, root)), artanhTail);
  });
  const isInside = and(ge(a, c(2 ** -13)), lt(a, infinity));
  return withSign(choose(isInside, inside, a), x);
});

/** log(x + √((x − 1)(x + 1))), with a NaN from the root below 1. */
export const acosh: VectorFunction = onLanes((v, x) => {
  const inside = inDoubles(v, [x], (u) => {
    const root = op('f64x2.sqrt', dmul(dsub(u, d(1)), dadd(u, d(1))));
    return logarithm(v, v.let(dadd(u, root)), artanhTail);
  });
  return choose(eq(x, infinity), x, choose(ge(x, c(1)), inside, c(Number.NaN)));
});

/** log((1 + a)/(1 − a))/2. */
export const atanh: VectorFunction = onLanes((v, x) => {
  const a = v.let(abs(x));
  const inside = v.var(a);
  v.f.if(op('v128.any_true', lt(a, c(1))), () => {
    const value = inDoubles(v, [a], (u) => {
      const quotient = ddiv(dadd(d(1), u), dsub(d(1), u));
      return dmul(logarithm(v, v.let(quotient), artanhTail), d(0.5));
    });
    v.f.set(inside, value);
  });
  const isSmall = lt(a, c(2 ** -13));
  const outside: Expr = choose(eq(a, c(1)), infinity, c(Number.NaN));
  return withSign(choose(isSmall, a, choose(lt(a, c(1)), inside, outside)), x);
});
