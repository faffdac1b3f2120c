/** The binomial distribution: how many of n are 1, each with probability p; counts from `loc` on. */
import type { ArrayLike, NDArray } from '../array.ts';
import type { Value } from '../core/trace.ts';
import { add, floor, neg, sub } from '../lax/arithmetic.ts';
import { eq, ge, le, lt, select } from '../lax/compare.ts';
import { and } from '../lax/logic.ts';
import { exp, lgamma } from '../lax/transcendental.ts';
import { betainc, xlog1py, xlogy } from '../special/index.ts';
import { counted, onSupport } from './operands.ts';

type OfTrials = (k: ArrayLike, n: ArrayLike, p: ArrayLike, loc?: ArrayLike) => NDArray;

const logMass = (k: Value, n: Value, p: Value): Value =>
  onSupport(and(and(ge(k, 0), le(k, n)), eq(floor(k), k)), k, 0, (m) => {
    const rest = sub(n, m);
    const choices = sub(lgamma(add(n, 1)), add(lgamma(add(m, 1)), lgamma(add(rest, 1))));
    return add(choices, add(xlogy(m, p), xlog1py(rest, neg(p))));
  });

/** A beta function of p, where k is inside; `below` and `above` where it is not. */
const tail =
  (below: number, above: number, f: (m: Value, rest: Value, p: Value) => Value) =>
  (k: Value, n: Value, p: Value): Value => {
    const inside = and(ge(k, 0), lt(k, n));
    const m = add(select(inside, floor(k), 0), 1);
    const rest = sub(n, select(inside, floor(k), 0));
    return select(inside, f(m, select(inside, rest, 1), p), select(lt(k, 0), below, above));
  };

/** log of the probability of k. */
export const logpmf: OfTrials = counted('binom.logpmf', 4, logMass);
/** The probability of k. */
export const pmf: OfTrials = counted('binom.pmf', 4, (k, n, p) => exp(logMass(k, n, p)));
/** The probability of counts up to k. */
export const cdf: OfTrials = counted(
  'binom.cdf',
  4,
  tail(0, 1, (m, rest, p) => betainc(rest, m, sub(1, p))),
);
/** The probability of counts above k. */
export const sf: OfTrials = counted(
  'binom.sf',
  4,
  tail(1, 0, (m, rest, p) => betainc(m, rest, p)),
);
