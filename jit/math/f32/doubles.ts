/** Steps of float32 functions that are done in double precision, on the two halves of a vector. */
import { type Expr, f64x2c, i32c, i64x2c, madd, op, shuffle } from '../../code.ts';
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
export const dmadd = (v: Lanes, a: Expr, b: Expr, c: Expr): Expr => madd(v.target, 'f64x2', a, b, c);
/** Σ cₖ xᵏ by Horner's rule. */
export const dpolynomial = (v: Lanes, coefficients: readonly number[], x: Expr): Expr =>
  coefficients.slice(0, -1).reduceRight<Expr>((sum, c) => dmadd(v, sum, x, d(c)), d(coefficients.at(-1)!));
