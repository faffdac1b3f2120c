/**
 * Proximity operators: argmin over y of ½ ‖x − y‖₂² + scaling·g(y), as `ProximalGradient` calls them. Differentiable in x and
 * in the regularisation strengths. Definitions follow JAXopt's. Strengths are scalars, arrays, or trees like x.
 */

import type { ArrayLike, NDArray } from '../../array.ts';
import { checkList } from '../../core/options.ts';
import type { Value } from '../../core/trace.ts';
import { add, div, mul, sign, sqrt, sub } from '../../lax/arithmetic.ts';
import { gt, select } from '../../lax/compare.ts';
import { scalar } from '../../lax/creation.ts';
import { maximum } from '../../numpy/elementwise.ts';
import { toFloating, toValue } from '../../promote.ts';
import type { Arrays, Like } from '../../tree.ts';
import * as tree from '../../tree.ts';
import { checkFunction } from '../base.ts';
import { dot } from '../vectors.ts';
import type { Projection } from './projected-gradient.ts';
import type { Prox } from './proximal-gradient.ts';

export { nuclear } from './nuclear-norm.ts';

type Scaling = ArrayLike;

/** A regularisation strength: a scalar or an array for every leaf of x, or a tree like x. */
export type Strength<T> = ArrayLike | (unknown extends T ? object : Like<T>);

/** Leaves of x with the strength of each, for all or for each leaf its own, times the scaling. */
function leafwise<T>(
  name: string,
  x: T,
  strength: unknown,
  scaling: Scaling,
  f: (leaf: Value, strength: Value) => Value,
): Arrays<T> {
  const { def, leaves } = tree.flatten(x, `${name}: x`);
  const of = strengths(name, strength, def.key);
  const factor = toValue(scaling, name);
  return tree.unflatten(
    def as tree.TreeDef,
    leaves.map((leaf, i) => f(toFloating(toValue(leaf, name), name), mul(of(i), factor))),
  );
}

function strengths(name: string, strength: unknown, key: string): (i: number) => Value {
  const { leaves, def } = tree.flatten(strength, `${name}: the strength`);
  return def.key === key ? (i) => toValue(leaves[i]!, name) : () => toValue(strength as ArrayLike, name);
}

const soft = (v: Value, threshold: ArrayLike): Value => mul(sign(v), maximum(sub(v.abs(), threshold), 0));

/** g = 0: the identity. */
export const none = <T>(x: T, _hyperparams?: unknown, _scaling: Scaling = 1): T => x;

/** g(y) = l1reg·‖y‖₁: soft thresholding. */
export const lasso = <T>(x: T, l1reg: Strength<T> = 1, scaling: Scaling = 1): Arrays<T> =>
  leafwise('prox.lasso', x, l1reg, scaling, soft);

/** g(y) = l1reg·‖y‖₁ for y ≥ 0, infinite elsewhere. */
export const nonNegativeLasso = <T>(x: T, l1reg: Strength<T> = 1, scaling: Scaling = 1): Arrays<T> =>
  leafwise('prox.nonNegativeLasso', x, l1reg, scaling, (v, strength) => maximum(sub(v, strength), 0));

/** g(y) = l1reg·(‖y‖₁ + gamma/2·‖y‖₂²). */
export function elasticNet<T>(
  x: T,
  hyperparams: readonly [l1reg: Strength<T>, gamma: Strength<T>] = [1, 1],
  scaling: Scaling = 1,
): Arrays<T> {
  const name = 'prox.elasticNet';
  checkList(name, 'the list [l1reg, gamma]', hyperparams);
  const [l1reg, gamma] = hyperparams;
  const shrunk = leafwise(name, x, l1reg, scaling, soft);
  const { def, leaves } = tree.flatten(shrunk);
  const [first, second] = [strengths(name, l1reg, def.key), strengths(name, gamma, def.key)];
  return tree.unflatten(
    def as tree.TreeDef,
    (leaves as Value[]).map((v, i) => div(v, add(mul(mul(first(i), second(i)), scaling), 1))),
  );
}

/** g(y) = l2reg·‖y‖₂, of all leaves together: a block that shrinks or vanishes. Use `vmap` for several blocks. */
export function groupLasso<T>(x: T, l2reg: ArrayLike = 1, scaling: Scaling = 1): Arrays<T> {
  const name = 'prox.groupLasso';
  tree.flatten(x, `${name}: x`);
  const squared = dot(x, x);
  const threshold = mul(toValue(l2reg, name), toValue(scaling, name));
  const kept = gt(squared, mul(threshold, threshold));
  const norm = sqrt(select(kept, squared, scalar(1, squared.dtype)));
  const factor = select(kept, sub(1, div(threshold, norm)), scalar(0, squared.dtype));
  return tree.map((leaf: NDArray) => leaf.mul(factor.astype(leaf.dtype)), x as any);
}

/** g(y) = l2reg/2·‖y‖₂². */
export const ridge = <T>(x: T, l2reg: Strength<T> = 1, scaling: Scaling = 1): Arrays<T> =>
  leafwise('prox.ridge', x, l2reg, scaling, (v, strength) => div(v, add(strength, 1)));

/** g(y) = l2reg/2·‖y‖₂² for y ≥ 0, infinite elsewhere. */
export const nonNegativeRidge = <T>(x: T, l2reg: Strength<T> = 1, scaling: Scaling = 1): Arrays<T> =>
  leafwise('prox.nonNegativeRidge', x, l2reg, scaling, (v, strength) => maximum(div(v, add(strength, 1)), 0));

/** g = 0 in a convex set, infinite elsewhere: the projection, whatever the scaling. */
export const fromProjection = <P, Y>(projection: Projection<P, Y>): Prox<P, Y> => {
  checkFunction('fromProjection', 'projection', projection);
  return (x, hyperparams) => projection(x, hyperparams);
};
