/** Circular functions. x = k π/2 + r with |r| ≤ π/4; k mod 4 chooses the function of r and its sign. */
import { type Expr, op } from '../../wasm/code.ts';
import type { VectorFunction } from '../vector-function.ts';
import { cosTail, halfPi, sinTail, tanTail } from './coefficients.ts';
import { d, ddiv, dmadd, dmul, dpolynomial, dsub, halves, joined } from './doubles.ts';
import {
  abs,
  add,
  and,
  bits,
  c,
  choose,
  iadd,
  type Lanes,
  lt,
  mul,
  onLanes,
  shl,
  signBit,
  sra,
  sub,
  xor,
} from './lanes.ts';
import { largeRemainders, quadrants } from './large-angle.ts';

const shift = c(12582912);
/** Up to here k has 12 bits, and the parts of π/2 reach far enough. */
const ordinary = 6400;

/** k, as a number and in the low bits of `shifted`. */
function quadrant(v: Lanes, x: Expr): { readonly k: Expr; readonly shifted: Expr } {
  const shifted = v.let(v.madd(x, c(2 / Math.PI), shift));
  return { k: v.let(sub(shifted, shift)), shifted };
}

interface Remainder {
  readonly r: Expr;
  /** What rounding r has lost: it counts where sin r has a smaller exponent than r. */
  readonly rest: Expr;
  /** k in the low bits. */
  readonly quadrant: Expr;
}

/** The remainder of x ≥ 0. */
function remainder(v: Lanes, x: Expr): Remainder {
  const { k, shifted } = quadrant(v, x);
  const [beforeLast, last] = [c(-halfPi.at(-2)!), c(-halfPi.at(-1)!)];
  // Products are exact but for the last one, and differences but for the last two.
  const exact = v.let(halfPi.slice(0, -2).reduce<Expr>((difference, part) => v.madd(k, c(-part), difference), x));
  const r = v.var(v.madd(k, beforeLast, exact));
  const rest = v.var(v.madd(k, last, v.madd(k, beforeLast, sub(exact, r))));
  const turns = v.var(shifted);
  const isOrdinary = v.let(lt(x, c(ordinary)));
  v.unlessAll(isOrdinary, () => {
    const large = largeRemainders(v, x);
    const rounded = v.let(joined(...large));
    const [low, high] = halves(v, rounded);
    v.f.set(r, choose(isOrdinary, r, rounded));
    v.f.set(rest, choose(isOrdinary, rest, joined(dsub(large[0], low), dsub(large[1], high))));
    v.f.set(turns, choose(isOrdinary, turns, quadrants(...large)));
  });
  return { r, rest, quadrant: turns };
}

/** ±sin r or ±cos r for an even or odd quadrant, with the sign turned where the highest bit of `sign` is set. */
function sine(v: Lanes, { r, rest, quadrant }: Remainder, sign: Expr): Expr {
  const z = v.let(mul(r, r));
  const sin = add(v.madd(mul(r, z), v.polynomial(sinTail, z), rest), r);
  const cos = add(c(1), v.madd(z, c(-0.5), mul(mul(z, z), v.polynomial(cosTail, z))));
  const isOdd = sra(shl(quadrant, 31), 31);
  return xor(choose(isOdd, cos, sin), and(sign, signBit));
}

export const sin: VectorFunction = onLanes((v, x) => {
  const reduced = remainder(v, v.let(abs(x)));
  return sine(v, reduced, xor(shl(reduced.quadrant, 30), x));
});

export const cos: VectorFunction = onLanes((v, x) => {
  const reduced = remainder(v, v.let(abs(x)));
  const next = v.let(iadd(reduced.quadrant, bits(1)));
  return sine(v, { ...reduced, quadrant: next }, shl(next, 30));
});

/** r in doubles, from the exact difference of x and the leading part of k π/2; the tangent or its negative inverse. */
export const tan: VectorFunction = onLanes((v, x) => {
  const { k, shifted } = quadrant(v, x);
  const [first, second, ...others] = halfPi;
  const near = v.let(v.madd(k, c(-second!), v.madd(k, c(-first!), x)));
  const rest = others.reduce((sum, part) => sum + part, 0);
  const turns = v.var(shifted);
  const [ks, nears] = [halves(v, k), halves(v, near)];
  const r = [0, 1].map((i) => v.var(dmadd(v, ks[i]!, d(-rest), nears[i]!)));
  const isOrdinary = v.let(lt(abs(x), c(ordinary)));
  v.unlessAll(isOrdinary, () => {
    const large = largeRemainders(v, x);
    v.f.set(turns, choose(isOrdinary, turns, quadrants(large[0], large[1])));
    r.forEach((part, i) => {
      v.f.set(part, choose(op(`i64x2.extend_${i === 0 ? 'low' : 'high'}_i32x4_s`, isOrdinary), part, large[i]!));
    });
  });
  const isOdd = v.let(sra(shl(turns, 31), 31));
  const tangents = r.map((part, i) => {
    const z = v.let(dmul(part, part));
    const t = v.let(dmadd(v, dmul(part, z), dpolynomial(v, tanTail, z), part));
    const odd = v.let(op(`i64x2.extend_${i === 0 ? 'low' : 'high'}_i32x4_s`, isOdd));
    return ddiv(choose(odd, d(-1), t), choose(odd, t, d(1)));
  });
  return joined(tangents[0]!, tangents[1]!);
});
