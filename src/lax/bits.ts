/** Truth values as the bits of numbers. */
import { type BitOrder, packCalls, unpackCalls } from '../../jit/runtime/bits-calls.ts';
import { shapedArray } from '../core/aval.ts';
import { allocate, isInteger } from '../core/dtype.ts';
import { DtypeError } from '../core/errors.ts';
import { exact, type Primitive, primitive, type Sample, sharedParams } from '../core/primitive.ts';
import { range, sizeOf } from '../core/shape.ts';
import { bind1, type Value } from '../core/trace.ts';

interface BitParams {
  readonly order: BitOrder;
}

const orders: Readonly<Record<BitOrder, BitParams>> = {
  big: sharedParams<BitParams>({ order: 'big' }),
  little: sharedParams<BitParams>({ order: 'little' }),
};

const placeOf = (order: BitOrder, k: number): number => (order === 'big' ? 7 - k : k);

/** Rows […, n] of integers or truth values to […, ⌈n/8⌉]: bits are 1 where an element is not 0, and 0 behind the last one. */
export const packbitsP: Primitive<BitParams> = primitive<BitParams>({
  name: 'packbits',
  type: ([x]) => {
    if (x!.isFloating || x!.ndim === 0)
      throw new DtypeError(`packbits: ${x} are not rows of integers or truth values.`);
    return [shapedArray([...x!.shape.slice(0, -1), Math.ceil(x!.shape.at(-1)! / 8)], 'int32')];
  },
  run: ([x], { order }, [out]) => {
    const packed = allocate('int32', out!.size);
    const [n, bytes] = [x!.aval.shape.at(-1)!, out!.shape.at(-1)!];
    x!.data.forEach((value, i) => {
      const [row, at] = [Math.floor(i / n), i % n];
      packed[row * bytes + (at >> 3)]! |= Number(value !== 0) << placeOf(order, at & 7);
    });
    return [packed];
  },
  accuracy: exact,
  jvp: 'zero',
  batch: (_size, [x], _, params) => ({ outs: [bind1(packbitsP, [x!], params)], batched: [true] }),
  lower: {
    kind: 'runtime',
    calls: ({ order }, [x]) => packCalls(order, x!.dtype, sizeOf(x!.shape.slice(0, -1)), x!.shape.at(-1)!),
  },
  samples: () =>
    (['bool', 'int32', 'uint32'] as const).flatMap((dtype) =>
      [[0], [3], [8], [37], [2, 3, 21], [3, 0], [4100]].flatMap((shape) =>
        Object.values(orders).map(
          (params): Sample => ({
            inputs: [
              { shape, dtype, values: dtype === 'bool' ? [1, 0, 0, 1, 1] : [0, 2 ** 31 - 1, 0, 65536, 0, 0, 1] },
            ],
            params,
          }),
        ),
      ),
    ),
});

/** The lowest eight bits of rows of integers, as 0 and 1: […, n] to […, 8n]. */
export const unpackbitsP: Primitive<BitParams> = primitive<BitParams>({
  name: 'unpackbits',
  type: ([x]) => {
    if (!isInteger(x!.dtype) || x!.ndim === 0) throw new DtypeError(`unpackbits: ${x} are not rows of integers.`);
    return [shapedArray([...x!.shape.slice(0, -1), 8 * x!.shape.at(-1)!], 'int32')];
  },
  run: ([x], { order }) => [
    Int32Array.from([...x!.data].flatMap((value) => range(8).map((k) => (value >> placeOf(order, k)) & 1))),
  ],
  accuracy: exact,
  jvp: 'zero',
  batch: (_size, [x], _, params) => ({ outs: [bind1(unpackbitsP, [x!], params)], batched: [true] }),
  lower: { kind: 'runtime', calls: ({ order }, [x]) => unpackCalls(order, x!.size) },
  samples: () =>
    (['int32', 'uint32'] as const).flatMap((dtype) =>
      [[0], [1], [5], [2, 3]].flatMap((shape) =>
        Object.values(orders).map(
          (params): Sample => ({
            inputs: [{ shape, dtype, values: [161, 0, 255, dtype === 'int32' ? -2 : 2 ** 32 - 2, 1, 256] }],
            params,
          }),
        ),
      ),
    ),
});

export const packbits = (x: Value, order: BitOrder): Value => bind1(packbitsP, [x], orders[order]);
export const unpackbits = (x: Value, order: BitOrder): Value => bind1(unpackbitsP, [x], orders[order]);
