/** The error function, entropies, and what is a formula of elementary functions. */
import type { Value } from '../core/trace.ts';
import { abs, add, mul, neg, sub } from '../lax/arithmetic.ts';
import { eq, gt, lt, ne, select } from '../lax/compare.ts';
import { or } from '../lax/logic.ts';
import * as lax from '../lax/transcendental.ts';
import { type Binary, combined, combined2, floating, type Unary } from '../numpy/elementwise.ts';

/** The error function. */
export const erf: Unary = floating('erf', lax.erf);
/** 1 − erf(x), accurate for large x. */
export const erfc: Unary = floating('erfc', lax.erfc);
/** The inverse of `erf`. */
export const erfinv: Unary = floating('erfinv', lax.erfInv);
/** 1 / (1 + e⁻ˣ). */
export const expit: Unary = floating('expit', lax.logistic);
/** log(p / (1 − p)), the inverse of `expit`. */
export const logit: Unary = combined('logit', (p) => {
  // Near 1/2 the logarithms cancel.
  const centre = sub(mul(p, 2), 1);
  const central = lt(abs(centre), 0.5);
  const outer = sub(lax.log(p), lax.log1p(neg(p)));
  return select(central, mul(2, lax.atanh(select(central, centre, 0))), outer);
});

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

/** x log(x / y) − x + y: `relEntr` made positive, so that its sum over any two lists is. */
export const klDiv: Binary = combined2('klDiv', (x, y) => add(relEntr(x, y), sub(y, x)));
