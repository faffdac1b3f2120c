/** Powers, the cube root and √(x² + y²). */
import { type Expr, op } from '../../wasm/code.ts';
import type { VectorFunction } from '../vector-function.ts';
import { artanhLongTail } from './coefficients.ts';
import { d, dadd, ddiv, dmadd, dmul, dpolynomial, inDoubles, logarithmParts, power2 } from './doubles.ts';
import {
  abs,
  and,
  bits,
  c,
  choose,
  div,
  eq,
  ge,
  iadd,
  type Lanes,
  lt,
  mul,
  not,
  onLanes,
  or,
  sra,
  withSign,
  xor,
} from './lanes.ts';

const zero = c(0);
const one = c(1);
const infinity = c(Number.POSITIVE_INFINITY);

/** log₂ x = e + (2/log 2) artanh s to 40 bits. */
function logarithm2(v: Lanes, x: Expr): Expr {
  const { e, s } = logarithmParts(v, x);
  const z = v.let(dmul(s, s));
  const linear = v.let(dmul(s, d(2 / Math.LN2)));
  return dadd(e, dmadd(v, dmul(linear, z), dpolynomial(v, artanhLongTail, z), linear));
}

/** x and x·x where y is 1 and 2, as most often: rounded once, and at once where that is so in all lanes. */
export const pow: VectorFunction = onLanes((v, x, y) => {
  const isSquare = v.let(eq(y, c(2)));
  const few = v.let(or(isSquare, eq(y, one)));
  const result = v.var(mul(x, choose(isSquare, x, one)));
  v.unlessAll(few, () => v.f.set(result, choose(few, result, general(v, x, y))));
  return result;
});

/** 2^(y log₂ |x|) in doubles. */
function general(v: Lanes, x: Expr, y: Expr): Expr {
  const a = v.let(abs(x));
  const result = v.var(
    inDoubles(v, [a, y], (u, w) => {
      const t = dmul(w, logarithm2(v, u));
      return power2(v, v.let(op('f64x2.pmax', op('f64x2.pmin', t, d(200)), d(-200))));
    }),
  );
  const isOrdinary = and(and(lt(zero, x), lt(x, infinity)), lt(abs(y), infinity));
  v.unlessAll(isOrdinary, () => v.f.set(result, specialPower(v, x, y, a, result)));
  return result;
}

/** IEEE 754's rules for zeros, infinities, NaN and negative bases; `ordinary` is |x|^y where both are finite. */
function specialPower(v: Lanes, x: Expr, y: Expr, a: Expr, ordinary: Expr): Expr {
  const isInteger = v.let(eq(op('f32x4.trunc', y), y));
  const half = v.let(mul(y, c(0.5)));
  const isOdd = v.let(and(isInteger, and(op('f32x4.ne', op('f32x4.trunc', half), half), lt(abs(y), c(2 ** 24)))));
  const yInfinite = v.let(eq(abs(y), infinity));
  // The limit of a^y is 0 or ∞ where a is 0 or ∞, or y is infinite and a not 1.
  const grows = xor(lt(one, a), lt(y, zero));
  const limit = choose(grows, infinity, zero);
  const isLimit = or(or(eq(a, zero), eq(a, infinity)), yInfinite);
  const magnitude = v.let(choose(isLimit, choose(and(yInfinite, eq(a, one)), one, limit), ordinary));
  const signed = choose(and(isOdd, sra(x, 31)), op('f32x4.neg', magnitude), magnitude);
  const noNumber = and(lt(x, zero), not(or(isInteger, eq(a, infinity))));
  const isNaN = or(or(op('f32x4.ne', x, x), op('f32x4.ne', y, y)), noNumber);
  return choose(or(eq(x, one), eq(y, zero)), one, choose(isNaN, c(Number.NaN), signed));
}

/** A third of the exponent gives 5 bits; two steps of Halley's, y (y³ + 2x)/(2y³ + x), triple them each. */
export const cbrt: VectorFunction = onLanes((v, x) => {
  const a = v.let(abs(x));
  const isSmall = v.let(lt(a, c(2 ** -126)));
  const normal = v.let(choose(isSmall, mul(a, c(2 ** 24)), a));
  const third = [2, 4, 6, 8, 10].map((n) => sra(normal, n)).reduce(iadd);
  const first = v.let(iadd(third, bits(0x2a5119f2)));
  // Quarters, so that sums do not overflow.
  const [cube, quarter] = [mul(mul(mul(first, first), first), c(0.25)), mul(normal, c(0.25))].map((q) => v.let(q));
  const quotient = div(v.madd(cube!, c(0.5), quarter!), v.madd(quarter!, c(0.5), cube!));
  const second = v.let(mul(first, quotient));
  const root = inDoubles(v, [normal, second], (u, y) => {
    const cubed = v.let(dmul(dmul(y, y), y));
    return dmul(y, ddiv(dadd(cubed, dadd(u, u)), dadd(dadd(cubed, cubed), u)));
  });
  const scaled = v.let(root);
  const isInside = and(lt(zero, a), lt(a, infinity));
  return withSign(choose(isInside, choose(isSmall, mul(scaled, c(2 ** -8)), scaled), a), x);
});

/** √(x² + y²), in doubles where the sum of squares overflows or nearly vanishes. An infinity decides, whatever the other is. */
export const hypot: VectorFunction = onLanes((v, x, y) => {
  const sum = v.let(v.madd(x, x, mul(y, y)));
  const result = v.var(op('f32x4.sqrt', sum));
  const isOrdinary = v.let(and(ge(sum, c(2 ** -90)), lt(sum, infinity)));
  v.unlessAll(isOrdinary, () => {
    const other = inDoubles(v, [x, y], (a, b) => op('f64x2.sqrt', dmadd(v, a, a, dmul(b, b))));
    const isInfinite = or(eq(abs(x), infinity), eq(abs(y), infinity));
    v.f.set(result, choose(isInfinite, infinity, choose(isOrdinary, result, other)));
  });
  return result;
});
