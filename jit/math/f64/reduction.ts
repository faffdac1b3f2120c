/** x = n·π/2 + r with |r| ≤ π/4. */
import { type Expr, f64x2c, op } from '../../wasm/code.ts';
import { bits, type Lanes, type Pair, roundingShift, twoTo52 } from './lanes.ts';

export interface Reduced {
  /** n in the last bits. */
  readonly integer: Expr;
  readonly r: Pair;
}

/** Up to here `reduceSmall` is right. */
export const smallAngle: number = 2 ** 20;

/** π/2 in four parts; multiples of the first three, of 33 bits, by n < 2²⁰ are exact. */
const halfPiParts = [1.5707963267341256, 6.077100506303966e-11, 2.0222662487111665e-21, 8.4784276603689e-32];

/**
 * By subtraction of parts of n·π/2 (Cody and Waite). The first difference is exact; so are the two others as pairs:
 * where the minuend is smaller than the subtrahend, both are multiples of a unit that is no less than 2⁻⁵³ of them.
 */
export function reduceSmall(v: Lanes, x: Expr): Reduced {
  const [p0, p1, p2, p3] = halfPiParts as [number, number, number, number];
  const integer = v.let(v.madd(x, 2 / Math.PI, roundingShift));
  const n = v.let(v.sub(integer, roundingShift));
  const first = v.let(v.madd(n, -p0, x));
  const second = v.let(v.madd(n, -p1, first));
  const secondRest = v.madd(n, -p1, v.sub(first, second));
  const high = v.let(v.madd(n, -p2, second));
  const rest = v.madd(n, -p2, v.sub(second, high));
  return { integer, r: { high, low: v.let(v.madd(n, -p3, v.add(secondRest, rest))) } };
}

/** π/2 in two parts. */
export const halfPi: readonly [number, number] = [1.5707963267948966, 6.123233995736766e-17];

/** 2/π to 1200 binary places, after 40 zeros. */
const twoOverPi =
  '0000000000' +
  'a2f9836e4e441529fc2757d1f534ddc0db6295993c439041fe5163abdebbc561b7246e3a424dd2e006492eea09d1921cfe1deb1cb129a73e' +
  'e88235f52ebb4484e99c7026b45f7e413991d639835339f49c845f8bbdf9283b1ff897ffde05980fef2f118b5a0a6d1f6d367ecf27cb09b7' +
  '4f463f669e5fea2d7527bac7ebe5f17b3d0739f78a5292ea6bfb5fb11f8d5d0856033046fc7b6babf0cfbc';

const bytes = (at: (i: number) => number): Expr => ({
  kind: 'const',
  type: 'v128',
  bytes: Array.from({ length: 16 }, (_, i) => at(i) & 255),
});
const table = Array.from({ length: twoOverPi.length / 32 }, (_, k) =>
  bytes((i) => Number.parseInt(twoOverPi.slice(32 * k + 2 * i, 32 * k + 2 * i + 2), 16)),
);
const twoTo24 = 2 ** 24;

/**
 * |x| = n·π/2 + r for 2²⁰ ≤ |x| < ∞ (Payne and Hanek). Of the digits of 2/π only those matter whose product with |x|
 * is no multiple of 4, and, since |x|·2/π is at least 2⁻⁶² away from an integer, no further than 2⁻¹³⁰. So x is scaled
 * to an integer X < 2⁶² by a power of 2⁸, which skips whole bytes of 2/π; the next 24 bytes are multiplied by X in
 * digits of 24 bits, whose products and sums are exact.
 */
export function reduceLarge(v: Lanes, x: Expr): Reduced {
  const magnitude = v.let(v.abs(x));
  const skipped = v.let(v.max(v.floor(v.mul(v.sub(v.exponent(magnitude), 14), 1 / 8)), 0));
  let rest: Expr = v.let(v.mul(magnitude, v.powerOf2(v.madd(skipped, -8, roundingShift + 40))));
  const xDigits = [2 ** 48, 2 ** 24].map((unit) => {
    const digit = v.let(v.floor(v.mul(rest, 1 / unit)));
    rest = v.let(v.sub(rest, v.mul(digit, unit)));
    return digit;
  });
  xDigits.push(rest);

  // The number of skipped bytes in each byte of its lane; indices outside of a table select zeros.
  const offset = v.let(
    op(
      'i8x16.swizzle',
      v.add(skipped, roundingShift),
      bytes((i) => i & 8),
    ),
  );
  const digits: Expr[] = [];
  for (let piece = 0; piece < 4; piece++) {
    let index = v.let(
      op(
        'i8x16.add',
        offset,
        bytes((i) => 6 * piece + 5 - (i & 7)),
      ),
    );
    let word: Expr | undefined;
    for (const part of table) {
      const found = op('i8x16.swizzle', part, index);
      word = word ? v.or(word, found) : found;
      index = v.let(
        op(
          'i8x16.sub',
          index,
          bytes(() => 16),
        ),
      );
    }
    const six = v.let(word!);
    const number = (digit: Expr): Expr => v.let(v.sub(v.or(digit, twoTo52), twoTo52));
    const digitBits = bits(2n ** 24n - 1n);
    digits.push(number(v.and(v.shr(six, 24), digitBits)), number(v.and(six, digitBits)));
  }

  // Column c holds the products of weight 2^(24·(1 − c)); column 0 is a multiple of 4.
  const limbs: Expr[] = [];
  let carry: Expr = f64x2c(0);
  for (let column = 7; column >= 1; column--) {
    const products = xDigits.flatMap((d, i) => (digits[column - i] ? [v.mul(d, digits[column - i]!)] : []));
    const sum = v.let(products.reduce((a, b) => v.add(a, b), carry));
    const over = v.let(v.floor(v.mul(sum, 1 / twoTo24)));
    limbs[column] = v.let(v.sub(sum, v.mul(over, twoTo24)));
    carry = over;
  }
  const roundUp = v.let(v.ge(limbs[2]!, twoTo24 / 2));
  const integer = v.let(v.add(v.add(limbs[1]!, v.and(roundUp, f64x2c(1))), roundingShift));
  const signed = v.sub(limbs[2]!, v.and(roundUp, f64x2c(twoTo24)));
  const joined = (upper: Expr, lower: Expr, unit: number): Expr =>
    v.add(v.mul(upper, unit * twoTo24), v.mul(lower, unit));
  const fraction = v.quickSum(joined(signed, limbs[3]!, 2 ** -48), joined(limbs[4]!, limbs[5]!, 2 ** -96));
  const low = v.add(fraction.low, joined(limbs[6]!, limbs[7]!, 2 ** -144));
  return {
    integer,
    r: v.pairProduct(v.quickSum(fraction.high, low), { high: f64x2c(halfPi[0]), low: f64x2c(halfPi[1]) }),
  };
}
