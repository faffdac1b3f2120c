/** `np.array`: arrays from JavaScript data. */
import { type ArrayLike, NDArray } from '../array.ts';
import { shapedArray } from '../core/aval.ts';
import { allocate, castNumber, type DType, dtypeOfTypedArray, isFloating, type TypedArray } from '../core/dtype.ts';
import { DtypeError, ShapeError } from '../core/errors.ts';
import { checkDType as known, naming, optionsOf } from '../core/options.ts';
import { type Shape, sameShape, sizeOf } from '../core/shape.ts';
import type { Value } from '../core/trace.ts';
import { convert } from '../lax/convert.ts';
import { reshape, strengthen } from '../lax/movement.ts';
import { concatenate } from '../lax/slicing.ts';
import { promoteDTypes, toValue } from '../promote.ts';

/** Numbers, booleans, arrays and typed arrays, in lists nested to any depth. */
export type ArrayData = ArrayLike | ArrayBufferView | readonly ArrayData[];

export interface DTypeOption {
  dtype?: DType;
}

/** A valid dtype, or a DtypeError that names the operation. */
export function checkDType(dtype: DType | undefined, operation: string): DType | undefined {
  if (dtype !== undefined) known(dtype, operation);
  return dtype;
}

/** A strong value: numbers become float32 arrays. */
export const strong = (x: Value): Value => strengthen(x);

/** Takes ownership of row-major data that was made for this dtype. */
export const fromData = (data: TypedArray, shape: Shape, dtype: DType): NDArray =>
  NDArray.fromHost(data, shapedArray(shape, dtype));

/** A new array of `dtype` from numbers. */
export function fromNumbers(values: NumberList, shape: Shape, dtype: DType): NDArray {
  const data = allocate(dtype, sizeOf(shape));
  for (let i = 0; i < data.length; i++) data[i] = castNumber(Number(values[i]), dtype);
  return fromData(data, shape, dtype);
}

/** A vector of `dtype` from a function of the position. */
export function fromFunction(f: (i: number) => number, length: number, dtype: DType): NDArray {
  const data = allocate(dtype, length);
  // Storing rounds by itself, to float32.
  if (isFloating(dtype)) for (let i = 0; i < length; i++) data[i] = f(i);
  else for (let i = 0; i < length; i++) data[i] = castNumber(f(i), dtype);
  return fromData(data, [length], dtype);
}

interface NumberList {
  readonly length: number;
  readonly [i: number]: number | boolean;
}

/**
 * An array from nested lists, numbers, booleans, typed arrays or other arrays, traced ones included. Numbers become
 * float32 and booleans bool; typed arrays keep their dtype, and small integer types become int32.
 *
 * @example
 * np.array([[1, 2], [3, 4]], { dtype: 'float64' }); // f64[2,2]
 * np.array([x, y.mul(2)]); // stacks arrays
 * @throws ShapeError when rows differ in length
 */
export function array(data: ArrayData, given: DTypeOption = {}): NDArray {
  const { dtype } = optionsOf('array', given, ['dtype']);
  return arrayNamed('array', data, dtype);
}

/** `array`, for a function that errors about data call by another name. */
export function arrayNamed(operation: string, data: ArrayData, dtype?: DType): NDArray {
  if (data instanceof NDArray) return dtype ? convert(data, dtype) : strong(data);
  if (ArrayBuffer.isView(data)) return fromTypedArray(data, dtype);
  if (typeof data === 'number' || typeof data === 'boolean') {
    return fromNumbers([Number(data)], [], dtype ?? (typeof data === 'boolean' ? 'bool' : 'float32'));
  }
  if (!Array.isArray(data)) {
    throw new DtypeError(
      `${operation}: expected numbers, booleans, arrays or nested lists of them, but got ${naming(data)}.`,
      {
        hint: (data as unknown) instanceof Promise ? 'await it first' : undefined,
      },
    );
  }
  const leaves: (number | boolean)[] = [];
  const shape = plainShape(data as readonly ArrayData[], leaves);
  if (!shape) return stackNested(data as readonly ArrayData[], dtype);
  const bools = leaves.length > 0 && leaves.every((leaf) => typeof leaf === 'boolean');
  return fromNumbers(leaves, shape, dtype ?? (bools ? 'bool' : 'float32'));
}

/** The same as `array`: arrays are immutable, so an array of the dtype asked for is returned as it is. */
export const asarray: typeof array = array;

function fromTypedArray(view: ArrayBufferView, dtype: DType | undefined): NDArray {
  const values = view as unknown as NumberList;
  if (view instanceof DataView || view instanceof BigInt64Array || view instanceof BigUint64Array) {
    throw new DtypeError(`array: a ${view.constructor.name} cannot become an array.`, {
      hint:
        view instanceof DataView
          ? 'read its bytes as numbers first: `new Float32Array(view.buffer)`'
          : 'its integers have 64 bits; where 32 are enough write `Int32Array.from(x, Number)`',
    });
  }
  const own = view instanceof Uint8Array ? 'int32' : (dtypeOfTypedArray(view) ?? 'int32');
  return fromNumbers(values, [values.length], dtype ?? own);
}

/** The shape of nested lists of numbers, whose elements are added to `leaves`; undefined where arrays are among them. */
function plainShape(data: readonly ArrayData[], leaves: (number | boolean)[]): number[] | undefined {
  const first = data[0];
  if (!Array.isArray(first)) {
    for (const item of data) {
      if (typeof item === 'number' || typeof item === 'boolean') leaves.push(item);
      else if (Array.isArray(item)) throw ragged('a number', 'a list');
      else return undefined;
    }
    return [data.length];
  }
  let inner: number[] | undefined;
  for (const item of data) {
    if (!Array.isArray(item)) {
      if (typeof item === 'number' || typeof item === 'boolean') throw ragged('a list', 'a number');
      return undefined;
    }
    const shape = plainShape(item, leaves);
    if (!shape) return undefined;
    if (inner && !sameShape(inner, shape)) throw ragged(`shape [${inner}]`, `shape [${shape}]`);
    inner = shape;
  }
  return [data.length, ...inner!];
}

const ragged = (a: string, b: string): ShapeError =>
  new ShapeError(
    `array: nested lists are ragged: one row is ${a.replace('shape', 'of shape')}, another ${b.replace('shape', 'of shape')}.`,
  );

function stackNested(data: readonly ArrayData[], dtype: DType | undefined): NDArray {
  // Numbers beside arrays stay weak until all are promoted together.
  const items = data.map((item) => (typeof item === 'number' || typeof item === 'boolean' ? item : array(item)));
  const values = promoteDTypes('array', items).map((v) => (dtype ? convert(v, dtype) : strong(v)));
  const shape = values[0]!.shape;
  for (const value of values)
    if (!sameShape(value.shape, shape)) throw ragged(`shape [${shape}]`, `shape [${value.shape}]`);
  return concatenate(
    values.map((v) => reshape(v, [1, ...shape])),
    0,
  );
}

/** The array converted to another dtype. */
export function astype(x: ArrayLike, dtype: DType): NDArray {
  known(dtype, 'astype');
  return convert(toValue(x, 'astype'), dtype);
}

/** The array itself: arrays are immutable. */
export const copy = (x: ArrayLike): NDArray => arrayNamed('copy', x);
