/**
 * Numbers in [−0.5, 0.5) times `scale` that every language makes alike: the fraction of 43758.5453·sin(12.9898·(i + 1) + 78.233·seed),
 * less a half.
 */
export function numbers(count, seed = 0, scale = 1) {
  const out = new Float32Array(count);
  for (let i = 0; i < count; i++) {
    const x = Math.sin((i + 1) * 12.9898 + seed * 78.233) * 43758.5453;
    out[i] = (x - Math.floor(x) - 0.5) * scale;
  }
  return out;
}

/** Arrays of these numbers, by a library with NumPy's functions. */
export const arraysOf = (np) => (shape, seed, scale) => {
  const size = shape.reduce((a, b) => a * b, 1);
  return np.array(numbers(size, seed, scale)).reshape(shape);
};

/** The products that all are measured on. */
export const products = (matmul) =>
  Object.fromEntries([8, 16, 32, 64, 480, 1024].map((n) => [`matmul ${n}`, matmul(n)]));
