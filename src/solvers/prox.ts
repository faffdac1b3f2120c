/**
 * Proximity operators: argmin over y of ½ ‖x − y‖₂² + scaling·g(y), as `ProximalGradient` calls them. Differentiable in x and
 * in the regularisation strengths. Definitions follow JAXopt's. Strengths are scalars, arrays, or trees like x.
 */
import type { ArrayLike, NDArray } from '../array.ts';
import type { Value } from '../core/trace.ts';
import { add, div, mul, sign, sqrt, sub } from '../lax/arithmetic.ts';
import { gt, select } from '../lax/compare.ts';
import { scalar } from '../lax/creation.ts';
import { maximum } from '../numpy/elementwise.ts';
import { toFloating, toValue } from '../promote.ts';
import type { Arrays, Like } from '../tree.ts';
import * as tree from '../tree.ts';
import type { Projection } from './projected-gradient.ts';
import type { Prox } from './proximal-gradient.ts';
import { dot } from './vectors.ts';

type Scaling = ArrayLike;

/** A regularisation strength: a scalar or an array for every leaf of x, or a tree like x. */
export type Strength<T> = ArrayLike | (unknown extends T ? object : Like<T>);

function leafwise<T>(x: T, strength: any, f: (leaf: Value, strength: any) => Value): Arrays<T> {
  const { def, leaves } = tree.flatten(x);
  const own = tree.structure(strength).key === def.key ? tree.leaves(strength) : undefined;
  return tree.unflatten(
    def,
    leaves.map((leaf, i) => f(toFloating(toValue(leaf, 'prox'), 'prox'), own ? own[i] : strength)),
  );
}

const soft = (v: Value, threshold: ArrayLike): Value => mul(sign(v), maximum(sub(v.abs(), threshold), 0));

/** g = 0: the identity. */
export const none = <T>(x: T, _hyperparams?: unknown, _scaling: Scaling = 1): T => x;

/** g(y) = l1reg·‖y‖₁: soft thresholding. */
export const lasso = <T>(x: T, l1reg: Strength<T> = 1, scaling: Scaling = 1): Arrays<T> =>
  leafwise(x, l1reg, (v, strength) => soft(v, mul(strength, scaling)));

/** g(y) = l1reg·‖y‖₁ for y ≥ 0, infinite elsewhere. */
export const nonNegativeLasso = <T>(x: T, l1reg: Strength<T> = 1, scaling: Scaling = 1): Arrays<T> =>
  leafwise(x, l1reg, (v, strength) => maximum(sub(v, mul(strength, scaling)), 0));

/** g(y) = l1reg·(‖y‖₁ + gamma/2·‖y‖₂²). */
export function elasticNet<T>(
  x: T,
  [l1reg, gamma]: readonly [l1reg: Strength<T>, gamma: Strength<T>] = [1, 1],
  scaling: Scaling = 1,
): Arrays<T> {
  const shrunk = lasso(x, l1reg, scaling);
  const { def, leaves } = tree.flatten(shrunk);
  const of = (strength: any, i: number): ArrayLike =>
    tree.structure(strength).key === def.key ? (tree.leaves(strength)[i] as ArrayLike) : strength;
  return tree.unflatten(
    def,
    (leaves as Value[]).map((v, i) => div(v, add(mul(mul(of(l1reg, i), of(gamma, i)), scaling), 1))),
  ) as Arrays<T>;
}

/** g(y) = l2reg·‖y‖₂, of all leaves together: a block that shrinks or vanishes. Use `vmap` for several blocks. */
export function groupLasso<T>(x: T, l2reg: ArrayLike = 1, scaling: Scaling = 1): Arrays<T> {
  const squared = dot(x, x);
  const threshold = mul(l2reg, scaling);
  const kept = gt(squared, mul(threshold, threshold));
  const norm = sqrt(select(kept, squared, scalar(1, squared.dtype)));
  const factor = select(kept, sub(1, div(threshold, norm)), scalar(0, squared.dtype));
  return tree.map((leaf: NDArray) => leaf.mul(factor.astype(leaf.dtype)), x as any);
}

/** g(y) = l2reg/2·‖y‖₂². */
export const ridge = <T>(x: T, l2reg: Strength<T> = 1, scaling: Scaling = 1): Arrays<T> =>
  leafwise(x, l2reg, (v, strength) => div(v, add(mul(strength, scaling), 1)));

/** g(y) = l2reg/2·‖y‖₂² for y ≥ 0, infinite elsewhere. */
export const nonNegativeRidge = <T>(x: T, l2reg: Strength<T> = 1, scaling: Scaling = 1): Arrays<T> =>
  leafwise(x, l2reg, (v, strength) => maximum(div(v, add(mul(strength, scaling), 1)), 0));

/** g = 0 in a convex set, infinite elsewhere: the projection, whatever the scaling. */
export const fromProjection =
  <P, Y>(projection: Projection<P, Y>): Prox<P, Y> =>
  (x, hyperparams) =>
    projection(x, hyperparams);
