/** Overlapping windows of an array as axes of their own: what convolutions and pooling are computed from. */
import type { Linear } from '../../transforms/transpose.ts';
import type { ArrayLike } from '../array.ts';
import { ShapeError } from '../core/errors.ts';
import { exact, type Primitive, primitive, type Sample } from '../core/primitive.ts';
import { range, type Shape, sizeOf, stridesOf } from '../core/shape.ts';
import { bind1, type Value } from '../core/trace.ts';
import { Zero } from '../core/zero.ts';
import { toValue } from '../promote.ts';
import { add } from './arithmetic.ts';
import { scalar } from './creation.ts';
import { gatherStrided, reshape, strengthen } from './movement.ts';
import { samplesOf } from './movement-samples.ts';
import { pad } from './pad.ts';
import { slice } from './slicing.ts';

/** One entry an axis: length of a window, from window to window, and from element to element within a window. */
export interface WindowParams {
  readonly sizes: Shape;
  readonly strides: Shape;
  readonly dilations: Shape;
}

/** How many windows of `size` elements fit into `n`. */
export function windowCount(n: number, size: number, stride: number, dilation: number): number {
  const extent = size === 0 ? 0 : (size - 1) * dilation + 1;
  return n < extent ? 0 : Math.floor((n - extent) / stride) + 1;
}

const view = ({ strides, dilations }: WindowParams, shape: Shape) => {
  const own = stridesOf(shape);
  return {
    offset: 0,
    strides: [...own.map((step, axis) => step * strides[axis]!), ...own.map((step, axis) => step * dilations[axis]!)],
  };
};

/** Operand of rank r → [windows along each axis…, elements of a window along each axis…], of rank 2r. */
export const slidingWindowsP: Primitive<WindowParams> = primitive<WindowParams>({
  name: 'sliding_windows',
  type: ([x], { sizes, strides, dilations }) => {
    const lists = [sizes, strides, dilations];
    if (!lists.every((list) => list.length === x!.ndim && list.every((n) => Number.isInteger(n) && n > 0))) {
      throw new ShapeError(
        `slidingWindows: windows [${sizes}], strides [${strides}] and dilations [${dilations}] do not fit ${x}.`,
      );
    }
    const counts = x!.shape.map((n, axis) => windowCount(n, sizes[axis]!, strides[axis]!, dilations[axis]!));
    return [x!.withShape([...counts, ...sizes])];
  },
  run: ([x], params, [out]) => {
    const { offset, strides } = view(params, x!.aval.shape);
    return [gatherStrided(x!, out!.shape, strides, offset)];
  },
  accuracy: exact,
  jvp: ([x], [dx], params) => [[bind1(slidingWindowsP, [x!], params)], [bind1(slidingWindowsP, [dx as Value], params)]],
  transpose: ([ct], [x], params) => [overlapAdd(ct as Value, (x as Linear).aval.shape, params)],
  batch: (_size, [x], _, { sizes, strides, dilations }) => {
    const rank = sizes.length;
    const out = bind1(slidingWindowsP, [x!], {
      sizes: [1, ...sizes],
      strides: [1, ...strides],
      dilations: [1, ...dilations],
    });
    const { shape } = out.aval;
    return { outs: [reshape(out, [...shape.slice(0, rank + 1), ...shape.slice(rank + 2)])], batched: [true] };
  },
  lower: { kind: 'view', view: (params, input) => view(params, input.shape) },
  samples: windowSamples,
});

/** Position t of every window, for each t, put back where it was read. */
function overlapAdd(ct: Value, shape: Shape, { sizes, strides, dilations }: WindowParams): Value | Zero {
  const counts = ct.aval.shape.slice(0, shape.length);
  if (ct.aval.size === 0) return new Zero(ct.aval.withShape(shape));
  const zero = scalar(0, ct.aval.dtype);
  const parts = positionsOf(sizes).map((at) => {
    const taken = slice(ct, [...counts.map(() => 0), ...at], [...counts, ...at.map((i) => i + 1)]);
    const config = counts.map((n, axis) => {
      const low = at[axis]! * dilations[axis]!;
      return [low, shape[axis]! - low - ((n - 1) * strides[axis]! + 1), strides[axis]! - 1] as const;
    });
    return pad(reshape(taken, counts), zero, config);
  });
  return parts.reduce((a, b) => add(a, b));
}

/** Every position of a window of these lengths, in row-major order. */
export function positionsOf(sizes: Shape): number[][] {
  const steps = stridesOf(sizes);
  return range(sizeOf(sizes)).map((i) => sizes.map((n, axis) => Math.floor(i / steps[axis]!) % n));
}

function windowSamples(): Sample[] {
  const cases: readonly (readonly [Shape, WindowParams])[] = [
    [[], { sizes: [], strides: [], dilations: [] }],
    [[0], { sizes: [1], strides: [1], dilations: [1] }],
    [[2], { sizes: [3], strides: [1], dilations: [1] }],
    [[17], { sizes: [3], strides: [2], dilations: [4] }],
    [[5, 4], { sizes: [2, 3], strides: [1, 1], dilations: [1, 1] }],
    [[1, 6, 7], { sizes: [1, 3, 1], strides: [1, 1, 3], dilations: [1, 2, 1] }],
  ];
  return cases.flatMap(([shape, params]) => samplesOf([shape], params));
}

/** The windows of `x`: `[windows along each axis…, elements of a window along each axis…]`. */
export function slidingWindows(x: ArrayLike, params: WindowParams): Value {
  return bind1(slidingWindowsP, [strengthen(toValue(x, 'slidingWindows'))], params);
}
