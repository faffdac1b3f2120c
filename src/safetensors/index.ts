/** Arrays in files: the safetensors format of Hugging Face. */

import { NDArray } from '../array.ts';
import { shapedArray } from '../core/aval.ts';
import { CotangentError, DtypeError, ShapeError, TraceError } from '../core/errors.ts';
import { naming, optionsOf } from '../core/options.ts';
import { sameShape } from '../core/shape.ts';
import { array } from '../numpy/array.ts';
import { type Arrays, flatten, unflatten } from '../tree.ts';
import { decode, encode, type Tensor } from './format.ts';
import { flattenNames, leafNames, type Named, unflattenNames } from './names.ts';

export { flattenNames, type Named, unflattenNames } from './names.ts';

export interface SaveOptions {
  /** Text to keep in the file. */
  metadata?: Readonly<Record<string, string>>;
}

/**
 * A tree of arrays as the bytes of a safetensors file. Arrays are named by their places in the tree: `layers.0.w`.
 * Numbers are saved as float32, booleans as bools.
 *
 * @example
 * writeFileSync('weights.safetensors', safetensors.save(params, { metadata: { epoch: '10' } }));
 * @throws TraceError while the tree is traced
 */
export function save(tree: unknown, options: SaveOptions = {}): Uint8Array {
  const { metadata = {} } = optionsOf('save', options, ['metadata']);
  if (typeof metadata !== 'object')
    throw new CotangentError(`save: metadata must be an object of strings, but it is ${naming(metadata)}.`);
  for (const [key, value] of Object.entries(metadata)) {
    if (typeof value !== 'string')
      throw new CotangentError(`save: metadata must be strings, but \`${key}\` is a ${typeof value}.`);
  }
  const tensors = Object.entries(flattenNames(tree, 'save')).map(([name, leaf]): Tensor => {
    if (name === '__metadata__') throw new CotangentError('save: the name `__metadata__` is not for arrays.');
    if (leaf instanceof NDArray && !leaf.concrete) {
      throw new TraceError(`save: the value of \`${name}\`, ${leaf.describe()}, is not known while it is traced.`);
    }
    const value = array(leaf);
    return { name, dtype: value.dtype, shape: value.shape, data: value.data() };
  });
  return encode({ tensors, metadata });
}

const toArray = ({ dtype, shape, data }: Tensor): NDArray => NDArray.fromHost(data, shapedArray(shape, dtype));

/**
 * The arrays of a safetensors file by name. F16 and BF16 become float32, integers of 8 and 16 bits int32.
 *
 * @example
 * const { 'layers.0.w': w } = safetensors.load(readFileSync('weights.safetensors'));
 * @throws CotangentError when the file is malformed
 */
export function load(bytes: Uint8Array | ArrayBuffer): Record<string, NDArray> {
  const { tensors } = decode('load', checkBytes('load', bytes));
  return Object.fromEntries(tensors.map((tensor) => [tensor.name, toArray(tensor)]));
}

/**
 * The arrays of a safetensors file as a tree. With `like`, a tree of arrays, the result has its structure, and each array
 * must be of the shape and dtype there. Without, dots in the names make the structure, as `unflattenNames` does.
 *
 * @example
 * const params = safetensors.loadTree(readFileSync('weights.safetensors'), init(random.key(0)));
 * @throws CotangentError, ShapeError or DtypeError that name the array that does not fit
 */
export function loadTree<T = Named<NDArray>>(bytes: Uint8Array | ArrayBuffer): T;
export function loadTree<T>(bytes: Uint8Array | ArrayBuffer, like: T): Arrays<T>;
export function loadTree(bytes: Uint8Array | ArrayBuffer, like?: unknown): any {
  const { tensors } = decode('loadTree', checkBytes('loadTree', bytes));
  const record = Object.fromEntries(tensors.map((tensor) => [tensor.name, toArray(tensor)]));
  if (like === undefined) return unflattenNames(record, 'loadTree');
  const { leaves, def } = flatten(like, (path) => `loadTree: like${path}`);
  const names = leafNames(def);
  const unknown = Object.keys(record).find((name) => !names.includes(name));
  if (unknown !== undefined) throw new CotangentError(`loadTree: \`like\` has no array named \`${unknown}\`.`);
  const loaded = names.map((name, i) => {
    const value = Object.hasOwn(record, name) ? record[name]! : undefined;
    if (!value) throw new CotangentError(`loadTree: the file has no array named \`${name}\`.`);
    const wanted = array(leaves[i]!);
    if (!sameShape(value.shape, wanted.shape))
      throw new ShapeError(`loadTree: \`${name}\` is ${value.aval} in the file, but ${wanted.aval} in \`like\`.`);
    if (value.dtype !== wanted.dtype)
      throw new DtypeError(`loadTree: \`${name}\` is ${value.aval} in the file, but ${wanted.aval} in \`like\`.`);
    return value;
  });
  return unflatten(def, loaded);
}

/** The text that a file keeps beside its arrays. */
export const loadMetadata = (bytes: Uint8Array | ArrayBuffer): Record<string, string> => ({
  ...decode('loadMetadata', checkBytes('loadMetadata', bytes)).metadata,
});

function checkBytes(operation: string, bytes: Uint8Array | ArrayBuffer): Uint8Array {
  // A plain view: `slice` of Node's Buffer does not copy.
  if (bytes instanceof Uint8Array) return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes instanceof ArrayBuffer) return new Uint8Array(bytes);
  throw new CotangentError(`${operation}: expected the bytes of a file, a Uint8Array or an ArrayBuffer.`, {
    hint: typeof bytes === 'string' ? 'read the file first: `load(readFileSync(path))`' : undefined,
  });
}
