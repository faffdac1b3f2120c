/**
 * A 128-bit hash of bytes as 32 hexadecimal digits: four 32-bit lanes, each multiplied, rotated and fed to its
 * neighbour a word at a time, then mixed. Not cryptographic; it keys caches that only this user writes.
 */
export function hash(bytes: Uint8Array, seed = 0): string {
  const words = bytes.byteOffset % 4 === 0 ? bytes : bytes.slice();
  const n = words.length >>> 2;
  const u32 = new Uint32Array(words.buffer, words.byteOffset, n);
  let a = 0x9e3779b9 ^ seed;
  let b = 0x85ebca6b + seed;
  let c = 0xc2b2ae35 ^ bytes.length;
  let d = 0x27d4eb2f;
  const step = (word: number): void => {
    a = Math.imul(a ^ word, 0xcc9e2d51);
    a = (((a << 15) | (a >>> 17)) + d) | 0;
    b = (Math.imul(b ^ a, 0x1b873593) + word) | 0;
    b = (b << 13) | (b >>> 19);
    c = (Math.imul(c + b, 5) + 0x561ccd1b) ^ d;
    d = Math.imul((d << 17) | (d >>> 15), 0x38b34ae5) ^ a;
  };
  for (let i = 0; i < n; i++) step(u32[i]!);
  let tail = 0;
  for (let i = n << 2; i < words.length; i++) tail = (tail << 8) | words[i]!;
  step(tail);
  for (let i = 0; i < 4; i++) step(bytes.length ^ Math.imul(i, 0x9e3779b9));
  return [a, b, c, d].map((x) => hex(avalanche(x))).join('');
}

/** The final mixing of MurmurHash3: every input bit reaches every output bit. */
function avalanche(x: number): number {
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  return x ^ (x >>> 16);
}

const hex = (x: number): string => (x >>> 0).toString(16).padStart(8, '0');
