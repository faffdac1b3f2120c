/** Sine, cosine and tangent. */
import { call, type Expr } from '../../wasm/code.ts';
import type { VectorFunction } from '../vector-function.ts';
import { cosTail, sinTail } from './coefficients.ts';
import { bits, Lanes, type Pair, signBit } from './lanes.ts';
import { type Reduced, reduceLarge, reduceSmall, smallAngle } from './reduction.ts';

/** sin r and cos r as a large part (not named) and a small rest. */
export interface Parts {
  readonly sin: readonly [Expr, Expr];
  readonly cos: readonly [Expr, Expr];
}

/**
 * sin r = r + (r³·S + low·(1 − r²/2)) and cos r = (1 − r²/2) + (r⁴·C − r·low) for r = high + low; the rounding error of
 * 1 − r²/2 goes into the rest.
 */
export function kernels(v: Lanes, { high, low }: Pair): Parts {
  const z = v.let(v.mul(high, high));
  const half = v.let(v.mul(z, 0.5));
  const cube = v.mul(z, high);
  const sinRest = v.madd(cube, v.polynomial(sinTail, z), v.sub(low, v.mul(half, low)));
  const near = v.let(v.sub(1, half));
  const lost = v.sub(v.sub(1, near), half);
  const cosRest = v.madd(v.mul(z, z), v.polynomial(cosTail, z), v.sub(lost, v.mul(high, low)));
  return { sin: [high, sinRest], cos: [near, cosRest] };
}

const isOdd = (v: Lanes, integer: Expr): Expr => v.let(v.ieq(v.and(integer, bits(1n)), bits(1n)));

/** sin(r + n·π/2): sin r or cos r by the last bit of n, negated by the bit before. */
function sinOf(v: Lanes, { integer, r }: Reduced, quarters: bigint): Expr {
  const n = quarters ? v.let(v.iadd(integer, bits(quarters))) : integer;
  const { sin, cos } = kernels(v, r);
  const odd = isOdd(v, n);
  const large = v.select(odd, cos[0], sin[0]);
  const small = v.select(odd, cos[1], sin[1]);
  return v.xor(v.add(large, small), v.and(v.shl(n, 62), signBit));
}

/** sin r/cos r, or −cos r/sin r for odd n. */
function tanOf(v: Lanes, { integer, r }: Reduced): Expr {
  const { sin, cos } = kernels(v, r);
  const odd = isOdd(v, integer);
  const s = v.quickSum(...sin);
  const c = v.quickSum(...cos);
  const part = (a: Pair, b: Pair): Pair => ({
    high: v.let(v.select(odd, b.high, a.high)),
    low: v.let(v.select(odd, b.low, a.low)),
  });
  return v.xor(v.quotient(part(s, c), part(c, s)), v.and(odd, signBit));
}

type Write = (v: Lanes, reduced: Reduced) => Expr;
const sinWrite: Write = (v, reduced) => sinOf(v, reduced, 0n);
const cosWrite: Write = (v, reduced) => sinOf(v, reduced, 1n);

/** The function of small arguments; lanes with large ones call `${name}Large`. */
const small =
  (name: string, write: Write, isOddFunction: boolean): VectorFunction =>
  (f, target, x) => {
    const v = new Lanes(f, target);
    const value = write(v, reduceSmall(v, x));
    // Sums lose the sign of −0.
    const result = v.var(isOddFunction ? v.select(v.eq(x, 0), x, value) : value);
    const large = v.let(v.not(v.lt(v.abs(x), smallAngle)));
    v.ifAny(large, () => v.merge(result, large, call(`${name}Large_f64x2`, 'v128', x)));
    return result;
  };

/** The function of |x| ≥ 2²⁰; NaN for infinities. */
const large =
  (write: Write, isOddFunction: boolean): VectorFunction =>
  (f, target, x) => {
    const v = new Lanes(f, target);
    const value = write(v, reduceLarge(v, x));
    // ∞ − ∞ is NaN.
    const finite = v.sub(x, x);
    return v.add(isOddFunction ? v.flip(value, x) : value, finite);
  };

export const sin: VectorFunction = small('sin', sinWrite, true);
export const cos: VectorFunction = small('cos', cosWrite, false);
export const tan: VectorFunction = small('tan', tanOf, true);
export const sinLarge: VectorFunction = large(sinWrite, true);
export const cosLarge: VectorFunction = large(cosWrite, false);
export const tanLarge: VectorFunction = large(tanOf, true);
