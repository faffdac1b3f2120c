/**
 * The bytes of a .npy file (NumPy, NEP 1): `\x93NUMPY`, a version, the length of the header in 16 bits (version 1) or 32 (2 and 3), the
 * header, which is a Python dictionary padded with spaces to a multiple of 64 bytes, and the elements.
 */
import { Cell } from '../../jit/storage/cell.ts';
import { smallBytes } from '../../jit/storage/sizes.ts';
import { type DType, type TypedArray, viewOf } from '../core/dtype.ts';
import { CotangentError } from '../core/errors.ts';
import { halfBits } from '../safetensors/format.ts';
import { type Descriptor, parseHeader } from './header.ts';

/** An array as it stands in a file. `isFortran`: the first axis is the one along which neighbours lie. */
export interface Stored {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly isFortran: boolean;
  readonly cell: Cell;
}

export type Fail = (what: string) => never;

export const failing =
  (operation: string, kind: string): Fail =>
  (what) => {
    throw new CotangentError(`${operation}: not ${kind} file that can be read: ${what}.`);
  };

const codes: Readonly<Record<DType, string>> = {
  float64: '<f8',
  float32: '<f4',
  int32: '<i4',
  uint32: '<u4',
  bool: '|b1',
};

const magic = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];
const alignment = 64;
/** Arguments that a call may have. */
const longestCall = 4096;

/** The file of an array with row-major elements: version 1.0, little-endian. */
export function encode(dtype: DType, shape: readonly number[], data: TypedArray): Uint8Array {
  const extents = shape.length === 1 ? `${shape[0]},` : shape.join(', ');
  const dictionary = `{'descr': '${codes[dtype]}', 'fortran_order': False, 'shape': (${extents}), }`;
  const start = Math.ceil((10 + dictionary.length + 1) / alignment) * alignment;
  const file = new Uint8Array(start + data.byteLength);
  const head = [...magic, 1, 0, (start - 10) & 255, (start - 10) >> 8];
  for (let i = 0; i < 10; i++) file[i] = head[i]!;
  for (let i = 0; i < dictionary.length; i++) file[10 + i] = dictionary.charCodeAt(i);
  file.fill(0x20, 10 + dictionary.length, start - 1);
  file[start - 1] = 0x0a;
  file.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), start);
  return file;
}

/** Fills the place of an array in the heap with elements as they stand in the file. */
export type Write = (cell: Cell, data: Uint8Array) => void;
const write: Write = (cell, data) => cell.write(data);

/** Takes a file apart. What follows the elements is ignored, as NumPy does, which writes several arrays into one file. */
export function decode(bytes: Uint8Array, fail: Fail, fill: Write = write): Stored {
  let isMagic = bytes.length >= 10;
  for (let i = 0; i < magic.length; i++) isMagic &&= bytes[i] === magic[i];
  if (!isMagic) return fail('it does not begin with \\x93NUMPY and a version');
  const [major, minor] = [bytes[6]!, bytes[7]!];
  if (major < 1 || major > 3 || minor !== 0) return fail(`its version is ${major}.${minor}`);
  const from = major === 1 ? 10 : 12;
  const low = bytes[8]! | (bytes[9]! << 8);
  const length = major === 1 ? low : bytes.length < 12 ? Infinity : low + 2 ** 16 * (bytes[10]! | (bytes[11]! << 8));
  const start = from + length;
  if (start > bytes.length) return fail(`its header would have ${length} bytes, but ${bytes.length - from} follow`);
  const dictionary = bytes.subarray(from, start);
  // Latin 1 is what codes of characters are. Making a decoder takes longer than reading the file.
  const written =
    major === 3 || length > longestCall
      ? new TextDecoder(major === 3 ? 'utf-8' : 'latin1').decode(dictionary)
      : String.fromCharCode.apply(null, dictionary as unknown as number[]);
  const { descr, shape, isFortran } = parseHeader(written, fail);
  const n = shape.reduce((a, b) => a * b, 1);
  const size = n * descr.bytes;
  if (!(size <= bytes.length - start))
    return fail(`its ${descr.code}[${shape}] would have ${size} bytes, but ${bytes.length - start} follow`);
  const data = bytes.subarray(start, start + size);
  return {
    dtype: dtypes[`${descr.kind}${descr.bytes}`] ?? unknown(descr, fail),
    shape,
    isFortran,
    cell: elements(descr, data, n, fail, fill),
  };
}

const unknown = ({ code }: Descriptor, fail: Fail): never => fail(`no array has elements of type '${code}'`);

function swap(bytes: Uint8Array, width: number): void {
  for (let i = 0; i < bytes.length; i += width)
    for (let a = i, b = i + width - 1; a < b; a++, b--) {
      const byte = bytes[a]!;
      bytes[a] = bytes[b]!;
      bytes[b] = byte;
    }
}

/** Types that no array has are widened, and integers of 64 bits narrowed, where that changes no value. */
const dtypes: Readonly<Record<string, DType>> = {
  f8: 'float64',
  f4: 'float32',
  f2: 'float32',
  i4: 'int32',
  u4: 'uint32',
  i1: 'int32',
  i2: 'int32',
  i8: 'int32',
  u1: 'int32',
  u2: 'int32',
  u8: 'uint32',
  b1: 'bool',
};

/** Elements that are stored as they stand in the file. Small ones stay with JavaScript, others lie where operations read them. */
function copied(dtype: DType, data: Uint8Array, n: number, fill: Write): Cell {
  if (data.length <= smallBytes) return Cell.fromHost(dtype, viewOf(dtype, data.slice().buffer as ArrayBuffer, 0, n));
  const cell = Cell.inHeap(dtype, n);
  fill(cell, data);
  return cell;
}

function elements(
  { kind, bytes, code, isBigEndian }: Descriptor,
  data: Uint8Array,
  n: number,
  fail: Fail,
  fill: Write,
): Cell {
  const type = `${kind}${bytes}`;
  const dtype = dtypes[type]!;
  const isSame = /^(f8|f4|i4|u4)$/.test(type);
  if (isSame && !isBigEndian) return copied(dtype, data, n, fill);
  const own = data.slice();
  if (isBigEndian) swap(own, bytes);
  const buffer = own.buffer as ArrayBuffer;
  const values = (): TypedArray => {
    switch (type) {
      case 'f2':
        return new Float32Array(Uint32Array.from(new Uint16Array(buffer), halfBits).buffer);
      case 'i1':
        return Int32Array.from(new Int8Array(buffer));
      case 'u1':
        return Int32Array.from(own);
      case 'i2':
        return Int32Array.from(new Int16Array(buffer));
      case 'u2':
        return Int32Array.from(new Uint16Array(buffer));
      case 'i8':
      case 'u8':
        return narrowed(kind === 'u', new Int32Array(buffer), n, code, fail);
      case 'b1':
        return own.map((x) => (x === 0 ? 0 : 1));
      default:
        return viewOf(dtype, buffer, 0, n);
    }
  };
  return Cell.fromHost(dtype, values());
}

function narrowed(
  isUnsigned: boolean,
  words: Int32Array<ArrayBuffer>,
  n: number,
  code: string,
  fail: Fail,
): TypedArray {
  const data = isUnsigned ? new Uint32Array(n) : new Int32Array(n);
  for (let i = 0; i < n; i++) {
    const low = words[2 * i]!;
    if (words[2 * i + 1] !== (isUnsigned ? 0 : low >> 31)) {
      const value = new (isUnsigned ? BigUint64Array : BigInt64Array)(words.buffer)[i];
      return fail(`element ${i} of its '${code}' is ${value}, which has more than 32 bits`);
    }
    data[i] = low;
  }
  return data;
}
