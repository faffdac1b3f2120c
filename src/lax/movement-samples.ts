/** Inputs of generated tests that several primitives share. Imports types and the IR only, so that any module may use it. */
import { type DType, dtypes } from '../core/dtype.ts';
import type { Sample } from '../core/primitive.ts';
import type { Shape } from '../core/shape.ts';
import type { WindowMap } from './windows.ts';

/** One sample a dtype: operands of these shapes. */
export const samplesOf = (
  shapes: readonly Shape[],
  params: object,
  { on = dtypes, extra = [] }: { on?: readonly DType[]; extra?: Sample['inputs'] } = {},
): Sample[] =>
  on.map((dtype) => ({ inputs: [...shapes.map((shape) => ({ shape, dtype, low: -9, high: 9 })), ...extra], params }));

/** Rank-0 int32 operands of these values. */
export const indexInputs = (values: readonly number[]): Sample['inputs'] =>
  values.map((value) => ({ shape: [], dtype: 'int32' as const, values: [value] }));

interface WindowCase {
  readonly shape: Shape;
  readonly indices: Shape;
  readonly values: readonly number[];
  readonly map: Omit<WindowMap, 'operandBatchingDims' | 'startIndicesBatchingDims'> & Partial<WindowMap>;
}

/** A sample for each case, mode and dtype. */
export const windowSamples = (
  on: readonly DType[],
  sample: (
    windows: Omit<WindowCase, 'map'> & { readonly map: WindowMap },
    mode: 'clip' | 'fill' | 'promise_in_bounds',
    dtype: DType,
  ) => Sample,
): Sample[] =>
  windowCases.flatMap(({ map, ...rest }) =>
    (['clip', 'fill', 'promise_in_bounds'] as const).flatMap((mode) =>
      on.map((dtype) =>
        sample({ ...rest, map: { operandBatchingDims: [], startIndicesBatchingDims: [], ...map } }, mode, dtype),
      ),
    ),
  );

/** Windows of arrays: rows with indices inside and outside, repeated ones, several axes, batching axes, no rows. */
const windowCases: readonly WindowCase[] = [
  ...[1, 3, 4, 5, 17].map((n) => ({
    shape: [n],
    indices: [5, 1],
    values: [0, n - 1, 1, n, -1],
    map: { offsetDims: [], collapsedSliceDims: [0], startIndexMap: [0], sliceSizes: [1] },
  })),
  {
    shape: [4],
    indices: [0, 1],
    values: [],
    map: { offsetDims: [], collapsedSliceDims: [0], startIndexMap: [0], sliceSizes: [1] },
  },
  {
    shape: [4, 5],
    indices: [3, 1],
    values: [1, 7, 3],
    map: { offsetDims: [1], collapsedSliceDims: [0], startIndexMap: [0], sliceSizes: [1, 5] },
  },
  {
    shape: [4, 5],
    indices: [3, 1],
    values: [1, -7, 3],
    map: { offsetDims: [0], collapsedSliceDims: [1], startIndexMap: [1], sliceSizes: [4, 1] },
  },
  {
    shape: [4, 5],
    indices: [2, 2, 2],
    values: [0, 0, 1, 3, 2, 1, 9, 9],
    map: { offsetDims: [0, 2], collapsedSliceDims: [], startIndexMap: [0, 1], sliceSizes: [2, 3] },
  },
  {
    shape: [3, 4, 5],
    indices: [3, 2, 1],
    values: [0, 1, 2, 3, 4, -1],
    map: {
      offsetDims: [2],
      collapsedSliceDims: [1],
      startIndexMap: [1],
      operandBatchingDims: [0],
      startIndicesBatchingDims: [0],
      sliceSizes: [1, 1, 5],
    },
  },
  {
    shape: [2, 3],
    indices: [2],
    values: [1, 2],
    map: { offsetDims: [], collapsedSliceDims: [0, 1], startIndexMap: [0, 1], sliceSizes: [1, 1] },
  },
  {
    shape: [],
    indices: [0],
    values: [],
    map: { offsetDims: [], collapsedSliceDims: [], startIndexMap: [], sliceSizes: [] },
  },
];
