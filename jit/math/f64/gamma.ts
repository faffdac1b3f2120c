/** log |Γ| and its derivative; polynomials are those of the reference in src/core/special.ts. */
import {
  digammaNearRoot,
  digammaRoot,
  digammaStirling,
  lgammaNear2,
  lgammaStirling,
} from '../../../src/core/special-coefficients.ts';
import { type Expr, f64x2c, type Local } from '../../wasm/code.ts';
import type { VectorFunction } from '../vector-function.ts';
import { kernels } from './circular.ts';
import { log2High, log2Low } from './exponential.ts';
import { bits, Lanes, type Pair } from './lanes.ts';
import { logOf, logParts, normalize } from './logarithm.ts';
import { logPair } from './power.ts';
import { halfPi } from './reduction.ts';

const { POSITIVE_INFINITY: infinity, NaN: nan } = Number;
const zero = f64x2c(0);
const [near2First, near2Second, ...near2Rest] = lgammaNear2 as [number, number, ...number[]];
const [nearRootFirst, ...nearRootRest] = digammaNearRoot as [number, ...number[]];
/** Above the product in Stirling's series is too near overflow to be taken in two parts. */
const huge = 1e280;

/** (log 2π − 1)/2. */
const stirlingConstant = 0.4189385332046727;

/** (x − 1/2)(log x − 1) + (log 2π − 1)/2 and the series in 1/x², for x ≥ 4. */
function lgammaFar(v: Lanes, x: Expr): Pair {
  const log = logPair(v, x, zero);
  const inverse = v.let(v.div(1, x));
  const square = v.let(v.mul(inverse, inverse));
  const series = v.mul(inverse, v.polynomial(lgammaStirling, square));
  const factor = v.let(v.sub(x, 0.5));
  const logLess1 = v.let(v.sub(log.high, 1));
  const main = v.product(factor, logLess1);
  const small = v.add(v.madd(factor, log.low, main.low), v.add(series, stirlingConstant));
  const beyond = v.let(v.gt(x, huge));
  return { high: v.select(beyond, v.mul(x, logLess1), main.high), low: v.andnot(small, beyond) };
}

/** log Γ(x) = lgamma(z) ± log w for 0 < x < 4, with z = 2 + y, |y| ≤ 1/2, and w a product of at most two factors. */
function lgammaNear(v: Lanes, x: Expr): Pair {
  const shifted = (by: number): Expr => v.sub(x, by);
  const from = [0.5, 1.5, 2.5, 3.5].map((at) => v.let(v.ge(x, at)));
  const [half, threeHalves, fiveHalves, sevenHalves] = from as [Expr, Expr, Expr, Expr];
  const choose = (below: Expr, ...steps: Expr[]): Expr =>
    v.let(steps.reduce((value, step, i) => v.select(from[i]!, step, value), below));
  const y = choose(x, shifted(1), shifted(2), shifted(3), shifted(4));
  // w is x(x + 1), x, 1, x − 1, (x − 1)(x − 2); a tiny x is scaled.
  const tiny = v.let(v.lt(x, 2 ** -900));
  const first = v.let(
    v.select(fiveHalves, shifted(1), v.select(threeHalves, 1, v.select(tiny, v.mul(x, 2 ** 200), x))),
  );
  const sum = v.quickSum(1, x);
  const second = v.let(v.select(sevenHalves, shifted(2), v.select(half, 1, sum.high)));
  const w = v.product(first, second);
  const correction = v.div(v.madd(first, v.andnot(sum.low, half), w.low), w.high);
  // near ± (k·log 2 + f − small): terms that nearly cancel for x next to 1 are added exactly.
  const inner = v.quickSum(near2Second, v.mul(y, v.polynomial(near2Rest, y)));
  const product = v.product(y, inner.high);
  const sumOfTwo = v.quickSum(near2First, product.high);
  const factor = { high: sumOfTwo.high, low: v.add(sumOfTwo.low, v.madd(y, inner.low, product.low)) };
  const near = v.product(y, factor.high);
  const { k: exponent, f } = normalize(v, w.high);
  const k = v.let(v.sub(exponent, v.and(tiny, f64x2c(200))));
  const { halfSquare, rest } = logParts(v, f);
  const small = v.sub(halfSquare, v.add(v.madd(k, log2Low, rest), correction));
  const sign = v.let(v.andnot(bits(1n << 63n), fiveHalves));
  const fractions = v.sum(near.high, v.xor(f, sign));
  const all = v.sum(v.xor(v.mul(k, log2High), sign), fractions.high);
  const low = v.add(v.add(all.low, fractions.low), v.madd(y, factor.low, near.low));
  return { high: all.high, low: v.sub(low, v.xor(small, sign)) };
}

/** A function of positive numbers, written for x ≥ 4 and for smaller ones; what it is a sum of. */
function inParts(v: Lanes, a: Expr, near: Part, far: Part): { readonly high: Local; readonly low: Local } {
  const [high, low] = [v.var(a), v.var(zero)];
  const where = (mask: Expr, part: Part): void =>
    v.ifAny(mask, () => {
      const value = part(v, a);
      v.merge(high, mask, value.high);
      v.merge(low, mask, value.low);
    });
  where(v.let(v.ge(a, 4)), far);
  where(v.let(v.lt(a, 4)), near);
  return { high, low };
}
type Part = (v: Lanes, x: Expr) => Pair;

/**
 * sin πr and cos πr in pairs, for a = n/2 + r with |r| ≤ 1/4: up to their signs those of πa or, where n is `odd`, the other way
 * round. a is positive and below 2⁵³.
 */
function halfTurns(v: Lanes, a: Expr): { sin: Pair; cos: Pair; odd: Expr } {
  const n = v.let(v.nearest(v.add(a, a)));
  const r = v.let(v.madd(n, -0.5, a));
  const half = v.let(v.mul(n, 0.5));
  const odd = v.let(v.not(v.eq(v.nearest(half), half)));
  const parts = kernels(v, v.pairProduct({ high: v.let(v.add(r, r)), low: zero }, pair(halfPi)));
  return { sin: v.quickSum(...parts.sin), cos: v.quickSum(...parts.cos), odd };
}

const pair = ([high, low]: readonly [number, number]): Pair => ({ high: f64x2c(high), low: f64x2c(low) });
const isInteger = (v: Lanes, a: Expr): Expr => v.eq(v.nearest(a), a);
const logPi: readonly [number, number] = [1.1447298858494002, 1.0265951162707826e-17];
const eulerGamma = 0.5772156649015329;
/** Γ(x) is 1/x above −`tinyArgument`. */
const tinyArgument = 1e-20;

/** Below 0, Γ(x)·Γ(−x) = −π/(x·sin πx). */
export const lgamma: VectorFunction = (f, target, x) => {
  const v = new Lanes(f, target);
  const a = v.let(v.abs(x));
  const positive = inParts(v, a, lgammaNear, lgammaFar);
  const result = v.var(v.add(positive.high, positive.low));
  v.ifAny(v.not(v.and(v.gt(x, 0), v.lt(x, infinity))), () => {
    const reflected = v.let(v.lt(x, -tinyArgument));
    const { sin, cos, odd } = halfTurns(v, a);
    const s = v.let(v.abs(v.select(odd, cos.high, sin.high)));
    const w = v.product(a, s);
    const log = logPair(v, w.high, zero);
    const first = v.sum(log.high, positive.high);
    const second = v.sum(logPi[0], v.neg(first.high));
    const rest = v.add(v.add(first.low, positive.low), v.add(log.low, v.div(w.low, w.high)));
    const value = v.add(second.high, v.add(second.low, v.sub(logPi[1], rest)));
    v.merge(result, reflected, value);
    v.merge(result, v.and(v.le(x, 0), isInteger(v, a)), infinity);
    v.merge(result, v.eq(a, infinity), infinity);
    v.merge(result, v.isNaN(x), x);
  });
  return result;
};

/** log x − 1/(2x) and the series in 1/x², for x ≥ 4. */
function digammaFar(v: Lanes, x: Expr): Pair {
  const inverse = v.let(v.div(1, x));
  const square = v.let(v.mul(inverse, inverse));
  const series = v.madd(square, v.polynomial(digammaStirling, square), v.mul(inverse, 0.5));
  return { high: logOf(v, x), low: v.neg(series) };
}

/** ψ(x) = ψ(z) + n/d for 0 < x < 4 with z in [1, 2): −1/x, 0, 1/(x − 1), (2x − 3)/((x − 1)(x − 2)). */
function digammaNear(v: Lanes, x: Expr): Pair {
  const from = [1, 2, 3].map((at) => v.let(v.ge(x, at)));
  const choose = (...steps: Expr[]): Expr =>
    v.let(steps.slice(1).reduce((value, step, i) => v.select(from[i]!, step, value), steps[0]!));
  const [root, rootLow] = digammaRoot;
  const shift = (by: number): Expr => v.sub(x, by);
  const z = choose(v.add(x, 1), x, shift(1), shift(2));
  const offset = choose(shift(root - 1), shift(root), v.sub(shift(1), root), v.sub(shift(2), root));
  const u = v.let(v.sub(z, 1.5));
  const factor = v.quickSum(nearRootFirst, v.mul(u, v.polynomial(nearRootRest, u)));
  const near = v.product(offset, factor.high);
  const nearLow = v.sub(v.madd(offset, factor.low, near.low), v.mul(factor.high, rootLow));
  const numerator = choose(f64x2c(-1), zero, f64x2c(1), v.sub(v.add(x, x), 3));
  const first = choose(x, f64x2c(1), shift(1), shift(1));
  const d = v.product(first, v.select(from[2]!, shift(2), 1));
  const q = v.pairQuotient({ high: numerator, low: zero }, d);
  const sum = v.sum(q.high, near.high);
  const low = v.add(v.add(sum.low, q.low), nearLow);
  const tiny = v.let(v.lt(x, 2 ** -900));
  return { high: v.select(tiny, v.div(-1, x), sum.high), low: v.andnot(low, tiny) };
}

/** Below 0, ψ(x) = ψ(−x) − 1/x − π·cot πx. */
export const digamma: VectorFunction = (f, target, x) => {
  const v = new Lanes(f, target);
  const a = v.let(v.abs(x));
  const positive = inParts(v, a, digammaNear, digammaFar);
  const result = v.var(v.add(positive.high, positive.low));
  v.ifAny(v.not(v.and(v.gt(x, 0), v.lt(x, infinity))), () => {
    const { sin, cos, odd } = halfTurns(v, a);
    const choose = (p: Pair, q: Pair): Pair => ({
      high: v.let(v.select(odd, q.high, p.high)),
      low: v.let(v.select(odd, q.low, p.low)),
    });
    // cot(r + π/2) = −tan r.
    const cot = v.pairQuotient(
      choose(cos, { high: v.let(v.neg(sin.high)), low: v.let(v.neg(sin.low)) }),
      choose(sin, cos),
    );
    const turn = v.pairProduct(cot, pair([2 * halfPi[0], 2 * halfPi[1]]));
    const inverse = v.pairQuotient({ high: f64x2c(1), low: zero }, { high: a, low: zero });
    const first = v.sum(inverse.high, positive.high);
    const second = v.sum(first.high, turn.high);
    const rests = v.add(v.add(first.low, second.low), v.add(inverse.low, positive.low));
    const value = v.add(second.high, v.add(rests, turn.low));
    // Here digamma(−x) − 1/x − π cot πx is −1/x − γ.
    const tiny = v.let(v.gt(x, -tinyArgument));
    v.merge(result, v.le(x, 0), v.select(tiny, v.sub(v.div(-1, x), eulerGamma), value));
    v.merge(result, v.and(v.le(x, 0), isInteger(v, a)), nan);
    v.merge(result, v.eq(a, infinity), v.select(v.gt(x, 0), x, nan));
    v.merge(result, v.isNaN(x), x);
  });
  return result;
};
