/**
 * Exponentials, logarithms and roots. Special values are those of C's Annex G: infinities with NaN stay infinite, signs of
 * zeros tell on which side of a cut an argument is.
 */
import type { Value } from '../core/trace.ts';
import { abs, add, copysign, div, hypot, max, min, mul, sqrt as root, sub } from '../lax/arithmetic.ts';
import { eq, ge, gt, isFinite, lt, select } from '../lax/compare.ts';
import { scalar } from '../lax/creation.ts';
import { and, not, or } from '../lax/logic.ts';
import type { Planes } from '../lax/planes.ts';
import {
  atan2,
  cos,
  expm1 as expm1Of,
  exp as expOf,
  log1p as log1pOf,
  log as logOf,
  sin,
} from '../lax/transcendental.ts';
import { divide, isZero, add as plus, reciprocal } from './arithmetic.ts';
import type { ComplexArray } from './complex-array.ts';
import { holomorphic } from './holomorphic.ts';

type Function = (z: ComplexArray) => ComplexArray;

export const infinity: number = Number.POSITIVE_INFINITY;
export const isInfinite = (x: Value): Value => eq(abs(x), infinity);

/** Whether numbers have 24 significant bits; weak ones are computed in float64. */
export const isSingle = (x: Value): boolean => x.aval.dtype === 'float32';

/** `value` where a condition holds, else 1, in the precision of `x`. */
export const factorWhere = (condition: Value, value: number, { aval }: Value): Value =>
  select(condition, aval.weakType ? value : scalar(value, aval.dtype), 1);

/**
 * eˣ as a factor and what is left to multiply by in the end: a product with a cosine may be finite where eˣ overflows. To
 * subtract an integer from an x that large is exact.
 */
export function longExp(x: Value): readonly [factor: Value, rest: Value] {
  const [far, shift] = isSingle(x) ? [88, 20] : [709, 100];
  const isFar = gt(x, far);
  return [expOf(select(isFar, sub(x, shift), x)), factorWhere(isFar, Math.exp(shift), x)];
}

/** e^a (cos b + i sin b). */
function expPlanes(a: Value, b: Value): Planes {
  const [factor, rest] = longExp(a);
  const endless = not(isFinite(b));
  // e^−∞ is 0 whatever the angle.
  const angle = select(and(endless, eq(a, -infinity)), 0, b);
  const re = mul(mul(factor, cos(angle)), rest);
  const im = mul(mul(factor, sin(angle)), rest);
  return [select(and(endless, eq(a, infinity)), infinity, re), select(eq(angle, 0), angle, im)];
}

export const exp: Function = holomorphic('exp', expPlanes, (_z, w) => w);

/** e^z − 1 without cancellation near 0: (e^a − 1) cos b − 2 sin²(b/2) is the real part. */
export const expm1: Function = holomorphic(
  'expm1',
  (a, b) => {
    const [re, im] = expPlanes(a, b);
    const half = sin(mul(b, 0.5));
    const near = sub(mul(expm1Of(a), cos(b)), mul(mul(half, half), 2));
    return [select(lt(abs(a), 40), near, sub(re, 1)), im];
  },
  (_z, w) => plus(w, 1),
);

/**
 * log √(a² + b²): log p + ½ log(1 + (q/p)²) with p the larger of the two, which neither overflows nor underflows; near 1, where
 * the two terms would cancel, ½ log(1 + ((p − 1)(p + 1) + q²)).
 */
export function logModulus(a: Value, b: Value): Value {
  const [x, y] = [abs(a), abs(b)];
  const [p, q] = [max(x, y), min(x, y)];
  const ratio = select(eq(p, q), 1, div(q, p));
  const far = add(logOf(p), mul(log1pOf(mul(ratio, ratio)), 0.5));
  const excess = add(mul(sub(p, 1), add(p, 1)), mul(q, q));
  const isNear = and(gt(excess, -0.5), lt(excess, 1));
  const result = select(isNear, mul(log1pOf(select(isNear, excess, 0)), 0.5), far);
  return select(or(eq(x, infinity), eq(y, infinity)), infinity, result);
}

export const log: Function = holomorphic(
  'log',
  (a, b) => [logModulus(a, b), atan2(b, a)],
  (z) => reciprocal(z),
);

const scaledLog = (name: string, base: number): Function =>
  holomorphic(
    name,
    (a, b) => [div(logModulus(a, b), base), div(atan2(b, a), base)],
    (z) => divide(1 / base, z),
  );
export const log2: Function = scaledLog('log2', Math.LN2);
export const log10: Function = scaledLog('log10', Math.LN10);

/** log(1 + z) without cancellation near 0: |1 + z|² − 1 is a(2 + a) + b². */
export const log1p: Function = holomorphic(
  'log1p',
  (a, b) => {
    const isNear = lt(max(abs(a), abs(b)), 0.5);
    const excess = select(isNear, add(mul(a, add(a, 2)), mul(b, b)), 0);
    const one = add(a, 1);
    return [select(isNear, mul(log1pOf(excess), 0.5), logModulus(one, b)), atan2(b, one)];
  },
  (z) => reciprocal(plus(z, 1)),
);

/**
 * √z with a real part that is not negative: t = √((|a| + |z|)/2) is one part, without cancellation, and |b|/2t the other one.
 * Very large and very small numbers are scaled by even powers of 2.
 */
export function sqrtPlanes(a: Value, b: Value): Planes {
  const [huge, tiny, up, upRoot] = isSingle(a)
    ? [2 ** 124, 2 ** -100, 2 ** 24, 2 ** -12]
    : [2 ** 1020, 2 ** -960, 2 ** 54, 2 ** -27];
  const p = max(abs(a), abs(b));
  const [isHuge, isTiny] = [gt(p, huge), lt(p, tiny)];
  const scale = select(isHuge, 0.25, select(isTiny, up, 1));
  const rest = select(isHuge, 2, select(isTiny, upRoot, 1));
  const [x, y] = [abs(mul(a, scale)), abs(mul(b, scale))];
  const t = root(mul(add(x, hypot(x, y)), 0.5));
  const zero = isZero(a, b);
  const [major, minor] = [mul(t, rest), mul(select(zero, 0, div(y, mul(t, 2))), rest)];
  const right = ge(a, 0);
  const endless = isInfinite(b);
  return [
    select(endless, infinity, select(right, major, minor)),
    copysign(select(endless, infinity, select(right, minor, major)), b),
  ];
}

export const sqrt: Function = holomorphic('sqrt', sqrtPlanes, (_z, w) => divide(0.5, w));
