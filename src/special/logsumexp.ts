/** Sums of exponentials. */
import type { ArrayLike, NDArray } from '../array.ts';
import { optionsOf } from '../core/options.ts';
import { recorded } from '../core/recorded.ts';
import type { Value } from '../core/trace.ts';
import { abs, add, mul, sub } from '../lax/arithmetic.ts';
import { lt, select } from '../lax/compare.ts';
import { reshape } from '../lax/movement.ts';
import { type ReduceOptions, reduceAxes, reduceMax, sum } from '../lax/reductions.ts';
import { stopGradient } from '../lax/stop-gradient.ts';
import * as lax from '../lax/transcendental.ts';
import { promote, toFloating } from '../promote.ts';

export interface LogSumExpOptions extends ReduceOptions {
  /** Factors of the exponentials. */
  b?: ArrayLike;
}

/**
 * log Σ b·eˣ over axes, without overflow: the largest element is taken out first. That shift cancels, so derivatives
 * do not pass through it.
 */
export const logsumexp: (x: ArrayLike, given?: LogSumExpOptions) => NDArray = recorded((x, given = {}) => {
  const { axis, keepdims, b } = optionsOf('logsumexp', given, ['axis', 'keepdims', 'b']);
  let value = toFloating(x, 'logsumexp');
  let factor: Value | undefined;
  if (b !== undefined) [value, factor] = promote('logsumexp', [value, b]) as [Value, Value];
  const axes = reduceAxes('logsumexp', value, axis);
  const largest = stopGradient(reduceMax(value, { axis: axes, keepdims: true }));
  const shift = select(lt(abs(largest), Number.POSITIVE_INFINITY), largest, 0);
  const terms = lax.exp(sub(value, shift));
  const total = lax.log(sum(factor ? mul(terms, factor) : terms, { axis: axes, keepdims: true }));
  const result = add(total, shift);
  return keepdims
    ? result
    : reshape(
        result,
        result.shape.filter((_, i) => !axes.includes(i)),
      );
});
