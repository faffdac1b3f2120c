/**
 * Decompression of DEFLATE (RFC 1951). Engines have it as streams that must be awaited, or in modules that browsers lack; files are read at
 * once here, as everywhere in the library.
 */
import type { Fail } from './format.ts';

/** Codes of at most this many bits are looked up at once. */
const quick = 10;
const longestCode = 15;

/** A prefix code: entries of the table are symbol·16 + length, 0 where a code is longer and is read bit by bit. */
interface Code {
  readonly table: Uint16Array;
  readonly counts: Uint16Array;
  readonly symbols: Uint16Array;
}

/** The canonical code (section 3.2.2) with these lengths of its symbols. */
function codeOf(lengths: ArrayLike<number>, fail: Fail): Code {
  const counts = new Uint16Array(longestCode + 1);
  for (let i = 0; i < lengths.length; i++) counts[lengths[i]!]!++;
  counts[0] = 0;
  const offsets = new Uint16Array(longestCode + 2);
  const first = new Uint16Array(longestCode + 2);
  let left = 1;
  for (let n = 1; n <= longestCode; n++) {
    left = 2 * left - counts[n]!;
    if (left < 0) return fail('its compressed data have a code with too many words');
    offsets[n + 1] = offsets[n]! + counts[n]!;
    first[n + 1] = (first[n]! + counts[n]!) << 1;
  }
  const symbols = new Uint16Array(lengths.length);
  const table = new Uint16Array(1 << quick);
  for (let symbol = 0; symbol < lengths.length; symbol++) {
    const n = lengths[symbol]!;
    if (n === 0) continue;
    symbols[offsets[n]!++] = symbol;
    const word = first[n]!++;
    if (n > quick) continue;
    // Bits arrive with the first of the word lowest.
    let reversed = 0;
    for (let bit = 0; bit < n; bit++) reversed |= ((word >> bit) & 1) << (n - 1 - bit);
    for (let at = reversed; at < table.length; at += 1 << n) table[at] = (symbol << 4) | n;
  }
  return { table, counts, symbols };
}

const lengthBase = [
  3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258,
];
const lengthBits = [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0];
const distanceBase = [
  1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097, 6145,
  8193, 12289, 16385, 24577,
];
const distanceBits = [0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13];
const codeOrder = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

let fixed: readonly [Code, Code] | undefined;

/** The codes of section 3.2.6. */
function fixedCodes(fail: Fail): readonly [Code, Code] {
  const lengths = Uint8Array.from({ length: 288 }, (_, i) => (i < 144 ? 8 : i < 256 ? 9 : i < 280 ? 7 : 8));
  fixed ??= [codeOf(lengths, fail), codeOf(new Uint8Array(30).fill(5), fail)];
  return fixed;
}

/** `input` decompressed, which gives `size` bytes. */
export function inflate(input: Uint8Array, size: number, fail: Fail): Uint8Array {
  const output = new Uint8Array(size);
  let [at, to] = [0, 0];
  /** Bits that have been read and not used, the next one lowest. */
  let [held, count] = [0, 0];
  const fill = (n: number): void => {
    while (count < n) {
      if (at >= input.length + 4) fail('its compressed data end early');
      // Beyond the end zeros are read ahead, and must not be used up.
      held |= (at < input.length ? input[at]! : 0) << count;
      at++;
      count += 8;
    }
  };
  const bits = (n: number): number => {
    fill(n);
    const value = held & ((1 << n) - 1);
    held >>>= n;
    count -= n;
    return value;
  };
  const symbol = ({ table, counts, symbols }: Code): number => {
    fill(longestCode);
    const entry = table[held & ((1 << quick) - 1)]!;
    if (entry > 0) {
      held >>>= entry & 15;
      count -= entry & 15;
      return entry >> 4;
    }
    let [word, first, index] = [0, 0, 0];
    for (let n = 1; n <= longestCode; n++) {
      word |= (held >> (n - 1)) & 1;
      const here = counts[n]!;
      if (word - first < here) {
        held >>>= n;
        count -= n;
        return symbols[index + word - first]!;
      }
      index += here;
      first = (first + here) << 1;
      word <<= 1;
    }
    return fail('its compressed data have a word that no code has');
  };
  const stored = (): void => {
    // Whole bytes that were read ahead are given back.
    at -= count >> 3;
    [held, count] = [0, 0];
    const length = input[at]! | (input[at + 1]! << 8);
    const complement = input[at + 2]! | (input[at + 3]! << 8);
    if (at + 4 + length > input.length || length !== (complement ^ 0xffff) || to + length > size)
      fail('its compressed data have a block of a wrong length');
    output.set(input.subarray(at + 4, at + 4 + length), to);
    at += 4 + length;
    to += length;
  };
  const codes = (): readonly [Code, Code] => {
    const [literals, distances, words] = [bits(5) + 257, bits(5) + 1, bits(4) + 4];
    const own = new Uint8Array(19);
    for (let i = 0; i < words; i++) own[codeOrder[i]!] = bits(3);
    const code = codeOf(own, fail);
    const lengths = new Uint8Array(literals + distances);
    for (let i = 0; i < lengths.length; ) {
      const next = symbol(code);
      if (next < 16) {
        lengths[i++] = next;
        continue;
      }
      const repeated = next === 16 ? (i > 0 ? lengths[i - 1]! : fail('its compressed data repeat nothing')) : 0;
      const times = next === 16 ? 3 + bits(2) : next === 17 ? 3 + bits(3) : 11 + bits(7);
      if (i + times > lengths.length) fail('its compressed data have too many lengths');
      lengths.fill(repeated, i, i + times);
      i += times;
    }
    return [codeOf(lengths.subarray(0, literals), fail), codeOf(lengths.subarray(literals), fail)];
  };
  const compressed = ([literals, distances]: readonly [Code, Code]): void => {
    for (;;) {
      const next = symbol(literals);
      if (next === 256) return;
      if (next < 256) {
        if (to >= size) fail(`its compressed data give more than ${size} bytes`);
        output[to++] = next;
        continue;
      }
      const length =
        (lengthBase[next - 257] ?? fail('its compressed data have a wrong length')) + bits(lengthBits[next - 257]!);
      const far = symbol(distances);
      const distance =
        (distanceBase[far] ?? fail('its compressed data have a wrong distance')) + bits(distanceBits[far]!);
      if (distance > to) fail('its compressed data repeat what is before their beginning');
      if (to + length > size) fail(`its compressed data give more than ${size} bytes`);
      if (distance >= length) output.copyWithin(to, to - distance, to - distance + length);
      else for (let i = 0; i < length; i++) output[to + i] = output[to + i - distance]!;
      to += length;
    }
  };
  for (let isLast = 0; isLast === 0; ) {
    isLast = bits(1);
    const kind = bits(2);
    if (kind === 0) stored();
    else if (kind === 3) fail('its compressed data have a block of no kind');
    else compressed(kind === 1 ? fixedCodes(fail) : codes());
  }
  if (at - (count >> 3) > input.length) fail('its compressed data end early');
  if (to !== size) fail(`its compressed data give ${to} bytes instead of ${size}`);
  return output;
}
