/** References for float64 in twice its precision, mostly by other formulas than those they measure. */
import { hostMath } from '../../jit/math/index.ts';
import * as q from './double-double.ts';
import { add, type DD, dd, div, mul, neg, one, type Scaled, scaled, sqrt, sub } from './double-double.ts';
import { digamma, erf, erfc, erfInv, lgamma } from './precise-special.ts';

/** The exact value is (high + low)·2^exponent. */
export type Precise = readonly [high: number, low: number, exponent?: number];

const at = ({ value, exponent }: Scaled): Precise => [value[0], value[1], exponent];
const infinity = Number.POSITIVE_INFINITY;

/** x^(1/3) by Newton's steps from the double that is nearest. */
function cbrt(x: number): DD {
  let t: DD = dd(Math.cbrt(x));
  for (let i = 0; i < 2; i++) t = sub(t, div(sub(mul(mul(t, t), t), dd(x)), scaled(mul(t, t), 3)));
  return t;
}

/** e^x and e^−x times 2^−k. */
function exponentials(x: number): { up: DD; down: DD; k: number } {
  const { value, exponent: k } = q.exp(dd(x));
  return { up: value, down: k > 600 ? dd(0) : scaled(div(one, value), 2 ** (-2 * k)), k };
}

const sinhDD = (x: number): Scaled => {
  if (Math.abs(x) < 0.4) return { value: q.sinhSmall(dd(x)), exponent: 0 };
  const { up, down, k } = exponentials(Math.min(Math.abs(x), 2000));
  return { value: scaled(sub(up, down), 0.5 * Math.sign(x)), exponent: k };
};
const coshDD = (x: number): Scaled => {
  const { up, down, k } = exponentials(Math.min(Math.abs(x), 2000));
  return { value: scaled(add(up, down), 0.5), exponent: k };
};

/** log(2a), and less than an ulp more, for a > 2⁶⁰. */
const logTwice = (a: number): DD => q.log(dd(a), 1);

function asinh(x: number): DD {
  const a = Math.abs(x);
  if (a > 2 ** 60) return scaled(logTwice(a), Math.sign(x));
  const square = q.twoProduct(a, a);
  const y = add(dd(a), div(square, add(one, sqrt(add(one, square)))));
  return scaled(q.log1p(y), Math.sign(x));
}

function acosh(x: number): DD {
  if (x > 2 ** 60) return logTwice(x);
  const t = q.twoSum(x, -1);
  return q.log1p(add(t, sqrt(mul(t, add(t, dd(2))))));
}

function atan2(y: number, x: number): Precise {
  const [a, b] = [Math.abs(y), Math.abs(x)];
  if (!(a < infinity && b < infinity) || a === 0 || b === 0) return constantAngle(y, x);
  const normal = (v: number): [number, number] => {
    const up = v < 2 ** -1000 ? 200 : 0;
    const e = q.exponentOf(v * 2 ** up) - up;
    return [v * 2 ** up * 2 ** -(e + up), e];
  };
  const [[ma, ea], [mb, eb]] = [normal(a), normal(b)];
  const sign = Math.sign(y);
  if (ea - eb < -100) {
    if (x > 0) {
      const [high, low] = scaled(div(dd(ma), dd(mb)), sign);
      return [high, low, ea - eb];
    }
    return scaled(q.pi, sign);
  }
  if (ea - eb > 110) return scaled(q.halfPi, sign);
  return scaled(q.atan2(dd(ma * 2 ** (ea - eb)), dd(x < 0 ? -mb : mb)), sign);
}

/** Angles where an operand is 0, infinite or NaN: multiples of π/4, which the host rounds. */
function constantAngle(y: number, x: number): Precise {
  const angle = Math.atan2(y, x);
  const k = Math.round(angle / (Math.PI / 4));
  return Number.isNaN(angle) || k === 0 ? [angle, 0] : scaled(q.pi, k / 4);
}

function log2(x: number): DD {
  let e = q.exponentOf(x);
  if (e === -1023) e = q.exponentOf(x * 2 ** 60) - 60;
  const half = Math.floor(e / 2);
  const m = x * 2 ** -half * 2 ** (half - e);
  const [k, f] = m > Math.SQRT2 ? [e + 1, m / 2] : [e, m];
  return add(dd(k), div(q.log(dd(f)), q.log2));
}

/** 2^x as 2^k·e^(r log 2) for the integer k next to x. */
function exp2(x: number): Precise {
  const inside = Math.max(-2000, Math.min(2000, x));
  const k = Math.round(inside);
  const { value, exponent } = q.exp(mul(dd(inside - k), q.log2));
  return [value[0], value[1], exponent + k];
}

function hypot(x: number, y: number): Precise {
  const larger = Math.max(Math.abs(x), Math.abs(y));
  if (!(larger > 0 && larger < infinity) || Number.isNaN(x + y)) return [hostMath.hypot!(x, y), 0];
  const e = q.exponentOf(larger * (larger < 1 ? 2 ** 60 : 1)) - (larger < 1 ? 60 : 0);
  const half = Math.trunc(e / 2);
  const [a, b] = [x, y].map((v) => v * 2 ** -half * 2 ** (half - e)) as [number, number];
  // Beside the other's, a square below 2⁻⁴⁰⁰ is nothing.
  const square = (v: number): DD => (Math.abs(v) < 2 ** -200 ? dd(0) : q.twoProduct(v, v));
  const [high, low] = sqrt(add(square(a), square(b)));
  return [high, low, e];
}

/** A finite number as an integer times a power of 2. */
function integerParts(x: number): readonly [integer: bigint, exponent: number] {
  const e = Math.max(q.exponentOf(x), -1022) - 52;
  const half = Math.trunc(e / 2);
  return [BigInt(x * 2 ** -half * 2 ** (half - e)), e];
}

/** By division of integers. */
function floorDivide(x: number, y: number): Precise {
  const host = hostMath.floorDivide!(x, y);
  if (x === 0 || y === 0 || !Number.isFinite(x) || !Number.isFinite(y)) return [host, 0];
  const [[m, e], [n, f]] = [integerParts(x), integerParts(y)];
  const [dividend, divisor] = [m << BigInt(Math.max(e - f, 0)), n << BigInt(Math.max(f - e, 0))];
  const isInexact = dividend % divisor !== 0n && dividend < 0n !== divisor < 0n;
  const whole = dividend / divisor - (isInexact ? 1n : 0n);
  const high = Number(whole);
  return whole === 0n || !Number.isFinite(high)
    ? [whole === 0n ? host : high, 0]
    : [high, Number(whole - BigInt(high))];
}

function logistic(x: number): Precise {
  if (x > 750) return [1, 0];
  const { value, exponent: k } = q.exp(dd(Math.max(-Math.abs(x), -2000)));
  const denominator = add(one, k < -200 ? dd(0) : scaled(value, 2 ** k));
  if (x >= 0) return div(one, denominator);
  const [high, low] = div(value, denominator);
  return [high, low, k];
}

function tanh(x: number): DD {
  const a = Math.abs(x);
  if (a > 40) return dd(Math.sign(x));
  if (a < 0.2) {
    const s = q.sinhSmall(dd(x));
    return div(s, sqrt(add(one, mul(s, s))));
  }
  const { up, down } = exponentials(a);
  return scaled(div(sub(up, down), add(up, down)), Math.sign(x));
}

function expm1(x: number): Precise {
  if (Math.abs(x) < 0.4) return q.expm1Small(dd(x));
  if (x < -80) return [-1, 0];
  const { value, exponent: k } = q.exp(dd(Math.min(x, 2000)));
  const [high, low] = sub(value, dd(2 ** -k));
  return [high, low, k];
}

/** √(1 − x²). */
const otherSide = (x: number): DD => sqrt(mul(q.twoSum(1, -x), q.twoSum(1, x)));

/** |x|^y, with the sign of the host's. */
function pow(x: number, y: number): Precise {
  const host = hostMath.pow!(x, y);
  const usual = x !== 0 && Number.isFinite(x) && Number.isFinite(y) && !Number.isNaN(host);
  if (!usual || y === 0 || Math.abs(x) === 1) return [host, 0];
  const product = mul(q.log(dd(Math.abs(x))), dd(Math.max(-(2 ** 80), Math.min(2 ** 80, y))));
  if (!(Math.abs(product[0]) < 2000)) return [host, 0];
  const { value, exponent } = q.exp(product);
  const [high, low] = host < 0 || Object.is(host, -0) ? neg(value) : value;
  return [high, low, exponent];
}

/**
 * A function whose values at 0, ±∞ and outside of its domain are the host's. Near 0, where it is nearly x, `next` is the
 * second term of its series.
 */
const inside =
  (host: (x: number) => number, f: (x: number) => Precise, next?: (x: number) => number) =>
  (x: number): Precise => {
    const value = host(x);
    if (x === 0 || !Number.isFinite(x) || Number.isNaN(value)) return [value, 0];
    return next && Math.abs(x) < 2 ** -60 ? [x, next(x)] : f(x);
  };

/** The same for functions with poles, whose infinite values are exact. */
const withPoles = (host: (x: number) => number, f: (x: number) => Precise, next?: (x: number) => number) =>
  inside(host, (x) => (Number.isFinite(host(x)) ? f(x) : [host(x), 0]), next);

const cubic =
  (c: number) =>
  (x: number): number =>
    x * x * x * c;
const quadratic =
  (c: number) =>
  (x: number): number =>
    x * x * c;

const clamped = (x: number): DD => dd(Math.max(-2000, Math.min(2000, x)));

export const precise: Readonly<Record<string, (x: number, y: number) => Precise>> = {
  exp: inside(Math.exp, (x) => at(q.exp(clamped(x)))),
  exp2: inside((x) => 2 ** x, exp2),
  expm1: inside(Math.expm1, expm1, quadratic(1 / 2)),
  log: withPoles(Math.log, (x) => q.log(dd(x))),
  log1p: withPoles(
    Math.log1p,
    (x) => (Math.abs(x) < 0.25 ? q.log1pSmall(dd(x)) : q.log(q.twoSum(1, x))),
    quadratic(-1 / 2),
  ),
  log2: withPoles(Math.log2, log2),
  sin: inside(
    Math.sin,
    (x) => {
      const { n, r } = q.reduceAngle(x);
      return scaled(q.turned(r, n).sin, Math.sign(x));
    },
    cubic(-1 / 6),
  ),
  cos: inside(Math.cos, (x) => {
    const { n, r } = q.reduceAngle(x);
    return q.turned(r, n).cos;
  }),
  tan: inside(
    Math.tan,
    (x) => {
      const { n, r } = q.reduceAngle(x);
      const { sin, cos } = q.turned(r, n);
      return scaled(div(sin, cos), Math.sign(x));
    },
    cubic(1 / 3),
  ),
  asin: inside(Math.asin, (x) => q.atan2(dd(x), otherSide(x)), cubic(1 / 6)),
  acos: inside(Math.acos, (x) => (x === 1 ? [0, 0] : q.atan2(otherSide(x), dd(x)))),
  atan: inside(Math.atan, (x) => atan2(x, 1), cubic(-1 / 3)),
  atan2,
  sinh: inside(Math.sinh, (x) => at(sinhDD(x)), cubic(1 / 6)),
  cosh: inside(Math.cosh, (x) => at(coshDD(x))),
  tanh: inside(Math.tanh, tanh, cubic(-1 / 3)),
  asinh: inside(Math.asinh, asinh, cubic(-1 / 6)),
  acosh: inside(Math.acosh, (x) => (x === 1 ? [0, 0] : acosh(x))),
  atanh: withPoles(
    Math.atanh,
    (x) => {
      const a = Math.abs(x);
      return scaled(q.log1p(div(dd(2 * a), q.twoSum(1, -a))), 0.5 * Math.sign(x));
    },
    cubic(1 / 3),
  ),
  cbrt: inside(Math.cbrt, (x) => {
    const e = Math.floor(q.exponentOf(x * 2 ** (Math.abs(x) < 1 ? 120 : 0)) / 3) - (Math.abs(x) < 1 ? 40 : 0);
    const half = Math.trunc(e / 2);
    const [high, low] = cbrt(x * 2 ** (-3 * half) * 2 ** (3 * (half - e)));
    return [high, low, e];
  }),
  logistic: inside((x) => 1 / (1 + Math.exp(-x)), logistic),
  floorDivide,
  hypot,
  pow,
  rem: (x, y) => [x % y, 0],
  ...{ erf, erfc, erfInv, lgamma, digamma },
};
