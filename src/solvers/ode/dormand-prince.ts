/**
 * Dormand and Prince's Runge–Kutta pair of orders 5 and 4 with its continuous extension of order 4 (A family of embedded
 * Runge–Kutta formulae, J. Comput. Appl. Math. 6, 1980; Hairer, Nørsett, Wanner, Solving Ordinary Differential Equations I,
 * 1993, II.4 to II.6).
 */
import type { Value } from '../../core/trace.ts';
import { add, div, mul, sqrt, sub } from '../../lax/arithmetic.ts';
import { sum } from '../../lax/reductions.ts';

/** The derivative of a vector at a time. */
export type Slope = (y: Value, t: Value) => Value;

const nodes = [1 / 5, 3 / 10, 4 / 5, 8 / 9, 1, 1];
const stages = [
  [1 / 5],
  [3 / 40, 9 / 40],
  [44 / 45, -56 / 15, 32 / 9],
  [19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729],
  [9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656],
  // The last stage is at the end of the step: it is the first of the next.
  [35 / 384, 0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84],
];
/** The weights of the fifth order less those of the fourth. */
const errors = [71 / 57600, 0, -71 / 16695, 71 / 1920, -17253 / 339200, 22 / 525, -1 / 40];
/** Hairer's coefficients of the continuous extension. */
const dense = [
  -12715105075 / 11282082432,
  0,
  87487479700 / 32700410799,
  -10690763975 / 1880347072,
  701980252875 / 199316789632,
  -1453857185 / 822651844,
  69997945 / 29380423,
];

const combination = (weights: readonly number[], slopes: readonly Value[]): Value =>
  weights.flatMap((w, i) => (w === 0 ? [] : [mul(slopes[i]!, w)])).reduce((a, b) => add(a, b));

export interface Attempt {
  readonly end: Value;
  readonly slope: Value;
  /** How far the two orders are apart. */
  readonly error: Value;
  readonly piece: Piece;
}

/** A step from `y`, where the slope is `first`. */
export function attempt(slope: Slope, y: Value, first: Value, t: Value, h: Value): Attempt {
  const slopes = [first];
  let end = y;
  stages.forEach((weights, i) => {
    end = add(y, mul(h, combination(weights, slopes)));
    slopes.push(slope(end, add(t, mul(h, nodes[i]!))));
  });
  const last = slopes[6]!;
  const difference = sub(end, y);
  const bend = sub(mul(h, first), difference);
  return {
    end,
    slope: last,
    error: mul(h, combination(errors, slopes)),
    piece: {
      start: y,
      difference,
      bend,
      twist: sub(sub(difference, mul(h, last)), bend),
      quartic: mul(h, combination(dense, slopes)),
    },
  };
}

/** The solution within a step: a polynomial of degree 4. */
export interface Piece {
  readonly start: Value;
  readonly difference: Value;
  readonly bend: Value;
  readonly twist: Value;
  readonly quartic: Value;
}

/** Its value where `theta` of the step is done. */
export function valueOf({ start, difference, bend, twist, quartic }: Piece, theta: Value): Value {
  const rest = sub(1, theta);
  const inner = add(twist, mul(rest, quartic));
  return add(start, mul(theta, add(difference, mul(rest, add(bend, mul(theta, inner))))));
}

/** √(Σ (xᵢ / scaleᵢ)² / n): an error of 1 is as large as the tolerances allow. */
export function scaledNorm(x: Value, scale: Value): Value {
  const ratio = div(x, scale);
  return sqrt(div(sum(mul(ratio, ratio)), Math.max(x.size, 1)));
}
