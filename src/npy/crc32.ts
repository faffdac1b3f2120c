/** The checksum of archives: the remainder of division by the polynomial 0xEDB88320 over GF(2), bits reversed. */
import { condensed, fewestCondensed } from '../../jit/eager/checksum.ts';
import { interpretOnly } from '../../jit/run.ts';
import { isPrebuiltReady } from '../../jit/runtime/prebuilt.ts';
import type { Cell } from '../../jit/storage/cell.ts';

/** Table k has the remainder of a byte that k others follow: of eight bytes at once (Kounavis & Berry, Slicing-by-8, 2005). */
let tables: Int32Array[] | undefined;

function tablesOf(): Int32Array[] {
  const first = new Int32Array(256);
  for (let n = 0; n < 256; n++) {
    let r = n;
    for (let bit = 0; bit < 8; bit++) r = (r >>> 1) ^ (r & 1 ? 0xedb88320 : 0);
    first[n] = r;
  }
  const all = [first];
  for (let k = 1; k < 16; k++) all.push(all[k - 1]!.map((r) => (r >>> 8) ^ first[r & 255]!));
  return all;
}

/** Node has one that multiplies polynomials with the instruction for that; older ones and browsers have none. */
const { getBuiltinModule } = (globalThis as { process?: { getBuiltinModule?: (id: string) => unknown } }).process ?? {};
const builtIn = (
  getBuiltinModule?.('node:zlib') as { crc32?: (bytes: Uint8Array, before: number) => number } | undefined
)?.crc32;

/** Bytes from which the call of the engine's own costs less than it saves. */
const many = 256;

/** Of bytes that follow others with the checksum `before`. */
export function crc32(bytes: Uint8Array, before: number = 0): number {
  if (isCondensed(bytes)) return ofCondensed(condensed(bytes, ~before));
  return builtIn && bytes.length >= many ? builtIn(bytes, before) : crc32ByTables(bytes, before);
}

/** The same of bytes that {@link isCondensed}, which are written to the place of an array in the heap on the way. */
export const crc32Into = (cell: Cell, bytes: Uint8Array, before: number): number =>
  ofCondensed(condensed(bytes, ~before, cell));

/** Whether there are so many that they are changed to few with the same checksum. */
export const isCondensed = (bytes: Uint8Array): boolean =>
  bytes.length >= fewestCondensed && isPrebuiltReady() && !interpretOnly;
/** Checksums are complements of what the register holds, which is 0 in front of what is condensed. */
const ofCondensed = (bytes: Uint8Array): number => (builtIn ?? crc32ByTables)(bytes, 0xffffffff);

export function crc32ByTables(bytes: Uint8Array, before: number = 0): number {
  tables ??= tablesOf();
  const [t0, t1, t2, t3, t4, t5, t6, t7] = tables as [
    Int32Array,
    Int32Array,
    Int32Array,
    Int32Array,
    Int32Array,
    Int32Array,
    Int32Array,
    Int32Array,
  ];
  const [t8, t9, t10, t11, t12, t13, t14, t15] = tables.slice(8) as [
    Int32Array,
    Int32Array,
    Int32Array,
    Int32Array,
    Int32Array,
    Int32Array,
    Int32Array,
    Int32Array,
  ];
  let r = ~before;
  let i = 0;
  const unaligned = Math.min(bytes.length, (4 - (bytes.byteOffset & 3)) & 3);
  for (; i < unaligned; i++) r = t0[(r ^ bytes[i]!) & 255]! ^ (r >>> 8);
  const blocks = (bytes.length - i) >> 4;
  // Not even an empty view may begin between words.
  const words = new Int32Array(bytes.buffer, blocks > 0 ? bytes.byteOffset + i : 0, blocks * 4);
  for (let k = 0; k < words.length; k += 4) {
    const a = words[k]! ^ r;
    const b = words[k + 1]!;
    const c = words[k + 2]!;
    const d = words[k + 3]!;
    r =
      t15[a & 255]! ^
      t14[(a >>> 8) & 255]! ^
      t13[(a >>> 16) & 255]! ^
      t12[a >>> 24]! ^
      t11[b & 255]! ^
      t10[(b >>> 8) & 255]! ^
      t9[(b >>> 16) & 255]! ^
      t8[b >>> 24]! ^
      t7[c & 255]! ^
      t6[(c >>> 8) & 255]! ^
      t5[(c >>> 16) & 255]! ^
      t4[c >>> 24]! ^
      t3[d & 255]! ^
      t2[(d >>> 8) & 255]! ^
      t1[(d >>> 16) & 255]! ^
      t0[d >>> 24]!;
  }
  for (i += blocks * 16; i < bytes.length; i++) r = t0[(r ^ bytes[i]!) & 255]! ^ (r >>> 8);
  return ~r >>> 0;
}
