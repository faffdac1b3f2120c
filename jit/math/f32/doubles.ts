/** Steps of float32 functions that are done in double precision, on the two halves of a vector. */
import { type Expr, f64x2c, i32c, i64x2c, madd, op, shuffle } from '../../wasm/code.ts';
import { exp2Doubles } from './coefficients.ts';
import type { Lanes } from './lanes.ts';

const low = [0, 1, 2, 3, 4, 5, 6, 7];
const upper = (x: Expr): Expr => shuffle(x, x, [...low.map((i) => i + 8), ...low.map((i) => i + 8)]);

/** The two halves of a vector as doubles. */
export const halves = (v: Lanes, x: Expr): [Expr, Expr] => [
  v.let(op('f64x2.promote_low_f32x4', x)),
  v.let(op('f64x2.promote_low_f32x4', upper(x))),
];

/** Rounds doubles to float32. */
export const joined = (a: Expr, b: Expr): Expr =>
  shuffle(op('f32x4.demote_f64x2_zero', a), op('f32x4.demote_f64x2_zero', b), [...low, ...low.map((i) => i + 16)]);

/** `f` on the halves of the operands. */
export function inDoubles(v: Lanes, operands: readonly Expr[], f: (...halves: Expr[]) => Expr): Expr {
  const split = operands.map((x) => halves(v, x));
  const [a, b] = [0, 1].map((i) => v.let(f(...split.map((pair) => pair[i]!))));
  return joined(a!, b!);
}

/** 2^n for the integers n in the low bits of `shifted`, as the two halves. */
export function powersOfTwo(v: Lanes, shifted: Expr): [Expr, Expr] {
  const power = (half: 'low' | 'high'): Expr =>
    v.let(iadd64(op('i64x2.shl', op(`i64x2.extend_${half}_i32x4_s`, shifted), i32c(52)), d(1)));
  return [power('low'), power('high')];
}

const iadd64 = (a: Expr, b: Expr): Expr => op('i64x2.add', a, b);
export const d: (value: number) => Expr = f64x2c;
export const dbits: (value: bigint) => Expr = i64x2c;
export const dadd = (a: Expr, b: Expr): Expr => op('f64x2.add', a, b);
export const dsub = (a: Expr, b: Expr): Expr => op('f64x2.sub', a, b);
export const dmul = (a: Expr, b: Expr): Expr => op('f64x2.mul', a, b);
export const ddiv = (a: Expr, b: Expr): Expr => op('f64x2.div', a, b);
export const dlt = (a: Expr, b: Expr): Expr => op('f64x2.lt', a, b);
export const dmadd = (v: Lanes, a: Expr, b: Expr, c: Expr): Expr => madd(v.target, 'f64x2', a, b, c);
/** Σ cₖ xᵏ by Horner's rule. */
export const dpolynomial = (v: Lanes, coefficients: readonly number[], x: Expr): Expr =>
  coefficients.slice(0, -1).reduceRight<Expr>((sum, c) => dmadd(v, sum, x, d(c)), d(coefficients.at(-1)!));

/** A mask of float32 lanes as the mask of one half. */
export const wide = (mask: Expr, half: number): Expr => op(`i64x2.extend_${half === 0 ? 'low' : 'high'}_i32x4_s`, mask);

/** 1.5·2⁵²: added to a small double, it leaves the nearest integer in the low bits of the sum. */
export const dshift: Expr = d(6755399441055744);
/** The bits of 1 less those of 2/3: added to those of x = 2^e (1 + f), with f in [−1/3, 1/3), they leave e above the 52nd. */
const offset = 0x000aaaaaaaaaaaabn;
const exponentBits = dbits(0x7ff0000000000000n);
/** 2⁵²: with an integer in its low bits it is the sum of the two. */
const integer = d(2 ** 52);

/** e and s of log x = e log 2 + 2 artanh s, s = f/(2 + f), for positive normal x. */
export function logarithmParts(v: Lanes, x: Expr): { readonly e: Expr; readonly s: Expr } {
  const i = v.let(iadd64(x, dbits(offset)));
  const e = dsub(op('v128.or', op('i64x2.shr_u', i, i32c(52)), integer), d(2 ** 52 + 1023));
  const mantissa = op('i64x2.sub', iadd64(x, d(1)), op('v128.and', i, exponentBits));
  const f = v.let(dsub(mantissa, d(1)));
  return { e, s: v.let(ddiv(f, dadd(f, d(2)))) };
}

/** log x for positive normal x, with the given polynomial for (artanh s/s − 1)/s². */
export function logarithm(v: Lanes, x: Expr, tail: readonly number[]): Expr {
  const { e, s } = logarithmParts(v, x);
  const z = v.let(dmul(s, s));
  const twice = v.let(dadd(s, s));
  return dmadd(v, e, d(Math.LN2), dmadd(v, dmul(twice, z), dpolynomial(v, tail, z), twice));
}

/** 2^t for |t| < 1000, or NaN. */
export function power2(v: Lanes, t: Expr): Expr {
  const shifted = v.let(dadd(t, dshift));
  const r = v.let(dsub(t, dsub(shifted, dshift)));
  return iadd64(dpolynomial(v, exp2Doubles, r), op('i64x2.shl', shifted, i32c(52)));
}
