/** The beta distribution with parameters `a` and `b`, between loc and loc + scale. */
import type { ArrayLike, NDArray } from '../array.ts';
import { recorded } from '../core/recorded.ts';
import type { Value } from '../core/trace.ts';
import { add, div, neg, sub } from '../lax/arithmetic.ts';
import { ge, le } from '../lax/compare.ts';
import { and } from '../lax/logic.ts';
import { exp, log } from '../lax/transcendental.ts';
import { betaln, xlog1py, xlogy } from '../special.ts';
import { floats, onSupport } from './operands.ts';

/** log of the density. */
export const logpdf: (x: ArrayLike, a: ArrayLike, b: ArrayLike, loc?: ArrayLike, scale?: ArrayLike) => NDArray =
  recorded((x, a, b, loc = 0, scale = 1) => logDensity('beta.logpdf', x, a, b, loc, scale));
/** The density. */
export const pdf: (x: ArrayLike, a: ArrayLike, b: ArrayLike, loc?: ArrayLike, scale?: ArrayLike) => NDArray = recorded(
  (x, a, b, loc = 0, scale = 1) => exp(logDensity('beta.pdf', x, a, b, loc, scale)),
);

function logDensity(name: string, ...given: [ArrayLike, ArrayLike, ArrayLike, ArrayLike, ArrayLike]): Value {
  const [at, a, b, centre, width] = floats(name, ...given) as [Value, Value, Value, Value, Value];
  const z = div(sub(at, centre), width);
  return onSupport(and(ge(z, 0), le(z, 1)), z, 0.5, (y) => {
    const powers = add(xlogy(sub(a, 1), y), xlog1py(sub(b, 1), neg(y)));
    return sub(powers, add(betaln(a, b), log(width)));
  });
}
