/** Inputs of the generated tests of folds over windows. */
import type { Sample } from '../core/primitive.ts';
import type { Shape } from '../core/shape.ts';
import type { ReduceWindowParams } from './reduce-window-shape.ts';

/** Every case in each dtype: all numbers, or floats alone. */
export function windowSamples(which: 'numeric' | 'floating'): Sample[] {
  const cases: readonly (readonly [Shape, Shape, Partial<ReduceWindowParams>])[] = [
    [[2, 6, 5, 3], [1, 2, 2, 1], { windowStrides: [1, 2, 2, 1] }],
    [
      [5, 6],
      [3, 2],
      {
        padding: [
          [1, 1],
          [0, 1],
        ],
      },
    ],
    [[], [], {}],
    [[17], [4], { windowStrides: [3] }],
    [[5], [3], { baseDilation: [2], windowDilation: [2], padding: [[2, -1]] }],
    [
      [4, 9],
      [2, 3],
      {
        windowDilation: [2, 3],
        padding: [
          [0, 1],
          [2, 0],
        ],
      },
    ],
    [
      [8, 9],
      [7, 8],
      {
        windowStrides: [1, 2],
        padding: [
          [1, 1],
          [0, 2],
        ],
      },
    ],
    [[9, 2, 8], [8, 1, 8], {}],
    [[2], [3], {}],
    [[2], [1], { padding: [[2, 2]] }],
    [[0, 3], [1, 2], {}],
  ];
  const dtypes =
    which === 'floating' ? (['float32', 'float64'] as const) : (['float32', 'float64', 'int32', 'uint32'] as const);
  return cases.flatMap(([shape, windowDimensions, given]) => {
    const params: ReduceWindowParams = {
      windowDimensions,
      windowStrides: shape.map(() => 1),
      padding: shape.map(() => [0, 0] as const),
      baseDilation: shape.map(() => 1),
      windowDilation: shape.map(() => 1),
      ...given,
    };
    return dtypes.map((dtype): Sample => ({ inputs: [{ shape, dtype, low: -30, high: 30 }], params }));
  });
}
