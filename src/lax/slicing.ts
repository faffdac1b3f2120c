/** Parts of arrays: slices with strides, reversal; and the other operations on parts, re-exported. */

import { isLinear, type Linear } from '../../transforms/transpose.ts';
import type { ArrayLike } from '../array.ts';
import { ShapeError } from '../core/errors.ts';
import { checkList, naming } from '../core/options.ts';
import { exact, type Primitive, primitive, sharedParamsByKey } from '../core/primitive.ts';
import { checkShape, normalizeAxis, range, type Shape, stridesOf } from '../core/shape.ts';
import { bind1, type Value } from '../core/trace.ts';
import { Zero } from '../core/zero.ts';
import { toValue } from '../promote.ts';
import { scalar } from './creation.ts';
import { gatherStrided, reshape } from './movement.ts';
import { samplesOf } from './movement-samples.ts';
import { pad } from './pad.ts';

export { concatenate, concatenateP } from './concatenate.ts';
export {
  dynamicIndexInDim,
  dynamicSlice,
  dynamicSliceInDim,
  dynamicUpdateIndexInDim,
  dynamicUpdateSlice,
  dynamicUpdateSliceInDim,
} from './dynamic-indexing.ts';
export { dynamicSliceP, dynamicUpdateSliceP } from './dynamic-slice.ts';
export { type PaddingConfig, pad, padP } from './pad.ts';

export interface SliceParams {
  readonly starts: readonly number[];
  readonly limits: readonly number[];
  readonly strides: readonly number[];
}

const sliceParams = sharedParamsByKey<SliceParams>();

/** What `sliceP` needs, made once for equal numbers. */
export const sliceParamsOf = (starts: Shape, limits: Shape, strides: Shape): SliceParams =>
  sliceParams(`${starts}|${limits}|${strides}`, () => ({
    starts: [...starts],
    limits: [...limits],
    strides: [...strides],
  }));
const reverseParams = sharedParamsByKey<{ readonly axes: readonly number[] }>();

const slicedLength = (start: number, limit: number, stride: number): number =>
  Math.max(0, Math.ceil((limit - start) / stride));

const sliceView = ({ starts, strides }: SliceParams, shape: Shape) => {
  const steps = stridesOf(shape);
  return {
    offset: starts.reduce((sum, start, axis) => sum + start * steps[axis]!, 0),
    strides: steps.map((step, axis) => step * strides[axis]!),
  };
};

export const sliceP: Primitive<SliceParams> = primitive<SliceParams>({
  name: 'slice',
  type: ([x], { starts, limits, strides }) => {
    const fits =
      [starts, limits, strides].every((list) => list.length === x!.ndim && list.every(Number.isInteger)) &&
      x!.shape.every((n, i) => 0 <= starts[i]! && starts[i]! <= limits[i]! && limits[i]! <= n && strides[i]! > 0);
    if (!fits) {
      throw new ShapeError(`slice: starts [${starts}], limits [${limits}] and strides [${strides}] do not fit ${x}.`);
    }
    return [x!.withShape(x!.shape.map((_, i) => slicedLength(starts[i]!, limits[i]!, strides[i]!)))];
  },
  run: ([x], params, [out]) => {
    const { offset, strides } = sliceView(params, x!.aval.shape);
    return [gatherStrided(x!, out!.shape, strides, offset)];
  },
  accuracy: exact,
  jvp: ([x], [dx], params) => [[bind1(sliceP, [x!], params)], [bind1(sliceP, [dx as Value], params)]],
  transpose: ([ct], [x], { starts, strides }) => {
    const { aval } = x as Linear;
    const taken = (ct as Value).aval.shape;
    if (taken.includes(0)) return [new Zero(aval)];
    const config = taken.map((n, i) => {
      const low = starts[i]!;
      return [low, aval.shape[i]! - low - ((n - 1) * strides[i]! + 1), strides[i]! - 1] as const;
    });
    return [pad(ct as Value, scalar(0, aval.dtype), config)];
  },
  batch: (size, [x], _, { starts, limits, strides }) => ({
    outs: [bind1(sliceP, [x!], { starts: [0, ...starts], limits: [size, ...limits], strides: [1, ...strides] })],
    batched: [true],
  }),
  lower: { kind: 'view', view: (params, input) => sliceView(params, input.shape) },
  samples: () => [
    ...samplesOf([[]], { starts: [], limits: [], strides: [] }),
    ...samplesOf([[0]], { starts: [0], limits: [0], strides: [1] }),
    ...samplesOf([[17]], { starts: [2], limits: [16], strides: [3] }),
    ...samplesOf([[5]], { starts: [3], limits: [3], strides: [2] }),
    ...samplesOf([[4, 5]], { starts: [1, 0], limits: [4, 5], strides: [1, 1] }),
    ...samplesOf([[4, 5, 3]], { starts: [0, 1, 1], limits: [4, 5, 3], strides: [2, 2, 1] }),
    ...samplesOf([[1, 4]], { starts: [0, 3], limits: [1, 4], strides: [5, 5] }),
  ],
});

/**
 * The elements from `starts` up to but not including `limits`, every `strides`-th along each axis.
 *
 * @example
 * slice(x, [0, 2], [4, 10], [1, 2]); // f32[4,10] → f32[4,4]
 * @throws ShapeError unless 0 ≤ start ≤ limit ≤ length and stride ≥ 1 on every axis
 */
export function slice(x: ArrayLike, starts: Shape, limits: Shape, strides?: Shape): Value {
  const value = toValue(x, 'slice');
  for (const part of [starts, limits, strides]) if (part && !Array.isArray(part)) checkShape(part, 'slice');
  const steps = strides ?? starts.map(() => 1);
  const { shape } = value.aval;
  const whole =
    starts.length === shape.length &&
    limits.length === shape.length &&
    shape.every((n, i) => starts[i] === 0 && limits[i] === n && steps[i] === 1);
  if (whole) return value;
  return bind1(sliceP, [value], sliceParamsOf(starts, limits, steps));
}

/** A slice along one axis; `start`, `limit` and `axis` may be negative, and count from the end then. */
export function sliceInDim(x: ArrayLike, start: number, limit?: number | null, stride = 1, axis = 0): Value {
  const value = toValue(x, 'sliceInDim');
  for (const n of [start, limit ?? 0, stride])
    if (!Number.isInteger(n))
      throw new ShapeError(`sliceInDim: start, limit and stride must be integers, but one is ${naming(n)}.`);
  const { shape, ndim } = value.aval;
  const along = normalizeAxis(axis, ndim);
  if (along === undefined) throw new ShapeError(`sliceInDim: axis ${axis} is out of range for ${value.aval}.`);
  const n = shape[along]!;
  const fromFront = (i: number) => (i < 0 ? i + n : i);
  const starts = shape.map((_, i) => (i === along ? fromFront(start) : 0));
  const limits = shape.map((m, i) => (i === along ? fromFront(limit ?? n) : m));
  return slice(
    value,
    starts,
    limits,
    shape.map((_, i) => (i === along ? stride : 1)),
  );
}

/** The element (`keepdims` false) or the slice of length 1 at `index` along `axis`. */
export function indexInDim(x: ArrayLike, index: number, axis = 0, keepdims = true): Value {
  const value = toValue(x, 'indexInDim');
  const along = normalizeAxis(axis, value.aval.ndim);
  const n = value.aval.shape[along ?? 0];
  if (along === undefined || n === undefined) {
    throw new ShapeError(`indexInDim: axis ${axis} is out of range for ${value.aval}.`);
  }
  if (!Number.isInteger(index))
    throw new ShapeError(`indexInDim: the index must be an integer, but it is ${naming(index)}.`);
  const at = index < 0 ? index + n : index;
  if (at < 0 || at >= n)
    throw new ShapeError(`indexInDim: index ${index} is out of range for axis ${axis} of ${value.aval}.`);
  const taken = sliceInDim(value, at, at + 1, 1, along);
  return keepdims ? taken : squeeze(taken, [along]);
}

interface ReverseParams {
  readonly axes: readonly number[];
}

const reverseView = ({ axes }: ReverseParams, shape: Shape) => {
  const steps = stridesOf(shape);
  return {
    offset: axes.reduce((sum, axis) => sum + Math.max(0, shape[axis]! - 1) * steps[axis]!, 0),
    strides: steps.map((step, axis) => (axes.includes(axis) ? -step : step)),
  };
};

export const reverseP: Primitive<ReverseParams> = primitive<ReverseParams>({
  name: 'rev',
  type: ([x]) => [x!],
  run: ([x], params) => {
    const { offset, strides } = reverseView(params, x!.aval.shape);
    return [gatherStrided(x!, x!.aval.shape, strides, offset)];
  },
  accuracy: exact,
  jvp: ([x], [dx], params) => [[bind1(reverseP, [x!], params)], [bind1(reverseP, [dx as Value], params)]],
  transpose: ([ct], [x], params) => [isLinear(x) ? bind1(reverseP, [ct as Value], params) : undefined],
  batch: (_size, [x], _, { axes }) => ({
    outs: [bind1(reverseP, [x!], { axes: axes.map((axis) => axis + 1) })],
    batched: [true],
  }),
  lower: { kind: 'view', view: (params, input) => reverseView(params, input.shape) },
  samples: () => [
    ...samplesOf([[0]], { axes: [0] }),
    ...samplesOf([[1]], { axes: [0] }),
    ...samplesOf([[17]], { axes: [0] }),
    ...samplesOf([[4, 5]], { axes: [1] }),
    ...samplesOf([[2, 3, 4]], { axes: [0, 2] }),
  ],
});

/**
 * The elements in the opposite order along the given axes.
 * @throws ShapeError when an axis is out of range or named twice
 */
export function reverse(x: ArrayLike, axes: readonly number[]): Value {
  const value = toValue(x, 'reverse');
  checkList('reverse', 'the list of axes', axes);
  const normal = axes.map((axis) => {
    const along = normalizeAxis(axis, value.aval.ndim);
    if (along === undefined) throw new ShapeError(`reverse: axis ${axis} is out of range for ${value.aval}.`);
    return along;
  });
  if (new Set(normal).size !== normal.length) throw new ShapeError(`reverse: axes [${axes}] name an axis twice.`);
  const moved = normal.filter((axis) => value.aval.shape[axis]! > 1);
  if (moved.length === 0) return value;
  const along = moved.sort((a, b) => a - b);
  return bind1(
    reverseP,
    [value],
    reverseParams(String(along), () => ({ axes: along })),
  );
}

/**
 * `x` without the given axes, all of length 1.
 * @throws ShapeError when one is not of length 1
 */
export function squeeze(x: ArrayLike, axes: readonly number[]): Value {
  const value = toValue(x, 'squeeze');
  checkList('squeeze', 'the list of axes', axes);
  const normal = axes.map((axis) => normalizeAxis(axis, value.aval.ndim));
  const wrong = normal.findIndex((axis) => axis === undefined || value.aval.shape[axis] !== 1);
  if (wrong >= 0) throw new ShapeError(`squeeze: axis ${axes[wrong]} of ${value.aval} is not of length 1.`);
  return reshape(
    value,
    value.aval.shape.filter((_, axis) => !normal.includes(axis)),
  );
}

/** `x` with new axes of length 1 at these positions of the result. */
export function expandDims(x: ArrayLike, axes: readonly number[]): Value {
  const value = toValue(x, 'expandDims');
  checkList('expandDims', 'the list of axes', axes);
  const rank = value.aval.ndim + axes.length;
  const normal = axes.map((axis) => normalizeAxis(axis, rank));
  if (normal.includes(undefined) || new Set(normal).size !== axes.length) {
    throw new ShapeError(`expandDims: axes [${axes}] are not valid for ${value.aval}.`);
  }
  let next = 0;
  return reshape(
    value,
    range(rank).map((axis) => (normal.includes(axis) ? 1 : value.aval.shape[next++]!)),
  );
}
