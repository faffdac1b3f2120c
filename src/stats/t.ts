/** Student's t distribution with `df` degrees of freedom. */
import type { ArrayLike, NDArray } from '../array.ts';
import { recorded } from '../core/recorded.ts';
import type { Value } from '../core/trace.ts';
import { add, div, mul, sub } from '../lax/arithmetic.ts';
import { exp, lgamma, log, log1p } from '../lax/transcendental.ts';
import { floats } from './operands.ts';

/** log of the density. */
export const logpdf: (x: ArrayLike, df: ArrayLike, loc?: ArrayLike, scale?: ArrayLike) => NDArray = recorded(
  (x, df, loc = 0, scale = 1) => logDensity('t.logpdf', x, df, loc, scale),
);
/** The density. */
export const pdf: (x: ArrayLike, df: ArrayLike, loc?: ArrayLike, scale?: ArrayLike) => NDArray = recorded(
  (x, df, loc = 0, scale = 1) => exp(logDensity('t.pdf', x, df, loc, scale)),
);

function logDensity(name: string, x: ArrayLike, df: ArrayLike, loc: ArrayLike, scale: ArrayLike): Value {
  const [at, n, centre, width] = floats(name, x, df, loc, scale) as [Value, Value, Value, Value];
  const z = div(sub(at, centre), width);
  const [half, more] = [mul(n, 0.5), mul(add(n, 1), 0.5)];
  const norm = sub(sub(lgamma(more), lgamma(half)), add(log(width), mul(log(mul(n, Math.PI)), 0.5)));
  return sub(norm, mul(more, log1p(div(mul(z, z), n))));
}
