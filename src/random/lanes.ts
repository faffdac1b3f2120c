/** Random numbers of one element, each element having a key of its own: what samplers that reject draw from, as often as they must. */
import type { ArrayLike } from '../array.ts';
import type { Shape } from '../core/shape.ts';
import { sizeOf } from '../core/shape.ts';
import type { Value } from '../core/trace.ts';
import { add, max, mul, neg } from '../lax/arithmetic.ts';
import { broadcastedIota, scalar } from '../lax/creation.ts';
import { reshape } from '../lax/movement.ts';
import { threefry2x32, threefryWord } from '../lax/threefry.ts';
import { erfInv, log1p } from '../lax/transcendental.ts';
import { aboveMinusOne, spreadOf, unit32, unit64 } from './continuous.ts';
import { keyWords } from './keys.ts';

/** The two words of a key. */
export type Words = readonly [Value, Value];
type Float = 'float32' | 'float64';

/**
 * A key for each element, the words in two arrays: what `split(k, size)` gives; or of so many columns one, of what `split(k, [...size, columns])`
 * gives.
 */
export function keysOf(operation: string, k: ArrayLike, shape: Shape, column = 0, columns = 1): Words {
  const position = reshape(broadcastedIota('uint32', [sizeOf(shape)], 0), shape);
  const counter = columns === 1 ? position : add(mul(position, columns), column);
  return threefry2x32(...keyWords(operation, k), word(0), counter);
}

const word = (n: number): Value => scalar(n, 'uint32');

/** Key i of those that `split` makes. */
export const keyOf = ([a, b]: Words, i: number | Value): Words =>
  threefry2x32(a, b, word(0), typeof i === 'number' ? word(i) : i);

/** Uniform in [0, 1). */
export const uniformOf = ([a, b]: Words, dtype: Float): Value =>
  dtype === 'float32'
    ? unit32(threefryWord('xor', a, b, word(0), word(0)))
    : unit64(threefry2x32(a, b, word(0), word(0)));

/** Standard normal. */
export function normalOf(words: Words, dtype: Float): Value {
  const low = aboveMinusOne[dtype];
  const scaled = add(mul(uniformOf(words, dtype), spreadOf(low, 1, dtype)), scalar(low, dtype));
  return mul(erfInv(max(scalar(low, dtype), scaled)), Math.SQRT2);
}

/** Exponential with mean 1. */
export const exponentialOf = (words: Words, dtype: Float): Value => neg(log1p(neg(uniformOf(words, dtype))));
