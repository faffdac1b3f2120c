/** Powers and roots. */
import type { Element, ElementBuilder } from '../../jit/element.ts';
import { type ArrayLike, NDArray } from '../array.ts';
import { isFloating } from '../core/dtype.ts';
import { DtypeError } from '../core/errors.ts';
import { bySquaring } from '../core/powers.ts';
import { exact, type Primitive, sharedParamsByKey, ulp } from '../core/primitive.ts';
import * as reference from '../core/special.ts';
import { bind1, type Value } from '../core/trace.ts';
import { Zero } from '../core/zero.ts';
import { toFloating, toValue } from '../promote.ts';
import { abs, div, mul, sign, sub } from './arithmetic.ts';
import { eq, isFinite, select } from './compare.ts';
import { convert } from './convert.ts';
import { type BinaryOp, binary, elementwise, type UnaryOp, unary } from './family.ts';
import { and, not, or } from './logic.ts';
import { domains } from './samples.ts';
import { log } from './transcendental.ts';

/** √x; NaN below 0. */
export const sqrt: UnaryOp = unary('sqrt', {
  domain: 'floating',
  run: Math.sqrt,
  jvp: (dx, _x, out) => div(dx, mul(out, 2)),
  lower: (b, x) => b.unary('sqrt', x),
  interval: [0, 5],
});

/** 1/√x. */
export const rsqrt: UnaryOp = unary('rsqrt', {
  domain: 'floating',
  run: (x, dtype) => 1 / (dtype === 'float32' ? Math.fround(Math.sqrt(x)) : Math.sqrt(x)),
  jvp: (dx, x, out) => mul(dx, mul(div(out, x), -0.5)),
  lower: (b, x) => b.div(b.const(1, x.dtype), b.unary('sqrt', x)),
  interval: [0.01, 5],
});

/** ∛x, negative for negative x. */
export const cbrt: UnaryOp = unary('cbrt', {
  domain: 'floating',
  run: Math.cbrt,
  jvp: (dx, _x, out) => mul(dx, div(integerPow(out, -2), 3)),
  lower: (b, x) => b.call('cbrt', x),
  accuracy: ulp(1.5, 2),
});

/** x/h for h = √(x² + y²): ±1 or 0 where h is infinite; ½ where x and y are zero, as in JAX. */
function cosine(x: Value, h: Value): Value {
  const infinity = Number.POSITIVE_INFINITY;
  const isInfinite = eq(h, infinity);
  const odd = or(eq(h, 0), isInfinite);
  const ratio = div(select(odd, 0.5, x), select(odd, 1, h));
  return select(isInfinite, select(eq(abs(x), infinity), sign(x), 0), ratio);
}

/** √(x² + y²) without overflow or underflow in between; infinite if an operand is. */
export const hypot: BinaryOp = binary('hypot', {
  domain: 'floating',
  run: reference.hypot,
  accuracy: ulp(1.5, 2),
  jvp: [(dx, x, _y, out) => mul(dx, cosine(x, out)), (dy, _x, y, out) => mul(dy, cosine(y, out))],
  lower: (b, x, y) => b.call('hypot', x, y),
});

/** The floating power; an integer power is a product modulo 2³², its exponent read as unsigned. */
function power(x: number, y: number, floating: boolean): number {
  if (floating) return reference.pow(x, y);
  let result = 1;
  for (let rest = y >>> 0, square = x; rest !== 0; rest >>>= 1) {
    if (rest & 1) result = Math.imul(result, square);
    square = Math.imul(square, square);
  }
  return result;
}

/** One squaring and one chosen factor for each bit of the exponent. */
function lowerIntegerPower(b: ElementBuilder, x: Element, y: Element): Element {
  const c = (value: number): Element => b.const(value, x.dtype);
  let result = c(1);
  let square = x;
  for (let bit = 0; bit < 32; bit++) {
    const present = b.compare('ne', b.binary('and', y, c(2 ** bit)), c(0));
    result = b.mul(result, b.select(present, square, c(1)));
    if (bit < 31) square = b.mul(square, square);
  }
  return result;
}

const powOp: BinaryOp = binary('pow', {
  domain: 'numeric',
  run: (x, y, dtype) => power(x, y, isFloating(dtype)),
  jvp: [
    // y·x^(y−1), which is 0 for y = 0 at every x. Where 1/x is no number, the exponent is replaced before it can make an
    // infinity, so that derivatives of this expression are right at x = 0 too; elsewhere they are right as it stands.
    (dx, x, y) => {
      const zero = and(eq(y, 0), not(isFinite(div(1, x))));
      const exponent = select(zero, 1, y);
      return mul(dx, select(zero, 0, mul(exponent, pow(x, sub(exponent, 1)))));
    },
    // x^y·log x, whose limit at x = 0 is 0 for y > 0.
    (dy, x, _y, out) => mul(dy, mul(out, log(select(eq(x, 0), 1, x)))),
  ],
  lower: (b, x, y) => (isFloating(x.dtype) ? b.call('pow', x, y) : lowerIntegerPower(b, x, y)),
  accuracy: ulp(1.5, 2),
  intervals: [
    [0, 4],
    [-3, 3],
  ],
});
export const powP: Primitive = powOp.primitive;

/**
 * x to the power y. A JavaScript integer as exponent is a product, exact in its derivatives and defined for negative x;
 * integer arrays give integers modulo 2³².
 *
 * @example
 * pow(x, 3); // integerPow(x, 3)
 */
export function pow(x: ArrayLike, y: ArrayLike): Value {
  const n = typeof y === 'number' ? y : y instanceof NDArray && y.aval.weakType ? y.literal : undefined;
  if (n !== undefined && Number.isInteger(n) && Math.abs(n) <= 64) return integerPow(x, n);
  return powOp(x, y);
}

export const integerPowP: Primitive<{ readonly y: number }> = elementwise<{ readonly y: number }>('integer_pow', 1, {
  domain: 'numeric',
  result: ([x]) => x!.dtype,
  run: ([x], { y }, [dtype]) => {
    const times = (a: number, b: number): number =>
      dtype === 'float64' ? a * b : dtype === 'float32' ? Math.fround(a * b) : Math.imul(a, b);
    const positive = bySquaring(x!, Math.abs(y), times) ?? 1;
    return y < 0 ? 1 / positive : positive;
  },
  accuracy: exact,
  jvp: [(dx, [x], out, { y }) => (y === 0 ? new Zero(out.aval) : mul(dx, mul(integerPow(x!, y - 1), y)))],
  lower: (b, [x], { y }) => {
    const one = b.const(1, x!.dtype);
    const positive = bySquaring(x!, Math.abs(y), (p, q) => b.mul(p, q)) ?? one;
    return y < 0 ? b.div(one, positive) : positive;
  },
  samples: () =>
    [0, 2, 3, 5, -1, -2].flatMap((y) =>
      domains[y < 0 ? 'floating' : 'numeric'].flatMap((dtype) =>
        [[], [0], [5], [17]].map((shape) => ({ inputs: [{ shape, dtype, low: -3, high: 3 }], params: { y } })),
      ),
    ),
});

const exponents = sharedParamsByKey<{ readonly y: number }>();

/**
 * x to a fixed integer power, by repeated squaring. Bools become int32.
 *
 * @throws DtypeError for a negative power of integers
 */
export function integerPow(x: ArrayLike, n: number): Value {
  let value = toValue(x, 'integerPow');
  if (value.aval.dtype === 'bool') value = convert(value, 'int32');
  if (!Number.isInteger(n)) throw new DtypeError(`integerPow: the exponent must be an integer, but is ${n}.`);
  if (n < 0 && !value.aval.isFloating) {
    throw new DtypeError(`integerPow: ${value.aval} cannot be raised to the negative power ${n}.`, {
      hint: 'convert the base to a floating dtype',
    });
  }
  return n === 1
    ? value
    : bind1(
        integerPowP,
        [value],
        exponents(String(n), () => ({ y: n })),
      );
}

/** x². */
export const square = (x: ArrayLike): Value => integerPow(x, 2);

/** 1/x. Integers become float32. */
export const reciprocal = (x: ArrayLike): Value => integerPow(toFloating(x, 'reciprocal'), -1);
