/**
 * Ties at the arguments: where a comparison, an order or an extremum inside of a program changes as soon as the arguments
 * move, the derivative by convention (a maximum of equal elements gives each of them its share) is not the slope along
 * the direction, even if the results have the same slope to both sides.
 */
import type { TypedArray } from '../../src/core/dtype.ts';
import { Ambiguous, type Bounded, type Evaluated, isFloating } from './error-bound.ts';

/** Values at x, x ± h·t and x ± h/2·t. */
export type Five<T> = readonly [center: T, up: T, down: T, upHalf: T, downHalf: T];

/** Of something for h, −h and their halves. */
export const atFive = <T>(h: number, at: (h: number) => T): Five<T> => [at(0), at(h), at(-h), at(h / 2), at(-h / 2)];

export const mapFive = <T, U>([a, b, c, d, e]: Five<T>, f: (x: T) => U): Five<U> => [f(a), f(b), f(c), f(d), f(e)];

/**
 * Whether the slopes to both sides differ. With half the step their difference, times h, is a quarter where f is smooth, and
 * a half where it has a kink; `noise` is what the moved values may be off by, all together.
 */
export function hasKink([center, up, down, upHalf, downHalf]: Five<number>, noise: number): boolean {
  const bend = up - 2 * center + down;
  const bendHalf = upHalf - 2 * center + downHalf;
  return Math.abs(bendHalf) > 0.3 * Math.abs(bend) + 2 * noise;
}

/** Functions that are smooth in pieces: which piece it is depends on order. */
const inPieces: ReadonlySet<string> = new Set([
  ...['abs', 'max', 'min', 'clamp', 'rem', 'sign', 'floor', 'ceil', 'round', 'trunc'],
  ...['reduce_max', 'reduce_min', 'cummax', 'cummin', 'reduce_window_max', 'reduce_window_min'],
  ...['scatter_max', 'scatter_min', 'sort', 'partition'],
  // A column that is zero below its first element keeps its sign; one that is nearly so does not.
  'qr',
]);

const step = 2 ** -20;

/**
 * Whether an equation has a tie, or what cannot be told from one.
 *
 * @param evaluate the program with its arguments moved by a step, equation by equation
 */
export function hasTie(evaluate: (h: number) => readonly Evaluated[]): boolean {
  let evaluations: Five<readonly Evaluated[]>;
  try {
    evaluations = atFive(step, evaluate);
  } catch (error) {
    if (error instanceof Ambiguous) return true;
    throw error;
  }
  // They have the same equations up to the first tie.
  return evaluations[0].some((_, e) => isTied(mapFive(evaluations, (equations) => equations[e]!)));
}

function isTied(equations: Five<Evaluated>): boolean {
  const [{ primitive, operands, results }] = equations;
  // The bits of a float have no order.
  if (primitive.name === 'bitcast_convert_type' || !operands.some((x) => isFloating(x.aval))) return false;
  return results.some(({ aval }, o) => {
    const values = mapFive(equations, (eqn): Bounded => eqn.results[o]!);
    const data = mapFive(values, (x): TypedArray => x.data);
    if (!isFloating(aval)) return data.some((other) => other.some((v, i) => v !== data[0][i]));
    if (!inPieces.has(primitive.name)) return false;
    return data[0].some((_, i) => {
      const noise = values.reduce((sum, x) => sum + (x.error?.[i] ?? 0), 0);
      return hasKink(
        mapFive(data, (d) => d[i]!),
        noise,
      );
    });
  });
}
