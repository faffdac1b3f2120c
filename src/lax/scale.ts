/** The exponents of floats, and multiplication by powers of 2. */
import { isLinear } from '../../transforms/transpose.ts';
import type { DType } from '../core/dtype.ts';
import { DtypeError } from '../core/errors.ts';
import { exact, type Primitive, type Sample } from '../core/primitive.ts';
import { bind1, type Value } from '../core/trace.ts';
import { neg } from './arithmetic.ts';
import { elementwise, type UnaryOp, unary, unbroadcast } from './family.ts';

/** The e with 2ᵉ⁻¹ ≤ |x| < 2ᵉ of x > 0; the logarithm may be off by its error. */
function exponentOf(size: number): number {
  if (!(size > 0 && size < Number.POSITIVE_INFINITY)) return 0;
  if (size < 2 ** -1022) return exponentOf(size * 2 ** 53) - 53;
  const guess = Math.floor(Math.log2(size));
  if (size < 2 ** guess) return guess;
  return guess < 1023 && size >= 2 ** (guess + 1) ? guess + 2 : guess + 1;
}

/** The int32 e with 2ᵉ⁻¹ ≤ |x| < 2ᵉ; 0 for 0, infinities and NaN. */
export const exponent: UnaryOp = unary('exponent', {
  domain: 'floating',
  run: (x) => exponentOf(Math.abs(x)),
  result: () => 'int32',
  jvp: 'zero',
  lower: (b, x) => b.convert(b.call('exponent', x), 'int32'),
});

/** x·2⁻ᵉ for the exponent e of x: 1/2 ≤ |x·2⁻ᵉ| < 1 unless x is 0, infinite or NaN. Its slope is 2⁻ᵉ. */
export const significand: UnaryOp = unary('significand', {
  domain: 'floating',
  run: (x) => scaled(x, -exponentOf(Math.abs(x)), 'float64'),
  jvp: (dx, x) => scalb(dx, neg(exponent(x))),
  lower: (b, x) => b.call('significand', x),
});

/** The exponents of the least normal number and above the largest, and the bits of a significand. */
const range = { float32: [-126, 127, 24], float64: [-1022, 1023, 53] } as const;

/** What is below the normal numbers is come to from far enough above for the steps before to be exact. */
function scaled(x: number, n: number, dtype: DType): number {
  const [least, largest, bits] = range[dtype as 'float32' | 'float64'];
  const product = dtype === 'float32' ? (a: number, b: number) => Math.fround(a * b) : (a: number, b: number) => a * b;
  let [value, rest] = [x, n];
  for (let step = 0; step < 2; step++) {
    const part = rest > largest ? largest : rest < least ? least + bits : 0;
    value = product(value, 2 ** part);
    rest -= part;
  }
  return product(value, 2 ** Math.max(least, Math.min(rest, largest)));
}

const floats = ['float32', 'float64'] as const;
const bases = [1, -0.75, 0, -0, 1e-30, -1e30, 2 ** -149, 3 * 2 ** -1074, Infinity, -Infinity, Number.NaN];
const exponents = [
  0,
  1,
  -1,
  126,
  127,
  128,
  -126,
  -127,
  -149,
  300,
  1023,
  1024,
  -1022,
  -1074,
  2200,
  2 ** 31 - 1,
  -(2 ** 31),
];

function samples(): Sample[] {
  const shapes = [[], [0], [1], [3], [17], [2, 3]];
  const pairs = bases.flatMap((x) => exponents.map((n) => [x, n] as const));
  return floats.flatMap((dtype) => [
    ...shapes.map((shape) => ({
      inputs: [
        { shape, dtype, low: -3, high: 3 },
        { shape, dtype: 'int32' as const, low: -9, high: 9 },
      ],
    })),
    {
      inputs: [
        { shape: [pairs.length], dtype, values: pairs.map(([x]) => x) },
        { shape: [pairs.length], dtype: 'int32' as const, values: pairs.map(([, n]) => n) },
      ],
    },
  ]);
}

export const scalbP: Primitive = elementwise('scalb', 2, {
  domain: 'numeric',
  result: ([x, n]) => {
    if (!x!.isFloating || n!.dtype !== 'int32')
      throw new DtypeError(`scalb: needs a floating and an int32 operand, but got ${x} and ${n}.`);
    return x!.dtype;
  },
  run: ([x, n], _params, [dtype]) => scaled(x!, n!, dtype!),
  accuracy: exact,
  jvp: [(dx, [, n]) => scalb(dx, n!), null],
  transpose: ([ct], [x, n]) => [
    isLinear(x) ? unbroadcast(scalb(ct as Value, n as Value), x.aval) : undefined,
    undefined,
  ],
  lower: (b, [x, n]) => b.call('scalb', x!, b.convert(n!, x!.dtype)),
  samples,
});

/** x · 2ⁿ, rounded once, for n of int32; of one shape, but for operands of rank 0. */
export const scalb = (x: Value, n: Value): Value => bind1(scalbP, [x, n]);
