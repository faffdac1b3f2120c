/** The Bernoulli distribution: 1 with probability p, else 0. */
import type { ArrayLike, NDArray } from '../array.ts';
import { recorded } from '../core/recorded.ts';
import type { Value } from '../core/trace.ts';
import { add, neg, sub } from '../lax/arithmetic.ts';
import { eq } from '../lax/compare.ts';
import { or } from '../lax/logic.ts';
import { exp } from '../lax/transcendental.ts';
import { xlog1py, xlogy } from '../special.ts';
import { floats, onSupport } from './operands.ts';

/** log of the probability of k. */
export const logpmf: (k: ArrayLike, p: ArrayLike) => NDArray = recorded((k, p) => logMass('bernoulli.logpmf', k, p));
/** The probability of k. */
export const pmf: (k: ArrayLike, p: ArrayLike) => NDArray = recorded((k, p) => exp(logMass('bernoulli.pmf', k, p)));

function logMass(name: string, ...given: [ArrayLike, ArrayLike]): Value {
  const [k, p] = floats(name, ...given) as [Value, Value];
  return onSupport(or(eq(k, 0), eq(k, 1)), k, 0, (n) => add(xlogy(n, p), xlog1py(sub(1, n), neg(p))));
}
