/** The gamma distribution with shape `a`. */
import type { ArrayLike, NDArray } from '../array.ts';
import { recorded } from '../core/recorded.ts';
import type { Value } from '../core/trace.ts';
import { add, div, sub } from '../lax/arithmetic.ts';
import { ge } from '../lax/compare.ts';
import { exp, lgamma, log } from '../lax/transcendental.ts';
import { xlogy } from '../special.ts';
import { floats, onSupport } from './operands.ts';

/** log of the density. */
export const logpdf: (x: ArrayLike, a: ArrayLike, loc?: ArrayLike, scale?: ArrayLike) => NDArray = recorded(
  (x, a, loc = 0, scale = 1) => logDensity('gamma.logpdf', x, a, loc, scale),
);
/** The density. */
export const pdf: (x: ArrayLike, a: ArrayLike, loc?: ArrayLike, scale?: ArrayLike) => NDArray = recorded(
  (x, a, loc = 0, scale = 1) => exp(logDensity('gamma.pdf', x, a, loc, scale)),
);

function logDensity(name: string, x: ArrayLike, a: ArrayLike, loc: ArrayLike, scale: ArrayLike): Value {
  const [at, shape, centre, width] = floats(name, x, a, loc, scale) as [Value, Value, Value, Value];
  const z = div(sub(at, centre), width);
  return onSupport(ge(z, 0), z, 1, (y) => sub(xlogy(sub(shape, 1), y), add(add(y, lgamma(shape)), log(width))));
}
