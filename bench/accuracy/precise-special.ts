/** The error and gamma functions in double-double arithmetic. */
import * as host from '../../src/core/special.ts';
import * as q from './double-double.ts';
import { add, type DD, dd, div, mul, neg, one, scaled, sub } from './double-double.ts';
import type { Precise } from './precise.ts';
import { bernoulli, constants, digammaAtRoot, digammaRoot, lgammaAt2 } from './series.ts';

const [euler, logPi] = constants as [DD, DD];

/** 2ⁿ/(2n + 1)!!, for erf(x) = 2/√π·x·exp(−x²)·Σ 2ⁿ/(2n + 1)!!·x²ⁿ, a sum of positive terms. */
const erfSeries: DD[] = [one];
for (let n = 1; n < 120; n++) erfSeries.push(div(scaled(erfSeries[n - 1]!, 2), dd(2 * n + 1)));

function erfSmall(a: number): DD {
  const z = q.twoProduct(a, a);
  const terms = Math.min(119, 26 + Math.ceil(5 * z[0]));
  const sum = q.polynomial(erfSeries.slice(0, terms), z);
  const { value, exponent } = q.exp(neg(z));
  return mul(mul(dd(a), scaled(div(dd(2), q.sqrtPi), 2 ** exponent)), mul(sum, value));
}

/** exp(a²)·√π·erfc(a) by its continued fraction a + (1/2)/(a + 1/(a + (3/2)/(a + …))), a ≥ 4. */
function erfcScaled(a: number): DD {
  let denominator = dd(a);
  for (let n = 44; n >= 1; n--) denominator = add(dd(a), div(dd(n / 2), denominator));
  return div(one, denominator);
}

function erfcPositive(a: number): Precise {
  if (a < 4) return sub(one, erfSmall(a));
  const { value, exponent } = q.exp(neg(q.twoProduct(a, a)));
  const [high, low] = div(mul(value, erfcScaled(a)), q.sqrtPi);
  return [high, low, exponent];
}

export function erf(x: number): Precise {
  const a = Math.abs(x);
  if (Number.isNaN(x) || x === 0) return [x, 0];
  if (a > 7) return [Math.sign(x), 0];
  if (a < 2 ** -60) {
    const [high, low] = div(dd(x * 2 ** 200 * 2), q.sqrtPi);
    return [high, low, -200];
  }
  return scaled(a < 4 ? erfSmall(a) : sub(one, ofPrecise(erfcPositive(a))), Math.sign(x));
}

const ofPrecise = ([high, low, exponent = 0]: Precise): DD => scaled([high, low], 2 ** exponent);

export function erfc(x: number): Precise {
  if (!Number.isFinite(x)) return [host.erfc(x), 0];
  if (x > 40) return [1, 0, -2000];
  if (x > 0) return erfcPositive(x);
  return x < -7 ? [2, 0] : add(one, x > -1e-25 ? dd(-x) : erfSmall(-x));
}

/** One of Halley's steps from the double. */
export function erfInv(y: number): Precise {
  const a = Math.abs(y);
  if (!(a < 1) || a === 0) return [host.erfInv(y), 0];
  if (a < 2 ** -60) {
    const [high, low] = scaled(mul(dd(y * 2 ** 200), q.sqrtPi), 0.5);
    return [high, low, -200];
  }
  const x = host.erfInv(a);
  const error = a <= 0.5 ? sub(erfSmall(x), dd(a)) : sub(q.twoSum(1, -a), ofPrecise(erfcPositive(x)));
  const { value, exponent } = q.exp(q.twoProduct(x, x));
  const step = mul(error, scaled(mul(value, q.sqrtPi), 2 ** (exponent - 1)));
  const [high, low] = sub(dd(x), div(step, add(one, mul(dd(x), step))));
  return [high * Math.sign(y), low * Math.sign(y)];
}

/** From here on 16 terms of the asymptotic series are enough. */
const far = 26;
const stirling = bernoulli.map((b, i) => div(b, dd((2 * i + 2) * (2 * i + 1))));
const halfLog2Pi = scaled(add(logPi, q.log2), 0.5);

/** lgamma(x) for x ≥ 26. */
function lgammaFar(x: number): DD {
  const inverse = div(one, dd(x));
  const series = x > 2 ** 60 ? dd(0) : mul(inverse, q.polynomial(stirling, mul(inverse, inverse)));
  const main = sub(mul(q.twoSum(x, -0.5), q.log(dd(x))), dd(x));
  return add(main, add(halfLog2Pi, series));
}

function lgammaPositive(x: number): DD {
  if (x >= far) return lgammaFar(x);
  if (x >= 2.5) {
    // The numbers x + n are doubles with an error, so the product is of pairs.
    let product: DD = one;
    let shifts = 0;
    while (x + shifts < far) product = mul(product, q.twoSum(x, shifts++));
    return sub(lgammaFarPair(q.twoSum(x, shifts)), q.log(product));
  }
  if (x >= 1.5) return lgammaNear2(q.twoSum(x, -2));
  if (x >= 0.5) {
    const y = q.twoSum(x, -1);
    return sub(lgammaNear2(y), q.log1p(y));
  }
  const log = x < 2 ** -60 ? q.log(dd(x)) : add(q.log(dd(x)), q.log1p(dd(x)));
  return sub(x < 2 ** -900 ? dd(0) : lgammaNear2(dd(x)), log);
}

const lgammaNear2 = (y: DD): DD => mul(y, q.polynomial(lgammaAt2, y));

function lgammaFarPair(x: DD): DD {
  const inverse = div(one, x);
  const series = mul(inverse, q.polynomial(stirling, mul(inverse, inverse)));
  return add(sub(mul(sub(x, dd(0.5)), q.log(x)), x), add(halfLog2Pi, series));
}

/** sin πa and cos πa for a < 2⁵¹. */
function ofHalfTurns(a: number): { sin: DD; cos: DD } {
  const n = Math.round(2 * a);
  return q.turned(mul(q.pi, dd(a - n / 2)), n % 4);
}

export function lgamma(x: number): Precise {
  if (!Number.isFinite(x) || (x <= 0 && Number.isInteger(x))) return [host.lgamma(x), 0];
  const a = Math.abs(x);
  if (x > 1e290) {
    const [high, low] = sub(mul(dd(x * 2 ** -200), q.log(dd(x))), dd(x * 2 ** -200));
    return [high, low, 200];
  }
  const positive = lgammaPositive(a);
  if (x > 0 || a < 2 ** -120) return positive;
  const sine = mul(dd(a), q.abs(ofHalfTurns(a).sin));
  return sub(sub(logPi, q.log(sine)), positive);
}

const digammaSeries = bernoulli.map((b, i) => div(b, dd(2 * i + 2)));

function digammaPositive(x: number): DD {
  const h = add(q.twoSum(x - digammaRoot[0], -digammaRoot[1]), dd(-digammaRoot[2]));
  if (Math.abs(h[0]) < 0.2) return mul(h, q.polynomial(digammaAtRoot, h));
  let sum: DD = dd(0);
  let shifts = 0;
  while (x + shifts < far) sum = add(sum, div(one, q.twoSum(x, shifts++)));
  const z = q.twoSum(x, shifts);
  if (x > 1e100) return q.log(dd(x));
  const inverse = div(one, z);
  const square = mul(inverse, inverse);
  const series = add(scaled(inverse, 0.5), mul(square, q.polynomial(digammaSeries, square)));
  return sub(sub(q.log(z), series), sum);
}

export function digamma(x: number): Precise {
  if (!Number.isFinite(x) || (x <= 0 && Number.isInteger(x))) return [host.digamma(x), 0];
  const a = Math.abs(x);
  if (a < 2 ** -120) {
    const [high, low] = div(dd(-1), dd(x * 2 ** 300));
    return Math.abs(x) < 2 ** -900 ? [high, low, 300] : sub(scaled([high, low], 2 ** 300), euler);
  }
  const positive = digammaPositive(a);
  if (x > 0) return positive;
  const { sin, cos } = ofHalfTurns(a);
  return add(add(positive, div(one, dd(a))), mul(q.pi, div(cos, sin)));
}
