/** What densities have in common. */
import type { ArrayLike, NDArray } from '../array.ts';
import { recorded } from '../core/recorded.ts';
import type { Value } from '../core/trace.ts';
import { div, sub } from '../lax/arithmetic.ts';
import { select } from '../lax/compare.ts';
import { log } from '../lax/transcendental.ts';
import { promote, toFloating } from '../promote.ts';

/** A function of the place, and of the location and the scale of a distribution: 0 and 1 when left out. */
export type OfLocation = (x: ArrayLike, loc?: ArrayLike, scale?: ArrayLike) => NDArray;

/** Operands of one floating dtype and shape. */
export const floats = (operation: string, ...args: readonly ArrayLike[]): Value[] =>
  promote(operation, args).map((v) => toFloating(v, operation));

/** From the standardised place z = (x − loc) / scale and the logarithm of the scale. */
export const located = (operation: string, f: (z: Value, logScale: Value) => Value): OfLocation =>
  recorded((x, loc = 0, scale = 1) => {
    const [at, centre, width] = floats(operation, x, loc, scale) as [Value, Value, Value];
    return f(div(sub(at, centre), width), log(width));
  });

/**
 * log of a density where it is positive, −∞ elsewhere; `f` sees `safe` there, so that derivatives are 0 and not NaN.
 */
export const onSupport = (inside: Value, z: Value, safe: number, f: (z: Value) => Value): Value =>
  select(inside, f(select(inside, z, safe)), Number.NEGATIVE_INFINITY);
