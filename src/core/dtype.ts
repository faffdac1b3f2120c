/** The element types of arrays. */
export type DType = 'float32' | 'float64' | 'int32' | 'uint32' | 'bool';

export type TypedArray = Float32Array | Float64Array | Int32Array | Uint32Array | Uint8Array;

interface DTypeInfo {
  readonly short: string;
  readonly array: new (source: number | ArrayLike<number> | ArrayBufferLike, offset?: number, n?: number) => TypedArray;
}

/** Facts about each dtype. A bool is stored as one byte, 0 or 1. */
const info: Record<DType, DTypeInfo> = {
  float32: { short: 'f32', array: Float32Array as DTypeInfo['array'] },
  float64: { short: 'f64', array: Float64Array as DTypeInfo['array'] },
  int32: { short: 'i32', array: Int32Array as DTypeInfo['array'] },
  uint32: { short: 'u32', array: Uint32Array as DTypeInfo['array'] },
  bool: { short: 'bool', array: Uint8Array as DTypeInfo['array'] },
};

export const dtypes: readonly DType[] = ['float32', 'float64', 'int32', 'uint32', 'bool'];

export const isDType = (x: unknown): x is DType => typeof x === 'string' && x in info;
export const isFloating = (dtype: DType): boolean => dtype === 'float32' || dtype === 'float64';
export const isInteger = (dtype: DType): boolean => dtype === 'int32' || dtype === 'uint32';
export const shortName = (dtype: DType): string => info[dtype].short;
/** Asked for with every operation: two comparisons are quicker than a table. */
export const byteSize = (dtype: DType): number => (dtype === 'float64' ? 8 : dtype === 'bool' ? 1 : 4);

/** A zero-filled typed array of `length` elements. */
export const allocate = (dtype: DType, length: number): TypedArray => new info[dtype].array(length);

/**
 * Copies a few elements one by one, which is quicker than `set` and `slice`. Each dtype has a loop of its own: one that meets
 * arrays of all kinds takes ten times as long.
 */
export function copyFew(
  dtype: DType,
  from: TypedArray,
  start: number,
  to: TypedArray,
  at: number,
  count: number,
): void {
  switch (dtype) {
    case 'float32': {
      const [source, target] = [from as Float32Array, to as Float32Array];
      for (let i = 0; i < count; i++) target[at + i] = source[start + i]!;
      return;
    }
    case 'float64': {
      const [source, target] = [from as Float64Array, to as Float64Array];
      for (let i = 0; i < count; i++) target[at + i] = source[start + i]!;
      return;
    }
    case 'int32': {
      const [source, target] = [from as Int32Array, to as Int32Array];
      for (let i = 0; i < count; i++) target[at + i] = source[start + i]!;
      return;
    }
    case 'uint32': {
      const [source, target] = [from as Uint32Array, to as Uint32Array];
      for (let i = 0; i < count; i++) target[at + i] = source[start + i]!;
      return;
    }
    case 'bool': {
      const [source, target] = [from as Uint8Array, to as Uint8Array];
      for (let i = 0; i < count; i++) target[at + i] = source[start + i]!;
    }
  }
}

/** Copied to be overwritten: an array of other doubles is one of doubles from the start. */
const doubles: readonly number[] = Array.from({ length: 64 }, (_, i) => i + 0.5);

/** A few floating elements as an array of numbers. */
export function numbersOf(dtype: DType, from: TypedArray, start: number, count: number): number[] {
  const numbers = doubles.slice(0, count);
  if (dtype === 'float32') {
    const source = from as Float32Array;
    for (let i = 0; i < count; i++) numbers[i] = source[start + i]!;
  } else {
    const source = from as Float64Array;
    for (let i = 0; i < count; i++) numbers[i] = source[start + i]!;
  }
  return numbers;
}

/** The same back. */
export function writeNumbers(numbers: readonly number[], dtype: DType, to: TypedArray, at: number): void {
  if (dtype === 'float32') {
    const target = to as Float32Array;
    for (let i = 0; i < numbers.length; i++) target[at + i] = numbers[i]!;
  } else {
    const target = to as Float64Array;
    for (let i = 0; i < numbers.length; i++) target[at + i] = numbers[i]!;
  }
}

/** A typed array for a few elements: constructors that are written out are called directly. */
export function allocateFew(dtype: DType, length: number): TypedArray {
  switch (dtype) {
    case 'float32':
      return new Float32Array(length);
    case 'float64':
      return new Float64Array(length);
    case 'int32':
      return new Int32Array(length);
    case 'uint32':
      return new Uint32Array(length);
    case 'bool':
      return new Uint8Array(length);
  }
}

/** The class of typed arrays that holds elements of `dtype`. */
export const typedArrayOf = (dtype: DType): DTypeInfo['array'] => info[dtype].array;

/** A copy. Unlike `slice` the constructor does not clear memory first that it is about to overwrite. */
export const copyOf = <A extends TypedArray>(data: A): A => new (data.constructor as new (source: A) => A)(data);

/** A typed array that shares `buffer`. */
export const viewOf = (dtype: DType, buffer: ArrayBufferLike, byteOffset: number, length: number): TypedArray =>
  new info[dtype].array(buffer, byteOffset, length);

/** The dtype of a typed array; `Uint8Array` holds bools. Undefined for any other array type. */
export function dtypeOfTypedArray(data: ArrayBufferView): DType | undefined {
  return dtypes.find((dtype) => data.constructor === info[dtype].array);
}

/**
 * The value that `x` has once stored as `dtype`. Integers wrap modulo 2³² (floats outside the range saturate and NaN
 * becomes 0, as JAX on CPU); a bool is 1 where `x` is not 0.
 */
export function castNumber(x: number, dtype: DType): number {
  switch (dtype) {
    case 'float32':
      return Math.fround(x);
    case 'float64':
      return x;
    case 'int32':
      if (Number.isInteger(x) && Math.abs(x) <= 2 ** 53)
        return x >= -(2 ** 31) && x < 2 ** 32 ? x | 0 : x < 0 ? -(2 ** 31) : 2 ** 31 - 1;
      return Number.isNaN(x) ? 0 : Math.trunc(Math.min(Math.max(x, -(2 ** 31)), 2 ** 31 - 1));
    case 'uint32':
      if (Number.isInteger(x) && x >= -(2 ** 31) && x < 2 ** 32) return x >>> 0;
      return Number.isNaN(x) ? 0 : Math.trunc(Math.min(Math.max(x, 0), 2 ** 32 - 1));
    case 'bool':
      return x !== 0 ? 1 : 0;
  }
}
