/** Complex arrays from data and from parts. */
import { type ArrayLike, NDArray } from '../array.ts';
import type { DType } from '../core/dtype.ts';
import { DtypeError } from '../core/errors.ts';
import { checkExtra, isPlain, naming, optionsOf } from '../core/options.ts';
import { zerosLike } from '../lax/creation.ts';
import * as real from '../numpy/array.ts';
import { toValue } from '../promote.ts';
import { type Complex, ComplexArray, type ComplexDType, type ComplexLike } from './complex-array.ts';
import { again, complexOf, isComplex, zerosFor } from './operands.ts';
import { isComplexDType, type Overloaded, partDType, partOptions } from './overload.ts';

/** Complex numbers and arrays, in lists nested to any depth, with real ones among them. */
export type ComplexData = ComplexLike | Complex | readonly ComplexData[];

export interface ComplexDTypeOption {
  dtype?: ComplexDType;
}

/** A complex number of JavaScript's. */
const isNumber = (x: unknown): x is Complex =>
  typeof x === 'object' && x !== null && isPlain(x) && 'real' in x && 'imag' in x;

/** Whether there is something complex in data. Of a long list of numbers it is asked once for each. */
export function isData(x: unknown): boolean {
  if (typeof x === 'number') return false;
  if (!Array.isArray(x)) return x instanceof ComplexArray || isNumber(x);
  for (let i = 0; i < x.length; i++) if (typeof x[i] !== 'number' && isData(x[i])) return true;
  return false;
}

/** Parts of data; a number of another kind is its own real part. */
function parts(data: any, part: 'real' | 'imag'): any {
  if (Array.isArray(data)) return data.map((x) => parts(x, part));
  if (data instanceof ComplexArray || isNumber(data)) return data[part];
  if (part === 'real') return data;
  return data instanceof NDArray ? zerosLike(data.aval) : 0;
}

/** `np.array` of data in which something is complex, or that is to be complex. */
export function arrayNamed(operation: string, data: ComplexData, dtype?: ComplexDType): ComplexArray {
  const partType = dtype && partDType(dtype);
  if (data instanceof ComplexArray) {
    if (!partType) return complexOf(operation, real.strong(data.real), real.strong(data.imag));
    return new ComplexArray(again(data.real.astype(partType)), again(data.imag.astype(partType)));
  }
  const [re, im] = (['real', 'imag'] as const).map((part) => real.arrayNamed(operation, parts(data, part), partType));
  return complexOf(operation, re!, im!);
}

type OfData = <O extends ComplexDTypeOption>(data: ComplexData, options?: O) => ComplexArray;

const arrayLike = (name: string, f: typeof real.array): Overloaded<typeof real.array, OfData> =>
  ((data: ComplexData, given: { dtype?: DType | ComplexDType } = {}) => {
    if (!isComplexDType(given?.dtype) && !isData(data)) return f(data as real.ArrayData, given as real.DTypeOption);
    const { dtype } = partOptions(name, optionsOf(name, { ...given, dtype: undefined }, ['dtype']));
    if (given.dtype !== undefined && !isComplexDType(given.dtype)) partOptions(name, given);
    return arrayNamed(name, data, (given.dtype ?? dtype) as ComplexDType | undefined);
  }) as Overloaded<typeof real.array, OfData>;

/**
 * An array from nested lists, numbers, booleans, typed arrays or other arrays, traced ones included. Numbers become
 * float32 and booleans bool; typed arrays keep their dtype, and small integer types become int32. Objects
 * `{ real, imag }` and complex arrays among the data, or a complex dtype, make a `ComplexArray`.
 *
 * @example
 * np.array([[1, 2], [3, 4]], { dtype: 'float64' }); // f64[2,2]
 * np.array([x, y.mul(2)]); // stacks arrays
 * np.array([{ real: 1, imag: 2 }, 3]); // [1.+2.j 3.+0.j]
 * @throws ShapeError when rows differ in length
 */
export const array: Overloaded<typeof real.array, OfData> = arrayLike('array', real.array);
/** The same as `array`: arrays are immutable, so an array of the dtype asked for is returned as it is. */
export const asarray: Overloaded<typeof real.array, OfData> = array;

/** Converted to another dtype; to a real one a complex array is converted by `np.real`, not by this. */
export const astype: Overloaded<typeof real.astype, (x: ComplexLike, dtype: ComplexDType) => ComplexArray> = ((
  x: ComplexLike,
  dtype: DType | ComplexDType,
) => {
  if (isComplexDType(dtype)) return arrayNamed('astype', x, dtype);
  if (!isComplex(x)) return real.astype(x, dtype);
  throw new DtypeError(`astype: ${x.describe()} is not converted to ${JSON.stringify(dtype)}, which is real.`, {
    hint: 'take its real part, `z.real`, or its magnitude, `z.abs()`',
  });
}) as never;

/**
 * Complex numbers from real and imaginary parts, which are broadcast together and promoted to one floating dtype; of numbers a
 * scalar that takes the dtype of what it meets, as numbers do. A complex array as the only argument is returned.
 *
 * @example
 * np.complex(0, 1); // 1j
 * np.complex(np.array([1, 2]), np.array([3, 4])); // [1.+3.j 2.+4.j]
 * @throws ShapeError when the parts do not broadcast together
 */
export function complex(re: ComplexLike, im?: ArrayLike, ...rest: unknown[]): ComplexArray {
  if (rest.length > 0) checkExtra('complex', 2, rest[0], rest[1]);
  if (isComplex(re)) {
    if (im !== undefined) throw new DtypeError(`complex: the real part is ${naming(re)}, but parts must be real.`);
    return re;
  }
  return complexOf('complex', toValue(re, 'complex'), im ?? 0);
}

/** The imaginary unit, which takes the precision of what it meets: Python's `1j`. */
export const j: ComplexArray = /* #__PURE__ */ new ComplexArray(
  /* #__PURE__ */ NDArray.weakNumber(0),
  /* #__PURE__ */ NDArray.weakNumber(1),
);

/** The real part of what may be complex. */
export const realPart = (x: ComplexLike): NDArray => (isComplex(x) ? x.real : toValue(x, 'real'));
/** The imaginary part: zeros of a real array. */
export const imag = (x: ComplexLike): NDArray => {
  if (isComplex(x)) return x.imag;
  const value = toValue(x, 'imag');
  return value.aval.weakType ? zerosFor(value) : zerosLike(value.aval);
};
