/** What an optimizer is: a pure function from gradients and a state to updates and the next state. */

import type { NDArray } from '../array.ts';
import type { ComplexArray } from '../complex/complex-array.ts';
import { isFloating } from '../core/dtype.ts';
import { CotangentError, DtypeError, ShapeError, TreeError } from '../core/errors.ts';
import { naming } from '../core/options.ts';
import { sameShape } from '../core/shape.ts';
import { atUserLine } from '../core/source.ts';
import { currentTrace, type Value } from '../core/trace.ts';
import { add } from '../lax/arithmetic.ts';
import { lt, select } from '../lax/compare.ts';
import { convert } from '../lax/convert.ts';
import { scalar } from '../lax/creation.ts';
import { array } from '../numpy/array.ts';
import { type ArrayLikes, type Arrays, flatten, leafPaths, type TreeDef, unflatten } from '../tree.ts';

/**
 * An optimizer, or a part of one. Both functions are pure: they can be jitted, vmapped and differentiated, and states,
 * trees of plain objects and arrays, can be carried by `lax.scan` and donated.
 */
export interface GradientTransformation<State = any> {
  /** The state before the first update of `params`. */
  readonly init: <P>(params: P) => StateFor<State, P>;
  /**
   * `[updates, nextState]` from gradients, a tree like the parameters, and the state. Some transformations, such as
   * weight decay, need the parameters as well.
   */
  readonly update: <G>(
    gradients: G,
    state: NoInfer<StateFor<State, G>>,
    params?: NoInfer<ArrayLikes<Arrays<G>>>,
  ) => [updates: Arrays<G>, state: StateFor<State, G>];
}

declare const likeParams: unique symbol;

/** In the type of a state, what is a tree like the parameters: `AdamState<LikeParams>`. */
export interface LikeParams {
  readonly [likeParams]: true;
}

/** A state for parameters of type `P`. */
export type StateFor<S, P> = 0 extends 1 & S
  ? any
  : S extends LikeParams
    ? Arrays<P>
    : S extends NDArray | ComplexArray
      ? S
      : S extends object
        ? { [K in keyof S]: StateFor<S[K], P> }
        : S;

/** The state of a transformation that remembers nothing. */
export type EmptyState = Record<string, never>;

/** The state of a transformation, for parameters of type `P`. */
export type StateOf<T, P = any> = StateFor<KindOf<T>, P>;

type KindOf<T> = T extends GradientTransformation<infer S> ? S : never;

/** A tree with what error messages call it: `['the gradients', tree]`. */
export type NamedTree = readonly [name: string, tree: unknown];

interface Flat {
  readonly leaves: Value[];
  readonly def: TreeDef;
}

/** Leaves as strong floating arrays: numbers become float32 as everywhere they stand alone. */
function floatingLeaves(operation: string, [name, tree]: NamedTree): Flat {
  if (tree === undefined || tree === null) {
    throw new TreeError(`${operation}: ${name} are missing.`, { hint: missingHint(name) });
  }
  const { leaves, def } = flatten(tree, (path) => `${operation}: ${name}${path && ` at ${path}`}`);
  const values = leaves.map((leaf) => (typeof leaf === 'boolean' ? array(leaf) : array(leaf as number)));
  values.forEach((v, i) => {
    if (!isFloating(v.dtype)) {
      throw new DtypeError(
        `${operation}: ${name}${at(leafPaths(def)[i]!)} are ${v.aval}, but only floats are optimized.`,
      );
    }
  });
  return { leaves: values, def };
}

const at = (path: string): string => (path ? ` at \`${path.replace(/^\./, '')}\`` : '');

const missingHint = (name: string): string | undefined =>
  name === 'the parameters' ? 'call `update(gradients, state, params)`' : undefined;

/**
 * Applies `f` to corresponding leaves of trees like the first.
 * @throws TreeError when structures differ, ShapeError when shapes do
 */
export function mapLeaves(operation: string, f: (...leaves: any[]) => Value, ...trees: NamedTree[]): any {
  const [first, ...rest] = trees.map((tree) => floatingLeaves(operation, tree)) as [Flat, ...Flat[]];
  const [name] = trees[0]!;
  rest.forEach(({ def, leaves }, i) => {
    const other = trees[i + 1]![0];
    if (def.key !== first.def.key) {
      throw new TreeError(`${operation}: ${name} have structure ${first.def}, but ${other} have ${def}.`, {
        hint: other.startsWith('the moments') ? 'make the state with `init(params)` of the same parameters' : undefined,
      });
    }
    leaves.forEach((leaf, j) => {
      const mine = first.leaves[j]!;
      if (!sameShape(mine.shape, leaf.shape)) {
        const where = at(leafPaths(def)[j]!);
        throw new ShapeError(`${operation}: ${name}${where} are ${mine.aval}, but ${other} are ${leaf.aval}.`);
      }
    });
  });
  const mapped = atUserLine(currentTrace().records, () =>
    first.leaves.map((leaf, i) => f(leaf, ...rest.map((r) => r.leaves[i]))),
  );
  return unflatten(first.def, mapped);
}

/** The next moments, in the dtypes of the old ones, so that a loop can carry them. */
export const nextMoments = (
  operation: string,
  f: (gradient: Value, moment: Value) => Value,
  gradients: unknown,
  moments: unknown,
): any =>
  mapLeaves(
    operation,
    (g: Value, m: Value) => convert(f(g, m), m.dtype),
    ['the gradients', gradients],
    ['the moments in the state', moments],
  );

/** Zeros, or another constant, like the parameters. */
export const momentsLike = (operation: string, params: unknown, fill: (leaf: Value) => Value): any =>
  mapLeaves(operation, fill, ['the parameters', params]);

/** No steps taken: an int32 scalar. */
export const zeroCount = (): NDArray => array(0, { dtype: 'int32' });

const largest = 2 ** 31 - 1;

/** count + 1, but stays at the largest int32. */
export const increment = (count: Value): Value =>
  select(lt(count, scalar(largest, 'int32')), add(count, scalar(1, 'int32')), scalar(largest, 'int32'));

/**
 * A part of a state, or the reason why it is not there.
 * @throws TreeError when the state is not one that `init` of this transformation made
 */
export function part(operation: string, state: any, key: string): any {
  const value = state?.[key];
  if (value !== undefined) return value;
  throw new TreeError(`${operation}: the state has no \`${key}\`: it is ${naming(state)}.`, {
    hint: 'pass the state that `init(params)` or the last `update` returned',
  });
}

/** A transformation without memory, leaf by leaf. */
export function stateless(
  name: string,
  f: (gradient: Value) => Value,
  check: (params: unknown) => void = () => {},
): GradientTransformation<EmptyState> {
  return {
    init: (params) => {
      check(params);
      return {};
    },
    update: (gradients, state) => [mapLeaves(`${name}.update`, f, ['the gradients', gradients]), state],
  };
}

/** Leaves gradients as they are. */
export const identity = (): GradientTransformation<EmptyState> => ({
  init: () => ({}),
  update: (gradients, state) => [gradients as any, state],
});

/**
 * Transformations one after the other: each gets the updates of the one before it. The state is the list of their states.
 *
 * @example
 * const optimizer = chain(clipByGlobalNorm(1), adam(1e-3));
 */
export const chain = <T extends readonly GradientTransformation[]>(...parts: T): GradientTransformation<Kinds<T>> =>
  chainAs('chain', ...parts) as GradientTransformation<any>;

type Kinds<T extends readonly GradientTransformation[]> = { [K in keyof T]: KindOf<T[K]> };

/** `chain` inside an optimizer of that name. */
export function chainAs<T extends readonly GradientTransformation[]>(
  name: string,
  ...parts: T
): GradientTransformation<Kinds<T>> {
  if (parts.length === 0) throw new CotangentError('chain: needs at least one gradient transformation.');
  parts.forEach((p, i) => {
    if (typeof p?.init !== 'function' || typeof p.update !== 'function') {
      throw new CotangentError(`chain: argument ${i + 1} is ${naming(p)}, but must be a gradient transformation.`);
    }
  });
  const chained: GradientTransformation = {
    init: (params) => parts.map((p) => p.init(params)) as any,
    update: (gradients, state, params) => {
      if (!Array.isArray(state) || state.length !== parts.length) {
        const got = Array.isArray(state) ? `a list of ${state.length}` : naming(state);
        throw new TreeError(`${name}.update: the state must be a list of ${parts.length} states, but is ${got}.`, {
          hint: 'pass the state that `init(params)` or the last `update` returned',
        });
      }
      let updates: any = gradients;
      const next = parts.map((p, i) => {
        const [u, s] = p.update(updates, state[i], params);
        updates = u;
        return s;
      });
      return [updates, next as any];
    },
  };
  return chained;
}

/**
 * params + updates, in the dtypes of the parameters.
 *
 * @example
 * const [updates, next] = optimizer.update(grad(loss)(params, x), state, params);
 * params = applyUpdates(params, updates);
 * @throws TreeError when structures differ
 */
export function applyUpdates<P>(params: P, updates: unknown): Arrays<P> {
  return mapLeaves(
    'applyUpdates',
    (p: Value, u: Value) => convert(add(p, u), p.dtype),
    ['the parameters', params],
    ['the updates', updates],
  );
}
