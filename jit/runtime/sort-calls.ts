import { byteSize, type DType, shortName } from '../../src/core/dtype.ts';
import type { RuntimeCalls } from '../lower-rule.ts';
import { arrangementOf, arrangementPlaces } from './arrangement.ts';
import { countBytes, type Format, formats } from './radix.ts';
import { blockKeys } from './random-keys.ts';
import { blockBytes } from './short-sort.ts';

const format = (name: Format['name']): Format => formats.find((f) => f.name === name)!;
export const keyFormat = (dtype: DType): Format => format(dtype === 'float64' ? 'k64' : 'k32');
export const pairFormat = (dtype: DType): Format => format(dtype === 'float64' ? 'p64' : 'p32');

const up = (bytes: number): number => Math.ceil(bytes / 64) * 64;
const inBlocks = (bytes: number): number => Math.ceil(bytes / blockBytes) * blockBytes;
/** Room for the counts and two buffers of n elements. */
const buffers = (n: number, { bytes }: Format): number => 2 * inBlocks(n * bytes) + countBytes;

/** How many positions can be selected at once, and bytes for what is counted meanwhile: four tables of 256, with room after each. */
export const selectPositions = 4;
export const selectCounts: number = 4 * (1024 + 64);

/** The call that writes the elements at some positions of the order of n floats, which come in increasing order, to their places. */
export function selectCalls(dtype: DType, n: number, positions: readonly number[]): RuntimeCalls {
  const wanted = Array.from({ length: selectPositions }, (_, i) => positions[i] ?? -1);
  const args = [n, { input: 0 }, { output: 0 }, ...wanted, { scratch: 0 }];
  return {
    scratch: selectCounts + 2 * n * byteSize(dtype) + 64,
    calls: [{ name: `select_${shortName(dtype)}`, args }],
  };
}

/** Bytes for the places at which a partition goes on: of what is smaller than an element, equal to it, and larger. */
export const partitionPlaces = 64;

/** The call that partitions around the kth elements: the shape is outer × n × inner. */
export function partitionCalls(
  name: 'partition' | 'argpartition',
  [outer, n, inner]: readonly [number, number, number],
  dtype: DType,
  kth: number,
): RuntimeCalls {
  if (outer * n * inner === 0) return { scratch: 0, calls: [] };
  const args = [outer, n, inner, kth, { input: 0 }, { output: 0 }, { scratch: 0 }];
  return {
    scratch: partitionPlaces + selectCounts + 3 * up(n * keyFormat(dtype).bytes),
    calls: [{ name: `${name}_${shortName(dtype)}`, args }],
  };
}

/** The call that shuffles positions along the middle axis of outer × n × inner, for `groups` keys. */
export function shuffleCalls(
  groups: number,
  [outer, n, inner]: readonly [number, number, number],
  rounds: number,
): RuntimeCalls {
  const size = outer * n * inner;
  if (groups * size === 0) return { scratch: 0, calls: [] };
  const args = [groups, outer, n, inner, rounds, { input: 0 }, { input: 1 }, { output: 0 }];
  const sorting = buffers(n, pairFormat('uint32'));
  const keyBytes = up(4 * (size + blockKeys));
  const arrangement = arrangementOf(n);
  if (!arrangement) {
    const places = [{ scratch: keyBytes }, { scratch: 0 }];
    return { scratch: keyBytes + sorting, calls: [{ name: 'shuffle_rows', args: [...args, ...places] }] };
  }
  const { bits, columns, capacity, stride, exact } = arrangement;
  const { table, cursors, words, buckets, end } = arrangementPlaces(arrangement, n);
  const block = countBytes;
  const first = block + up(4 * blockKeys);
  const places = [...[table, cursors, words, buckets].map((at) => first + at), block, 0, first + end];
  const all = [...args, bits, columns, 8 * capacity, stride, Number(exact), ...places.map((scratch) => ({ scratch }))];
  return { scratch: first + end + keyBytes, calls: [{ name: 'shuffle', args: all }] };
}

/** The calls that sort arrays together by the first of them: the shape is outer × n × inner. */
export function sortCalls(
  [outer, n, inner]: readonly [number, number, number],
  types: readonly DType[],
  numKeys: number,
): RuntimeCalls {
  if (outer * n * inner === 0) return { scratch: 0, calls: [] };
  const shape = [outer, n, inner];
  const input = (index: number) => ({ input: index });
  const output = (index: number) => ({ output: index });
  const scratch = (offset: number) => ({ scratch: offset });
  const [first, second] = types as [DType, DType];
  if (types.length === 1) {
    const args = [...shape, input(0), output(0), scratch(0)];
    return { scratch: buffers(n, keyFormat(first)), calls: [{ name: `sort_${shortName(first)}`, args }] };
  }
  if (types.length === 2 && numKeys === 1 && byteSize(second) === 4) {
    const args = [...shape, input(0), output(0), input(1), output(1), scratch(0)];
    return { scratch: buffers(n, pairFormat(first)), calls: [{ name: `sort_with_${shortName(first)}`, args }] };
  }
  const keys = types.slice(0, numKeys);
  const orders = scratch(Math.max(...keys.map((dtype) => buffers(n, pairFormat(dtype)))));
  return {
    scratch: orders.scratch + up(4 * outer * n * inner),
    calls: [
      { name: 'iota_i32', args: [outer * inner, n, 1, orders] },
      ...keys
        .map((dtype, i) => ({ name: `order_${shortName(dtype)}`, args: [...shape, input(i), orders, scratch(0)] }))
        .reverse(),
      ...types.map((dtype, i) => ({
        name: `permute_${byteSize(dtype)}`,
        args: [...shape, input(i), orders, output(i)],
      })),
    ],
  };
}
