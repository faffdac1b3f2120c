import type { DType } from '../../src/core/dtype.ts';
import type { RuntimeCalls } from '../lower-rule.ts';

/** Which bit of a byte the first of eight elements is. */
export type BitOrder = 'big' | 'little';

/** The call that packs rows of n elements of this type. */
export const packCalls = (order: BitOrder, dtype: DType, outer: number, n: number): RuntimeCalls => ({
  scratch: 0,
  calls:
    outer * n === 0
      ? []
      : [
          {
            name: `pack_bits_${dtype === 'bool' ? 'bool' : 'i32'}`,
            args: [outer, n, order === 'big' ? 7 : 0, { input: 0 }, { output: 0 }],
          },
        ],
});

/** The call that writes the bits of so many integers. */
export const unpackCalls = (order: BitOrder, count: number): RuntimeCalls => ({
  scratch: 0,
  calls:
    count === 0 ? [] : [{ name: 'unpack_bits', args: [count, order === 'big' ? 1 : 0, { input: 0 }, { output: 0 }] }],
});
