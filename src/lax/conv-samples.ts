/** Inputs of the generated tests of convolutions. */
import type { DType } from '../core/dtype.ts';
import type { Sample } from '../core/primitive.ts';
import { range, type Shape } from '../core/shape.ts';
import type { ConvParams } from './conv-shape.ts';

interface Case extends Partial<ConvParams> {
  readonly x: Shape;
  readonly w: Shape;
}

const nhwc = { lhsSpec: [0, 3, 1, 2], rhsSpec: [3, 2, 0, 1], outSpec: [0, 3, 1, 2] };

const cases: readonly Case[] = [
  { x: [2, 3, 7], w: [4, 3, 3] },
  {
    x: [2, 5, 6, 3],
    w: [3, 2, 3, 4],
    ...nhwc,
    padding: [
      [1, 1],
      [0, 1],
    ],
  },
  {
    x: [2, 3, 6, 5],
    w: [4, 3, 2, 3],
    windowStrides: [2, 1],
    padding: [
      [1, 0],
      [2, -1],
    ],
  },
  { x: [1, 4, 5, 2], w: [1, 1, 2, 3], ...nhwc, windowStrides: [1, 2] },
  {
    x: [2, 3, 4, 2],
    w: [2, 2, 2, 3],
    ...nhwc,
    lhsDilation: [2, 3],
    padding: [
      [1, 1],
      [1, 2],
    ],
  },
  { x: [1, 2, 7], w: [3, 2, 3], rhsDilation: [2], padding: [[3, 2]] },
  { x: [2, 4, 6], w: [6, 2, 3], featureGroupCount: 2 },
  {
    x: [2, 5, 5, 4],
    w: [3, 3, 1, 4],
    ...nhwc,
    featureGroupCount: 4,
    padding: [
      [1, 1],
      [1, 1],
    ],
  },
  { x: [1, 3, 4, 5], w: [6, 1, 2, 3], featureGroupCount: 3, windowStrides: [1, 2] },
  { x: [4, 2, 6], w: [4, 2, 3], batchGroupCount: 2 },
  {
    x: [3, 4, 5, 2],
    w: [3, 4, 2, 3],
    ...nhwc,
    batchGroupCount: 3,
    padding: [
      [1, 0],
      [1, 1],
    ],
  },
  {
    x: [1, 2, 3, 4, 4],
    w: [2, 2, 2, 2, 3],
    padding: [
      [1, 0],
      [0, 0],
      [1, 1],
    ],
  },
  { x: [3, 4], w: [5, 4] },
  { x: [2, 3, 2], w: [4, 3, 3] },
  { x: [0, 3, 5], w: [4, 3, 3] },
];

function sampleOf({ x, w, ...given }: Case, dtype: DType): Sample {
  const spatial = range(x.length - 2);
  const params: ConvParams = {
    lhsSpec: range(x.length),
    rhsSpec: range(x.length),
    outSpec: range(x.length),
    windowStrides: spatial.map(() => 1),
    padding: spatial.map(() => [0, 0] as const),
    lhsDilation: spatial.map(() => 1),
    rhsDilation: spatial.map(() => 1),
    featureGroupCount: 1,
    batchGroupCount: 1,
    ...given,
  };
  return { inputs: [x, w].map((shape) => ({ shape, dtype, low: -2, high: 2 })), params };
}

/** Every case in float64, the first ones in the other dtypes as well. */
export const convSamples = (): Sample[] => [
  ...cases.map((c) => sampleOf(c, 'float64')),
  ...(['float32', 'int32', 'uint32'] as const).flatMap((dtype) => cases.slice(0, 3).map((c) => sampleOf(c, dtype))),
  ...cases.slice(6, 11).map((c) => sampleOf(c, 'float32')),
];
