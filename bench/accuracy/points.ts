/** Points to measure a function at, in chunks: operands of one arity, as arrays of its type. */
export type Floats = Float32Array | Float64Array;

export const chunkSize: number = 2 ** 16;

/** Numbers at which functions tend to go wrong, besides those that a function names itself. */
const special = [
  0,
  1,
  2,
  0.5,
  3,
  1e-3,
  1e3,
  2 ** -149,
  2 ** -126,
  2 ** -24,
  2 ** -12,
  2 ** 23,
  2 ** 24,
  3.4028234e38,
  Infinity,
];
export const specials: readonly number[] = [...special, ...special.map((x) => -x), Number.NaN];

/** Bit patterns of float32 at a stride, which visits all exponents alike, and all those near `thresholds`. */
export function* float32Patterns(count: number, thresholds: readonly number[], near: number): Generator<Uint32Array> {
  const stride = Math.max(1, Math.floor(2 ** 32 / count));
  // An odd stride, so that low bits vary.
  const step = stride > 1 ? stride | 1 : 1;
  yield* chunks(Math.floor(2 ** 32 / step), (i) => i * step);
  const scratch = new Float32Array(1);
  const pattern = new Uint32Array(scratch.buffer);
  for (const threshold of [...specials, ...thresholds]) {
    scratch[0] = threshold;
    const middle = pattern[0]!;
    yield* chunks(2 * near, (i) => middle - near + i);
  }
}

function* chunks(count: number, at: (i: number) => number): Generator<Uint32Array> {
  for (let start = 0; start < count; start += chunkSize) {
    const chunk = new Uint32Array(Math.min(chunkSize, count - start));
    for (let i = 0; i < chunk.length; i++) chunk[i] = at(start + i);
    yield chunk;
  }
}

/** A generator of 32-bit words with a fixed seed (xorshift*, of which the high half is used). */
export function words(seed = 1): () => number {
  let [low, high] = [seed | 1, 0x9e3779b9];
  return () => {
    let t = low ^ (low << 11);
    t ^= t >>> 8;
    low = high;
    high = high ^ (high >>> 19) ^ t;
    return Math.imul(high, 0x9e3779bb) >>> 0;
  };
}

/** Numbers drawn evenly from an interval. */
export function uniform(count: number, low: number, high: number, next: () => number): Float64Array {
  return Float64Array.from({ length: count }, () => low + (high - low) * ((next() + next() / 2 ** 32) / 2 ** 32));
}
