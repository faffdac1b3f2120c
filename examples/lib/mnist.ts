import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { type NDArray, np, random } from 'cotangent';

const require = createRequire(import.meta.url);
const pixels = 28 * 28;

export interface Digits {
  /** Grey values in [0, 1]: f32[n,28,28]. */
  readonly images: NDArray;
  /** i32[n]. */
  readonly labels: NDArray;
}

interface Class {
  readonly data: readonly number[];
  readonly count: number;
}

let classes: readonly Class[] | undefined;

/** By digit, the pixels of all its images. */
function readClasses(): readonly Class[] {
  classes ??= Array.from({ length: 10 }, (_, digit) => {
    const path = require.resolve(`mnist/src/digits/${digit}.json`);
    const { data } = JSON.parse(readFileSync(path, 'utf8')) as { data: number[] };
    return { data, count: Math.floor(data.length / pixels) };
  });
  return classes;
}

/**
 * The 10,000 digits of MNIST that the package `mnist` ships, in an order that the seed decides: the first `train` to learn
 * from, the last `test` to judge by.
 */
export function mnist({ train = 8500, test = 1500, seed = 0 }: { train?: number; test?: number; seed?: number } = {}): {
  train: Digits;
  test: Digits;
} {
  const classes = readClasses();
  const places = classes.flatMap(({ count }, digit) => Array.from({ length: count }, (_, i) => [digit, i] as const));
  if (train + test > places.length)
    throw new RangeError(`mnist: there are ${places.length} digits, fewer than ${train} to train and ${test} to test`);
  const order: number[] = random.permutation(random.key(seed), places.length).tolist();
  const pick = (chosen: readonly number[]): Digits => {
    const images = new Float32Array(chosen.length * pixels);
    const labels = new Int32Array(chosen.length);
    chosen.forEach((place, row) => {
      const [digit, i] = places[place]!;
      labels[row] = digit;
      // The package rounds to three decimals: the bytes of the original files come back.
      for (let j = 0; j < pixels; j++)
        images[row * pixels + j] = Math.round(classes[digit]!.data[i * pixels + j]! * 255) / 255;
    });
    return { images: np.array(images).reshape(chosen.length, 28, 28), labels: np.array(labels) };
  };
  return { train: pick(order.slice(0, train)), test: pick(order.slice(places.length - test)) };
}
