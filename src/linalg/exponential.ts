/** The exponential of matrices. */
import type { ArrayLike, NDArray } from '../array.ts';
import { cond } from '../control/cond.ts';
import { foriLoop } from '../control/loops.ts';
import { checkNumbers, optionsOf } from '../core/options.ts';
import { range } from '../core/shape.ts';
import type { Value } from '../core/trace.ts';
import { abs, add, ceil, div, max, mul, pow, sub } from '../lax/arithmetic.ts';
import { gt, select } from '../lax/compare.ts';
import { any, reduceMax, sum } from '../lax/reductions.ts';
import { expandDims } from '../lax/slicing.ts';
import { stopGradient } from '../lax/stop-gradient.ts';
import { log2 } from '../lax/transcendental.ts';
import { eye } from '../numpy/creation.ts';
import { matmul } from '../numpy/products.ts';
import { square } from './operands.ts';
import { solve } from './solve.ts';

/**
 * Numerators of the diagonal Padé approximants to exp, lowest power first, with the largest 1-norm at which the approximant is exact
 * to the last bit (Higham 2005, tables 2.1 and 2.3): of degree 13 for float64, of degree 7 for float32.
 */
const approximants = {
  float64: {
    theta: 5.371920351148152,
    coefficients: [
      64764752532480000, 32382376266240000, 7771770303897600, 1187353796428800, 129060195264000, 10559470521600,
      670442572800, 33522128640, 1323241920, 40840800, 960960, 16380, 182, 1,
    ],
  },
  float32: { theta: 3.92572478313866, coefficients: [17297280, 8648640, 1995840, 277200, 25200, 1512, 56, 1] },
} as const;

/**
 * The exponential of a square matrix by scaling and squaring (N. J. Higham, The scaling and squaring method for the matrix
 * exponential revisited, 2005). NaN where more than `maxSquarings` squarings are needed: 16 are enough for a 1-norm of 3.5·10⁵
 * (2.5·10⁵ in float32).
 *
 * @example
 * linalg.expm(np.array([[0, 1], [0, 0]])); // [[1. 1.], [0. 1.]]
 * @throws ShapeError when `a` is not square
 */
export function expm(a: ArrayLike, given: { maxSquarings?: number } = {}): NDArray {
  const { maxSquarings = 16 } = optionsOf('expm', given, ['maxSquarings']);
  checkNumbers('expm', given, ['maxSquarings']);
  const value = square('expm', a);
  if (value.size === 0) return value;
  const { theta, coefficients } = approximants[value.dtype as 'float32' | 'float64'];
  const column = reduceMax(sum(abs(stopGradient(value) as Value), { axis: -2 }), { axis: -1 });
  // Of the 0 matrix, −∞; of one that is not finite, ∞ or NaN.
  const squarings = max(ceil(log2(div(column, theta))), 0);
  const beside = (x: Value) => expandDims(x, [-2, -1]);
  const approximation = pade(mul(value, beside(pow(2, mul(squarings, -1)))), coefficients);
  const result = squared(approximation, squarings, maxSquarings);
  return select(beside(gt(squarings, maxSquarings)), Number.NaN, result);
}

/** V + U over V − U, where U holds the odd powers of the numerator and V the even ones. */
function pade(a: Value, coefficients: readonly number[]): Value {
  const n = a.shape.at(-1)!;
  const identity = eye(n, n, { dtype: a.dtype });
  const even: Value[] = [identity, matmul(a, a)];
  for (let i = 2; i <= Math.min(3, (coefficients.length - 2) / 2); i++) even.push(matmul(even[i - 1]!, even[1]!));
  /** Σ cᵢ·A²ⁱ: of powers beyond A⁶, the common factor is taken out. */
  const polynomial = (c: readonly number[]): Value => {
    const terms = c.slice(0, 4).map((x, i) => mul(even[i]!, x));
    const low = terms.reduce((x, y) => add(x, y));
    const rest = c.slice(4);
    if (rest.length === 0) return low;
    const high = rest.map((x, i) => mul(even[i + 1]!, x)).reduce((x, y) => add(x, y));
    return add(low, matmul(even[3]!, high));
  };
  const parity = (odd: number) => coefficients.filter((_, i) => i % 2 === odd);
  const [u, v] = [matmul(a, polynomial(parity(1))), polynomial(parity(0))];
  return solve(sub(v, u), add(v, u));
}

/** Each matrix squared as often as it needs. */
function squared(x: Value, times: Value, most: number): Value {
  const next = (r: Value, left: Value): Value => select(expandDims(gt(left, 0), [-2, -1]), matmul(r, r), r);
  if (!times.isTracer) {
    const rounds = Math.min(most, Math.max(0, ...times.hostData().map((n) => (n <= most ? n : 0))));
    return range(rounds).reduce((r, i) => next(r, sub(times, i)), x);
  }
  return foriLoop(
    0,
    most,
    (i, r: any) => {
      const left = sub(times, i as Value);
      return cond(
        any(gt(left, 0)),
        (r: Value, left: Value) => next(r, left),
        (r: Value) => r,
        r,
        left,
      );
    },
    x,
  ) as Value;
}
