/** The exponential and its kin. x = n log 2 + r with |r| ≤ log √2, and e^r = 1 + r + r² p(r). */
import type { Expr } from '../../wasm/code.ts';
import type { VectorFunction } from '../vector-function.ts';
import { exp2Reduced, expTail, log2High, log2Low, tanhTail } from './coefficients.ts';
import { d, dadd, ddiv, dmadd, halves, joined, powersOfTwo } from './doubles.ts';
import {
  abs,
  add,
  bits,
  c,
  choose,
  div,
  ge,
  iadd,
  isub,
  type Lanes,
  lt,
  max,
  min,
  mul,
  neg,
  onLanes,
  shl,
  sra,
  sub,
  withSign,
} from './lanes.ts';

/** 1.5·2²³: added to a small number, it leaves the nearest integer in the low bits of the sum. */
const shift = c(12582912);
const one = c(1);

/** r, r² p(r), and `shifted`, whose low bits hold n. */
function reduce(v: Lanes, x: Expr): { readonly shifted: Expr; readonly r: Expr; readonly tail: Expr } {
  const shifted = v.let(v.madd(x, c(Math.LOG2E), shift));
  const n = v.let(sub(shifted, shift));
  // The first product is exact without fused multiply-add as well: its factors have 8 and 15 bits.
  const r = v.let(v.madd(n, c(-log2Low), v.madd(n, c(-log2High), x)));
  return { shifted, r, tail: mul(mul(r, r), v.polynomial(expTail, r)) };
}

/** e^r, and n. */
function reduced(v: Lanes, x: Expr): { readonly shifted: Expr; readonly y: Expr } {
  const { shifted, r, tail } = reduce(v, x);
  return { shifted, y: v.let(add(add(r, tail), one)) };
}

/** y·2^n where that is normal. */
const scaled = (y: Expr, shifted: Expr): Expr => iadd(y, shl(shifted, 23));

/** y·2^n in two factors: a subnormal result is rounded once, a large one overflows. */
function scaledTwice(v: Lanes, y: Expr, shifted: Expr): Expr {
  const n = v.let(isub(shifted, shift));
  const half = v.let(sra(n, 1));
  const power = (k: Expr): Expr => shl(iadd(k, bits(127)), 23);
  return mul(mul(y, power(half)), power(isub(n, half)));
}

/** e^x; beyond ±87, where it may overflow or be subnormal, on a path of its own. */
function exponential(v: Lanes, x: Expr): Expr {
  const { shifted, y } = reduced(v, x);
  const result = v.var(scaled(y, shifted));
  v.unlessAll(lt(abs(x), c(87)), () => {
    const inside = v.let(scaledTwice(v, y, shifted));
    const low = choose(lt(x, c(-104)), c(0), inside);
    v.f.set(result, choose(lt(c(89), x), c(Number.POSITIVE_INFINITY), low));
  });
  return result;
}

export const exp: VectorFunction = onLanes(exponential);

/** 2^n (1 + r + tail) − 1 as (2^n − 1 + 2^n r) + 2^n tail, the first sum with its error. */
export const expm1: VectorFunction = onLanes((v, x) => {
  const { shifted, r, tail } = reduce(v, max(x, c(-18)));
  const scale = v.let(iadd(shl(shifted, 23), one));
  const less = v.let(sub(scale, one));
  const linear = v.let(mul(scale, r));
  const sum = v.let(add(less, linear));
  const rest = add(add(sub(less, sum), linear), mul(scale, tail));
  const result = v.var(withSign(abs(add(sum, rest)), x));
  v.unlessAll(lt(x, c(88)), () => {
    v.f.set(result, choose(lt(x, c(88)), result, exponential(v, x)));
  });
  return result;
});

/** 2^(t − n) for the integer n next to t, and n. The difference is exact. */
function reduced2(v: Lanes, t: Expr): { readonly shifted: Expr; readonly y: Expr } {
  const shifted = v.let(add(t, shift));
  const r = v.let(sub(t, sub(shifted, shift)));
  return { shifted, y: v.let(v.polynomial(exp2Reduced, r)) };
}

/** 2^t for |t| < 126. */
export function power2(v: Lanes, t: Expr): Expr {
  const { shifted, y } = reduced2(v, t);
  return scaled(y, shifted);
}

/** 2^x; below 2^−150 it rounds to 0. */
export const exp2: VectorFunction = onLanes((v, x) => {
  const { shifted, y } = reduced2(v, x);
  const result = v.var(scaled(y, shifted));
  v.unlessAll(lt(abs(x), c(126)), () => {
    const low = choose(lt(x, c(-150)), c(0), v.let(scaledTwice(v, y, shifted)));
    v.f.set(result, choose(lt(x, c(128)), low, choose(ge(x, c(128)), c(Number.POSITIVE_INFINITY), x)));
  });
  return result;
});

/** From here on tanh rounds to 1. */
const tanhIsOne = c(9.02);

/**
 * Beyond 0.95, 1 − 2/(e^2x + 1): the error of 2x/log 2, by which 2^n 2^r is found, shrinks with the quotient. NaN goes
 * the other way.
 */
export const tanh: VectorFunction = onLanes((v, x) => {
  const size = v.let(abs(x));
  const result = v.var(one);
  v.unlessAll(ge(size, tanhIsOne), () => {
    const a = v.let(min(size, tanhIsOne));
    const large = sub(one, div(c(2), add(power2(v, v.let(mul(a, c(2 * Math.LOG2E)))), one)));
    const z = v.let(mul(a, a));
    const small = v.madd(mul(a, z), v.polynomial(tanhTail, z), a);
    v.f.set(result, choose(ge(a, c(0.95)), large, small));
  });
  return withSign(result, x);
});

/** e^x in doubles, as 2^n + 2^n z, for the halves of a vector; |x| must be below 500, and NaN stays. */
export function exponentials(v: Lanes, x: Expr): [Expr, Expr] {
  const { shifted, r, tail } = reduce(v, x);
  const z = halves(v, v.let(add(r, tail)));
  const [low, high] = powersOfTwo(v, shifted).map((power, i) => v.let(dmadd(v, power, z[i]!, power)));
  return [low!, high!];
}

/** 1/(1 + e^−x) in doubles, where nothing overflows or is subnormal. */
export const logistic: VectorFunction = onLanes((v, x) => {
  const inside = v.let(max(min(neg(x), c(105)), c(-105)));
  const [low, high] = exponentials(v, inside).map((e) => ddiv(d(1), dadd(e, d(1))));
  return joined(low!, high!);
});
