/** Updates kept small, and weights too: clipping and weight decay. */
import type { NDArray } from '../array.ts';
import { CotangentError, TreeError } from '../core/errors.ts';
import { naming, optionsOf } from '../core/options.ts';
import type { Value } from '../core/trace.ts';
import { add, clamp, div, mul, neg, sqrt, square } from '../lax/arithmetic.ts';
import { lt, select } from '../lax/compare.ts';
import { convert } from '../lax/convert.ts';
import { sum } from '../lax/reductions.ts';
import { array } from '../numpy/array.ts';
import { flatten, type Tree } from '../tree.ts';
import { checkScalar, like, ranges, type Scalar } from './options.ts';
import { type RateState, type Schedule, scheduled } from './scaling.ts';
import {
  type EmptyState,
  type GradientTransformation,
  increment,
  mapLeaves,
  part,
  stateless,
  zeroCount,
} from './transformation.ts';

/** Each element limited to [−maxDelta, maxDelta]. */
export function clip(maxDelta: Scalar): GradientTransformation<EmptyState> {
  const limit = checkScalar('clip', 'maxDelta', maxDelta, ranges.nonnegative);
  return stateless('clip', (g) => {
    const high = like(limit, g);
    return clamp(typeof high === 'number' ? -high : neg(high), g, high);
  });
}

const sumOfSquares = (tree: unknown, where: string): Value => {
  const squares = flatten(tree, where).leaves.map((leaf) => sum(square(array(leaf))));
  return squares.length ? squares.reduce((a, b) => add(a, b)) : array(0);
};

/**
 * ‖tree‖₂, over all elements of all leaves.
 *
 * @example
 * globalNorm({ a: np.array([3, 0]), b: 4 }); // 5
 */
export const globalNorm = (tree: unknown): NDArray => sqrt(sumOfSquares(tree, 'globalNorm: the tree'));

/**
 * Updates shortened to the norm `maxNorm`, taken over all leaves, where they are longer.
 * (Pascanu, Mikolov & Bengio, On the difficulty of training recurrent neural networks, 2012.)
 */
export function clipByGlobalNorm(maxNorm: Scalar): GradientTransformation<EmptyState> {
  const limit = checkScalar('clipByGlobalNorm', 'maxNorm', maxNorm, ranges.nonnegative);
  return {
    init: () => ({}),
    update: (gradients, state) => {
      const squares = sumOfSquares(gradients, 'clipByGlobalNorm.update: the gradients');
      const short = lt(sqrt(squares), like(limit, squares));
      // The norm that nothing is divided by is replaced by 1: at 0 its root has no derivative.
      const norm = sqrt(select(short, 1, squares));
      const shorten = (g: Value): Value => select(short, g, mul(div(g, convert(norm, g.dtype)), like(limit, g)));
      return [mapLeaves('clipByGlobalNorm.update', shorten, ['the gradients', gradients]), state];
    },
  };
}

/** Which leaves decay: a tree of booleans like the parameters, or a function from parameters to one. */
export type Mask = ((params: any) => Tree) | object | boolean;

export interface WeightDecayOptions {
  /** Default: all leaves decay. */
  mask?: Mask;
}

/**
 * g + weightDecay·params. Before a learning rate and after Adam, this is decoupled weight decay (Loshchilov & Hutter,
 * Decoupled weight decay regularization, 2017).
 *
 * @example
 * addDecayedWeights(1e-4, { mask: (params) => tree.map((p) => p.ndim > 1, params) }); // matrices only
 */
export const addDecayedWeights = <D extends Scalar | Schedule>(
  weightDecay: D,
  options: WeightDecayOptions = {},
): GradientTransformation<RateState<D>> => {
  const { mask } = optionsOf('addDecayedWeights', options, ['mask']);
  return decayAs('addDecayedWeights', weightDecay, mask);
};

/** `addDecayedWeights` inside an optimizer of that name. */
export function decayAs(
  name: string,
  weightDecay: Scalar | Schedule,
  mask: Mask | undefined,
): GradientTransformation<any> {
  if (mask !== undefined && typeof mask === 'string')
    throw new CotangentError(`${name}: the mask must be a tree of booleans or a function, but it is ${naming(mask)}.`);
  const operation = `${name}.update`;
  const schedule = typeof weightDecay === 'function' ? weightDecay : undefined;
  const constant = schedule ? 0 : checkScalar(name, 'weightDecay', weightDecay);
  return {
    init: () => (schedule ? { count: zeroCount() } : {}),
    update: (gradients, state, params) => {
      const count = schedule && part(operation, state, 'count');
      const rate = schedule ? scheduled(operation, schedule, count) : constant;
      const decays = masked(operation, mask, params);
      let i = 0;
      const decay = (g: Value, p: Value): Value => (decays(i++) ? add(g, mul(like(rate, g), convert(p, g.dtype))) : g);
      return [
        mapLeaves(operation, decay, ['the gradients', gradients], ['the parameters', params]),
        count ? { count: increment(count) } : state,
      ];
    },
  };
}

/** Whether the leaf of a number decays. */
function masked(operation: string, mask: Mask | undefined, params: unknown): (leaf: number) => boolean {
  if (mask === undefined) return () => true;
  const tree = typeof mask === 'function' ? mask(params) : mask;
  const { leaves, def } = flatten(tree, 'mask');
  const wanted = flatten(params).def;
  if (def.key !== wanted.key) {
    throw new TreeError(`${operation}: the mask has structure ${def}, but the parameters have ${wanted}.`);
  }
  for (const leaf of leaves) {
    if (typeof leaf !== 'boolean')
      throw new CotangentError(`${operation}: the leaves of the mask must be booleans, but one is ${naming(leaf)}.`);
  }
  return (i) => leaves[i] === true;
}
