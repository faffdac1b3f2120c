/**
 * A 128-bit hash of bytes as 32 hexadecimal digits: four 32-bit lanes, each multiplied, rotated and fed to its
 * neighbour a word at a time, then mixed. Not cryptographic; it keys caches that only this user writes.
 */
export function hash(bytes: Uint8Array, seed = 0): string {
  // The last bytes, the length four times: in words like the others, so that one loop takes them all. It runs before an engine has
  // optimised it, where variables that a closure shares would cost several times as much.
  const n = bytes.length >>> 2;
  const words = new Int32Array(n + 5);
  new Uint8Array(words.buffer).set(bytes);
  for (let i = 0; i < 4; i++) words[n + 1 + i] = bytes.length ^ Math.imul(i, 0x9e3779b9);
  let a = 0x9e3779b9 ^ seed;
  let b = (0x85ebca6b + seed) | 0;
  let c = 0xc2b2ae35 ^ bytes.length;
  let d = 0x27d4eb2f;
  for (let i = 0; i < words.length; i++) {
    const word = words[i]!;
    a = Math.imul(a ^ word, 0xcc9e2d51);
    a = (((a << 15) | (a >>> 17)) + d) | 0;
    b = (Math.imul(b ^ a, 0x1b873593) + word) | 0;
    b = (b << 13) | (b >>> 19);
    c = ((Math.imul(c + b, 5) + 0x561ccd1b) | 0) ^ d;
    d = Math.imul((d << 17) | (d >>> 15), 0x38b34ae5) ^ a;
  }
  return hex(avalanche(a)) + hex(avalanche(b)) + hex(avalanche(c)) + hex(avalanche(d));
}

/** The final mixing of MurmurHash3: every input bit reaches every output bit. */
function avalanche(x: number): number {
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  return x ^ (x >>> 16);
}

const hex = (x: number): string => (x >>> 0).toString(16).padStart(8, '0');
