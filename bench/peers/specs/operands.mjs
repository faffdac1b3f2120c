/** The element types of ours that numpy-ts's benchmarks go through. */
export const all = ['float64', 'float32', 'int32', 'uint32'];
export const signed = ['float64', 'float32', 'int32'];
export const floats = ['float64', 'float32'];
export const float64 = ['float64'];

/** One number in an array of shape [1], as its benchmarks have what they call scalars. */
export const one = (value) => ({ shape: [1], values: () => value });
/** As many elements as the size says, in a matrix or a vector, or in the shape that `shaped` makes of the matrix's. */
export const each = (values, shaped = (shape) => shape, dtype) => ({ shaped, values, dtype });
const flat = ([rows, columns]) => [rows * columns];

const count = (i) => i;
export const ones = each(() => 1);
export const zeros = each(() => 0);
export const range = each(count);
export const vector = each(count, flat);
/** The first `length` of 0, 1, 2 … */
export const first = (length, values = count) => ({ shape: [length], values });
export const firstRow = each(count, ([, columns]) => [columns]);
/** An operand of int32 whatever the others are. */
export const integers = (values, shaped) => each(values, shaped, 'int32');

/** 0, 1, 2 … in an order that a linear congruential generator chooses, as its benchmarks have it. */
export const shuffled = { shaped: (shape) => shape, isShuffled: true };
export const shuffledVector = { shaped: flat, isShuffled: true };

function shuffle(n) {
  const list = Float64Array.from({ length: n }, (_, i) => i);
  let seed = 42;
  for (let i = n - 1; i > 0; i--) {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    const j = seed % (i + 1);
    [list[i], list[j]] = [list[j], list[i]];
  }
  return list;
}

const storage = { float64: Float64Array, float32: Float32Array, int32: Int32Array, uint32: Uint32Array };

/** The operand that one of the above describes, by a library's `array(numbers, shape, dtype)`. */
export function operand(array, { shape: fixed, shaped, values, dtype: pinned, isShuffled }, shape, dtype) {
  const own = fixed ?? shaped(shape);
  const type = pinned ?? dtype;
  const data = new storage[type](own.reduce((a, b) => a * b, 1));
  if (isShuffled) data.set(shuffle(data.length));
  else for (let i = 0; i < data.length; i++) data[i] = values(i);
  return array(data, own, type);
}
