/** Polynomials as vectors of coefficients, the highest power first: p[0] xⁿ + … + p[n]. */
import type { ArrayLike, NDArray } from '../array.ts';
import { scan } from '../control/loops.ts';
import { ShapeError } from '../core/errors.ts';
import { optionsOf } from '../core/options.ts';
import { isImmediate, recorded, recordedList } from '../core/recorded.ts';
import { checkCount, range } from '../core/shape.ts';
import type { Value } from '../core/trace.ts';
import { add, div, mul, neg, sqrt, sub } from '../lax/arithmetic.ts';
import { full, scalar } from '../lax/creation.ts';
import { reshape } from '../lax/movement.ts';
import { sum } from '../lax/reductions.ts';
import { concatenate, pad, slice } from '../lax/slicing.ts';
import { lstsq, solutionByTriangle, tracedSolution } from '../linalg/least-squares.ts';
import { promoteDTypes, toFloating, toValue } from '../promote.ts';
import { fromNumbers, strong } from './array.ts';
import { vander } from './matrices.ts';
import { convolve } from './numeric.ts';
import { characteristic } from './roots.ts';
import { operand } from './shape.ts';
import { finfo } from './testing.ts';

/** The polynomial with coefficients p[0] xⁿ + … + p[n] at `x` (Horner's rule). */
export const polyval: (p: ArrayLike | readonly ArrayLike[], x: ArrayLike) => NDArray = recorded((p, x) => {
  const coefficients = Array.isArray(p) ? [...(p as readonly ArrayLike[])] : [...operand(p as ArrayLike, 'polyval')];
  const start: ArrayLike = mul(toValue(x, 'polyval'), 0);
  return coefficients.reduce<NDArray>((sum, c) => add(mul(sum, x), c), start);
});

function coefficientsOf(operation: string, p: ArrayLike): Value {
  const value = strong(operand(p, operation));
  if (value.ndim !== 1 || value.size === 0)
    throw new ShapeError(`${operation}: the coefficients must be a vector, but they are ${value.aval}.`);
  return value;
}

/** The sum of two polynomials. */
export const polyadd: (p: ArrayLike, q: ArrayLike) => NDArray = recorded((p, q) => {
  const [a, b] = promoteDTypes('polyadd', [coefficientsOf('polyadd', p), coefficientsOf('polyadd', q)]);
  const size = Math.max(a!.size, b!.size);
  const [x, y] = [a!, b!].map((v) => pad(v, scalar(0, v.dtype), [[size - v.size, 0, 0]]));
  return add(x!, y!);
});

/** The difference of two polynomials. */
export const polysub: (p: ArrayLike, q: ArrayLike) => NDArray = recorded((p, q) =>
  polyadd(coefficientsOf('polysub', p), neg(coefficientsOf('polysub', q))),
);

/** Steps of a recurrence from which it is a loop: operations one by one write everything anew, and take long to be recorded. */
const manySteps = 16;

/**
 * Quotient and remainder of two polynomials: p = quotient · q + remainder, and the remainder has a smaller degree than q.
 * It keeps leading zeros: lengths do not depend on values.
 *
 * @example
 * const [quotient, remainder] = np.polydiv(np.array([3, 5, 2]), np.array([2, 1]));
 * quotient; // [1.5 1.75]
 * remainder; // [0. 0. 0.25]
 */
export const polydiv: (p: ArrayLike, q: ArrayLike) => NDArray[] = recordedList((p, q) => {
  const [u, v] = promoteDTypes('polydiv', [
    toFloating(coefficientsOf('polydiv', p), 'polydiv'),
    toFloating(coefficientsOf('polydiv', q), 'polydiv'),
  ]) as [Value, Value];
  const steps = u.size - v.size + 1;
  if (steps < 1) return [full([1], 0, u.dtype), u];
  const lead = reshape(slice(v, [0], [1]), []);
  let rest = u;
  if (steps >= manySteps) {
    // The coefficients that a step changes: those that it leaves, and the next one.
    const coming = pad(slice(u, [v.size], [u.size]), scalar(0, u.dtype), [[0, 1, 0]]);
    const [rest, quotient] = scan(
      (window, next) => {
        const factor = div(reshape(slice(window, [0], [1]), []), lead);
        const left = sub(window, mul(factor, v));
        return [concatenate([slice(left, [1], [v.size]), reshape(next, [1])], 0), factor];
      },
      slice(u, [0], [v.size]),
      coming,
    );
    return [quotient, pad(slice(rest, [0], [v.size - 1]), scalar(0, u.dtype), [[steps, 0, 0]])];
  }
  const quotient = range(steps).map((k) => {
    const factor = div(reshape(slice(rest, [k], [k + 1]), []), lead);
    rest = sub(rest, pad(mul(factor, v), scalar(0, u.dtype), [[k, u.size - k - v.size, 0]]));
    // What is left of the leading coefficient is its rounding.
    rest = pad(slice(rest, [k + 1], [u.size]), scalar(0, u.dtype), [[k + 1, 0, 0]]);
    return reshape(factor, [1]);
  });
  return [concatenate(quotient, 0), rest];
});

/**
 * The polynomial with the given roots and leading coefficient 1; of a square matrix, its characteristic polynomial, from its eigenvalues.
 *
 * @example
 * np.poly(np.array([1, 2])); // [1. -3. 2.], x² − 3x + 2
 */
export const poly: (roots: ArrayLike) => NDArray = recorded((roots) => {
  const value = toFloating(strong(operand(roots, 'poly')), 'poly');
  if (value.ndim === 2 && value.shape[0] === value.shape[1]) return characteristic(value);
  if (value.ndim > 1)
    throw new ShapeError(`poly: the roots must be a vector, or those of a square matrix, but they are ${value.aval}.`);
  const list = reshape(value, [value.size]);
  const zero = scalar(0, list.dtype);
  const start = pad(full([1], 1, list.dtype), zero, [[0, list.size, 0]]);
  // Times x − r: the product less r times itself, one place further.
  const times = (product: Value, root: Value): Value => sub(product, mul(pad(product, zero, [[1, -1, 0]]), root));
  if (list.size >= manySteps) return scan((product, root) => [times(product, root), null], start, list)[0];
  return range(list.size).reduce<Value>((product, i) => times(product, slice(list, [i], [i + 1])), start);
});

/** The product of two polynomials. */
export const polymul = (p: ArrayLike, q: ArrayLike): NDArray =>
  convolve(coefficientsOf('polymul', p), coefficientsOf('polymul', q));

/**
 * The derivative of a polynomial, of order `m` (1 when left out).
 *
 * @example
 * np.polyder(np.array([1, 2, 3])); // [2. 2.], of x² + 2x + 3
 */
export const polyder: (p: ArrayLike, given?: { m?: number }) => NDArray = recorded((p, given = {}) => {
  const { m = 1 } = optionsOf('polyder', given, ['m']);
  const order = checkCount(m, 'polyder', 'm');
  const value = coefficientsOf('polyder', p);
  const degree = value.size - 1 - order;
  if (degree < 0) return slice(value, [0], [0]);
  // Of xⁿ, n (n − 1) … (n − m + 1).
  const factors = range(degree + 1).map((i) => range(order).reduce((f, j) => f * (value.size - 1 - i - j), 1));
  return mul(slice(value, [0], [degree + 1]), fromNumbers(factors, [degree + 1], value.dtype));
});

/** The integral of a polynomial that is 0 at 0, of order `m` (1 when left out). */
export const polyint: (p: ArrayLike, given?: { m?: number }) => NDArray = recorded((p, given = {}) => {
  const { m = 1 } = optionsOf('polyint', given, ['m']);
  const order = checkCount(m, 'polyint', 'm');
  const value = toFloating(coefficientsOf('polyint', p), 'polyint');
  const factors = range(value.size).map((i) => range(order).reduce((f, j) => f * (value.size - i + j), 1));
  const integral = div(value, fromNumbers(factors, [value.size], value.dtype));
  return pad(integral, scalar(0, value.dtype), [[0, order, 0]]);
});

/** What the coefficients solve: powers in columns of norm 1, since those of large numbers would swamp the others. */
function fitting(x: ArrayLike, y: ArrayLike, deg: number, w: ArrayLike | undefined) {
  const columns = checkCount(deg, 'polyfit', 'the degree') + 1;
  const [points, values] = promoteDTypes('polyfit', [
    toFloating(strong(operand(x, 'polyfit')), 'polyfit'),
    toFloating(strong(operand(y, 'polyfit')), 'polyfit'),
  ]) as [Value, Value];
  if (points.ndim !== 1 || points.shape[0] !== values.shape[0] || points.size < columns)
    throw new ShapeError(
      `polyfit: needs vectors x and y of one length, and of at least ${columns} points, but got ${points.aval} and ${values.aval}.`,
    );
  const weights = w === undefined ? undefined : toValue(w, 'polyfit');
  const rows = (v: Value): Value => {
    if (!weights) return v;
    return mul(v, weights.ndim === 0 || v.ndim === 1 ? weights : reshape(weights, [weights.size, 1]));
  };
  const powers = rows(vander(points, { n: columns }));
  const norms = sqrt(sum(mul(powers, powers), { axis: 0 }));
  const [a, b] = promoteDTypes('polyfit', [div(powers, norms), rows(values)]) as [Value, Value];
  return {
    a,
    b: b.ndim === 1 ? reshape(b, [b.size, 1]) : b,
    rcond: a.shape[0]! * finfo(a.dtype).eps,
    /** Coefficients from those of the scaled columns. */
    restore: (scaled: Value): Value =>
      values.ndim === 1 ? div(reshape(scaled, [columns]), norms) : div(scaled, reshape(norms, [columns, 1])),
  };
}

type Fitted<R> = (x: ArrayLike, y: ArrayLike, deg: number, w?: ArrayLike) => R;

const fittedByTriangle: Fitted<NDArray[]> = recordedList((x, y, deg, w) => {
  const { a, b, rcond, restore } = fitting(x, y, deg, w);
  const [scaled, isExact] = solutionByTriangle(a, b, rcond);
  return [restore(scaled), isExact];
});

const fitted: Fitted<NDArray> = recorded((x, y, deg, w) => {
  const { a, b, rcond, restore } = fitting(x, y, deg, w);
  return restore(lstsq(a, b, { rcond }).x);
});

const fittedInTrace: Fitted<NDArray> = recorded((x, y, deg, w) => {
  const { a, b, rcond, restore } = fitting(x, y, deg, w);
  return restore(tracedSolution(a, b, rcond));
});

/**
 * The coefficients of the polynomial of degree `deg` with the least Σ (wᵢ (p(xᵢ) − yᵢ))², for vectors `x` and `y`; weights `w`
 * are 1 when left out. `y` may have columns, one polynomial for each. There must be more points than the degree.
 *
 * @example
 * np.polyfit(np.array([0, 1, 2]), np.array([1, 2, 5]), 2); // [1. 0. 1.]: x² + 1
 */
export function polyfit(x: ArrayLike, y: ArrayLike, deg: number, given: { w?: ArrayLike } = {}): NDArray {
  const { w } = optionsOf('polyfit', given, ['w']);
  if (!isImmediate()) return fittedInTrace(x, y, deg, w);
  const [found, isExact] = fittedByTriangle(x, y, deg, w) as [NDArray, NDArray];
  return isExact.item<boolean>() ? found : fitted(x, y, deg, w);
}
