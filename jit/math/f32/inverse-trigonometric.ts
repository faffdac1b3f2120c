/** Inverse circular functions. */

import { type Expr, op } from '../../wasm/code.ts';
import type { VectorFunction } from '../vector-function.ts';
import { asinTail, atan2Tail, atanTail } from './coefficients.ts';
import { d, dadd, ddiv, dmadd, dmul, dpolynomial, dsub, halves, inDoubles, joined, wide } from './doubles.ts';
import { abs, add, and, c, choose, div, type Lanes, lt, mul, onLanes, withSign } from './lanes.ts';

const one = c(1);
const zero = c(0);

/** atan a = π/2 − atan 1/a beyond 1; π/2 in two parts. */
export const atan: VectorFunction = onLanes((v, x) => {
  const a = v.let(abs(x));
  const isLarge = v.let(lt(one, a));
  const t = v.let(choose(isLarge, div(c(-1), a), a));
  const z = v.let(mul(t, t));
  const high = Math.fround(Math.PI / 2);
  const tail = v.madd(mul(t, z), v.polynomial(atanTail, z), and(isLarge, c(Math.PI / 2 - high)));
  const sum = add(and(isLarge, c(high)), add(t, tail));
  return withSign(sum, x);
});

/**
 * The arc of the smaller over the larger of |y| and |x|, in doubles, which neither overflow nor round a subnormal
 * quotient; then reflections into the octant.
 */
export const atan2: VectorFunction = onLanes((v, y, x) => {
  const [a, b] = [v.let(abs(y)), v.let(abs(x))];
  const isSteep = v.let(lt(b, a));
  const isLeft = v.let(op('i32x4.shr_s', x, { kind: 'const', type: 'i32', value: 31 }));
  // Two zeros or two infinities have the quotient of 0 or 1 that the limits have.
  const same = v.let(op('f32x4.eq', a, b));
  const isZero = v.let(and(same, op('f32x4.eq', a, zero)));
  const isInfinite = and(same, op('f32x4.eq', a, c(Number.POSITIVE_INFINITY)));
  const small = halves(v, v.let(choose(isInfinite, one, choose(isSteep, b, a))));
  const large = halves(v, v.let(choose(isZero, one, choose(isInfinite, one, choose(isSteep, a, b)))));
  const [low, high] = small.map((s, i) => {
    const t = v.let(ddiv(s, large[i]!));
    const z = v.let(dmul(t, t));
    const arc = v.let(dmadd(v, dmul(t, z), dpolynomial(v, atan2Tail, z), t));
    const steep = v.let(wide(isSteep, i));
    const octant = v.let(choose(steep, dsub(d(Math.PI / 2), arc), arc));
    return v.let(choose(wide(isLeft, i), dsub(d(Math.PI), octant), octant));
  });
  return withSign(joined(low!, high!), y);
});

/** Beyond 1/2, asin a = π/2 − 2 asin √((1 − a)/2). Nothing is computed where no lane has a number from −1 to 1. */
function arcSine(v: Lanes, x: Expr, finish: (arc: Expr, isLarge: Expr, x: Expr) => Expr): Expr {
  const result = v.var(c(Number.NaN));
  const isInside = v.let(op('f32x4.le', abs(x), one));
  v.f.if(op('v128.any_true', isInside), () => {
    const inside = inDoubles(v, [x], (u) => {
      const a = v.let(op('f64x2.abs', u));
      const isLarge = v.let(op('f64x2.lt', d(0.5), a));
      const z = v.let(choose(isLarge, dmul(dsub(d(1), a), d(0.5)), dmul(a, a)));
      const t = v.let(choose(isLarge, op('f64x2.sqrt', z), a));
      return finish(v.let(dmadd(v, dmul(t, z), dpolynomial(v, asinTail, z), t)), isLarge, u);
    });
    v.f.set(result, choose(isInside, inside, result));
  });
  return result;
}

export const asin: VectorFunction = onLanes((v, x) =>
  withSign(
    arcSine(v, x, (arc, isLarge) => choose(isLarge, dsub(d(Math.PI / 2), dadd(arc, arc)), arc)),
    x,
  ),
);

export const acos: VectorFunction = onLanes((v, x) =>
  arcSine(v, x, (arc, isLarge, u) => {
    const isNegative = v.let(op('f64x2.lt', u, d(0)));
    const twice = v.let(dadd(arc, arc));
    const far = choose(isNegative, dsub(d(Math.PI), twice), twice);
    return choose(isLarge, far, dsub(d(Math.PI / 2), op('v128.xor', arc, and(u, d(-0)))));
  }),
);
