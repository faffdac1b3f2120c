/** The Dirichlet distribution on the simplex. */
import type { ArrayLike, NDArray } from '../array.ts';
import { ShapeError } from '../core/errors.ts';
import { recorded } from '../core/recorded.ts';
import type { Value } from '../core/trace.ts';
import { abs, sub } from '../lax/arithmetic.ts';
import { ge, lt } from '../lax/compare.ts';
import { and } from '../lax/logic.ts';
import { reduceMin, sum } from '../lax/reductions.ts';
import { exp, lgamma } from '../lax/transcendental.ts';
import { xlogy } from '../special.ts';
import { floats, onSupport } from './operands.ts';

/** log of the density, for vectors x of positive numbers whose sum is 1, along the last axis of `x` and `alpha`. */
export const logpdf: (x: ArrayLike, alpha: ArrayLike) => NDArray = recorded((x, alpha) =>
  logDensity('dirichlet.logpdf', x, alpha),
);
/** The density. */
export const pdf: (x: ArrayLike, alpha: ArrayLike) => NDArray = recorded((x, alpha) =>
  exp(logDensity('dirichlet.pdf', x, alpha)),
);

function logDensity(name: string, ...given: [ArrayLike, ArrayLike]): Value {
  const [x, alpha] = floats(name, ...given) as [Value, Value];
  if (x.ndim === 0 || alpha.ndim === 0)
    throw new ShapeError(`${name}: needs vectors, but got ${x.aval} and ${alpha.aval}.`);
  const axis = -1;
  const inside = and(ge(reduceMin(x, { axis }), 0), lt(abs(sub(sum(x, { axis }), 1)), 1e-5));
  const norm = sub(sum(lgamma(alpha), { axis }), lgamma(sum(alpha, { axis })));
  const powers = sum(xlogy(sub(alpha, 1), x), { axis });
  return onSupport(inside, sub(powers, norm), 0, (value) => value);
}
