/** Positions in the order of random keys, which is what a shuffle is made of. */
import { arrangeCalls } from '../../jit/runtime/sort-calls.ts';
import { addLanes } from '../../transforms/vmap.ts';
import { allocate } from '../core/dtype.ts';
import { DtypeError, ShapeError } from '../core/errors.ts';
import { exact, type Primitive, primitive } from '../core/primitive.ts';
import { range, sameShape } from '../core/shape.ts';
import { bind1, type Value } from '../core/trace.ts';
import { forEachRow, rowsOf } from './along-axis.ts';

interface ArrangeParams {
  readonly dimension: number;
}

/**
 * Operands (keys, positions): uint32 and int32 of one shape. The positions in the order of their keys along `dimension`, those of equal keys
 * as they were. Keys are expected to be spread evenly over all 32 bits, which takes fewer passes than to sort any; others take longer.
 */
export const arrangeP: Primitive<ArrangeParams> = primitive<ArrangeParams>({
  name: 'arrange',
  type: ([keys, positions]) => {
    if (keys!.dtype !== 'uint32' || positions!.dtype !== 'int32')
      throw new DtypeError(`arrange: needs uint32 keys and int32 positions, but got ${keys} and ${positions}.`);
    if (!sameShape(keys!.shape, positions!.shape))
      throw new ShapeError(`arrange: operands have shapes ${keys} and ${positions}.`);
    return [positions!];
  },
  run: ([keys, positions], { dimension }) => {
    const result = allocate('int32', positions!.aval.size);
    const { inner, ...rows } = rowsOf(positions!.aval.shape, dimension);
    forEachRow({ inner, ...rows }, (start) => {
      const order = range(rows.n).map((k) => start + k * inner);
      order.sort((i, j) => keys!.data[i]! - keys!.data[j]!);
      order.forEach((from, k) => {
        result[start + k * inner] = positions!.data[from]!;
      });
    });
    return [result];
  },
  accuracy: exact,
  jvp: 'zero',
  batch: (size, args, batched, { dimension }) => ({
    outs: [
      bind1(
        arrangeP,
        args.map((x, i) => (batched[i] ? x : addLanes(x, size))),
        { dimension: dimension + 1 },
      ),
    ],
    batched: [true],
  }),
  lower: {
    kind: 'runtime',
    calls: ({ dimension }, [keys]) => {
      const { outer, n, inner } = rowsOf(keys!.shape, dimension);
      return arrangeCalls([outer, n, inner]);
    },
  },
  samples: () => [
    ...[0, 1, 3, 40, 300, 3000].map((n) => ({
      inputs: [
        // Spread evenly: multiples of an odd number.
        { shape: [n], dtype: 'uint32' as const, values: range(n).map((i) => (i * 2654435769) % 2 ** 32) },
        { shape: [n], dtype: 'int32' as const, values: range(n) },
      ],
      params: { dimension: 0 },
    })),
    ...[0, 1].map((dimension) => ({
      inputs: [
        { shape: [4, 300], dtype: 'uint32' as const, values: range(1200).map((i) => (i * 2246822519) % 2 ** 32) },
        { shape: [4, 300], dtype: 'int32' as const, values: range(1200).map((i) => 7 * i) },
      ],
      params: { dimension },
    })),
    {
      // Keys that their upper bits do not tell apart, some of them equal.
      inputs: [
        { shape: [2000], dtype: 'uint32' as const, values: range(2000).map((i) => (i * 7919) % 1000) },
        { shape: [2000], dtype: 'int32' as const, values: range(2000) },
      ],
      params: { dimension: 0 },
    },
  ],
});

/** The positions (int32) along `dimension` in the order of their keys (uint32), which are random. */
export const arrange = (keys: Value, positions: Value, dimension: number): Value =>
  bind1(arrangeP, [keys, positions], { dimension });
