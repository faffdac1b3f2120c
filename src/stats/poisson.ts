/** The Poisson distribution with mean `mu`, of counts from `loc` on. */
import type { ArrayLike, NDArray } from '../array.ts';
import type { Value } from '../core/trace.ts';
import { add, floor, max, sub } from '../lax/arithmetic.ts';
import { eq, ge, lt, select } from '../lax/compare.ts';
import { and } from '../lax/logic.ts';
import { exp, lgamma } from '../lax/transcendental.ts';
import { gammainc, gammaincc, xlogy } from '../special/index.ts';
import { counted, onSupport } from './operands.ts';

type OfMean = (k: ArrayLike, mu: ArrayLike, loc?: ArrayLike) => NDArray;

const logMass = (k: Value, mu: Value): Value =>
  onSupport(and(ge(k, 0), eq(floor(k), k)), k, 0, (n) => sub(xlogy(n, mu), add(lgamma(add(n, 1)), mu)));
const next = (k: Value): Value => add(max(floor(k), 0), 1);

/** log of the probability of k. */
export const logpmf: OfMean = counted('poisson.logpmf', 3, logMass);
/** The probability of k. */
export const pmf: OfMean = counted('poisson.pmf', 3, (k, mu) => exp(logMass(k, mu)));
/** The probability of counts up to k. */
export const cdf: OfMean = counted('poisson.cdf', 3, (k, mu) => select(lt(k, 0), 0, gammaincc(next(k), mu)));
/** The probability of counts above k, without cancellation. */
export const sf: OfMean = counted('poisson.sf', 3, (k, mu) => select(lt(k, 0), 1, gammainc(next(k), mu)));
