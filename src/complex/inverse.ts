/**
 * Inverse circular and hyperbolic functions by Kahan's formulas ("Branch cuts for complex elementary functions", 1987):
 * from √(1 − z) and √(1 + z), whose parts have signs that let nothing cancel. Beyond what these can hold, and at infinity,
 * from the logarithm of 2z.
 */
import type { Value } from '../core/trace.ts';
import { abs, add, copysign, div, hypot, max, mul, neg, sub } from '../lax/arithmetic.ts';
import { eq, gt, lt, ne, select } from '../lax/compare.ts';
import { and, or } from '../lax/logic.ts';
import { type Planes, turned, turnedBack } from '../lax/planes.ts';
import { asinh, atan2, log, log1p } from '../lax/transcendental.ts';
import { divide, multiply, negative, add as plus, reciprocal, square, subtract } from './arithmetic.ts';
import type { ComplexArray } from './complex-array.ts';
import { isInfinite, isSingle, logModulus, sqrt, sqrtPlanes } from './exponential.ts';
import { holomorphic } from './holomorphic.ts';

type Function = (z: ComplexArray) => ComplexArray;

/** Whether a part is infinite, or so large that sums of products of roots overflow. */
function isHuge(a: Value, b: Value): Value {
  const limit = isSingle(a) ? 2 ** 120 : 2 ** 1000;
  return or(gt(abs(a), limit), gt(abs(b), limit));
}

/** log |2z|. */
const logTwice = (a: Value, b: Value): Value => add(logModulus(a, b), Math.LN2);

function arcsinPlanes(a: Value, b: Value): Planes {
  const [r1, i1] = sqrtPlanes(sub(1, a), neg(b));
  const [r2, i2] = sqrtPlanes(add(1, a), b);
  const huge = isHuge(a, b);
  const re = select(huge, atan2(a, abs(b)), atan2(a, sub(mul(r1, r2), mul(i1, i2))));
  const im = select(huge, copysign(logTwice(a, b), b), asinh(sub(mul(r1, i2), mul(i1, r2))));
  return [select(eq(a, 0), a, re), im];
}

function arccosPlanes(a: Value, b: Value): Planes {
  const [r1, i1] = sqrtPlanes(sub(1, a), neg(b));
  const [r2, i2] = sqrtPlanes(add(1, a), b);
  const huge = isHuge(a, b);
  const re = select(huge, atan2(abs(b), a), mul(atan2(r1, r2), 2));
  const im = select(huge, neg(copysign(logTwice(a, b), b)), asinh(sub(mul(r2, i1), mul(i2, r1))));
  return [select(eq(a, 0), Math.PI / 2, re), im];
}

function arccoshPlanes(a: Value, b: Value): Planes {
  const [r1, i1] = sqrtPlanes(sub(a, 1), b);
  const [r2, i2] = sqrtPlanes(add(a, 1), b);
  const huge = isHuge(a, b);
  return [
    select(huge, logTwice(a, b), asinh(add(mul(r1, r2), mul(i1, i2)))),
    select(and(eq(a, 0), ne(b, b)), Math.PI / 2, select(huge, atan2(b, a), mul(atan2(i1, r2), 2))),
  ];
}

/**
 * ¼ log(1 + 4a / |1 − z|²) for a ≥ 0; near 1, where the square underflows, from |1 + z| / |1 − z|; where it overflows, the
 * real part of 1/z.
 */
function arctanhPlanes(a: Value, b: Value): Planes {
  const x = abs(a);
  const far = isSingle(a) ? 2 ** 60 : 2 ** 500;
  const p = max(x, abs(b));
  const isFar = or(gt(x, far), gt(abs(b), far));
  const [u, v] = [select(isFar, 0, x), select(isFar, 0, b)];
  const distance = hypot(sub(1, u), v);
  const isNear = lt(distance, 0.5);
  const near = mul(sub(log(hypot(add(1, u), v)), log(select(isNear, distance, 1))), 0.5);
  const wide = select(isNear, 1, distance);
  const middle = mul(log1p(div(mul(u, 4), mul(wide, wide))), 0.25);
  const [s, t] = [div(x, p), div(b, p)];
  const inverse = select(or(isInfinite(x), isInfinite(b)), 0, div(div(s, add(mul(s, s), mul(t, t))), p));
  const re = select(isFar, inverse, select(isNear, near, middle));
  const angle = mul(atan2(mul(v, 2), sub(mul(sub(1, u), add(1, u)), mul(v, v))), 0.5);
  const im = select(isFar, copysign(Math.PI / 2, b), angle);
  return [select(eq(a, 0), a, copysign(re, a)), select(ne(b, b), b, im)];
}

const rootOf = (z: ComplexArray, w: ComplexArray): ComplexArray => multiply(sqrt(z), sqrt(w));
/** 1 / √(1 − z²), without cancellation near ±1. */
const slope = (z: ComplexArray): ComplexArray => reciprocal(rootOf(subtract(1, z), plus(1, z)));

export const arcsin: Function = holomorphic('arcsin', arcsinPlanes, slope);
export const arccos: Function = holomorphic('arccos', arccosPlanes, (z) => negative(slope(z)));
export const arctan: Function = holomorphic(
  'arctan',
  (a, b) => turnedBack(arctanhPlanes(...turned([a, b]))),
  (z) => reciprocal(plus(square(z), 1)),
);
export const arcsinh: Function = holomorphic(
  'arcsinh',
  (a, b) => turnedBack(arcsinPlanes(...turned([a, b]))),
  (z) => reciprocal(sqrt(plus(square(z), 1))),
);
export const arccosh: Function = holomorphic('arccosh', arccoshPlanes, (z) =>
  reciprocal(rootOf(subtract(z, 1), plus(z, 1))),
);
export const arctanh: Function = holomorphic('arctanh', arctanhPlanes, (z) =>
  divide(1, multiply(subtract(1, z), plus(1, z))),
);
