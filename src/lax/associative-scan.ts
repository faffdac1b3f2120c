/** Running combinations by halving. */
import type { Value } from '../core/trace.ts';
import { add } from './arithmetic.ts';
import { concatenate, pad, reverse as reverseAxes, slice } from './slicing.ts';

export type Combine = (earlier: readonly Value[], later: readonly Value[]) => readonly Value[];

/**
 * Element k of the result combines elements 0 … k along `axis`, for arrays that are combined together, all of one
 * length along it. `combine` must be associative and work element by element. Neighbours are combined into half as many
 * elements, these are scanned, and the gaps filled: O(n) work in O(log n) operations (Blelloch, Prefix sums and their
 * applications, 1990), each of which can be differentiated.
 */
export function associativeScan(combine: Combine, xs: readonly Value[], axis: number, reverse = false): Value[] {
  if (!reverse) return scan(combine, xs, axis);
  const flip = (values: readonly Value[]): Value[] => values.map((x) => reverseAxes(x, [axis]));
  return flip(scan(combine, flip(xs), axis));
}

function scan(combine: Combine, xs: readonly Value[], axis: number): Value[] {
  const n = xs[0]!.aval.shape[axis]!;
  if (n < 2) return [...xs];
  const take = (values: readonly Value[], from: number, to: number, stride = 1): Value[] =>
    values.map((x) => {
      const along = (value: number, other: (length: number) => number): number[] =>
        x.aval.shape.map((length, i) => (i === axis ? value : other(length)));
      return slice(
        x,
        along(from, () => 0),
        along(to, (length) => length),
        along(stride, () => 1),
      );
    });
  const pairs = combine(take(xs, 0, n - 1, 2), take(xs, 1, n, 2));
  const odd = scan(combine, pairs, axis);
  const first = take(xs, 0, 1);
  const rest = n > 2 ? combine(take(odd, 0, Math.ceil(n / 2) - 1), take(xs, 2, n, 2)) : undefined;
  return odd.map((oddElements, i) => {
    const even = rest ? concatenate([first[i]!, rest[i]!], axis) : first[i]!;
    return interleave(even, oddElements, axis);
  });
}

/** Elements of `even` at 0, 2, 4, … and of `odd` at 1, 3, …; `even` may be longer by one. */
function interleave(even: Value, odd: Value, axis: number): Value {
  const [m, k] = [even.aval.shape[axis]!, odd.aval.shape[axis]!];
  const spread = (x: Value, low: number, high: number): Value =>
    pad(
      x,
      0,
      x.aval.shape.map((_, i) => (i === axis ? ([low, high, 1] as const) : ([0, 0, 0] as const))),
    );
  return add(spread(even, 0, m === k ? 1 : 0), spread(odd, 1, m === k ? 0 : 1));
}
