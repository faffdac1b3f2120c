import { numbers } from '../inputs.mjs';

/** Makers of operands with as many elements as `shape` says, by a library's `array` and `positions`. */
export function operandsOf({ array, positions }, shape) {
  const n = shape[0] * shape[1];
  const list = (seed, scale = 6, offset = 0, count = n) =>
    Float64Array.from(numbers(count, seed, scale), (v) => v + offset);
  const matrix = (...args) => array(list(...args), shape);
  /** The side of a square matrix of that size. */
  const root = Math.round(Math.sqrt(n));
  return {
    shape,
    n,
    root,
    list,
    matrix,
    vector: (...args) => array(list(...args), [n]),
    side: (seed) => array(list(seed, 6, 0, root), [root]),
    integers: (seed, limit, count = n) =>
      positions(
        Array.from(numbers(count, seed), (v) => Math.floor((v + 0.5) * limit)),
        [count],
      ),
    x: () => [matrix(0)],
    xy: () => [matrix(0), matrix(1)],
  };
}
