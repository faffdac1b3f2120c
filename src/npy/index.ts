/** Arrays in NumPy's files: .npy and .npz. */
import { type ArrayLike, NDArray } from '../array.ts';
import { shapedArray } from '../core/aval.ts';
import { CotangentError, TraceError } from '../core/errors.ts';
import { naming, optionsOf } from '../core/options.ts';
import { transpose } from '../lax/movement.ts';
import { strong } from '../numpy/array.ts';
import { operand } from '../numpy/shape.ts';
import { crc32, crc32Into, isCondensed } from './crc32.ts';
import { decode, encode, type Fail, failing, type Stored, type Write } from './format.ts';
import { type Found, unzip, zip } from './zip.ts';

/**
 * An array as the bytes of a .npy file, which `np.load` of Python reads: version 1.0, little-endian, row-major, in the array's dtype.
 *
 * @example
 * writeFileSync('x.npy', npy.save(np.arange(6).reshape(2, 3)));
 * @throws TraceError while the array is traced
 */
export const save = (x: ArrayLike): Uint8Array => fileOf('save', 'its argument', x);

function fileOf(operation: string, name: string, x: ArrayLike): Uint8Array {
  if (x instanceof NDArray && !x.concrete)
    throw new TraceError(`${operation}: the value of ${name}, ${x.describe()}, is not known while it is traced.`);
  const value = strong(operand(x, operation));
  return encode(value.dtype, value.shape, value.cell().peek());
}

function toArray({ dtype, shape, isFortran, cell }: Stored): NDArray {
  if (!isFortran || shape.length < 2) return new NDArray(shapedArray(shape, dtype), cell);
  return transpose(new NDArray(shapedArray([...shape].reverse(), dtype), cell));
}

/**
 * The array of a .npy file, of version 1, 2 or 3, of either order of bytes and axes. float16 becomes float32 and integers of 8 and 16 bits
 * int32, as in `safetensors`; integers of 64 bits, NumPy's usual ones, become int32 or uint32 if they all fit, and are refused otherwise.
 *
 * @example
 * const x = npy.load(readFileSync('x.npy'));
 * @throws CotangentError when the file is malformed, or has elements that no array has: complex numbers, text, records, objects
 */
export function load(bytes: Uint8Array | ArrayBuffer): NDArray {
  return toArray(decode(checkBytes('load', bytes), failing('load', 'an npy')));
}

/**
 * Arrays as the bytes of an .npz file, an archive of .npy files, not compressed: by name, or `arr_0`, `arr_1` … of a list.
 *
 * @example
 * writeFileSync('data.npz', npy.savez({ x: np.ones([2]), y: np.zeros([2]) }));
 * @throws TraceError while an array is traced
 */
export function savez(arrays: Readonly<Record<string, ArrayLike>> | readonly ArrayLike[]): Uint8Array {
  if (typeof arrays !== 'object' || arrays === null || arrays instanceof NDArray)
    throw new CotangentError(`savez: expected an object or a list of arrays, but got ${naming(arrays)}.`);
  const named = Array.isArray(arrays)
    ? (arrays as readonly ArrayLike[]).map((x, i) => [`arr_${i}`, x] as const)
    : Object.entries(arrays as Readonly<Record<string, ArrayLike>>);
  const entries = named.map(([name, x]) => ({ name: `${name}.npy`, bytes: fileOf('savez', `\`${name}\``, x) }));
  return zip(entries, (what) => {
    throw new CotangentError(`savez: ${what}.`);
  });
}

export interface LoadzOptions {
  /** Compare the checksums of what is in the archive. Default true. For files that one trusts, false saves half of the time or more. */
  verify?: boolean;
}

/**
 * The arrays of an .npz file by name, whether it is compressed (`np.savez_compressed`) or not. Checksums are compared, but with
 * `verify: false`.
 *
 * @example
 * const { x, y } = npy.loadz(readFileSync('data.npz'));
 * const mine = npy.loadz(readFileSync('data.npz'), { verify: false });
 * @throws CotangentError when the archive or an array in it is malformed, as `load` does
 */
export function loadz(bytes: Uint8Array | ArrayBuffer, options: LoadzOptions = {}): Record<string, NDArray> {
  const { verify = true } = optionsOf('loadz', options, ['verify']);
  const fail = failing('loadz', 'an npz');
  const arrays: [name: string, array: NDArray][] = [];
  for (const entry of unzip(checkBytes('loadz', bytes), fail)) {
    const name = entry.name.endsWith('.npy') ? entry.name.slice(0, -4) : undefined;
    const checked = verify ? new Checked(entry, fail) : undefined;
    if (name !== undefined) {
      const failHere: Fail = (what) => {
        // Of what was damaged on its way, that is what is wrong with it.
        checked?.compare();
        return fail(`in \`${name}\`, ${what}`);
      };
      arrays.push([name, toArray(decode(entry.bytes, failHere, checked?.write))]);
    }
    checked?.compare();
  }
  return Object.fromEntries(arrays);
}

/** A file of an archive whose checksum is found while its elements are copied, if they are. */
class Checked {
  private readonly entry: Found;
  private readonly fail: Fail;
  private checksum: number | undefined;

  constructor(entry: Found, fail: Fail) {
    this.entry = entry;
    this.fail = fail;
  }

  readonly write: Write = (cell, data) => {
    if (!isCondensed(data)) return cell.write(data);
    const { bytes } = this.entry;
    const start = data.byteOffset - bytes.byteOffset;
    const before = crc32(bytes.subarray(0, start));
    this.checksum = crc32(bytes.subarray(start + data.length), crc32Into(cell, data, before));
  };

  compare(): void {
    const { name, bytes, checksum } = this.entry;
    this.checksum ??= crc32(bytes);
    if (this.checksum !== checksum) this.fail(`\`${name}\` does not have the checksum that it should have`);
  }
}

function checkBytes(operation: string, bytes: Uint8Array | ArrayBuffer): Uint8Array {
  // A plain view: `slice` of Node's Buffer does not copy.
  if (bytes instanceof Uint8Array) return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes instanceof ArrayBuffer) return new Uint8Array(bytes);
  throw new CotangentError(`${operation}: expected the bytes of a file, a Uint8Array or an ArrayBuffer.`, {
    hint: typeof bytes === 'string' ? `read the file first: \`${operation}(readFileSync(path))\`` : undefined,
  });
}
