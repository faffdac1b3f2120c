/** Bits of integers and truth values. */
import type { Element, ElementBuilder } from '../../jit/element.ts';
import { type BinaryOp, binary, type UnaryOp, unary } from './family.ts';

const bitwise = (name: 'and' | 'or' | 'xor', run: (x: number, y: number) => number): BinaryOp =>
  binary(name, { domain: 'logical', run, jvp: 'zero', lower: (b, x, y) => b.binary(name, x, y) });

/** Bitwise and of integers, logical and of bools. */
export const and: BinaryOp = bitwise('and', (x, y) => x & y);
/** Bitwise or of integers, logical or of bools. */
export const or: BinaryOp = bitwise('or', (x, y) => x | y);
/** Bitwise exclusive or of integers; of bools, whether they differ. */
export const xor: BinaryOp = bitwise('xor', (x, y) => x ^ y);

/** All bits inverted; of a bool, its negation. */
export const not: UnaryOp = unary('not', {
  domain: 'logical',
  run: (x, dtype) => (dtype === 'bool' ? 1 - x : ~x),
  jvp: 'zero',
  lower: (b, x) => b.unary('not', x),
});

const shift = (name: string, op: 'shl' | 'shrArithmetic' | 'shrLogical', run: (x: number, amount: number) => number) =>
  binary(name, {
    domain: 'integer',
    run: (x, y) => run(x, y >>> 0),
    jvp: 'zero',
    lower: (b, x, y) => b.binary(op, x, y),
    intervals: [
      [-100, 100],
      [0, 40],
    ],
  });

/** x · 2ʸ modulo 2³². The amount is read as unsigned; 32 and more shift everything out. */
export const shiftLeft: BinaryOp = shift('shift_left', 'shl', (x, n) => (n > 31 ? 0 : x << n));
/** Shifts in copies of the top bit, of uint32 too. */
export const shiftRightArithmetic: BinaryOp = shift(
  'shift_right_arithmetic',
  'shrArithmetic',
  (x, n) => x >> Math.min(n, 31),
);
/** Shifts in zeros. */
export const shiftRightLogical: BinaryOp = shift('shift_right_logical', 'shrLogical', (x, n) => (n > 31 ? 0 : x >>> n));

/** Number of bits that are 1. */
export const populationCount: UnaryOp = unary('population_count', {
  domain: 'integer',
  run: (x) => {
    let count = 0;
    for (let rest = x >>> 0; rest !== 0; rest = (rest & (rest - 1)) >>> 0) count++;
    return count;
  },
  jvp: 'zero',
  lower: (b, x) => b.convert(countBits(b, b.convert(x, 'uint32')), x.dtype),
});

/** Sums neighbouring fields of 1, 2, 4 bits; a multiplication adds up the four bytes (Warren, Hacker's Delight, 5-1). */
function countBits(b: ElementBuilder, x: Element): Element {
  const c = (value: number): Element => b.const(value, 'uint32');
  const shr = (value: Element, n: number): Element => b.binary('shrLogical', value, c(n));
  const masked = (value: Element, mask: number): Element => b.binary('and', value, c(mask));
  const pairs = b.sub(x, masked(shr(x, 1), 0x55555555));
  const nibbles = b.add(masked(pairs, 0x33333333), masked(shr(pairs, 2), 0x33333333));
  const bytes = masked(b.add(nibbles, shr(nibbles, 4)), 0x0f0f0f0f);
  return shr(b.mul(bytes, c(0x01010101)), 24);
}
