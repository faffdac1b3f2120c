/** Hyperparameters as users write them, checked before anything is computed. */
import { type ArrayLike, NDArray } from '../array.ts';
import { CotangentError, DtypeError, ShapeError } from '../core/errors.ts';
import { naming } from '../core/options.ts';
import type { Value } from '../core/trace.ts';
import { convert } from '../lax/convert.ts';
import { toValue } from '../promote.ts';

/** A number, or a rank-0 array, which may be traced: then the update can be differentiated and vmapped in it. */
export type Scalar = NDArray | number;

/** Where the numbers of a hyperparameter may lie. Traced ones are taken on trust. */
export const ranges = {
  any: { holds: (_x: number): boolean => true, text: 'a number' },
  decay: { holds: (x: number): boolean => x >= 0 && x < 1, text: 'at least 0 and less than 1' },
  nonnegative: { holds: (x: number): boolean => x >= 0, text: 'at least 0' },
};

/**
 * A hyperparameter: a number in its range, or an array of rank 0.
 * @throws CotangentError, DtypeError or ShapeError that name it
 */
export function checkScalar(
  operation: string,
  name: string,
  x: unknown,
  range: { holds: (x: number) => boolean; text: string } = ranges.any,
): Scalar {
  if (x instanceof NDArray) {
    if (x.ndim > 0) throw new ShapeError(`${operation}: ${name} is ${x.describe()}, but must be a scalar.`);
    return x;
  }
  if (typeof x !== 'number') {
    throw new DtypeError(`${operation}: ${name} must be a number or a rank-0 array, but is ${naming(x)}.`);
  }
  if (Number.isNaN(x) || !range.holds(x))
    throw new CotangentError(`${operation}: ${name} is ${x}, but must be ${range.text}.`);
  return x;
}

/** A hyperparameter in the dtype of the leaf it meets, so that an update never changes the dtype of a state. */
export const like = (x: Scalar, leaf: Value): Scalar => (typeof x === 'number' ? x : convert(x, leaf.dtype));

/** A scalar in float64. */
export const wide = (x: ArrayLike, operation: string): Value => convert(toValue(x, operation), 'float64');
