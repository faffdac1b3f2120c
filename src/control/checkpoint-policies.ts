/** Which intermediate values of a checkpointed function reverse mode keeps: JAX's `checkpoint_policies`. */

import type { ShapedArray } from '../core/aval.ts';
import { TraceError } from '../core/errors.ts';
import { naming } from '../core/options.ts';
import { exact, type Params, type Primitive, primitive } from '../core/primitive.ts';
import { bind1, type Value } from '../core/trace.ts';
import { toValue } from '../promote.ts';
import { type Arrays, flatten, map } from '../tree.ts';

/** Whether the results of an operation on values of these types are kept, rather than computed again. */
export type CheckpointPolicy = (primitive: Primitive, inputs: readonly ShapedArray[], params: Params) => boolean;

/** A value with a name for policies to know it by. */
export const nameP: Primitive<{ readonly name: string }> = primitive<{ readonly name: string }>({
  name: 'name',
  type: ([aval]) => [aval!],
  run: ([x]) => [x!.data.slice()],
  accuracy: exact,
  jvp: ([x], [dx], params) => [[bind1(nameP, [x!], params)], [dx!]],
  transpose: (cotangents) => cotangents,
  batch: (_size, args, batched, params) => ({ outs: [bind1(nameP, args, params)], batched }),
  lower: { kind: 'identity' },
});

/**
 * Names the arrays of a tree for `saveOnlyTheseNames` and its like; otherwise the identity.
 *
 * @example
 * checkpoint((x) => np.sin(checkpointName(np.exp(x), 'exp')), { policy: checkpointPolicies.saveOnlyTheseNames('exp') });
 */
export function checkpointName<T>(x: T, name: string): Arrays<T> {
  checkNames('checkpointName', [name]);
  flatten(x, 'checkpointName: the first argument');
  return map((leaf) => bind1(nameP, [toValue(leaf, 'checkpointName')], { name }) as Value, x) as Arrays<T>;
}

function checkNames(operation: string, names: readonly unknown[]): void {
  if (names.length === 0) throw new TraceError(`${operation}: needs at least one name.`);
  for (const name of names)
    if (typeof name !== 'string')
      throw new TraceError(`${operation}: a name must be a string, but it is ${naming(name)}.`);
}

const isDot: CheckpointPolicy = ({ name }) => name === 'dot_general' || name === 'conv_general_dilated';

const isPlainDot: CheckpointPolicy = ({ name }, _, params) =>
  name === 'dot_general' && (params as { lhsBatch: readonly number[] }).lhsBatch.length === 0;

const nameOf = (p: Primitive, params: Params): string | undefined =>
  p === nameP ? (params as { name: string }).name : undefined;

/** Policies for `checkpoint`. */
export const checkpointPolicies: {
  /** Nothing is computed again: as without `checkpoint`. */
  readonly everythingSaveable: CheckpointPolicy;
  /** Everything is computed again from the arguments. */
  readonly nothingSaveable: CheckpointPolicy;
  /** Keeps matrix products and convolutions. */
  readonly dotsSaveable: CheckpointPolicy;
  /** Keeps matrix products without batch dimensions: those with weights, not those of attention. */
  readonly dotsWithNoBatchDimsSaveable: CheckpointPolicy;
  /** Keeps what `checkpointName` gave one of these names. */
  readonly saveOnlyTheseNames: (...names: string[]) => CheckpointPolicy;
  /** Keeps what has a name, but for these. */
  readonly saveAnyNamesButThese: (...names: string[]) => CheckpointPolicy;
  /** Keeps everything, but what has one of these names. What that is computed from may be kept. */
  readonly saveAnythingExceptTheseNames: (...names: string[]) => CheckpointPolicy;
  /** Keeps what one of the two would. */
  readonly saveFromBothPolicies: (a: CheckpointPolicy, b: CheckpointPolicy) => CheckpointPolicy;
} = {
  everythingSaveable: () => true,
  nothingSaveable: () => false,
  dotsSaveable: isDot,
  dotsWithNoBatchDimsSaveable: isPlainDot,
  saveOnlyTheseNames: (...names) => {
    checkNames('saveOnlyTheseNames', names);
    return (p, _, params) => {
      const name = nameOf(p, params);
      return name !== undefined && names.includes(name);
    };
  },
  saveAnyNamesButThese: (...names) => {
    checkNames('saveAnyNamesButThese', names);
    return (p, _, params) => {
      const name = nameOf(p, params);
      return name !== undefined && !names.includes(name);
    };
  },
  saveAnythingExceptTheseNames: (...names) => {
    checkNames('saveAnythingExceptTheseNames', names);
    return (p, _, params) => {
      const name = nameOf(p, params);
      return name === undefined || !names.includes(name);
    };
  },
  saveFromBothPolicies: (a, b) => {
    for (const policy of [a, b])
      if (typeof policy !== 'function')
        throw new TraceError(`saveFromBothPolicies: a policy must be a function, but it is ${naming(policy)}.`);
    return (p, inputs, params) => a(p, inputs, params) || b(p, inputs, params);
  },
};
