/** Exponentials, logarithms, circular and hyperbolic functions. The reference is JavaScript's Math. */
import type { ArrayLike } from '../array.ts';
import { ulp } from '../core/primitive.ts';
import * as reference from '../core/special.ts';
import type { Value } from '../core/trace.ts';
import { add, div, integerPow, mul, neg, rsqrt, sub } from './arithmetic.ts';
import { type BinaryOp, binary, type UnaryOp, unary } from './family.ts';

export * from './special.ts';

/**
 * An elementwise function computed by the jit/math function of the same name, or of the name `fn`. `npm run ulp` measures
 * that it is within 1.5 ulp in float32, 2 in float64.
 */
export function mathFunction(
  name: string,
  run: (x: number) => number,
  jvp: (dx: Value, x: Value, out: Value) => Value,
  interval?: readonly [number, number],
  { fn = name, terms }: { fn?: string; terms?: (x: number) => number } = {},
): UnaryOp {
  return unary(name, {
    domain: 'floating',
    run,
    accuracy: ulp(1.5, 2, terms),
    jvp,
    lower: (b, x) => b.call(fn, x),
    ...(interval ? { interval } : {}),
  });
}

/** (1 − x)(1 + x): 1 − x² without cancellation near ±1. */
const oneMinusSquare = (x: ArrayLike): Value => mul(sub(1, x), add(1, x));

/** eˣ. */
export const exp: UnaryOp = mathFunction('exp', Math.exp, (dx, _x, out) => mul(dx, out), [-10, 10]);
/** 2ˣ, exact for integers. */
export const exp2: UnaryOp = mathFunction(
  'exp2',
  reference.exp2,
  (dx, _x, out) => mul(dx, mul(out, Math.LN2)),
  [-10, 10],
);
/** eˣ − 1, accurate near 0. */
export const expm1: UnaryOp = mathFunction('expm1', Math.expm1, (dx, _x, out) => mul(dx, add(out, 1)));
/** Natural logarithm; −∞ at 0, NaN below. */
export const log: UnaryOp = mathFunction('log', Math.log, (dx, x) => div(dx, x), [0.01, 10]);
/** log(1 + x), accurate near 0. */
export const log1p: UnaryOp = mathFunction('log1p', Math.log1p, (dx, x) => div(dx, add(x, 1)), [-0.9, 3]);
/** Logarithm to base 2. */
export const log2: UnaryOp = mathFunction('log2', Math.log2, (dx, x) => div(dx, mul(x, Math.LN2)), [0.01, 10]);

export const sin: UnaryOp = mathFunction('sin', Math.sin, (dx, x) => mul(dx, cos(x)));
export const cos: UnaryOp = mathFunction('cos', Math.cos, (dx, x) => neg(mul(dx, sin(x))));
export const tan: UnaryOp = mathFunction('tan', Math.tan, (dx, _x, out) => mul(dx, add(mul(out, out), 1)), [-1.4, 1.4]);
/** Arc sine; NaN outside [−1, 1]. */
export const asin: UnaryOp = mathFunction('asin', Math.asin, (dx, x) => mul(dx, rsqrt(oneMinusSquare(x))), [-1, 1]);
/** Arc cosine; NaN outside [−1, 1]. */
export const acos: UnaryOp = mathFunction(
  'acos',
  Math.acos,
  (dx, x) => neg(mul(dx, rsqrt(oneMinusSquare(x)))),
  [-1, 1],
);
export const atan: UnaryOp = mathFunction('atan', Math.atan, (dx, x) => div(dx, add(integerPow(x, 2), 1)));

/** The angle of the point (x, y), in [−π, π]. The derivative at the origin is NaN. */
export const atan2: BinaryOp = binary('atan2', {
  domain: 'floating',
  run: Math.atan2,
  accuracy: ulp(1.5, 2),
  jvp: [
    (dy, y, x) => mul(dy, div(x, add(integerPow(x, 2), integerPow(y, 2)))),
    (dx, y, x) => neg(mul(dx, div(y, add(integerPow(x, 2), integerPow(y, 2))))),
  ],
  lower: (b, y, x) => b.call('atan2', y, x),
});

export const sinh: UnaryOp = mathFunction('sinh', Math.sinh, (dx, x) => mul(dx, cosh(x)));
export const cosh: UnaryOp = mathFunction('cosh', Math.cosh, (dx, x) => mul(dx, sinh(x)));
export const tanh: UnaryOp = mathFunction('tanh', reference.tanh, (dx, _x, out) => mul(dx, oneMinusSquare(out)));
export const asinh: UnaryOp = mathFunction('asinh', Math.asinh, (dx, x) => mul(dx, rsqrt(add(integerPow(x, 2), 1))));
/** Inverse of cosh on [1, ∞). */
export const acosh: UnaryOp = mathFunction(
  'acosh',
  Math.acosh,
  (dx, x) => mul(dx, mul(rsqrt(sub(x, 1)), rsqrt(add(x, 1)))),
  [1, 5],
);
/** Inverse of tanh on (−1, 1). */
export const atanh: UnaryOp = mathFunction('atanh', Math.atanh, (dx, x) => div(dx, oneMinusSquare(x)), [-0.99, 0.99]);
