/** The binomial distribution: how many of n are 1, each with probability p. */
import type { ArrayLike, NDArray } from '../array.ts';
import { recorded } from '../core/recorded.ts';
import type { Value } from '../core/trace.ts';
import { add, floor, neg, sub } from '../lax/arithmetic.ts';
import { eq, ge, le } from '../lax/compare.ts';
import { and } from '../lax/logic.ts';
import { exp, lgamma } from '../lax/transcendental.ts';
import { xlog1py, xlogy } from '../special.ts';
import { floats, onSupport } from './operands.ts';

/** log of the probability of k. */
export const logpmf: (k: ArrayLike, n: ArrayLike, p: ArrayLike) => NDArray = recorded((k, n, p) =>
  logMass('binom.logpmf', k, n, p),
);
/** The probability of k. */
export const pmf: (k: ArrayLike, n: ArrayLike, p: ArrayLike) => NDArray = recorded((k, n, p) =>
  exp(logMass('binom.pmf', k, n, p)),
);

function logMass(name: string, ...given: [ArrayLike, ArrayLike, ArrayLike]): Value {
  const [k, n, p] = floats(name, ...given) as [Value, Value, Value];
  return onSupport(and(and(ge(k, 0), le(k, n)), eq(floor(k), k)), k, 0, (m) => {
    const rest = sub(n, m);
    const choices = sub(lgamma(add(n, 1)), add(lgamma(add(m, 1)), lgamma(add(rest, 1))));
    return add(choices, add(xlogy(m, p), xlog1py(rest, neg(p))));
  });
}
