/**
 * Reduction of large arguments modulo π/2 (Payne and Hanek, 1983). x = m·2^E with 24 bits m. Bits of 2/π that make
 * multiples of 4 are skipped by whole bytes; of those after them, 96 are multiplied by m in four pieces, exactly.
 */
import { call, type Expr, i64x2c, op, shuffle } from '../../wasm/code.ts';
import { mathName } from '../names.ts';
import type { VectorFunction } from '../vector-function.ts';
import { twoOverPi } from './coefficients.ts';
import { d, dadd, dmul, dsub } from './doubles.ts';
import { and, bits, isub, type Lanes, onLanes, or, shl, sra } from './lanes.ts';

const table = (from: number): Expr => ({ kind: 'const', type: 'v128', bytes: twoOverPi.slice(from, from + 16) });
/** 1.5·2⁵²: added to a small double, it leaves the nearest integer in the low bits of the sum. */
const shift = d(6755399441055744);

/** r of the first two lanes as doubles, with k mod 4 in place of their last two bits. NaN where x is not finite. */
export const largeRemainder: VectorFunction = onLanes((v, x) => {
  const exponent = and(sra(x, 23), bits(0xff));
  const skipped = v.let(op('i32x4.max_s', sra(isub(exponent, bits(152)), 3), bits(0)));
  const scaled = v.let(op('f64x2.promote_low_f32x4', isub(x, shl(skipped, 26))));
  const first = op('i32x4.mul', skipped, bits(0x010101));
  // An index of 16 or more selects a zero.
  const piece = (i: number): Expr => {
    const start = 3 * i;
    const index = v.let(op('i32x4.add', first, bits((0x80 << 24) | (start << 16) | ((start + 1) << 8) | (start + 2))));
    const above = op('i8x16.sub', index, bits(0x10101010));
    const chosen = or(op('i8x16.swizzle', table(0), index), op('i8x16.swizzle', table(16), above));
    return dmul(dmul(op('f64x2.convert_low_i32x4_s', chosen), d(2 ** (-24 * (i + 1)))), scaled);
  };
  const whole = v.let(piece(0));
  const head = v.let(dsub(whole, dmul(op('f64x2.nearest', dmul(whole, d(0.25))), d(4))));
  const next = v.let(piece(1));
  const shifted = v.let(dadd(dadd(head, next), shift));
  // The leading pieces cancel exactly where r is small.
  const turn = dadd(dadd(dsub(head, dsub(shifted, shift)), next), dadd(piece(2), piece(3)));
  const r = dadd(dmul(turn, d(Math.PI / 2)), dmul(op('f64x2.promote_low_f32x4', x), d(0)));
  return or(and(r, i64x2c(-4n)), and(shifted, i64x2c(3n)));
});

const upper = (x: Expr): Expr => shuffle(x, x, [8, 9, 10, 11, 12, 13, 14, 15, 8, 9, 10, 11, 12, 13, 14, 15]);

/** The remainders of all four lanes in two vectors of doubles. */
export const largeRemainders = (v: Lanes, x: Expr): [Expr, Expr] => {
  const name = mathName('largeRemainder', 'f32x4');
  return [v.let(call(name, 'v128', x)), v.let(call(name, 'v128', upper(x)))];
};

/** k mod 4 of all four lanes in their low bits. */
export const quadrants = (low: Expr, high: Expr): Expr =>
  shuffle(low, high, [0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27]);
