/** Where elements belong in sorted vectors. */
import { type Side, searchCalls } from '../../jit/runtime/search-calls.ts';
import { shapedArray } from '../core/aval.ts';
import { allocate } from '../core/dtype.ts';
import { ShapeError } from '../core/errors.ts';
import { exact, type Primitive, primitive, sharedParamsByKey } from '../core/primitive.ts';
import { range, sameShape, sizeOf } from '../core/shape.ts';
import { bind1, type Value } from '../core/trace.ts';
import { broadcastInDim, reshape } from './movement.ts';
import { domains } from './samples.ts';

interface SearchParams {
  readonly side: Side;
}

const sharedSearchParams = sharedParamsByKey<SearchParams>();
const paramsOf = (side: Side): SearchParams => sharedSearchParams(side, () => ({ side }));

const broadcastLanes = (size: number, x: Value): Value =>
  broadcastInDim(
    x,
    [size, ...x.aval.shape],
    range(x.aval.ndim).map((axis) => axis + 1),
  );

/**
 * Operands of shapes […, n] and […, m]: in each row, how many of the n sorted elements precede each of the m others (`left`),
 * or do not follow it (`right`). NaN belongs at the end.
 */
export const searchsortedP: Primitive<SearchParams> = primitive<SearchParams>({
  name: 'searchsorted',
  type: ([a, v]) => {
    if (a!.dtype !== v!.dtype || a!.ndim === 0 || !sameShape(a!.shape.slice(0, -1), v!.shape.slice(0, -1)))
      throw new ShapeError(`searchsorted: ${a} and ${v} are not rows of one dtype to search in and for.`);
    return [shapedArray(v!.shape, 'int32')];
  },
  run: ([a, v], { side }, [out]) => {
    const result = allocate('int32', out!.size);
    const [n, m] = [a!.aval.shape.at(-1)!, v!.aval.shape.at(-1)!];
    for (let i = 0; i < result.length; i++) {
      const query = v!.data[i]!;
      const row = a!.data.subarray(Math.floor(i / m) * n, (Math.floor(i / m) + 1) * n);
      let count = 0;
      for (const x of row) count += Number(Number.isNaN(query) || (side === 'left' ? x < query : x <= query));
      result[i] = count;
    }
    return [result];
  },
  accuracy: exact,
  jvp: 'zero',
  batch: (size, [a, v], [aBatched, vBatched], { side }) => {
    if (!aBatched && a!.aval.ndim === 1) {
      // The lanes are more queries of the same vector.
      const flat = reshape(v!, [sizeOf(v!.aval.shape)]);
      return { outs: [reshape(bind1(searchsortedP, [a!, flat], paramsOf(side)), v!.aval.shape)], batched: [true] };
    }
    const operands = [aBatched ? a! : broadcastLanes(size, a!), vBatched ? v! : broadcastLanes(size, v!)];
    return { outs: [bind1(searchsortedP, operands, paramsOf(side))], batched: [true] };
  },
  lower: {
    kind: 'runtime',
    calls: ({ side }, [a, v]) => {
      const [n, m] = [a!.shape.at(-1)!, v!.shape.at(-1)!];
      return searchCalls(side, a!.dtype, [sizeOf(a!.shape.slice(0, -1)), n, m]);
    },
  },
  samples: () =>
    domains.numeric.flatMap((dtype) =>
      (['left', 'right'] as const).flatMap((side) =>
        [
          { sorted: [5], queries: [9] },
          { sorted: [1], queries: [3] },
          { sorted: [0], queries: [2] },
          { sorted: [16], queries: [0] },
          { sorted: [2, 7], queries: [2, 10] },
        ].map(({ sorted, queries }) => ({
          inputs: [
            { shape: sorted, dtype, values: sorted.at(-1) === 7 ? [0, 1, 2, 2, 2, 5, 6] : [...range(sorted[0]!)] },
            {
              shape: queries,
              dtype,
              values: [2, 0, 7, 1, 2, 5, ...(dtype.startsWith('float') ? [Number.NaN, 2.5] : [3])],
            },
          ],
          params: { side },
        })),
      ),
    ),
});

/** Positions in `sorted`, a vector, for elements of the same dtype. */
export const searchsorted = (sorted: Value, values: Value, side: Side): Value =>
  reshape(bind1(searchsortedP, [sorted, reshape(values, [values.size])], paramsOf(side)), values.aval.shape);
