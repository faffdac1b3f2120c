/** How often numbers occur. */
import { countCalls } from '../../jit/runtime/count-calls.ts';
import { shapedArray } from '../core/aval.ts';
import { allocate } from '../core/dtype.ts';
import { DtypeError } from '../core/errors.ts';
import { exact, type Primitive, primitive, type Sample, sharedParamsByKey } from '../core/primitive.ts';
import { sizeOf } from '../core/shape.ts';
import { bind1, type Value } from '../core/trace.ts';

interface CountParams {
  readonly length: number;
}

const sharedCountParams = sharedParamsByKey<CountParams>();

/** How often each of 0, 1, …, length − 1 occurs in each row of integers […, n]; negative ones count as 0, larger ones do not. */
export const bincountP: Primitive<CountParams> = primitive<CountParams>({
  name: 'bincount',
  type: ([x], { length }) => {
    if ((x!.dtype !== 'int32' && x!.dtype !== 'uint32') || x!.ndim === 0)
      throw new DtypeError(`bincount: ${x} are not rows of integers.`);
    return [shapedArray([...x!.shape.slice(0, -1), length], 'int32')];
  },
  run: ([x], { length }, [out]) => {
    const counts = allocate('int32', out!.size);
    const n = x!.aval.shape.at(-1)!;
    for (let i = 0; i < x!.data.length; i++) {
      const place = Math.max(0, x!.data[i]!);
      if (place < length) counts[Math.floor(i / n) * length + place]!++;
    }
    return [counts];
  },
  accuracy: exact,
  jvp: 'zero',
  batch: (_size, [x], _, params) => ({ outs: [bind1(bincountP, [x!], params)], batched: [true] }),
  lower: {
    kind: 'runtime',
    calls: ({ length }, [x]) =>
      countCalls(x!.dtype === 'int32', [sizeOf(x!.shape.slice(0, -1)), x!.shape.at(-1)!, length]),
  },
  samples: () =>
    (['int32', 'uint32'] as const).flatMap((dtype) =>
      [
        { shape: [9], length: 5 },
        { shape: [0], length: 3 },
        { shape: [7], length: 0 },
        { shape: [2, 3, 6], length: 4 },
        { shape: [1003], length: 8 },
        { shape: [2, 402], length: 50 },
        { shape: [40], length: 3000 },
      ].map(
        ({ shape, length }): Sample => ({
          inputs: [
            {
              shape,
              dtype,
              values: [
                0,
                3,
                1,
                1,
                2 ** 31 - 1,
                7,
                4,
                ...(dtype === 'int32' ? [-1, -(2 ** 31)] : [2 ** 32 - 1, 2 ** 31]),
                2,
                49,
              ],
            },
          ],
          params: { length },
        }),
      ),
    ),
});

/** The counts of a vector of int32 or uint32. */
export const bincount = (x: Value, length: number): Value =>
  bind1(
    bincountP,
    [x],
    sharedCountParams(String(length), () => ({ length })),
  );
