/** Keys: uint32[2] arrays from which random numbers are a pure function. The same numbers as JAX, bit for bit. */
import { type ArrayLike, NDArray } from '../array.ts';
import { DtypeError, ShapeError } from '../core/errors.ts';
import { naming } from '../core/options.ts';
import { recorded } from '../core/recorded.ts';
import { checkShape, type Shape, type ShapeLike, sizeOf } from '../core/shape.ts';
import type { Value } from '../core/trace.ts';
import { convert } from '../lax/convert.ts';
import { broadcastedIota, scalar } from '../lax/creation.ts';
import { reshape } from '../lax/movement.ts';
import { concatenate, slice } from '../lax/slicing.ts';
import { threefry2x32, threefryWord } from '../lax/threefry.ts';

/**
 * A key made from a seed, of which the lower 32 bits count.
 *
 * @example
 * const [a, b] = split(key(0));
 */
export function key(seed: ArrayLike): Value {
  return concatenate([reshape(scalar(0, 'uint32'), [1]), reshape(seedWord('key', seed), [1])], 0);
}

function seedWord(operation: string, seed: ArrayLike): Value {
  if (typeof seed === 'number') {
    if (!Number.isSafeInteger(seed)) throw new DtypeError(`${operation}: the seed must be an integer, but is ${seed}.`);
    return scalar(((seed % 2 ** 32) + 2 ** 32) % 2 ** 32, 'uint32');
  }
  if (!(seed instanceof NDArray) || seed.aval.ndim > 0 || seed.aval.isFloating || seed.aval.dtype === 'bool') {
    const got = seed instanceof NDArray ? seed.aval : typeof seed;
    throw new DtypeError(`${operation}: the seed must be an integer scalar, but is ${got}.`);
  }
  return convert(seed, 'uint32');
}

/** A key of a sampler's own, as its two words: an array of keys would be put together, kept and taken apart again. */
class Subkey {
  readonly words: readonly [Value, Value];

  constructor(words: readonly [Value, Value]) {
    this.words = words;
  }
}

/** Key i of those that `split` makes, for other functions of this folder. */
export const subkey = (operation: string, k: ArrayLike, i: number): ArrayLike => {
  const words = threefry2x32(...keyWords(operation, k), zero(), scalar(i, 'uint32'));
  return new Subkey(words) as unknown as ArrayLike;
};

/** The two words of a key, rank 0. */
export function keyWords(operation: string, k: ArrayLike): readonly [Value, Value] {
  if ((k as unknown) instanceof Subkey) return (k as unknown as Subkey).words;
  if (!(k instanceof NDArray) || k.aval.dtype !== 'uint32' || k.aval.ndim !== 1 || k.aval.shape[0] !== 2) {
    const got = k instanceof NDArray ? String(k.aval) : naming(k);
    throw new ShapeError(`${operation}: a key has type u32[2], but the argument is ${got}.`, {
      hint: 'make a key with `random.key(seed)`, and map over several with `vmap`',
    });
  }
  return [reshape(slice(k, [0], [1]), []), reshape(slice(k, [1], [2]), [])];
}

/** The position of each element in row-major order: the lower word of its counter, the upper being 0. */
const counter = (operation: string, shape: Shape): Value => {
  const n = sizeOf(shape);
  if (n > 2 ** 32) throw new ShapeError(`${operation}: shape [${shape}] has more than 2³² elements.`);
  return reshape(broadcastedIota('uint32', [n], 0), shape);
};

const zero = (): Value => scalar(0, 'uint32');

/** 32 random bits per element; one hash each. */
export function bits32(operation: string, k: ArrayLike, shape: Shape): Value {
  return threefryWord('xor', ...keyWords(operation, k), zero(), counter(operation, shape));
}

/** 64 random bits per element, as the upper and the lower word. */
export function bits64(operation: string, k: ArrayLike, shape: Shape): [Value, Value] {
  return threefry2x32(...keyWords(operation, k), zero(), counter(operation, shape));
}

/**
 * An array of keys. Where their number is a literal, `const [a, b, c] = split(k, 3)` gives three arrays, with
 * `noUncheckedIndexedAccess` too, and a fourth may be undefined: TypeScript takes them from the properties 0, 1, 2 of the
 * type, though JavaScript takes them from the iterator, and there are no such properties.
 */
export type Keys<S extends ShapeLike> = S extends number ? (number extends S ? NDArray : NDArray & Rows<S>) : NDArray;

type Rows<N extends number, T extends NDArray[] = []> = T['length'] extends N | 64
  ? Pick<T, Exclude<keyof T, keyof unknown[]>>
  : Rows<N, [...T, NDArray]>;

/**
 * Independent keys: `uint32[...shape, 2]`. Use each key once.
 *
 * @example
 * const [a, b] = split(key(0)); // two keys
 * const keys = split(key(0), 3); // u32[3,2]
 */
export function split<const S extends ShapeLike = 2>(k: ArrayLike, shape?: S): Keys<S>;
export function split(k: ArrayLike, shape: ShapeLike = 2): Value {
  return keysOf(k, checkShape(shape, 'split'));
}

const keysOf: (k: ArrayLike, lanes: Shape) => Value = recorded((k, lanes) => {
  const words = bits64('split', k, lanes).map((word) => reshape(word, [...lanes, 1]));
  return concatenate(words, lanes.length);
}, 1);

/**
 * A new key from a key and an integer, such as a step or an example number.
 *
 * @example
 * const stepKey = foldIn(key(0), step);
 */
export function foldIn(k: ArrayLike, data: ArrayLike): Value {
  const words = threefry2x32(...keyWords('foldIn', k), zero(), seedWord('foldIn', data));
  return concatenate(
    words.map((word) => reshape(word, [1])),
    0,
  );
}

/** Random uint32 numbers. */
export const bits: (k: ArrayLike, shape?: ShapeLike) => Value = recorded(
  (k, shape = []) => bits32('bits', k, checkShape(shape, 'bits')),
  1,
);
