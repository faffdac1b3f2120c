/**
 * Projections on convex sets: argmin over p in the set of ‖x − p‖₂. Each takes x and the parameters of the set, as
 * `ProjectedGradient` calls it, and is differentiable in both, in both modes and to any order: where the solution has
 * support (active constraints), the derivative is that of the support. Definitions follow JAXopt's.
 */
import { type ArrayLike, NDArray } from '../../array.ts';
import { foriLoop } from '../../control/loops.ts';
import { ShapeError, TreeError } from '../../core/errors.ts';
import { naming } from '../../core/options.ts';
import type { Value } from '../../core/trace.ts';
import { customRoot } from '../../implicit/custom-root.ts';
import { status } from '../../implicit/status.ts';
import { div, max, mul, neg, sign, sqrt } from '../../lax/arithmetic.ts';
import { gt, le, select } from '../../lax/compare.ts';
import { scalar } from '../../lax/creation.ts';
import { reduceMax, reduceMin, reverse, sort, sum } from '../../lax/index.ts';
import { and, not } from '../../lax/logic.ts';
import * as linalg from '../../linalg/index.ts';
import { eye } from '../../numpy/creation.ts';
import { clip, maximum } from '../../numpy/elementwise.ts';
import { concatenate } from '../../numpy/joining.ts';
import { dot, matmul } from '../../numpy/products.ts';
import { promoteDTypes, toFloating, toValue } from '../../promote.ts';
import type { Arrays } from '../../tree.ts';
import * as tree from '../../tree.ts';
import { OSQP } from '../quadratic/osqp.ts';
import { dot as treeDot } from '../vectors.ts';
import { onPermutahedron } from './permutahedron.ts';
import { simplex } from './projection-simplex.ts';
import type { Strength } from './prox.ts';

export { simplex, sparseSimplex } from './projection-simplex.ts';
export { birkhoff, klBirkhoff, klTransport, type TransportOptions, transport } from './projection-transport.ts';

/** Each leaf with its own parameters, or with the same for all. */
function leafwise<T>(name: string, x: T, parameters: any, f: (leaf: Value, parameter: any) => Value): Arrays<T> {
  const { def, leaves } = tree.flatten(x, `${name}: x`);
  const own = tree.structure(parameters).key === def.key ? (tree.leaves(parameters) as Value[]) : undefined;
  return tree.unflatten(
    def,
    leaves.map((leaf, i) => f(toFloating(toValue(leaf, name), name), own ? own[i] : parameters)),
  );
}

/** @throws TreeError where a list of this length is missing */
function given<T extends readonly unknown[]>(set: string, parameters: T, names: readonly string[]): T {
  if (Array.isArray(parameters) && parameters.length === names.length) return parameters;
  const found = Array.isArray(parameters) ? `a list of ${parameters.length}` : naming(parameters);
  throw new TreeError(`projection.${set}: needs its parameters as a list [${names.join(', ')}], but got ${found}.`, {
    hint: `pass them after the initial ones: \`solver.run(init, [${names.join(', ')}], …)\``,
  });
}

/** @throws ShapeError when x is no vector */
function checkVector(set: string, x: unknown): void {
  if (!(x instanceof NDArray) || x.ndim !== 1)
    throw new ShapeError(`projection.${set}: x must be a vector, but it is ${naming(x)}.`);
}

/** {p : p ≥ 0}, on any tree. */
export const nonNegative = <T>(x: T, _hyperparams?: null): Arrays<T> =>
  leafwise('projection.nonNegative', x, null, (v) => maximum(v, 0));

/** {p : lower ≤ p ≤ upper}, on any tree; the bounds are scalars, arrays, or trees like x. */
export function box<T>(x: T, bounds: readonly [lower: Strength<T>, upper: Strength<T>]): Arrays<T> {
  const [lower, upper] = given('box', bounds, ['lower', 'upper']);
  return inBox('box', x, lower, upper);
}

function inBox<T>(set: string, x: T, lower: Strength<T>, upper: Strength<T>): Arrays<T> {
  const name = `projection.${set}`;
  for (const bound of [lower, upper]) if (typeof bound !== 'object') toValue(bound as ArrayLike, name);
  const lows = leafwise(name, x, lower, (v, low) => maximum(v, low));
  return leafwise(name, lows, upper, (v, high) => clip(v, null, high)) as Arrays<T>;
}

/** {p : 0 ≤ p ≤ unit}. */
export const hypercube = <T>(x: T, unit: ArrayLike = 1): Arrays<T> => inBox('hypercube', x, 0, unit);

/**
 * The convex hull of all permutations of w, for vectors of one length (Blondel et al., Fast Differentiable Sorting and Ranking, 2020).
 * Of n, …, 1 it is `isotonic.softRank`.
 */
export function permutahedron(x: NDArray, w: NDArray): NDArray {
  checkVector('permutahedron', x);
  if (!(w instanceof NDArray) || w.ndim !== 1 || w.size !== x.size)
    throw new ShapeError(`projection.permutahedron: w must be a vector like x ${x.aval}, but it is ${naming(w)}.`);
  const [z, vertex] = promoteDTypes('projection.permutahedron', [x, w]).map((v) =>
    toFloating(v, 'projection.permutahedron'),
  ) as [Value, Value];
  return z.size === 0 ? z : onPermutahedron(z, reverse(sort(vertex), [0]), 'l2');
}

/** {p : ‖p‖₁ = value}, for a vector. */
export function l1Sphere(x: ArrayLike, value: ArrayLike = 1): NDArray {
  const v = toFloating(toValue(x, 'projection.l1Sphere'), 'projection.l1Sphere');
  toValue(value, 'projection.l1Sphere');
  return mul(sign(v), simplex(v.abs(), value));
}

/** {p : ‖p‖₁ ≤ maxValue}, for a vector. */
export function l1Ball(x: ArrayLike, maxValue: ArrayLike = 1): NDArray {
  const v = toFloating(toValue(x, 'projection.l1Ball'), 'projection.l1Ball');
  toValue(maxValue, 'projection.l1Ball');
  return select(le(sum(v.abs()), maxValue), v, l1Sphere(v, maxValue));
}

/** s·x, on any tree. */
const scaled = <T>(x: T, s: Value): Arrays<T> => tree.map((leaf: NDArray) => leaf.mul(s.astype(leaf.dtype)), x as any);

/** {p : ‖p‖₂ = value}, on any tree. */
export function l2Sphere<T>(x: T, value: ArrayLike = 1): Arrays<T> {
  tree.flatten(x, 'projection.l2Sphere: x');
  return scaled(x, div(toValue(value, 'projection.l2Sphere'), sqrt(treeDot(x, x))));
}

/** {p : ‖p‖₂ ≤ maxValue}, on any tree. */
export function l2Ball<T>(x: T, maxValue: ArrayLike = 1): Arrays<T> {
  tree.flatten(x, 'projection.l2Ball: x');
  const radius = toValue(maxValue, 'projection.l2Ball');
  const squared = treeDot(x, x);
  const outside = gt(squared, mul(radius, radius));
  // Inside, where x may be 0, the root is not taken.
  const one = scalar(1, squared.dtype);
  const factor = select(outside, div(radius, sqrt(select(outside, squared, one))), one);
  return scaled(x, factor);
}

/** {p : ‖p‖∞ ≤ maxValue}, on any tree. */
export function linfBall<T>(x: T, maxValue: ArrayLike = 1): Arrays<T> {
  const bound = toValue(maxValue, 'projection.linfBall');
  return inBox('linfBall', x, neg(bound) as Strength<T>, bound as Strength<T>);
}

/** {p : aᵀp = b}, for vectors. */
export function hyperplane(x: NDArray, plane: readonly [a: NDArray, b: ArrayLike]): NDArray {
  const [a, b] = given('hyperplane', plane, ['a', 'b']);
  checkVector('hyperplane', x);
  return x.sub(a.mul(div(dot(a, x).sub(b), dot(a, a))));
}

/** {p : aᵀp ≤ b}, for vectors. */
export function halfspace(x: NDArray, plane: readonly [a: NDArray, b: ArrayLike]): NDArray {
  const [a, b] = given('halfspace', plane, ['a', 'b']);
  checkVector('halfspace', x);
  return x.sub(a.mul(div(max(dot(a, x).sub(b), 0), dot(a, a))));
}

/** {p : A p = b}, for a vector; A must have full row rank. (`polyhedron` takes rows that depend on each other.) */
export function affineSet(x: NDArray, system: readonly [A: NDArray, b: NDArray]): NDArray {
  const [A, b] = given('affineSet', system, ['A', 'b']);
  checkVector('affineSet', x);
  const residual = matmul(A, x).sub(b);
  return x.sub(matmul(A.T, linalg.solve(matmul(A, A.T), residual)));
}

/** Made at the first call: programs that were traced for it serve the next. */
let nearest: OSQP | undefined;

/**
 * {p : A p = b, G p ≤ h}, for a vector, by `OSQP` to a tolerance of 1e-6; A and b, or G and h, may be null. NaN where the
 * set is empty.
 *
 * @example
 * const halfspaces = [np.array([[1, 1], [-1, 0]]), np.array([1, 0])];
 * projection.polyhedron(np.array([2, 1]), [null, null, ...halfspaces]); // [1. 0.]
 * @throws TreeError, ShapeError when matrices and vectors do not fit
 */
export function polyhedron(
  x: NDArray,
  constraints: readonly [A: NDArray | null, b: NDArray | null, G: NDArray | null, h: NDArray | null],
): NDArray {
  const [A, b, G, h] = given('polyhedron', constraints, ['A', 'b', 'G', 'h']);
  checkVector('polyhedron', x);
  nearest ??= new OSQP({ tol: 1e-6 });
  const identity = eye(x.size, null, { dtype: x.dtype });
  const { params, state } = nearest.run(null, [identity, x.neg()], A && [A, b], G && [G, h]);
  return select(state.status.eq(status.primalInfeasible), Number.NaN, params.primal);
}

/**
 * {p : lower ≤ p ≤ upper, wᵀp = c}, for vectors, with w > 0. p = clip(x + τ w), with the τ for which wᵀp = c: found by
 * bisection, differentiated implicitly. NaN where the set is empty.
 */
export function boxSection(
  x: NDArray,
  parameters: readonly [lower: NDArray, upper: NDArray, w: NDArray, c: ArrayLike],
): NDArray {
  const [lower, upper, w, c] = given('boxSection', parameters, ['lower', 'upper', 'w', 'c']);
  checkVector('boxSection', x);
  const at = (tau: Value, x: any, lower: any, upper: any, w: any): Value => clip(x.add(w.mul(tau)), lower, upper);
  const equation = (tau: Value, x: any, lower: any, upper: any, w: any, c: any): Value =>
    dot(w, at(tau, x, lower, upper, w)).sub(c);
  const find = (_tau: Value, x: any, lower: any, upper: any, w: any, c: any): Value => {
    // Where elements of p reach their bounds.
    const ends = concatenate([lower.sub(x).div(w), upper.sub(x).div(w)]);
    const turns = x.dtype === 'float64' ? 64 : 34;
    const [low, high] = foriLoop(
      0,
      turns,
      (_i: unknown, [low, high]: any) => {
        const middle = low.add(high).mul(0.5);
        const above = gt(equation(middle, x, lower, upper, w, c), 0);
        return [select(above, low, middle), select(above, middle, high)];
      },
      [reduceMin(ends), reduceMax(ends)],
    ) as [Value, Value];
    const feasible = and(le(dot(w, lower), c), not(gt(c, dot(w, upper))));
    return select(feasible, low.add(high).mul(0.5), Number.NaN);
  };
  const root = customRoot(equation, { positiveDefinite: true })(find);
  const total = toValue(c, 'projection.boxSection');
  const tau = root(scalar(0, x.dtype), x, lower, upper, w, total.astype(x.dtype));
  return at(tau as Value, x, lower, upper, w);
}
