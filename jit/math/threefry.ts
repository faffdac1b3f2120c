/** The Threefry-2x32 hash in terms of what its rounds need of 32-bit words: numbers, elements of kernels, instructions. */

export interface Words<T> {
  constant(value: number): T;
  add(x: T, y: T): T;
  xor(x: T, y: T): T;
  /** Rotation to the left. */
  rotate(x: T, by: number): T;
}

const rotations = [
  [13, 15, 26, 6],
  [17, 29, 16, 24],
] as const;

/** Of a hash. */
export const hashRounds = 20;

/** What is added to the two words: before the first round, and behind every four. */
export type Schedule<T> = readonly (readonly [T, T])[];

/** The key, extended by its parity word. It does not depend on the counter. */
export function scheduleOf<T>(w: Words<T>, key: readonly [T, T]): Schedule<T> {
  const words = [key[0], key[1], w.xor(w.xor(key[0], key[1]), w.constant(0x1bd11bda))];
  const later = [1, 2, 3, 4, 5].map((group): [T, T] => [
    words[group % 3]!,
    w.add(words[(group + 1) % 3]!, w.constant(group)),
  ]);
  return [[key[0], key[1]], ...later];
}

/** The rounds, from a counter to which the key has been added. */
export function roundsOf<T>(w: Words<T>, schedule: Schedule<T>, start: readonly [T, T]): readonly [T, T] {
  let [x, y] = start;
  for (let group = 0; group < hashRounds / 4; group++) {
    for (const by of rotations[group % 2]!) {
      x = w.add(x, y);
      y = w.xor(w.rotate(y, by), x);
    }
    x = w.add(x, schedule[group + 1]![0]);
    y = w.add(y, schedule[group + 1]![1]);
  }
  return [x, y];
}

/**
 * Threefry-2x32 with 20 rounds (Salmon, Moraes, Dror & Shaw, Parallel random numbers: as easy as 1, 2, 3, SC 2011): a
 * keyed bijection of pairs of words.
 */
export function hashOf<T>(w: Words<T>, key: readonly [T, T], counter: readonly [T, T]): readonly [T, T] {
  return roundsOf(w, scheduleOf(w, key), [w.add(counter[0], key[0]), w.add(counter[1], key[1])]);
}

/** Words as JavaScript's numbers, with signs. */
export const numberWords: Words<number> = {
  constant: (value) => value | 0,
  add: (x, y) => (x + y) | 0,
  xor: (x, y) => x ^ y,
  rotate: (x, by) => (x << by) | (x >>> (32 - by)),
};
