/** The Threefry-2x32 hash, from which all random numbers are made. */
import type { Element, ElementBuilder } from '../../jit/element.ts';
import { hashOf, numberWords, type Words } from '../../jit/math/threefry.ts';
import type { ArrayLike } from '../array.ts';
import { DtypeError } from '../core/errors.ts';
import { exact, type Primitive, sharedParams } from '../core/primitive.ts';
import type { Shape } from '../core/shape.ts';
import { bind1, type Value } from '../core/trace.ts';
import { promote } from '../promote.ts';
import { elementwise } from './family.ts';

const elements = (b: ElementBuilder): Words<Element> => {
  const constant = (value: number): Element => b.const(value, 'uint32');
  return {
    constant,
    add: (x, y) => b.add(x, y),
    xor: (x, y) => b.binary('xor', x, y),
    rotate: (x, by) => b.binary('or', b.binary('shl', x, constant(by)), b.binary('shrLogical', x, constant(32 - by))),
  };
};

interface ThreefryParams {
  /** The first or the second word of the result, or their exclusive or. */
  readonly word: 0 | 1 | 'xor';
}

const shapes: readonly (readonly Shape[])[] = [
  [[], [], [], []],
  [[], [], [], [0]],
  [[], [], [], [1]],
  [[], [], [5], [5]],
  [[3], [3], [], [3]],
  [[], [], [], [17]],
  [
    [2, 3],
    [2, 3],
    [2, 3],
    [2, 3],
  ],
  [[], [], [], [1000]],
];
const words = [0, 1, 2 ** 32 - 1, 0x13198a2e, 0x03707344, 0x243f6a88, 0x85a308d3];

/** Operands: the two words of the key, the two of the counter. One word comes out, so that the hash fuses with its uses. */
export const threefry2x32P: Primitive<ThreefryParams> = elementwise<ThreefryParams>('threefry2x32', 4, {
  domain: 'integer',
  result: (avals) => {
    const other = avals.find((x) => x.dtype !== 'uint32');
    if (other) throw new DtypeError(`threefry2x32: needs uint32 operands, but got ${other}.`);
    return 'uint32';
  },
  run: ([k1, k2, x1, x2], { word }) => {
    const [y1, y2] = hashOf(numberWords, [k1!, k2!], [x1!, x2!]);
    return word === 0 ? y1 : word === 1 ? y2 : y1 ^ y2;
  },
  accuracy: exact,
  jvp: 'zero',
  lower: (b, [k1, k2, x1, x2], { word }) => {
    const [y1, y2] = hashOf(elements(b), [k1!, k2!], [x1!, x2!]);
    return word === 0 ? y1 : word === 1 ? y2 : b.binary('xor', y1, y2);
  },
  samples: () =>
    shapes.map((operands, i) => ({
      inputs: operands.map((shape, k) => ({
        shape,
        dtype: 'uint32',
        values: [...words.slice(k), ...words.slice(0, k)],
      })),
      params: { word: ([0, 1, 'xor'] as const)[i % 3]! },
    })),
});

const wordParams = {
  0: sharedParams<ThreefryParams>({ word: 0 }),
  1: sharedParams<ThreefryParams>({ word: 1 }),
  xor: sharedParams<ThreefryParams>({ word: 'xor' }),
};

/** One word of the hash of the counter (x1, x2) under the key (k1, k2), all uint32. */
export const threefryWord = (
  word: ThreefryParams['word'],
  k1: ArrayLike,
  k2: ArrayLike,
  x1: ArrayLike,
  x2: ArrayLike,
): Value => bind1(threefry2x32P, promote('threefry2x32', [k1, k2, x1, x2]), wordParams[word]);

/** Both words of the hash of the counter (x1, x2) under the key (k1, k2), all uint32. */
export const threefry2x32 = (k1: ArrayLike, k2: ArrayLike, x1: ArrayLike, x2: ArrayLike): [Value, Value] => [
  threefryWord(0, k1, k2, x1, x2),
  threefryWord(1, k1, k2, x1, x2),
];
