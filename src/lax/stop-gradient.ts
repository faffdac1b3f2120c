/** A value without its derivative. */

import type { ArrayLike } from '../array.ts';
import { exact, type Primitive } from '../core/primitive.ts';
import { bind1, type Value } from '../core/trace.ts';
import { Zero } from '../core/zero.ts';
import { toValue } from '../promote.ts';
import { type Arrays, flatten, type TreeDef, unflatten } from '../tree.ts';
import { elementwise } from './family.ts';
import { samplesFor } from './samples.ts';

export const stopGradientP: Primitive = {
  ...elementwise('stop_gradient', 1, {
    domain: 'any',
    result: ([x]) => x!.dtype,
    run: ([x]) => x!,
    accuracy: exact,
    jvp: 'zero',
    transpose: (_, [x]) => [new Zero(x!.aval)],
    lower: (_, [x]) => x!,
    samples: () => samplesFor('any', [[-3, 3]]),
  }),
  // In a program it is nothing at all.
  lower: { kind: 'identity' },
};

/**
 * x, an array or a tree of arrays, treated as a constant by differentiation.
 *
 * @example
 * grad((x) => mul(stopGradient(x), x))(3); // 3
 */
export function stopGradient<T>(x: T): Arrays<T> {
  const { leaves, def } = flatten(x, 'stopGradient: the argument');
  return unflatten(
    def as TreeDef,
    leaves.map((leaf) => stop(toValue(leaf as ArrayLike, 'stopGradient'))),
  );
}

const stop = (x: Value): Value => (x.aval.isFloating && x.isTracer ? bind1(stopGradientP, [x]) : x);
