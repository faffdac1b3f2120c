/** Special functions beyond the elementary ones, as SciPy names them. */

import type { ArrayLike, NDArray } from './array.ts';
import { optionsOf } from './core/options.ts';
import { recorded } from './core/recorded.ts';
import { checkCount } from './core/shape.ts';
import type { Value } from './core/trace.ts';
import { abs, add, div, max, mul, neg, sub } from './lax/arithmetic.ts';
import { eq, gt, lt, ne, select } from './lax/compare.ts';
import { or } from './lax/logic.ts';
import { reshape } from './lax/movement.ts';
import { type ReduceOptions, reduceAxes, reduceMax, sum } from './lax/reductions.ts';
import { stopGradient } from './lax/stop-gradient.ts';
import * as lax from './lax/transcendental.ts';
import { type Binary, combined, combined2, floating, type Unary } from './numpy/elementwise.ts';
import { promote, toFloating } from './promote.ts';

/** The error function. */
export const erf: Unary = floating('erf', lax.erf);
/** 1 − erf(x), accurate for large x. */
export const erfc: Unary = floating('erfc', lax.erfc);
export const erfinv: Unary = floating('erfinv', lax.erfInv);
/** 1 / (1 + e⁻ˣ). */
export const expit: Unary = floating('expit', lax.logistic);
/** log(p / (1 − p)), the inverse of `expit`. */
export const logit: Unary = combined('logit', (p) => sub(lax.log(p), lax.log1p(neg(p))));
/** log |Γ(x)|. */
export const gammaln: Unary = floating('gammaln', lax.lgamma);
/** The derivative of log Γ. */
export const digamma: Unary = floating('digamma', lax.digamma);

/** x · log(y), and 0 where x is 0: also in derivatives. */
export const xlogy: Binary = combined2('xlogy', (x, y) => guardedProduct(x, y, lax.log, 1));
/** x · log(1 + y), and 0 where x is 0. */
export const xlog1py: Binary = combined2('xlog1py', (x, y) => guardedProduct(x, y, lax.log1p, 0));

function guardedProduct(x: Value, y: Value, log: (y: Value) => Value, safe: number): Value {
  const zero = eq(x, 0);
  // NaN in y shows, even where x is 0.
  const skip = select(ne(y, y), false, zero);
  return select(skip, 0, mul(x, log(select(skip, safe, y))));
}

/** −x log x: 0 at 0, −∞ below. */
export const entr: Unary = combined('entr', (x) => select(lt(x, 0), Number.NEGATIVE_INFINITY, neg(xlogy(x, x))));
/** x log(x / y): a term of the Kullback–Leibler divergence. */
export const relEntr: Binary = combined2('relEntr', (x, y) => {
  const inside = gt(x, 0);
  const positive = select(inside, gt(y, 0), false);
  const regular = mul(select(positive, x, 1), sub(lax.log(select(positive, x, 1)), lax.log(select(positive, y, 1))));
  const zero = select(eq(x, 0), ge0(y), false);
  return select(positive, regular, select(zero, 0, Number.POSITIVE_INFINITY));
});
const ge0 = (y: Value): Value => or(gt(y, 0), eq(y, 0));

/** log of the standard normal density's integral up to x, accurate in both tails. */
export const ndtr: Unary = combined('ndtr', (x) => mul(0.5, lax.erfc(mul(x, -Math.SQRT1_2))));
/** The inverse of `ndtr`. */
export const ndtri: Unary = combined('ndtri', (p) => mul(Math.SQRT2, lax.erfInv(sub(mul(p, 2), 1))));
/** log B(a, b). */
export const betaln: Binary = combined2('betaln', (a, b) =>
  sub(add(lax.lgamma(a), lax.lgamma(b)), lax.lgamma(add(a, b))),
);

export interface LogSumExpOptions extends ReduceOptions {
  /** Factors of the exponentials. */
  b?: ArrayLike;
}

/**
 * log Σ b·eˣ over axes, without overflow: the largest element is taken out first. That shift cancels, so derivatives
 * do not pass through it.
 */
export const logsumexp: (x: ArrayLike, given?: LogSumExpOptions) => NDArray = recorded((x, given = {}) => {
  const { axis, keepdims, b } = optionsOf('logsumexp', given, ['axis', 'keepdims', 'b']);
  let value = toFloating(x, 'logsumexp');
  let factor: Value | undefined;
  if (b !== undefined) [value, factor] = promote('logsumexp', [value, b]) as [Value, Value];
  const axes = reduceAxes('logsumexp', value, axis);
  const largest = stopGradient(reduceMax(value, { axis: axes, keepdims: true }));
  const shift = select(lt(abs(largest), Number.POSITIVE_INFINITY), largest, 0);
  const terms = lax.exp(sub(value, shift));
  const total = lax.log(sum(factor ? mul(terms, factor) : terms, { axis: axes, keepdims: true }));
  const result = add(total, shift);
  return keepdims
    ? result
    : reshape(
        result,
        result.shape.filter((_, i) => !axes.includes(i)),
      );
});

/** The multivariate log Γ of dimension d. */
export const multigammaln: (x: ArrayLike, d: number) => NDArray = recorded((x, d) => {
  checkCount(d, 'multigammaln', 'the dimension');
  const value = toFloating(x, 'multigammaln');
  let result: Value = add(mul(value, 0), (d * (d - 1) * Math.log(Math.PI)) / 4);
  for (let j = 0; j < d; j++) result = add(result, lax.lgamma(sub(value, j / 2)));
  return result;
});

/** log of `ndtr`: by its logarithm near the middle, by erfc's asymptotic series far to the left. */
export const logNdtr: Unary = combined('logNdtr', (x) => {
  const far = lt(x, -8);
  const left = select(far, x, -9);
  const s = div(1, mul(left, left));
  const series = add(1, mul(s, add(-1, mul(s, add(3, mul(s, add(-15, mul(s, add(105, mul(s, -945))))))))));
  const tail = sub(
    add(mul(mul(left, left), -0.5), lax.log(series)),
    add(lax.log(neg(left)), 0.5 * Math.log(2 * Math.PI)),
  );
  return select(far, tail, lax.log(ndtr(max(x, -8))));
});
