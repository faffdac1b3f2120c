/** Arithmetic, element by element, with broadcasting and dtype promotion. */
import type { Element } from '../../jit/element.ts';
import { isLinear } from '../../transforms/transpose.ts';
import { isFloating } from '../core/dtype.ts';
import { ulp } from '../core/primitive.ts';
import * as reference from '../core/special.ts';
import type { Value } from '../core/trace.ts';
import { ge, select } from './compare.ts';
import { type BinaryOp, binary, type UnaryOp, unary, unbroadcast } from './family.ts';
import { trunc } from './rounding.ts';

export * from './minmax.ts';
export * from './power.ts';
export * from './rounding.ts';

/** x + y. */
export const add: BinaryOp = binary('add', {
  domain: 'numeric',
  run: (x, y, dtype) => (isFloating(dtype) ? x + y : (x + y) | 0),
  jvp: [(dx) => dx, (dy) => dy],
  transpose: ([ct], args) => args.map((x) => (isLinear(x) ? unbroadcast(ct as Value, x.aval) : undefined)),
  lower: (b, x, y) => b.add(x, y),
});

/** x − y. */
export const sub: BinaryOp = binary('sub', {
  domain: 'numeric',
  run: (x, y, dtype) => (isFloating(dtype) ? x - y : (x - y) | 0),
  jvp: [(dx) => dx, (dy) => neg(dy)],
  transpose: ([ct], [x, y]) => [
    isLinear(x) ? unbroadcast(ct as Value, x.aval) : undefined,
    isLinear(y) ? unbroadcast(neg(ct as Value), y.aval) : undefined,
  ],
  lower: (b, x, y) => b.sub(x, y),
});

/** x · y. */
export const mul: BinaryOp = binary('mul', {
  domain: 'numeric',
  run: (x, y, dtype) => (isFloating(dtype) ? x * y : Math.imul(x, y)),
  jvp: [(dx, _x, y) => mul(dx, y), (dy, x) => mul(x, dy)],
  // A square has one term, with the 2 outside: where the derivative is transposed, it meets the cotangent first.
  jvpOfSame: (dx, x) => mul(mul(x, dx), 2),
  transpose: ([ct], [x, y]) => [
    isLinear(x) ? unbroadcast(mul(ct as Value, y as Value), x.aval) : undefined,
    isLinear(y) ? unbroadcast(mul(x as Value, ct as Value), y.aval) : undefined,
  ],
  lower: (b, x, y) => b.mul(x, y),
});

/** x / y. On integers the quotient is truncated; x / 0 is −1 and −2³¹ / −1 is −2³¹. */
export const div: BinaryOp = binary('div', {
  domain: 'numeric',
  run: (x, y, dtype) => (isFloating(dtype) ? x / y : y === 0 ? -1 : Math.trunc(x / y) | 0),
  jvp: [(dx, _x, y) => div(dx, y), (dy, _x, y, out) => neg(mul(div(dy, y), out))],
  transpose: ([ct], [x, y]) => [isLinear(x) ? unbroadcast(div(ct as Value, y as Value), x.aval) : undefined, undefined],
  lower: (b, x, y) => b.div(x, y),
});

/** −x. */
export const neg: UnaryOp = unary('neg', {
  domain: 'numeric',
  run: (x, dtype) => (isFloating(dtype) ? -x : -x | 0),
  jvp: (dx) => neg(dx),
  transpose: (ct) => neg(ct),
  lower: (b, x) => b.unary('neg', x),
});

/** |x|. The derivative at 0 is 1, as in JAX; |−2³¹| of an int32 is −2³¹. */
export const abs: UnaryOp = unary('abs', {
  domain: 'numeric',
  run: (x) => Math.abs(x),
  jvp: (dx, x) => select(ge(x, 0), dx, neg(dx)),
  lower: (b, x) => (x.dtype === 'uint32' ? x : b.unary('abs', x)),
});

/** Powers of 2 that together make the smallest number above 0 at least 1. */
const toOne = { float32: [2 ** 127, 2 ** 22], float64: [2 ** 1000, 2 ** 74] } as const;

/** −1, 0 or 1; −0 and NaN stay themselves. */
export const sign: UnaryOp = unary('sign', {
  domain: 'numeric',
  run: (x) => Math.sign(x),
  jvp: 'zero',
  lower: (b, x) => {
    const { dtype } = x;
    const one = b.const(1, dtype);
    if (dtype === 'uint32') return b.binary('min', x, one);
    const between = (y: Element): Element => b.binary('min', b.binary('max', y, b.const(-1, dtype)), one);
    // Half as many instructions as comparisons and choices take.
    if (dtype === 'float32' || dtype === 'float64')
      return between(toOne[dtype].reduce((y, power) => b.mul(y, b.const(power, dtype)), x));
    return between(x);
  },
});

/** |x| with the sign of y, which NaN has not: |x| then. */
export const copysign: BinaryOp = binary('copysign', {
  domain: 'floating',
  run: (x, y) => (y < 0 || Object.is(y, -0) ? -Math.abs(x) : Math.abs(x)),
  jvp: [(dx, x, y) => mul(select(ge(x, 0), dx, neg(dx)), copysign(1, y)), null],
  lower: (b, x, y) => b.binary('copysign', x, y),
});

/** The largest integer that is not above x / y, of floats. */
export const floorDivide: BinaryOp = binary('floor_divide', {
  domain: 'floating',
  run: reference.floorDivide,
  accuracy: ulp(1.5, 2),
  jvp: 'zero',
  lower: (b, x, y) => b.call('floorDivide', x, y),
  intervals: [
    [-30, 30],
    [-3, 3],
  ],
});

/** Remainder of the truncated quotient, with the sign of x. On integers x rem 0 is x. */
export const rem: BinaryOp = binary('rem', {
  domain: 'numeric',
  run: (x, y, dtype) => (!isFloating(dtype) && y === 0 ? x : x % y),
  // x − y·trunc(x/y), whose quotient is constant wherever the remainder is differentiable.
  jvp: [(dx) => dx, (dy, x, y) => neg(mul(dy, trunc(div(x, y))))],
  lower: (b, x, y) => (isFloating(x.dtype) ? b.call('rem', x, y) : b.binary('rem', x, y)),
  intervals: [
    [-3, 3],
    [1, 3],
  ],
});
