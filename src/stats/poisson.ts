/** The Poisson distribution with mean `mu`. */
import type { ArrayLike, NDArray } from '../array.ts';
import { recorded } from '../core/recorded.ts';
import type { Value } from '../core/trace.ts';
import { add, floor, sub } from '../lax/arithmetic.ts';
import { eq, ge } from '../lax/compare.ts';
import { and } from '../lax/logic.ts';
import { exp, lgamma } from '../lax/transcendental.ts';
import { xlogy } from '../special.ts';
import { floats, onSupport } from './operands.ts';

/** log of the probability of k. */
export const logpmf: (k: ArrayLike, mu: ArrayLike) => NDArray = recorded((k, mu) => logMass('poisson.logpmf', k, mu));
/** The probability of k. */
export const pmf: (k: ArrayLike, mu: ArrayLike) => NDArray = recorded((k, mu) => exp(logMass('poisson.pmf', k, mu)));

function logMass(name: string, ...given: [ArrayLike, ArrayLike]): Value {
  const [k, mu] = floats(name, ...given) as [Value, Value];
  return onSupport(and(ge(k, 0), eq(floor(k), k)), k, 0, (n) => sub(xlogy(n, mu), add(lgamma(add(n, 1)), mu)));
}
