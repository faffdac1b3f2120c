/**
 * The bytes of a safetensors file: the length of the header (64 bits, little-endian), the header, which is JSON padded
 * with spaces to a multiple of 8 bytes, and the elements of the tensors one after the other, row-major, little-endian.
 */
import { type DType, type TypedArray, viewOf } from '../core/dtype.ts';
import { CotangentError } from '../core/errors.ts';

export interface Tensor {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly data: TypedArray;
}

export interface Contents {
  readonly tensors: readonly Tensor[];
  readonly metadata: Readonly<Record<string, string>>;
}

interface Format {
  readonly bytes: number;
  readonly dtype: DType;
  /** The elements in `dtype`, from a buffer of their own. */
  readonly read: (buffer: ArrayBuffer, n: number) => TypedArray;
}

const same = (dtype: DType, bytes: number): Format => ({
  bytes,
  dtype,
  read: (buffer, n) => viewOf(dtype, buffer, 0, n),
});
const integers = (bytes: number, view: new (buffer: ArrayBuffer) => ArrayLike<number>): Format => ({
  bytes,
  dtype: 'int32',
  read: (buffer) => Int32Array.from(new view(buffer)),
});
const halves = (bits: (x: number) => number): Format => ({
  bytes: 2,
  dtype: 'float32',
  read: (buffer) => new Float32Array(Uint32Array.from(new Uint16Array(buffer), bits).buffer),
});

/** What can be read. Types that no array has are widened, which changes no value. */
const formats: Record<string, Format> = {
  F64: same('float64', 8),
  F32: same('float32', 4),
  I32: same('int32', 4),
  U32: same('uint32', 4),
  BOOL: { bytes: 1, dtype: 'bool', read: (buffer) => new Uint8Array(buffer).map((x) => (x === 0 ? 0 : 1)) },
  I8: integers(1, Int8Array),
  U8: integers(1, Uint8Array),
  I16: integers(2, Int16Array),
  U16: integers(2, Uint16Array),
  F16: halves(halfBits),
  BF16: halves((x) => x << 16),
};

/** The float32 bits of float16 bits. */
export function halfBits(x: number): number {
  const sign = (x & 0x8000) << 16;
  const exponent = (x >> 10) & 31;
  const fraction = x & 1023;
  if (exponent === 31) return sign | 0x7f800000 | (fraction << 13);
  if (exponent > 0) return sign | ((exponent + 112) << 23) | (fraction << 13);
  if (fraction === 0) return sign;
  // Denormal: shifted until its leading one is the implicit one.
  const shift = Math.clz32(fraction) - 21;
  return sign | ((113 - shift) << 23) | ((fraction << (shift + 13)) & 0x7fffff);
}

/** Names of our dtypes, in the order in which tensors are written: wide ones first, so that all are aligned. */
const names: Readonly<Record<DType, string>> = {
  float64: 'F64',
  float32: 'F32',
  uint32: 'U32',
  int32: 'I32',
  bool: 'BOOL',
};
const order = Object.keys(names);

/** The file, with tensors in the order of the reference implementation: by dtype, then by name. */
export function encode({ tensors, metadata }: Contents): Uint8Array {
  const sorted = [...tensors].sort(
    (a, b) => order.indexOf(a.dtype) - order.indexOf(b.dtype) || (a.name < b.name ? -1 : a.name > b.name ? 1 : 0),
  );
  let end = 0;
  const entries = sorted.map(({ name, dtype, shape, data }) => {
    const begin = end;
    end += data.byteLength;
    return [name, { dtype: names[dtype], shape, data_offsets: [begin, end] }] as const;
  });
  const about = Object.keys(metadata).length > 0 ? [['__metadata__', metadata] as const] : [];
  // Written entry by entry: an object would move names that are numbers to the front.
  const json = [...about, ...entries].map((entry) => entry.map((x) => JSON.stringify(x)).join(':'));
  const header = new TextEncoder().encode(`{${json.join(',')}}`);
  const headerBytes = Math.ceil(header.length / 8) * 8;
  const file = new Uint8Array(8 + headerBytes + end);
  new DataView(file.buffer).setBigUint64(0, BigInt(headerBytes), true);
  file.fill(0x20, 8, 8 + headerBytes);
  file.set(header, 8);
  let at = 8 + headerBytes;
  for (const { data } of sorted) {
    file.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at);
    at += data.byteLength;
  }
  return file;
}

const largestHeader = 100_000_000;

/**
 * Takes a file apart.
 * @throws CotangentError that says what is wrong with it
 */
export function decode(operation: string, bytes: Uint8Array): Contents {
  const fail = (what: string): never => {
    throw new CotangentError(`${operation}: not a safetensors file: ${what}.`);
  };
  if (bytes.length < 8) return fail(`it has ${bytes.length} bytes, fewer than the 8 of the header's length`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = view.getBigUint64(0, true);
  if (length > largestHeader) return fail(`its header would have ${length} bytes`);
  const start = 8 + Number(length);
  if (start > bytes.length) return fail(`its header would have ${length} bytes, but ${bytes.length - 8} follow`);
  const header = parseHeader(bytes.subarray(8, start), fail);
  const { __metadata__: about, ...entries } = header;
  const tensors = Object.entries(entries).map(([name, entry]) => ({ name, ...checkEntry(name, entry, fail) }));
  const inOrder = [...tensors].sort((a, b) => a.begin - b.begin || a.end - b.end);
  let at = 0;
  for (const { name, begin, end } of inOrder) {
    if (begin !== at) fail(`\`${name}\` begins at byte ${begin} of the data, but the tensor before it ends at ${at}`);
    at = end;
  }
  if (at !== bytes.length - start)
    fail(`its tensors have ${at} bytes, but it has ${bytes.length - start} bytes of data`);
  return {
    metadata: checkMetadata(about, fail),
    tensors: tensors.map(({ name, format, shape, begin, end }) => {
      const buffer = bytes.slice(start + begin, start + end).buffer as ArrayBuffer;
      const data = format.read(buffer, (end - begin) / format.bytes);
      return { name, shape, dtype: format.dtype, data };
    }),
  };
}

type Fail = (what: string) => never;
const isRecord = (x: unknown): x is Record<string, unknown> => typeof x === 'object' && x !== null && !Array.isArray(x);

function parseHeader(bytes: Uint8Array, fail: Fail): Record<string, unknown> {
  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    return fail('its header is not JSON');
  }
  return isRecord(header) ? header : fail('its header is not a JSON object');
}

function checkMetadata(about: unknown, fail: Fail): Record<string, string> {
  if (about === undefined) return {};
  if (!isRecord(about) || Object.values(about).some((v) => typeof v !== 'string'))
    return fail('`__metadata__` is not an object of strings');
  return about as Record<string, string>;
}

const isSize = (x: unknown): x is number => Number.isSafeInteger(x) && (x as number) >= 0;

function checkEntry(
  name: string,
  entry: unknown,
  fail: Fail,
): { format: Format; shape: readonly number[]; begin: number; end: number } {
  const { dtype, shape, data_offsets: offsets } = isRecord(entry) ? entry : ({} as Record<string, unknown>);
  if (typeof dtype !== 'string') return fail(`\`${name}\` has no dtype`);
  const format = Object.hasOwn(formats, dtype)
    ? formats[dtype]!
    : fail(`\`${name}\` has dtype ${dtype}, which no array has`);
  if (!Array.isArray(shape) || !shape.every(isSize)) return fail(`\`${name}\` has shape ${JSON.stringify(shape)}`);
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isSize))
    return fail(`\`${name}\` has data_offsets ${JSON.stringify(offsets)}`);
  const [begin, end] = offsets as [number, number];
  const wanted = shape.reduce((n: number, d: number) => n * d, 1) * format.bytes;
  if (end - begin !== wanted) fail(`\`${name}\` is ${dtype}[${shape}] of ${wanted} bytes, but has ${end - begin}`);
  return { format, shape, begin, end };
}
