/** Archives of files (PKWARE's APPNOTE, sections 4.3 and 4.5.3), as far as NumPy writes them: stored or deflated, in 64 bits where needed. */
import { crc32 } from './crc32.ts';
import type { Fail } from './format.ts';
import { inflate } from './inflate.ts';

export interface Entry {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** What the archive says that the bytes have. */
export interface Found extends Entry {
  readonly checksum: number;
}

const [localSign, centralSign, endSign, end64Sign, locator64Sign] = [
  0x04034b50, 0x02014b50, 0x06054b50, 0x06064b50, 0x07064b50,
];
const inExtra = 0xffffffff;
/** The first of January 1980, the earliest that there is: an archive depends on nothing but its arrays. */
const date = 0x21;
const utf8Flag = 0x800;
const [stored, deflated] = [0, 8];
/** Making one takes longer than reading a small archive. */
const [encoder, decoder] = [new TextEncoder(), new TextDecoder()];

/** An archive of the entries, not compressed. */
export function zip(entries: readonly Entry[], fail: Fail): Uint8Array {
  const names = entries.map(({ name }) => encodedName(name));
  const checksums = entries.map(({ bytes }) => crc32(bytes));
  const size = entries.reduce((sum, { bytes }, i) => sum + 76 + 2 * names[i]!.length + bytes.length, 22);
  if (size >= inExtra) fail(`it would have ${size} bytes, and more than 4 GB are not written`);
  const archive = new Uint8Array(size);
  const view = new DataView(archive.buffer);
  let at = 0;
  const u16 = (value: number): void => {
    view.setUint16(at, value, true);
    at += 2;
  };
  const u32 = (value: number): void => {
    view.setUint32(at, value, true);
    at += 4;
  };
  const put = (bytes: Uint8Array): void => {
    archive.set(bytes, at);
    at += bytes.length;
  };
  /** Version, flags, method, time, date, checksum, both sizes, lengths of name and extra field. */
  const common = (i: number): void => {
    const { length } = entries[i]!.bytes;
    for (const value of [20, utf8Flag, stored, 0, date]) u16(value);
    for (const value of [checksums[i]!, length, length]) u32(value);
    u16(names[i]!.length);
    u16(0);
  };
  const begins = entries.map(({ bytes }, i) => {
    const begin = at;
    u32(localSign);
    common(i);
    put(names[i]!);
    put(bytes);
    return begin;
  });
  const directory = at;
  begins.forEach((begin, i) => {
    u32(centralSign);
    u16(20);
    common(i);
    // Comment, disk and attributes.
    for (let k = 0; k < 3; k++) u16(0);
    u32(0);
    u32(begin);
    put(names[i]!);
  });
  const length = at - directory;
  u32(endSign);
  for (const value of [0, 0, entries.length, entries.length]) u16(value);
  u32(length);
  u32(directory);
  return archive;
}

/** The files of an archive. */
export function unzip(archive: Uint8Array, fail: Fail): Found[] {
  const view = new DataView(archive.buffer, archive.byteOffset, archive.byteLength);
  const { count, directory } = directoryOf(view, fail);
  const entries: Found[] = [];
  let at = directory;
  for (let i = 0; i < count; i++) {
    if (at + 46 > archive.length || view.getUint32(at, true) !== centralSign) fail('its directory is damaged');
    const u16 = (offset: number): number => view.getUint16(at + offset, true);
    const u32 = (offset: number): number => view.getUint32(at + offset, true);
    const [nameLength, extraLength, commentLength] = [u16(28), u16(30), u16(32)];
    if (at + 46 + nameLength + extraLength > archive.length) fail('its directory is damaged');
    const name = nameOf(archive.subarray(at + 46, at + 46 + nameLength));
    if (u16(8) & 1) fail(`\`${name}\` is encrypted`);
    const extra = { at: at + 46 + nameLength, end: at + 46 + nameLength + extraLength };
    const [size, packed, local] = wide(view, extra, [u32(24), u32(20), u32(42)], fail) as [number, number, number];
    const [method, checksum] = [u16(10), u32(16)];
    if (local + 30 > archive.length || view.getUint32(local, true) !== localSign)
      fail(`\`${name}\` is not where it should be`);
    const begin = local + 30 + view.getUint16(local + 26, true) + view.getUint16(local + 28, true);
    if (begin + packed > archive.length) fail(`\`${name}\` ends behind its end`);
    if (method !== stored && method !== deflated) fail(`\`${name}\` is compressed by method ${method}`);
    // DEFLATE makes at best one byte of 1032.
    if (method === stored ? size !== packed : size > 1032 * packed + 1032) fail(`\`${name}\` has a wrong length`);
    const raw = archive.subarray(begin, begin + packed);
    const bytes = method === stored ? raw : inflate(raw, size, fail);
    entries.push({ name, bytes, checksum });
    at += 46 + nameLength + extraLength + commentLength;
  }
  return entries;
}

/** UTF-8, of which most names are characters below 128: an encoder takes longer than writing an array of a few numbers, a decoder than reading one. */
function encodedName(name: string): Uint8Array {
  const bytes = new Uint8Array(name.length);
  for (let i = 0; i < name.length; i++) {
    const code = name.charCodeAt(i);
    if (code > 127) return encoder.encode(name);
    bytes[i] = code;
  }
  return bytes;
}

function nameOf(bytes: Uint8Array): string {
  if (bytes.length > 256 || bytes.some((byte) => byte > 127)) return decoder.decode(bytes);
  return String.fromCharCode(...bytes);
}

/** Where the directory is, from the record at the end, behind which there may be a comment. */
function directoryOf(view: DataView, fail: Fail): { count: number; directory: number } {
  const { byteLength: length } = view;
  let end = length - 22;
  while (end >= 0 && end >= length - 22 - 0xffff && view.getUint32(end, true) !== endSign) end--;
  if (end < 0 || view.getUint32(end, true) !== endSign) return fail('it is no archive: it has no directory');
  const [count, directory] = [view.getUint16(end + 10, true), view.getUint32(end + 16, true)];
  if (count < 0xffff && directory < inExtra) return { count, directory };
  const locator = end - 20;
  if (locator < 0 || view.getUint32(locator, true) !== locator64Sign) return { count, directory };
  const record = Number(view.getBigUint64(locator + 8, true));
  if (record + 56 > length || view.getUint32(record, true) !== end64Sign) return fail('its directory is damaged');
  return {
    count: Number(view.getBigUint64(record + 32, true)),
    directory: Number(view.getBigUint64(record + 48, true)),
  };
}

/** Sizes and the place of an entry, which stand in the extra field 1 where they do not fit, in this order. */
function wide(view: DataView, extra: { at: number; end: number }, given: readonly number[], fail: Fail): number[] {
  if (!given.includes(inExtra)) return [...given];
  for (let at = extra.at; at + 4 <= extra.end; at += 4 + view.getUint16(at + 2, true)) {
    if (view.getUint16(at, true) !== 1) continue;
    let next = at + 4;
    return given.map((value) => {
      if (value !== inExtra) return value;
      if (next + 8 > extra.end) return fail('its directory is damaged');
      next += 8;
      return Number(view.getBigUint64(next - 8, true));
    });
  }
  return [...given];
}
