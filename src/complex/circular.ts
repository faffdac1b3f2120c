/** Hyperbolic and circular functions: sin z = −i sinh iz, cos z = cosh iz, tan z = −i tanh iz, as C's Annex G defines them. */
import type { Value } from '../core/trace.ts';
import { abs, add, copysign, div, mul, sqrt, sub } from '../lax/arithmetic.ts';
import { eq, ge, gt, isFinite, select } from '../lax/compare.ts';
import { and, not, or } from '../lax/logic.ts';
import { type Planes, turned, turnedBack } from '../lax/planes.ts';
import {
  cosh as coshOf,
  cos as cosOf,
  exp,
  sinh as sinhOf,
  sin as sinOf,
  tan as tanOf,
} from '../lax/transcendental.ts';
import { negative, add as plus, square, subtract } from './arithmetic.ts';
import type { ComplexArray } from './complex-array.ts';
import { factorWhere, infinity, isInfinite, isSingle } from './exponential.ts';
import { holomorphic } from './holomorphic.ts';

type Function = (z: ComplexArray) => ComplexArray;

/** x · y where 0 times anything is 0, with the sign that it has. */
const product = (x: Value, y: Value): Value =>
  select(
    or(eq(x, 0), eq(y, 0)),
    mul(select(eq(x, 0), x, copysign(1, x)), select(eq(y, 0), y, copysign(1, y))),
    mul(x, y),
  );

/** sinh x and cosh x, and what is left to multiply by in the end, against overflow: see `longExp`. */
function longHyperbolic(x: Value): readonly [sinh: Value, cosh: Value, rest: Value] {
  const [far, shift] = isSingle(x) ? [88, 20] : [709, 100];
  const isFar = gt(abs(x), far);
  const near = select(isFar, 0, x);
  const half = mul(exp(sub(abs(x), shift)), 0.5);
  return [
    select(isFar, copysign(half, x), sinhOf(near)),
    select(isFar, half, coshOf(near)),
    factorWhere(isFar, Math.exp(shift), x),
  ];
}

function sinhPlanes(a: Value, b: Value): Planes {
  const [s, c, rest] = longHyperbolic(a);
  const isEndless = and(isInfinite(a), not(isFinite(b)));
  return [select(isEndless, a, mul(product(s, cosOf(b)), rest)), mul(product(c, select(eq(b, 0), b, sinOf(b))), rest)];
}

function coshPlanes(a: Value, b: Value): Planes {
  const [s, c, rest] = longHyperbolic(a);
  const isEndless = and(isInfinite(a), not(isFinite(b)));
  return [
    select(isEndless, infinity, mul(mul(c, cosOf(b)), rest)),
    mul(product(s, select(eq(b, 0), b, sinOf(b))), rest),
  ];
}

/**
 * Kahan's formula (1987), with t = tan b, s = sinh a: (βρs + it) / (1 + βs²) where β = 1 + t² and ρ = √(1 + s²); far
 * from 0, where tanh a is ±1, its limit.
 */
function tanhPlanes(a: Value, b: Value): Planes {
  const isFar = ge(abs(a), isSingle(a) ? 11 : 22);
  const x = select(isFar, 1, a);
  const t = tanOf(b);
  const beta = add(mul(t, t), 1);
  const s = sinhOf(x);
  const rho = sqrt(add(mul(s, s), 1));
  const divisor = add(mul(beta, mul(s, s)), 1);
  const decay = exp(sub(0, abs(a)));
  const wave = mul(sinOf(b), cosOf(b));
  const known = isFinite(b);
  const isEndless = isInfinite(a);
  // At an infinite a the angle only gives a zero its sign.
  const limit = select(isEndless, copysign(0, select(known, wave, b)), mul(mul(mul(wave, 4), decay), decay));
  const nan = sub(b, b);
  const re = select(isFar, copysign(1, a), div(mul(mul(beta, rho), s), divisor));
  return [
    select(or(isEndless, known), re, select(eq(a, 0), a, nan)),
    select(eq(b, 0), b, select(isFar, limit, div(t, divisor))),
  ];
}

export const sinh: Function = holomorphic('sinh', sinhPlanes, (z) => cosh(z));
export const cosh: Function = holomorphic('cosh', coshPlanes, (z) => sinh(z));
export const tanh: Function = holomorphic('tanh', tanhPlanes, (_z, w) => subtract(1, square(w)));
export const sin: Function = holomorphic(
  'sin',
  (a, b) => turnedBack(sinhPlanes(...turned([a, b]))),
  (z) => cos(z),
);
export const cos: Function = holomorphic(
  'cos',
  (a, b) => coshPlanes(...turned([a, b])),
  (z) => negative(sin(z)),
);
export const tan: Function = holomorphic(
  'tan',
  (a, b) => turnedBack(tanhPlanes(...turned([a, b]))),
  (_z, w) => plus(square(w), 1),
);
