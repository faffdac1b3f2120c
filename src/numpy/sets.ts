/** Arrays as sets of their elements. */
import type { ArrayLike, NDArray } from '../array.ts';
import { checkChoice, optionsOf } from '../core/options.ts';
import { recorded } from '../core/recorded.ts';
import type { Value } from '../core/trace.ts';
import { eq, ne } from '../lax/compare.ts';
import { full } from '../lax/creation.ts';
import { sort } from '../lax/sort.ts';
import { promoteDTypes } from '../promote.ts';
import { fromData, strong } from './array.ts';
import { take, unique } from './indexing.ts';
import { concatenate } from './joining.ts';
import { searchsorted } from './search.ts';
import { operand, ravel } from './shape.ts';

/**
 * Which elements of `x` are among those of `test`; with `invert`, which are not.
 *
 * @example
 * np.isin(np.array([1, 2, 3]), np.array([3, 1])); // [ True False True]
 */
export const isin: (x: ArrayLike, test: ArrayLike, given?: { invert?: boolean }) => NDArray = recorded(
  (x, test, given = {}) => {
    const { invert = false } = optionsOf('isin', given, ['invert']);
    checkChoice('isin', '`invert`', invert, [true, false]);
    const [a, b] = promoteDTypes('isin', [operand(x, 'isin'), operand(test, 'isin')]).map(strong) as [Value, Value];
    if (b.size === 0) return full(a.shape, invert ? 1 : 0, 'bool');
    const known = sort(ravel(b), { axis: 0 });
    const nearest = take(known, searchsorted(known, a), { mode: 'clip' });
    return invert ? ne(nearest, a) : eq(nearest, a);
  },
);

/** The distinct elements of both, in order. Concrete arrays only. */
export const union1d = (x: ArrayLike, y: ArrayLike): NDArray =>
  unique(concatenate([ravel(operand(x, 'union1d')), ravel(operand(y, 'union1d'))]));

/** The distinct elements of x that are in y, in order. Concrete arrays only. */
export const intersect1d = (x: ArrayLike, y: ArrayLike): NDArray => chosen('intersect1d', x, y, true);
/** The distinct elements of x that are not in y, in order. Concrete arrays only. */
export const setdiff1d = (x: ArrayLike, y: ArrayLike): NDArray => chosen('setdiff1d', x, y, false);

function chosen(operation: string, x: ArrayLike, y: ArrayLike, isInside: boolean): NDArray {
  const [a, b] = promoteDTypes(operation, [operand(x, operation), operand(y, operation)]) as [Value, Value];
  const distinct = unique(a);
  const inside = isin(distinct, b).data();
  const kept = distinct.data().filter((_, i) => (inside[i] === 1) === isInside);
  return fromData(kept, [kept.length], distinct.dtype);
}
