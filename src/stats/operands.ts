/** What densities have in common. */
import type { ArrayLike, NDArray } from '../array.ts';
import { checkExtra } from '../core/options.ts';
import { recorded } from '../core/recorded.ts';
import type { Value } from '../core/trace.ts';
import { add, div, mul, sub } from '../lax/arithmetic.ts';
import { ge, le, select } from '../lax/compare.ts';
import { and } from '../lax/logic.ts';
import { log } from '../lax/transcendental.ts';
import { promote, toFloating } from '../promote.ts';

/** A function of the place, and of the location and the scale of a distribution: 0 and 1 when left out. */
export type OfLocation = (x: ArrayLike, loc?: ArrayLike, scale?: ArrayLike) => NDArray;

/** Operands of one floating dtype and shape. */
export const floats = (operation: string, ...args: readonly ArrayLike[]): Value[] =>
  promote(operation, args).map((v) => toFloating(v, operation));

/** From the standardised place z = (x − loc) / scale and the logarithm of the scale. */
export const located = (operation: string, f: (z: Value, logScale: Value) => Value): OfLocation =>
  recorded((x, loc = 0, scale = 1, extra?: unknown, list?: unknown) => {
    if (extra !== undefined) checkExtra(operation, 3, extra, list);
    const [at, centre, width] = floats(operation, x, loc, scale) as [Value, Value, Value];
    return f(div(sub(at, centre), width), log(width));
  });

/**
 * log of a density where it is positive, −∞ elsewhere; `f` sees `safe` there, so that derivatives are 0 and not NaN.
 */
export const onSupport = (inside: Value, z: Value, safe: number, f: (z: Value) => Value): Value =>
  select(inside, f(select(inside, z, safe)), Number.NEGATIVE_INFINITY);

/** A function of the place and of a parameter, before location and scale. */
export type OfShape = (x: ArrayLike, a: ArrayLike, loc?: ArrayLike, scale?: ArrayLike) => NDArray;
/** A function of the place and of two parameters, before location and scale. */
export type OfShapes = (x: ArrayLike, a: ArrayLike, b: ArrayLike, loc?: ArrayLike, scale?: ArrayLike) => NDArray;

/** From the standardised place, the parameter, and the logarithm of the scale. */
export const shaped = (operation: string, f: (z: Value, a: Value, logScale: Value) => Value): OfShape =>
  recorded((x, a, loc = 0, scale = 1, extra?: unknown, list?: unknown) => {
    if (extra !== undefined) checkExtra(operation, 4, extra, list);
    const [at, shape, centre, width] = floats(operation, x, a, loc, scale) as [Value, Value, Value, Value];
    return f(div(sub(at, centre), width), shape, log(width));
  });

/** The same of two parameters. */
export const shapedBy2 = (operation: string, f: (z: Value, a: Value, b: Value, logScale: Value) => Value): OfShapes =>
  recorded((x, a, b, loc = 0, scale = 1, extra?: unknown, list?: unknown) => {
    if (extra !== undefined) checkExtra(operation, 5, extra, list);
    const [at, p, q, centre, width] = floats(operation, x, a, b, loc, scale) as [Value, Value, Value, Value, Value];
    return f(div(sub(at, centre), width), p, q, log(width));
  });

/** A function of a count and of `count − 1` parameters, the last a shift of the count, which is 0 when left out. */
export const counted = <F extends (...args: any[]) => NDArray>(
  operation: string,
  count: number,
  f: (...xs: any[]) => Value,
): F =>
  recorded((...args: ArrayLike[]) => {
    if (args.length > count) checkExtra(operation, count, args[count], args[count + 1]);
    const given = Array.from({ length: count }, (_, i) => (i === count - 1 ? (args[i] ?? 0) : args[i]!));
    const values = floats(operation, ...given);
    return f(sub(values[0]!, values.at(-1)!), ...values.slice(1, -1));
  }) as unknown as F;

/** Refuses what follows the last argument. */
export const exactly = <F extends (...args: any[]) => NDArray>(operation: string, count: number, f: F): F =>
  recorded((...args: unknown[]) => {
    if (args.length > count) checkExtra(operation, count, args[count], args[count + 1]);
    return f(...args);
  }) as unknown as F;

/** The inverse of a distribution function: of a probability, NaN for none, and of location and scale. */
export const quantile = (operation: string, f: (q: Value) => Value): OfLocation =>
  recorded((q, loc = 0, scale = 1, extra?: unknown, list?: unknown) => {
    if (extra !== undefined) checkExtra(operation, 3, extra, list);
    const [p, centre, width] = floats(operation, q, loc, scale) as [Value, Value, Value];
    return add(mul(f(p), width), centre);
  });
/** A value for probabilities, NaN for other numbers. */
export const ofProbability = (q: Value, value: Value): Value => select(and(ge(q, 0), le(q, 1)), value, Number.NaN);
