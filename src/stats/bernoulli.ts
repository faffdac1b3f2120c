/** The Bernoulli distribution: 1 with probability p, else 0. */
import type { ArrayLike, NDArray } from '../array.ts';
import type { Value } from '../core/trace.ts';
import { add, neg, sub } from '../lax/arithmetic.ts';
import { eq, ge, lt, select } from '../lax/compare.ts';
import { or } from '../lax/logic.ts';
import { exp } from '../lax/transcendental.ts';
import { xlog1py, xlogy } from '../special/index.ts';
import { counted, onSupport } from './operands.ts';

type OfProbability = (k: ArrayLike, p: ArrayLike, loc?: ArrayLike) => NDArray;

const logMass = (k: Value, p: Value): Value =>
  onSupport(or(eq(k, 0), eq(k, 1)), k, 0, (n) => add(xlogy(n, p), xlog1py(sub(1, n), neg(p))));

/** log of the probability of k. */
export const logpmf: OfProbability = counted('bernoulli.logpmf', 3, logMass);
/** The probability of k. */
export const pmf: OfProbability = counted('bernoulli.pmf', 3, (k, p) => exp(logMass(k, p)));
/** The probability of 0, and from 1 on of both. */
export const cdf: OfProbability = counted('bernoulli.cdf', 3, (k, p) => {
  const one = select(ge(k, 1), 1, sub(1, p));
  return select(lt(k, 0), 0, one);
});
