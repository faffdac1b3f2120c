/** Reading windows of an array at computed positions. */

import type { Linear } from '../../transforms/transpose.ts';
import type { ArrayLike } from '../array.ts';
import { allocate, dtypes } from '../core/dtype.ts';
import { checkChoice, checkIntegers, checkNumbers, optionsOf } from '../core/options.ts';
import { exact, type Primitive, primitive } from '../core/primitive.ts';
import type { Shape } from '../core/shape.ts';
import { bind1, type Value } from '../core/trace.ts';
import { toValue } from '../promote.ts';
import { convert } from './convert.ts';
import { zerosLike } from './creation.ts';
import { strengthen } from './movement.ts';
import { windowSamples } from './movement-samples.ts';
import { type ScatterParams, scatterP } from './scatter.ts';
import {
  checkWindows,
  defaultFill,
  forEachElement,
  type IndexMode,
  joinedIndices,
  joinedRows,
  type WindowMap,
  windowAccess,
  windowsShape,
} from './windows.ts';

export interface GatherParams extends WindowMap {
  readonly mode: IndexMode;
  /** What a window that does not fit is filled with, under mode 'fill'. */
  readonly fillValue: number;
}

/** The same correspondence of windows, as scatter names it. */
export const scatterParamsOf = (p: WindowMap & { mode: IndexMode }, uniqueIndices: boolean): ScatterParams => ({
  updateWindowDims: p.offsetDims,
  insertedWindowDims: p.collapsedSliceDims,
  scatterDimsToOperandDims: p.startIndexMap,
  operandBatchingDims: p.operandBatchingDims,
  scatterIndicesBatchingDims: p.startIndicesBatchingDims,
  mode: p.mode,
  uniqueIndices,
});

const up = (axes: readonly number[]): number[] => axes.map((axis) => axis + 1);

export const gatherP: Primitive<GatherParams> = primitive<GatherParams>({
  name: 'gather',
  type: ([x, ...columns], params) => {
    const indices = joinedIndices(columns);
    checkWindows('gather', x!, indices, params);
    return [x!.withShape(windowsShape(x!.shape, indices.shape, params)).strong()];
  },
  run: ([x, ...columns], params, [out]) => {
    const result = allocate(out!.dtype, out!.size);
    forEachElement(x!.aval.shape, joinedRows(columns), params, params.mode === 'fill', (to, from) => {
      result[to] = from < 0 ? params.fillValue : x!.data[from]!;
    });
    return [result];
  },
  accuracy: exact,
  jvp: ([x, indices], [dx], params) => [
    [bind1(gatherP, [x!, indices!], params)],
    [bind1(gatherP, [dx as Value, indices!], { ...params, fillValue: 0 })],
  ],
  transpose: ([ct], [x, indices], params) => [
    bind1(scatterP.add, [zerosLike((x as Linear).aval), indices as Value, ct as Value], scatterParamsOf(params, false)),
    undefined,
  ],
  batch: (size, [x, indices], [xBatched, indicesBatched], params) => {
    const operand = xBatched
      ? { collapsedSliceDims: up(params.collapsedSliceDims), startIndexMap: up(params.startIndexMap) }
      : {};
    const batching = {
      operandBatchingDims: xBatched ? up(params.operandBatchingDims) : params.operandBatchingDims,
      startIndicesBatchingDims: indicesBatched ? up(params.startIndicesBatchingDims) : params.startIndicesBatchingDims,
    };
    let lifted: GatherParams;
    if (xBatched && indicesBatched) {
      lifted = {
        ...params,
        ...operand,
        offsetDims: up(params.offsetDims),
        operandBatchingDims: [0, ...batching.operandBatchingDims],
        startIndicesBatchingDims: [0, ...batching.startIndicesBatchingDims],
        sliceSizes: [Math.min(1, size), ...params.sliceSizes],
      };
    } else if (xBatched) {
      // One set of positions for all lanes: the lane is an axis of every window.
      const offsetDims = [0, ...up(params.offsetDims)];
      lifted = { ...params, ...operand, ...batching, offsetDims, sliceSizes: [size, ...params.sliceSizes] };
    } else lifted = { ...params, ...batching, offsetDims: up(params.offsetDims) };
    return { outs: [bind1(gatherP, [x!, indices!], lifted)], batched: [true] };
  },
  lower: {
    kind: 'gather',
    access: (params, [x, ...columns]) => {
      const shapes = columns.map((column) => column.shape);
      return windowAccess(x!.shape, shapes, params, params.mode === 'fill' ? params.fillValue : undefined);
    },
  },
  samples: () =>
    windowSamples(dtypes, ({ shape, indices, values, map }, mode, dtype) => ({
      inputs: [
        { shape, dtype, low: -9, high: 9 },
        { shape: indices, dtype: 'int32', values },
      ],
      params: { ...map, mode, fillValue: defaultFill(dtype) } satisfies GatherParams,
    })),
});

export interface GatherOptions {
  readonly sliceSizes: Shape;
  readonly offsetDims: readonly number[];
  readonly collapsedSliceDims?: readonly number[];
  readonly startIndexMap: readonly number[];
  readonly operandBatchingDims?: readonly number[];
  readonly startIndicesBatchingDims?: readonly number[];
  /** 'fill' when left out. */
  readonly mode?: IndexMode;
  /** For mode 'fill'; NaN, −2³¹, 2³² − 1 or true when left out. */
  readonly fillValue?: number;
}

/**
 * Windows of `x` that start at the positions in the last axis of `indices`; XLA's gather.
 *
 * @example
 * // Rows 2, 0 of an f32[3,4]
 * gather(x, np.array([[2], [0]], { dtype: 'int32' }),
 *   { sliceSizes: [1, 4], offsetDims: [1], collapsedSliceDims: [0], startIndexMap: [0] });
 * @throws ShapeError when the dimension numbers do not fit the operands
 */
export function gather(x: ArrayLike, indices: ArrayLike, options: GatherOptions): Value {
  const value = strengthen(toValue(x, 'gather'));
  const starts = toValue(indices, 'gather');
  const lists = ['sliceSizes', 'offsetDims', 'startIndexMap'];
  const optionalLists = ['collapsedSliceDims', 'operandBatchingDims', 'startIndicesBatchingDims'];
  optionsOf('gather', options, [...lists, ...optionalLists, 'mode', 'fillValue'], lists);
  for (const name of [...lists, ...optionalLists]) {
    const list = options[name as 'offsetDims'];
    if (list !== undefined) checkIntegers('gather', `\`${name}\``, list);
  }
  if (options.mode !== undefined) checkChoice('gather', 'mode', options.mode, ['clip', 'fill', 'promise_in_bounds']);
  checkNumbers('gather', options, ['fillValue']);
  const params: GatherParams = {
    sliceSizes: options.sliceSizes,
    offsetDims: options.offsetDims,
    collapsedSliceDims: options.collapsedSliceDims ?? [],
    startIndexMap: options.startIndexMap,
    operandBatchingDims: options.operandBatchingDims ?? [],
    startIndicesBatchingDims: options.startIndicesBatchingDims ?? [],
    mode: options.mode ?? 'fill',
    fillValue: options.fillValue ?? defaultFill(value.aval.dtype),
  };
  return bind1(gatherP, [value, convert(starts, 'int32')], params);
}
