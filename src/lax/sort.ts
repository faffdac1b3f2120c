/** Sorting along an axis, of several arrays by some of them. */
import { sortCalls } from '../../jit/runtime/sort-calls.ts';
import { addLanes } from '../../transforms/vmap.ts';
import type { ArrayLike } from '../array.ts';
import { allocate, type DType, dtypes, type TypedArray } from '../core/dtype.ts';
import { ShapeError } from '../core/errors.ts';
import { checkIntegers, checkList, optionsOf } from '../core/options.ts';
import { exact, type HostArray, type Primitive, primitive, type Sample, sharedParamsByKey } from '../core/primitive.ts';
import { recorded } from '../core/recorded.ts';
import { range, type Shape, sameShape } from '../core/shape.ts';
import { bind, type Value } from '../core/trace.ts';
import { isZero, Zero } from '../core/zero.ts';
import { toValue } from '../promote.ts';
import { axisOf, forEachRow, rowsOf } from './along-axis.ts';
import { broadcastedIota } from './creation.ts';
import { strengthen } from './movement.ts';
import { permute } from './permute.ts';

interface SortParams {
  readonly dimension: number;
  readonly numKeys: number;
}

const sharedSortParams = sharedParamsByKey<SortParams>();
const sortParams = (dimension: number, numKeys: number): SortParams =>
  sharedSortParams(`${dimension} ${numKeys}`, () => ({ dimension, numKeys }));

/** Ascending, −0 and 0 equal, NaN last. */
export function compareNumbers(x: number, y: number): number {
  if (x < y) return -1;
  if (x > y) return 1;
  return Number(Number.isNaN(x)) - Number(Number.isNaN(y));
}

function runSort(inputs: readonly HostArray[], { dimension, numKeys }: SortParams): TypedArray[] {
  const { aval } = inputs[0]!;
  const results = inputs.map((x) => allocate(x.aval.dtype, x.aval.size));
  const keys = inputs.slice(0, numKeys);
  const rows = rowsOf(aval.shape, dimension);
  forEachRow(rows, (start) => {
    const order = range(rows.n).map((k) => start + k * rows.inner);
    // Array.prototype.sort is stable.
    order.sort((i, j) => {
      for (const { data } of keys) {
        const sign = compareNumbers(data[i]!, data[j]!);
        if (sign !== 0) return sign;
      }
      return 0;
    });
    results.forEach((out, which) => {
      order.forEach((from, k) => {
        out[start + k * rows.inner] = inputs[which]!.data[from]!;
      });
    });
  });
  return results;
}

const sample = (shape: Shape, dimension: number, types: readonly DType[], numKeys: number): Sample => ({
  inputs: types.map((dtype) => ({ shape, dtype, low: -4, high: 4 })),
  params: { dimension, numKeys },
});

const sortSamples = (): Sample[] => [
  ...dtypes.flatMap((dtype) => [
    ...[0, 1, 3, 4, 5, 17, 1000].map((n) => sample([n], 0, [dtype], 1)),
    sample([4, 5], 0, [dtype], 1),
    sample([4, 5], 1, [dtype], 1),
    sample([2, 0], 0, [dtype], 1),
    sample([17], 0, [dtype, 'int32'], 1),
    sample([2, 17, 3], 1, ['int32', dtype, 'float64'], 2),
  ]),
  ...(['float32', 'float64'] as const).map((dtype) => ({
    inputs: [
      { shape: [9], dtype, values: [0, Number.NaN, -0, Infinity, 1, Number.NaN, -Infinity, 0, -1] },
      { shape: [9], dtype: 'int32' as const, values: range(9) },
    ],
    params: { dimension: 0, numKeys: 1 },
  })),
];

/**
 * Operands of one shape, sorted together along `dimension` by the first `numKeys` of them, stably. Tangents follow
 * their elements: an operand of indices sorted alongside gives the permutation.
 */
export const sortP: Primitive<SortParams> = primitive<SortParams>({
  name: 'sort',
  type: (avals) => {
    if (avals.some((x) => !sameShape(x.shape, avals[0]!.shape))) {
      throw new ShapeError(`sort: operands have shapes ${avals.map(String).join(', ')}.`);
    }
    return avals;
  },
  run: runSort,
  accuracy: exact,
  jvp: (primals, tangents, { dimension, numKeys }) => {
    const indices = broadcastedIota('int32', primals[0]!.aval.shape, dimension);
    const sorted = bind(sortP, [...primals, indices], { dimension, numKeys });
    const order = sorted.pop()!;
    return [sorted, tangents.map((t) => (isZero(t) ? new Zero(t.aval) : permute(t, order, dimension)))];
  },
  batch: (size, args, batched, { dimension, numKeys }) => ({
    outs: bind(
      sortP,
      args.map((x, i) => (batched[i] ? x : addLanes(x, size))),
      sortParams(dimension + 1, numKeys),
    ),
    batched: args.map(() => true),
  }),
  lower: {
    kind: 'runtime',
    calls: ({ dimension, numKeys }, inputs) => {
      const { outer, n, inner } = rowsOf(inputs[0]!.shape, dimension);
      return sortCalls(
        [outer, n, inner],
        inputs.map(({ dtype }) => dtype),
        numKeys,
      );
    },
  },
  samples: sortSamples,
});

export interface SortOptions {
  /** The axis to sort along; the last when left out. */
  axis?: number;
}

/**
 * Sorts arrays of one shape together by the first `numKeys` of them, the first being the most significant. Stable.
 *
 * @example
 * const [keys, values] = sortMulti([x, y], { dimension: 0 });
 */
export function sortMulti(
  operands: readonly ArrayLike[],
  given: { dimension?: number; numKeys?: number } = {},
): Value[] {
  const { dimension = -1, numKeys = 1 } = optionsOf('sortMulti', given, ['dimension', 'numKeys']);
  checkList('sortMulti', 'the first argument', operands);
  checkIntegers('sortMulti', '`dimension`', dimension);
  checkIntegers('sortMulti', '`numKeys`', numKeys);
  return sortNamed('sortMulti', operands, dimension, numKeys);
}

function sortNamed(operation: string, operands: readonly ArrayLike[], dimension: number, numKeys = 1): Value[] {
  const values = operands.map((x) => strengthen(toValue(x, operation)));
  if (!(numKeys >= 1 && numKeys <= values.length)) {
    throw new ShapeError(`${operation}: cannot sort ${values.length} operands by ${numKeys} keys.`);
  }
  return bind(sortP, values, sortParams(axisOf(operation, values[0]!, dimension), numKeys));
}

/** The elements in ascending order along an axis: stable, −0 equal to 0, NaN last. */
export function sort(x: ArrayLike, given: SortOptions = {}): Value {
  const { axis = -1 } = optionsOf('sort', given, ['axis']);
  return sortNamed('sort', [x], axis)[0]!;
}

/** The indices (int32) that sort x along an axis. */
export const argsort: (x: ArrayLike, options?: SortOptions) => Value = recorded((x, given = {}) => {
  const { axis = -1 } = optionsOf('argsort', given, ['axis']);
  const value = toValue(x, 'argsort');
  const dimension = axisOf('argsort', value, axis);
  const positions = broadcastedIota('int32', value.aval.shape, dimension);
  return sortMulti([value, positions], { dimension })[1]!;
});
