/** Remainders, and floors of quotients. */
import { type Expr, op } from '../../wasm/code.ts';
import type { VectorFunction } from '../vector-function.ts';
import { d, dadd, dbits, ddiv, dmul, dsub, halves, inDoubles, joined } from './doubles.ts';
import { abs, and, c, choose, eq, lt, not, onLanes, or, signBit, withSign, xor } from './lanes.ts';

const zero = c(0);
const infinity = c(Number.POSITIVE_INFINITY);

/** ⌊x/y⌋: what a quotient of doubles lacks to an integer is more than its rounding, or less than that of the result. */
export const floorDivide: VectorFunction = onLanes((v, x, y) => {
  const quotient = v.let(inDoubles(v, [x, y], (a, b) => op('f64x2.floor', ddiv(a, b))));
  const result = v.var(quotient);
  const [xInfinite, yInfinite] = [x, y].map((a) => v.let(eq(abs(a), infinity))) as [Expr, Expr];
  v.unlessAll(not(or(xInfinite, yInfinite)), () => {
    const differ = and(lt(xor(x, and(y, signBit)), zero), yInfinite);
    const noNumber = and(xInfinite, op('f32x4.ne', y, zero));
    v.f.set(result, choose(noNumber, c(Number.NaN), choose(differ, c(-1), quotient)));
  });
  return result;
});

/**
 * x − y trunc(x/y), exact in doubles while the quotient has at most 29 bits. Of a larger one the leading 24 bits are
 * subtracted until it has. A quotient that was rounded up to an integer leaves a negative remainder, a divisor too low.
 */
export const rem: VectorFunction = onLanes((v, x, y) => {
  const divisors = halves(v, v.let(abs(y)));
  const rests = halves(v, v.let(abs(x))).map((a) => v.var(a));
  const parts = rests.map((rest, i) => {
    const b = divisors[i]!;
    const leading = (): Expr => v.let(op('f64x2.trunc', ddiv(rest, b)));
    const quotient = v.var(leading());
    const isLong = (): Expr => op('f64x2.lt', d(2 ** 29), op('f64x2.abs', quotient));
    v.f.while(op('i64x2.bitmask', isLong()), () => {
      const head = v.let(choose(isLong(), and(quotient, dbits(-(2n ** 29n))), d(0)));
      v.f.set(rest, dsub(rest, dmul(head, b)));
      v.f.set(quotient, leading());
    });
    const last = v.let(dsub(rest, dmul(quotient, b)));
    return v.let(dadd(last, and(op('f64x2.lt', last, d(0)), b)));
  });
  // Both ways of dividing by ∞ leave a finite x.
  const result = choose(and(eq(abs(y), infinity), lt(abs(x), infinity)), abs(x), joined(parts[0]!, parts[1]!));
  return withSign(op('f32x4.abs', v.let(result)), x);
});
