/** Slices whose position is computed: start indices are int32 scalars, clamped so that the slice lies inside. */
import type { Access } from '../../jit/lower-rule.ts';
import { isLinear, type Linear } from '../../transforms/transpose.ts';
import type { ShapedArray } from '../core/aval.ts';
import { DtypeError, ShapeError } from '../core/errors.ts';
import { exact, type HostArray, type Primitive, primitive } from '../core/primitive.ts';
import { range, type Shape, stridesOf } from '../core/shape.ts';
import { bind1, type Value } from '../core/trace.ts';
import { concatenate } from './concatenate.ts';
import { scalar, zerosLike } from './creation.ts';
import { type GatherParams, gatherP } from './gather.ts';
import { broadcastInDim, gatherStrided, reshape } from './movement.ts';
import { indexInputs, samplesOf } from './movement-samples.ts';
import { materialize, repeatLanes } from './rule-helpers.ts';
import { scatterP } from './scatter.ts';

interface DynamicSliceParams {
  readonly sliceSizes: Shape;
}

export const clamp = (start: number, room: number): number => Math.min(Math.max(start, 0), room);

/** Offset, in elements, of a window that starts at clamped indices. */
const windowOffset = (starts: readonly HostArray[], shape: Shape, window: Shape): number =>
  stridesOf(shape).reduce((sum, stride, i) => sum + clamp(starts[i]!.data[0]!, shape[i]! - window[i]!) * stride, 0);

export function checkStarts(operation: string, x: ShapedArray, starts: readonly ShapedArray[], window: Shape): void {
  if (starts.length !== x.ndim || starts.some((start) => start.ndim !== 0 || start.dtype !== 'int32')) {
    throw new ShapeError(
      `${operation}: ${x} needs ${x.ndim} int32 scalars to start at, but got (${starts.join(', ')}).`,
    );
  }
  if (window.length !== x.ndim || window.some((n, i) => n < 0 || n > x.shape[i]!)) {
    throw new ShapeError(`${operation}: a slice of shape [${window}] does not fit in ${x}.`);
  }
}

/** Where compiled code finds the elements of a window. Start indices are the operands from `first` on. */
const startAccess = (shape: Shape, window: Shape, first: number): Access => ({
  axes: everyAxis(shape.length),
  positions: window.map((n, axis) => ({
    axis,
    room: shape[axis]! - n,
    operand: first + axis,
    view: { offset: 0, strides: window.map(() => 0) },
  })),
});

const everyAxis = (rank: number) => range(rank);

/** Starts of every lane as rows of indices, and the gather that takes each lane's window there. */
function lanesOfStarts(size: number, starts: readonly Value[], batched: readonly boolean[]): Value {
  const columns = starts.map((start, i) => reshape(batched[i] ? start : broadcastInDim(start, [size], []), [size, 1]));
  return concatenate(columns, 1);
}

const windowGather = (rank: number, sliceSizes: Shape): GatherParams => ({
  offsetDims: everyAxis(rank),
  collapsedSliceDims: [],
  startIndexMap: everyAxis(rank),
  operandBatchingDims: [],
  startIndicesBatchingDims: [],
  sliceSizes,
  mode: 'clip',
  fillValue: 0,
});

const windows: readonly { shape: Shape; window: Shape; starts: readonly number[] }[] = [
  { shape: [0], window: [0], starts: [2] },
  { shape: [1], window: [1], starts: [-3] },
  { shape: [3], window: [2], starts: [1] },
  { shape: [4], window: [2], starts: [9] },
  { shape: [5], window: [0], starts: [1] },
  { shape: [17], window: [5], starts: [-2147483648] },
  { shape: [200], window: [150], starts: [2147483647] },
  { shape: [4, 5], window: [1, 5], starts: [2, 0] },
  { shape: [4, 5], window: [2, 3], starts: [3, 1] },
  { shape: [2, 1, 5], window: [2, 1, 2], starts: [0, 7, 2] },
];

export const dynamicSliceP: Primitive<DynamicSliceParams> = primitive<DynamicSliceParams>({
  name: 'dynamic_slice',
  type: ([x, ...starts], { sliceSizes }) => {
    checkStarts('dynamicSlice', x!, starts, sliceSizes);
    return [x!.withShape(sliceSizes)];
  },
  run: ([x, ...starts], { sliceSizes }) => {
    const { shape } = x!.aval;
    return [gatherStrided(x!, sliceSizes, stridesOf(shape), windowOffset(starts, shape, sliceSizes))];
  },
  accuracy: exact,
  jvp: ([x, ...starts], [dx], params) => [
    [bind1(dynamicSliceP, [x!, ...starts], params)],
    [bind1(dynamicSliceP, [dx as Value, ...starts], params)],
  ],
  transpose: ([ct], [x, ...starts]) => {
    const zeros = zerosLike((x as Linear).aval);
    return [bind1(dynamicUpdateSliceP, [zeros, ct as Value, ...(starts as Value[])])];
  },
  batch: (size, [x, ...starts], [xBatched, ...startsBatched], { sliceSizes }) => {
    if (startsBatched.includes(true)) {
      const indices = lanesOfStarts(size, starts, startsBatched);
      return gatherP.batch(size, [x!, indices], [xBatched!, true], windowGather(sliceSizes.length, sliceSizes));
    }
    const operands = [x!, scalar(0, 'int32'), ...starts];
    return { outs: [bind1(dynamicSliceP, operands, { sliceSizes: [size, ...sliceSizes] })], batched: [true] };
  },
  lower: { kind: 'gather', access: ({ sliceSizes }, [x]) => startAccess(x!.shape, sliceSizes, 1) },
  samples: () =>
    windows.flatMap(({ shape, window, starts }) =>
      samplesOf([shape], { sliceSizes: window }, { extra: indexInputs(starts) }),
    ),
});

/** Operand 0 with operand 1 written over the window at the start indices. */
export const dynamicUpdateSliceP: Primitive<object> = primitive<object>({
  name: 'dynamic_update_slice',
  type: ([x, update, ...starts]) => {
    if (update!.dtype !== x!.dtype) {
      throw new DtypeError(`dynamicUpdateSlice: cannot write ${update} into ${x}: the dtypes differ.`);
    }
    checkStarts('dynamicUpdateSlice', x!, starts, update!.shape);
    return [x!];
  },
  run: ([x, update, ...starts]) => {
    const { shape } = x!.aval;
    const out = x!.data.slice();
    const window = update!.aval.shape;
    // The update's elements in order, each to the place that a view of the window reads.
    const places = gatherStrided(
      { aval: x!.aval.withDType('int32'), data: Int32Array.from(out.keys()) },
      window,
      stridesOf(shape),
      windowOffset(starts, shape, window),
    );
    places.forEach((place, i) => {
      out[place] = update!.data[i]!;
    });
    return [out];
  },
  accuracy: exact,
  jvp: ([x, update, ...starts], [dx, du]) => [
    [bind1(dynamicUpdateSliceP, [x!, update!, ...starts])],
    [bind1(dynamicUpdateSliceP, [materialize(dx!), materialize(du!), ...starts])],
  ],
  transpose: ([ct], [x, update, ...starts]) => {
    const at = starts as Value[];
    const window = update!.aval;
    return [
      isLinear(x) ? bind1(dynamicUpdateSliceP, [ct as Value, zerosLike(window), ...at]) : undefined,
      isLinear(update) ? bind1(dynamicSliceP, [ct as Value, ...at], { sliceSizes: window.shape }) : undefined,
    ];
  },
  batch: (size, [x, update, ...starts], [xBatched, updateBatched, ...startsBatched]) => {
    const array = xBatched ? x! : repeatLanes(x!, size);
    const window = updateBatched ? update! : repeatLanes(update!, size);
    if (!startsBatched.includes(true)) {
      return { outs: [bind1(dynamicUpdateSliceP, [array, window, scalar(0, 'int32'), ...starts])], batched: [true] };
    }
    const rank = array.aval.ndim - 1;
    return scatterP.set.batch(size, [array, lanesOfStarts(size, starts, startsBatched), window], [true, true, true], {
      updateWindowDims: everyAxis(rank),
      insertedWindowDims: [],
      scatterDimsToOperandDims: everyAxis(rank),
      operandBatchingDims: [],
      scatterIndicesBatchingDims: [],
      mode: 'clip',
      uniqueIndices: true,
    });
  },
  lower: {
    kind: 'scatter',
    combine: 'set',
    access: (_, [x, update]) => ({
      ...startAccess(x!.shape, update!.shape, 2),
      updates: 1,
      windowAxes: everyAxis(x!.ndim),
    }),
  },
  samples: () =>
    windows.flatMap(({ shape, window, starts }) => samplesOf([shape, window], {}, { extra: indexInputs(starts) })),
});
