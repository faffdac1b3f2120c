/** Pooling over spatial axes, as Flax names it. */
import type { ArrayLike } from '../array.ts';
import { ShapeError } from '../core/errors.ts';
import { checkChoice, checkList, optionsOf } from '../core/options.ts';
import { checkShape, type Shape, sizeOf } from '../core/shape.ts';
import type { Value } from '../core/trace.ts';
import { div } from '../lax/arithmetic.ts';
import type { Padding } from '../lax/conv-dimensions.ts';
import { full } from '../lax/creation.ts';
import { reshape } from '../lax/movement.ts';
import { reduceWindow, type WindowComputation } from '../lax/reduce-window.ts';
import { toFloating, toValue } from '../promote.ts';

export interface PoolOptions {
  /** From window to window along each spatial axis; 1 when left out. */
  readonly strides?: Shape | null;
  /** Of the spatial axes; 'VALID' when left out. */
  readonly padding?: Padding;
}

export interface AvgPoolOptions extends PoolOptions {
  /** Whether the padding counts as zeros that are averaged over; true when left out. */
  readonly countIncludePad?: boolean;
}

function pool(
  operation: string,
  x: Value,
  init: number,
  computation: WindowComputation,
  window: Shape,
  given: PoolOptions,
): Value {
  const known = ['strides', 'padding', ...(operation === 'avgPool' ? ['countIncludePad'] : [])];
  const { strides, padding = 'VALID' } = optionsOf(operation, given, known);
  checkShape(window, operation);
  if (typeof padding === 'string') checkChoice(operation, 'padding', padding, ['SAME', 'SAME_LOWER', 'VALID']);
  else checkList(operation, '`padding`', padding);
  if (strides !== undefined && strides !== null) checkList(operation, '`strides`', strides);
  const { shape, ndim } = x.aval;
  const single = ndim === window.length + 1;
  if (ndim !== window.length + 2 && !single) {
    throw new ShapeError(
      `${operation}: windows of shape [${window}] need an input with a batch axis, ${window.length} spatial axes and a feature axis, but it is ${x.aval}.`,
    );
  }
  if (strides && strides.length !== window.length) {
    throw new ShapeError(`${operation}: strides [${strides}] do not fit windows of shape [${window}].`);
  }
  const out = reduceWindow(single ? reshape(x, [1, ...shape]) : x, init, computation, {
    windowDimensions: [1, ...window, 1],
    windowStrides: [1, ...(strides ?? window.map(() => 1)), 1],
    padding: typeof padding === 'string' ? padding : [[0, 0], ...padding, [0, 0]],
  });
  return single ? reshape(out, out.aval.shape.slice(1)) : out;
}

/**
 * The largest element of every window, for each feature. The input is `[batch, spatial…, features]`; the batch axis may
 * be missing.
 *
 * @example
 * maxPool(x, [2, 2], { strides: [2, 2] }); // f32[8,28,28,16] → f32[8,14,14,16]
 * @throws ShapeError when the windows do not fit the input
 */
export const maxPool = (x: ArrayLike, window: Shape, options: PoolOptions = {}): Value =>
  pool('maxPool', toValue(x, 'maxPool'), Number.NEGATIVE_INFINITY, 'max', window, options);

/**
 * The smallest element of every window, for each feature.
 *
 * @example
 * minPool(x, [2, 2], { strides: [2, 2] }); // f32[8,28,28,16] → f32[8,14,14,16]
 * @throws ShapeError when the windows do not fit the input
 */
export const minPool = (x: ArrayLike, window: Shape, options: PoolOptions = {}): Value =>
  pool('minPool', toValue(x, 'minPool'), Number.POSITIVE_INFINITY, 'min', window, options);

/**
 * The mean of every window, for each feature.
 *
 * @example
 * avgPool(x, [2, 2], { strides: [2, 2], padding: 'SAME' }); // f32[8,7,7,16] → f32[8,4,4,16]
 * @throws ShapeError when the windows do not fit the input
 */
export function avgPool(x: ArrayLike, window: Shape, options: AvgPoolOptions = {}): Value {
  const value = toFloating(x, 'avgPool');
  const total = pool('avgPool', value, 0, 'add', window, options);
  if (options.countIncludePad ?? true) return div(total, sizeOf(window));
  // How many elements each window holds is the same for all samples and features.
  const { shape, dtype, ndim } = value.aval;
  const lead = ndim === window.length + 1 ? 0 : 1;
  const ones = full(
    shape.map((n, axis) => (axis < lead || axis === ndim - 1 ? 1 : n)),
    1,
    dtype,
  );
  return div(total, pool('avgPool', ones, 0, 'add', window, options));
}
