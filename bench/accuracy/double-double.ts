/**
 * Arithmetic with unevaluated sums of two doubles (Dekker, Knuth; Bailey's QD): about 104 bits. References for float64
 * are written in it.
 */
export type DD = readonly [high: number, low: number];

export const quickSum = (a: number, b: number): DD => {
  const s = a + b;
  return [s, b - (s - a)];
};

export const twoSum = (a: number, b: number): DD => {
  const s = a + b;
  const t = s - a;
  return [s, a - (s - t) + (b - t)];
};

export const twoProduct = (a: number, b: number): DD => {
  const p = a * b;
  const s = 134217729 * a;
  const ah = s - (s - a);
  const al = a - ah;
  const t = 134217729 * b;
  const bh = t - (t - b);
  const bl = b - bh;
  return [p, ah * bh - p + ah * bl + al * bh + al * bl];
};

export const neg = (a: DD): DD => [-a[0], -a[1]];
export const abs = (a: DD): DD => (a[0] < 0 ? neg(a) : a);

export const add = (a: DD, b: DD): DD => {
  const s = twoSum(a[0], b[0]);
  const t = twoSum(a[1], b[1]);
  const u = quickSum(s[0], s[1] + t[0]);
  return quickSum(u[0], u[1] + t[1]);
};
export const sub = (a: DD, b: DD): DD => add(a, neg(b));

export const mul = (a: DD, b: DD): DD => {
  const p = twoProduct(a[0], b[0]);
  return quickSum(p[0], p[1] + (a[0] * b[1] + a[1] * b[0]));
};

/** a·b for a power of two. */
export const scaled = (a: DD, b: number): DD => [a[0] * b, a[1] * b];

export const div = (a: DD, b: DD): DD => {
  const q = a[0] / b[0];
  const r = sub(a, mul(b, [q, 0]));
  const q1 = r[0] / b[0];
  const r1 = sub(r, mul(b, [q1, 0]));
  const s = quickSum(q, q1);
  return quickSum(s[0], s[1] + r1[0] / b[0]);
};

export const sqrt = (a: DD): DD => {
  if (a[0] === 0) return a;
  const s = Math.sqrt(a[0]);
  const r = sub(a, twoProduct(s, s));
  const t = quickSum(s, r[0] / (2 * s));
  const r1 = sub(a, mul(t, t));
  return quickSum(t[0], t[1] + r1[0] / (2 * s));
};

export const dd = (a: number): DD => [a, 0];
export const ratio = (a: number, b: number): DD => div(dd(a), dd(b));

/** Σ cᵢ·xⁱ. */
export function polynomial(coefficients: readonly DD[], x: DD): DD {
  let sum = coefficients.at(-1)!;
  for (let i = coefficients.length - 2; i >= 0; i--) sum = add(mul(sum, x), coefficients[i]!);
  return sum;
}

export const one: DD = [1, 0];
export const log2: DD = [Math.LN2, 2.3190468138462996e-17];
export const pi: DD = [Math.PI, 1.2246467991473532e-16];
export const halfPi: DD = scaled(pi, 0.5);
export const sqrtPi: DD = sqrt(pi);

/** 1/n! from n = 0. */
const inverseFactorials: DD[] = [one];
for (let n = 1; n < 34; n++) inverseFactorials.push(div(inverseFactorials[n - 1]!, dd(n)));
const every = (start: number, step: number, sign: number, count: number): DD[] =>
  Array.from({ length: count }, (_, i) => scaled(inverseFactorials[start + i * step]!, sign ** i));
const expm1Over = every(1, 1, 1, 24);
const sinOver = every(1, 2, -1, 14);
const cosSeries = every(0, 2, -1, 15);
const sinhOver = every(1, 2, 1, 13);
const atanhOver = Array.from({ length: 22 }, (_, i) => ratio(1, 2 * i + 1));

/** A number too large or small for a double: value·2^exponent. */
export interface Scaled {
  readonly value: DD;
  readonly exponent: number;
}

/** eˣ. */
export function exp(x: DD): Scaled {
  const k = Math.round(x[0] / Math.LN2);
  return { value: add(one, expm1Small(sub(x, mul(log2, dd(k))))), exponent: k };
}

/** eˣ − 1 for |x| ≤ 0.4. */
export const expm1Small = (x: DD): DD => mul(x, polynomial(expm1Over, x));
/** sinh x for |x| ≤ 0.4. */
export const sinhSmall = (x: DD): DD => mul(x, polynomial(sinhOver, mul(x, x)));

/** The exponent of a normal number, and the number without it. */
export function exponentOf(x: number): number {
  word.setFloat64(0, x);
  return ((word.getUint32(0) >>> 20) & 0x7ff) - 1023;
}
const word = new DataView(new ArrayBuffer(8));

/** log(1 + y), |y| ≤ 1/2: 2·atanh(y/(2 + y)). */
export function log1pSmall(y: DD): DD {
  const s = div(y, add(dd(2), y));
  return mul(scaled(s, 2), polynomial(atanhOver, mul(s, s)));
}

/** log(x·2^exponent). */
export function log(x: DD, exponent = 0): DD {
  if (x[0] < 2 ** -1000) return log(scaled(x, 2 ** 200), exponent - 200);
  let k = exponentOf(x[0]);
  if (x[0] > 2 ** 1000) return log(scaled(x, 2 ** -200), exponent + 200);
  let m = scaled(x, 2 ** -k);
  if (m[0] > Math.SQRT2) {
    k++;
    m = scaled(m, 0.5);
  }
  const fraction = log1pSmall(sub(m, one));
  return k + exponent === 0 ? fraction : add(mul(log2, dd(k + exponent)), fraction);
}

/** log(1 + y) for any y > −1. */
export const log1p = (y: DD): DD => (Math.abs(y[0]) < 0.25 ? log1pSmall(y) : log(add(one, y)));

/** ⌊2/π·2¹²⁸⁰⌋ */
const twoOverPi = BigInt(
  '0xa2f9836e4e441529fc2757d1f534ddc0db6295993c439041fe5163abdebbc561b7246e3a424dd2e006492eea09d1921cfe1deb1cb129a7' +
    '3ee88235f52ebb4484e99c7026b45f7e413991d639835339f49c845f8bbdf9283b1ff897ffde05980fef2f118b5a0a6d1f6d367ecf27cb09' +
    'b74f463f669e5fea2d7527bac7ebe5f17b3d0739f78a5292ea6bfb5fb11f8d5d0856033046fc7b6babf0cfbc209af4361d',
);

/** |x| = n·π/2 + r with |r| ≤ π/4, for any finite x. */
export function reduceAngle(x: number): { n: number; r: DD } {
  const a = Math.abs(x);
  if (a < Math.PI / 4) return { n: 0, r: dd(a) };
  const exponent = exponentOf(a) - 52;
  // a is an integer times 2^exponent.
  const product = (BigInt(a * 2 ** -exponent) * twoOverPi) >> BigInt(1280 - exponent - 170);
  let n = Number((product >> 170n) & 3n);
  let fraction = product & ((1n << 170n) - 1n);
  if (fraction >> 169n) {
    fraction -= 1n << 170n;
    n = (n + 1) & 3;
  }
  const high = Number(fraction);
  return { n, r: mul(halfPi, scaled([high, Number(fraction - BigInt(high))], 2 ** -170)) };
}

/** sin r and cos r for |r| ≤ π/4 or little more. */
export function sinCos(r: DD): { sin: DD; cos: DD } {
  const z = mul(r, r);
  return { sin: mul(r, polynomial(sinOver, z)), cos: polynomial(cosSeries, z) };
}

/** sin r and cos r, r + n·π/2 being the angle. */
export function turned(r: DD, n: number): { sin: DD; cos: DD } {
  const { sin, cos } = sinCos(r);
  const odd = n & 1;
  const [s, c] = [odd ? cos : sin, odd ? sin : cos];
  return { sin: n & 2 ? neg(s) : s, cos: (n + 1) & 2 ? neg(c) : c };
}

/** The angle of (x, y), both at most about 1 in magnitude; accurate relatively for x > 0, y → 0. */
export function atan2(y: DD, x: DD): DD {
  const guess = Math.atan2(y[0], x[0]);
  const n = Math.round(guess / (Math.PI / 2));
  const { sin, cos } = turned(n === 0 ? dd(guess) : sub(dd(guess), mul(halfPi, dd(n))), n & 3);
  const d = div(sub(mul(y, cos), mul(x, sin)), add(mul(x, cos), mul(y, sin)));
  return add(dd(guess), d);
}
