/** Exponentials. x = n log 2 + r with |r| ≤ log √2, and e^r = 1 + r + r² p(r). */
import type { Expr } from '../../code.ts';
import type { VectorFunction } from '../vector-function.ts';
import { expTail, log2High, log2Low } from './coefficients.ts';
import { abs, add, bits, c, choose, iadd, isub, type Lanes, lt, mul, onLanes, shl, sra, sub } from './lanes.ts';

/** 1.5·2²³: added to a small number, it leaves the nearest integer in the low bits of the sum. */
const shift = c(12582912);

/** n of the reduction as a number, and `shifted`, whose low bits hold it as an integer. */
export function reduce(v: Lanes, x: Expr): { readonly n: Expr; readonly shifted: Expr; readonly r: Expr } {
  const shifted = v.let(v.madd(x, c(Math.LOG2E), shift));
  const n = v.let(sub(shifted, shift));
  // The first product is exact without fused multiply-add as well: its factors have 9 and 15 bits.
  const r = v.let(v.madd(n, c(-log2Low), v.madd(n, c(-log2High), x)));
  return { n, shifted, r };
}

/** e^x for −87 < x < 88. */
export function expInside(v: Lanes, x: Expr): Expr {
  const { shifted, r } = reduce(v, x);
  return scaled(expReduced(v, r), shifted);
}

const expReduced = (v: Lanes, r: Expr): Expr => add(v.madd(mul(r, r), v.polynomial(expTail, r), r), c(1));

/** y·2^n where that is normal. */
const scaled = (y: Expr, shifted: Expr): Expr => iadd(y, shl(shifted, 23));

/** y·2^n in two factors: a subnormal result is rounded once, a large one overflows. */
function scaledTwice(v: Lanes, y: Expr, shifted: Expr): Expr {
  const n = v.let(isub(shifted, shift));
  const half = v.let(sra(n, 1));
  const power = (k: Expr): Expr => shl(iadd(k, bits(127)), 23);
  return mul(mul(y, power(half)), power(isub(n, half)));
}

export const exp: VectorFunction = onLanes((v, x) => {
  const { shifted, r } = reduce(v, x);
  const y = v.let(expReduced(v, r));
  const result = v.var(scaled(y, shifted));
  v.unlessAll(lt(abs(x), c(87)), () => {
    const inside = v.let(scaledTwice(v, y, shifted));
    const low = choose(lt(x, c(-104)), c(0), inside);
    v.f.set(result, choose(lt(c(89), x), c(Number.POSITIVE_INFINITY), low));
  });
  return result;
});
