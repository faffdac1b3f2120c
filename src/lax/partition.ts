/** Partitioning along an axis: what is smaller than the element at one position of the sorted order, then what is larger. */
import { partitionCalls } from '../../jit/runtime/sort-calls.ts';
import type { ArrayLike } from '../array.ts';
import { shapedArray } from '../core/aval.ts';
import { allocate, dtypes } from '../core/dtype.ts';
import { exact, type HostArray, type Primitive, primitive, type Sample, sharedParamsByKey } from '../core/primitive.ts';
import { range, type Shape } from '../core/shape.ts';
import { bind1, type Value } from '../core/trace.ts';
import { isZero, Zero } from '../core/zero.ts';
import { toValue } from '../promote.ts';
import { axisOf, forEachRow, rowsOf } from './along-axis.ts';
import { strengthen } from './movement.ts';
import { permute } from './permute.ts';
import { compareNumbers } from './sort.ts';

interface PartitionParams {
  readonly dimension: number;
  /** From 0 to one below the length of the axis. */
  readonly kth: number;
}

const sharedPartitionParams = sharedParamsByKey<PartitionParams>();
const partitionParams = (dimension: number, kth: number): PartitionParams =>
  sharedPartitionParams(`${dimension} ${kth}`, () => ({ dimension, kth }));

/** Where the elements of a row are, in the order in which they go: those before the kth, those equal to it, those after it. */
function partitionedRow({ data }: HostArray, indices: readonly number[], kth: number): number[] {
  const chosen = indices.map((i) => data[i]!).sort(compareNumbers)[kth]!;
  return [-1, 0, 1].flatMap((sign) => indices.filter((i) => compareNumbers(data[i]!, chosen) === sign));
}

const sample = (shape: Shape, dimension: number, kth: number): Sample[] =>
  dtypes.map((dtype) => ({ inputs: [{ shape, dtype, low: -4, high: 4 }], params: { dimension, kth } }));

const partitionSamples = (): Sample[] => [
  ...sample([1], 0, 0),
  ...sample([5], 0, 2),
  ...sample([50], 0, 49),
  ...sample([5000], 0, 1234),
  ...sample([0, 3], 1, 1),
  ...sample([3, 20], 0, 1),
  ...sample([2, 20, 3], 1, 7),
  // Not in float64, in which derivatives are compared with differences: there are none at ties.
  ...[1, 3, 5, 8].map((kth) => ({
    inputs: [
      { shape: [9], dtype: 'float32' as const, values: [0, Number.NaN, -0, Infinity, 1, Number.NaN, -Infinity, 0, -1] },
    ],
    params: { dimension: 0, kth },
  })),
];

const partitioning = (
  name: 'partition' | 'argpartition',
  { type, jvp }: Pick<Primitive<PartitionParams>, 'type' | 'jvp'>,
  element: (x: HostArray, index: number, position: number) => number,
): Primitive<PartitionParams> => {
  const made: Primitive<PartitionParams> = primitive<PartitionParams>({
    name,
    type,
    run: ([x], { dimension, kth }, [out]) => {
      const result = allocate(out!.dtype, out!.size);
      const { inner, ...rows } = rowsOf(out!.shape, dimension);
      forEachRow({ inner, ...rows }, (start) => {
        const indices = range(rows.n).map((k) => start + k * inner);
        for (const [k, from] of partitionedRow(x!, indices, kth).entries())
          result[start + k * inner] = element(x!, from, (from - start) / inner);
      });
      return [result];
    },
    accuracy: exact,
    jvp,
    batch: (_, [x], __, { dimension, kth }) => ({
      outs: [bind1(made, [x!], partitionParams(dimension + 1, kth))],
      batched: [true],
    }),
    lower: {
      kind: 'runtime',
      calls: ({ dimension, kth }, [x]) => {
        const { outer, n, inner } = rowsOf(x!.shape, dimension);
        return partitionCalls(name, [outer, n, inner], x!.dtype, kth);
      },
    },
    samples: partitionSamples,
  });
  return made;
};

/** The positions of the elements before the kth of the sorted order, then of those equal to it, then of those after it, each increasing. */
export const argpartitionP: Primitive<PartitionParams> = partitioning(
  'argpartition',
  { type: ([x]) => [shapedArray(x!.shape, 'int32')], jvp: 'zero' },
  (_, __, position) => position,
);

/** The elements at the positions of `argpartitionP`. */
export const partitionP: Primitive<PartitionParams> = partitioning(
  'partition',
  {
    type: ([x]) => [x!],
    jvp: ([x], [t], params) => {
      const order = bind1(argpartitionP, [x!], params);
      const out = permute(x!, order, params.dimension);
      return [[out], [isZero(t!) ? new Zero(out.aval) : permute(t!, order, params.dimension)]];
    },
  },
  (x, index) => x.data[index]!,
);

const along =
  (operation: string, made: Primitive<PartitionParams>) =>
  (x: ArrayLike, kth: number, axis: number): Value => {
    const value = strengthen(toValue(x, operation));
    return bind1(made, [value], partitionParams(axisOf(operation, value, axis), kth));
  };
/**
 * The elements before the kth of the sorted order along an axis, then those equal to it, then those after it, each as they
 * were; `kth` counts from 0.
 */
export const partition: (x: ArrayLike, kth: number, axis: number) => Value = along('partition', partitionP);
/** The positions (int32) at which the elements of `partition` are. */
export const argpartition: (x: ArrayLike, kth: number, axis: number) => Value = along('argpartition', argpartitionP);
