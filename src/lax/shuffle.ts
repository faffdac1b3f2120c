/** Shuffles of positions. */
import { hashOf, numberWords } from '../../jit/math/threefry.ts';
import { shuffleCalls } from '../../jit/runtime/sort-calls.ts';
import { addLanes } from '../../transforms/vmap.ts';
import { shapedArray } from '../core/aval.ts';
import { allocate } from '../core/dtype.ts';
import { DtypeError, ShapeError } from '../core/errors.ts';
import { exact, type Primitive, primitive } from '../core/primitive.ts';
import { range, type Shape, sameShape, sizeOf } from '../core/shape.ts';
import { bind1, type Value } from '../core/trace.ts';
import { forEachRow, rowsOf } from './along-axis.ts';

interface ShuffleParams {
  /** Of a shuffle; each key makes one. */
  readonly shape: Shape;
  readonly dimension: number;
  readonly rounds: number;
}

/**
 * Operands: the two words of a key, or of several. Positions along `dimension`, from 0, are sorted once a round by random keys: hashes of the
 * element's number under the second key that `split` makes, the first being for the next round. Equal ones stay in their order. Result: int32
 * of `shape`, behind that of the words.
 */
export const shuffleP: Primitive<ShuffleParams> = primitive<ShuffleParams>({
  name: 'shuffle',
  type: ([first, second], { shape }) => {
    if (first!.dtype !== 'uint32' || second!.dtype !== 'uint32')
      throw new DtypeError(`shuffle: needs uint32 words, but got ${first} and ${second}.`);
    if (!sameShape(first!.shape, second!.shape))
      throw new ShapeError(`shuffle: words have shapes ${first} and ${second}.`);
    return [shapedArray([...first!.shape, ...shape], 'int32')];
  },
  run: ([first, second], { shape, dimension, rounds }, [out]) => {
    const result = allocate('int32', out!.size);
    const { inner, ...rows } = rowsOf(shape, dimension);
    const size = sizeOf(shape);
    for (let group = 0; group < first!.aval.size; group++) {
      const order = result.subarray(group * size, (group + 1) * size);
      let key = [first!.data[group]!, second!.data[group]!] as const;
      forEachRow({ inner, ...rows }, (start) => {
        for (let k = 0; k < rows.n; k++) order[start + k * inner] = k;
      });
      for (let round = 0; round < rounds; round++) {
        const own = hashOf(numberWords, key, [0, 1]);
        const keys = Uint32Array.from({ length: size }, (_, i) => {
          const [x, y] = hashOf(numberWords, own, [0, i]);
          return x ^ y;
        });
        forEachRow({ inner, ...rows }, (start) => {
          const places = range(rows.n).map((k) => start + k * inner);
          const sorted = [...places].sort((i, j) => keys[i]! - keys[j]!).map((i) => order[i]!);
          places.forEach((at, k) => {
            order[at] = sorted[k]!;
          });
        });
        key = hashOf(numberWords, key, [0, 0]);
      }
    }
    return [result];
  },
  accuracy: exact,
  jvp: 'zero',
  batch: (size, args, batched, params) => ({
    outs: [
      bind1(
        shuffleP,
        args.map((x, i) => (batched[i] ? x : addLanes(x, size))),
        params,
      ),
    ],
    batched: [true],
  }),
  lower: {
    kind: 'runtime',
    calls: ({ shape, dimension, rounds }, [words]) => {
      const { outer, n, inner } = rowsOf(shape, dimension);
      return shuffleCalls(sizeOf(words!.shape), [outer, n, inner], rounds);
    },
  },
  samples: () =>
    (
      [
        ...[0, 1, 2, 16, 31, 200, 201, 300, 3000, 5000].map((n) => ({ lanes: [], shape: [n], dimension: 0 })),
        { lanes: [3], shape: [7], dimension: 0 },
        { lanes: [2], shape: [300], dimension: 0 },
        { lanes: [], shape: [4, 300], dimension: 1 },
        { lanes: [2], shape: [300, 3], dimension: 0 },
        { lanes: [2, 2], shape: [3, 5, 2], dimension: 1 },
      ] as const
    ).map(({ lanes, shape, dimension }, i) => ({
      inputs: [1, 2].map((seed) => ({
        shape: [...lanes],
        dtype: 'uint32' as const,
        values: range(sizeOf(lanes)).map((k) => ((seed + k) * 2654435769) % 2 ** 32),
      })),
      params: { shape: [...shape], dimension, rounds: 1 + (i % 2) },
    })),
});

/** 0 … n − 1 along `dimension` (int32), sorted `rounds` times by random keys of a key's two words. */
export const shuffle = (words: readonly [Value, Value], shape: Shape, dimension: number, rounds: number): Value =>
  bind1(shuffleP, words, { shape, dimension, rounds });
