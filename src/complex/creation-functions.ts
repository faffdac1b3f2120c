/** NumPy's constructors and comparisons of whole arrays, of real and of complex ones. */
import type { NDArray } from '../array.ts';
import { optionsOf } from '../core/options.ts';
import { broadcastShapes, sameShape } from '../core/shape.ts';
import { zerosLike as zerosOf } from '../lax/creation.ts';
import { and, or } from '../lax/logic.ts';
import * as arrays from '../numpy/array.ts';
import * as creation from '../numpy/creation.ts';
import * as testing from '../numpy/testing.ts';
import { isclose as closeComplex, equal, isnan } from './compare.ts';
import { ComplexArray, type ComplexDType, type ComplexLike } from './complex-array.ts';
import { arrayNamed, type ComplexData, type ComplexDTypeOption, isData } from './creation.ts';
import { isComplex } from './operands.ts';
import { hasComplex, isComplexDType, type Overloaded, type Planar, partDType, planar } from './overload.ts';

export { array, asarray, astype, complex, imag, j, realPart as real } from './creation.ts';

type AnyFunction = (...args: any[]) => any;
type WithDType<O> = O extends unknown
  ? 'dtype' extends keyof O
    ? Omit<O, 'dtype'> & { dtype: ComplexDType }
    : O
  : never;
type WithDTypes<A extends unknown[]> = { [K in keyof A]: WithDType<A[K]> };
/** The signature with a complex dtype among the options. */
type Making<F extends AnyFunction> = Overloaded<F, (...args: WithDTypes<Parameters<F>>) => ComplexArray>;

/** A constructor of real arrays, with zeros as imaginary parts where the dtype is complex. */
const making = <F extends AnyFunction>(f: F): Making<F> =>
  ((...args: any[]) => {
    const options = args.at(-1);
    if (options === null || typeof options !== 'object' || !isComplexDType(options.dtype)) return f(...args);
    const real: NDArray = f(...args.slice(0, -1), { ...options, dtype: partDType(options.dtype) });
    return new ComplexArray(real, zerosOf(real.aval));
  }) as never;

/** An array of zeros; float32 if no dtype is given. */
export const zeros: Making<typeof creation.zeros> = making(creation.zeros);
export const ones: Making<typeof creation.ones> = making(creation.ones);
/** An array whose elements are all 0: nothing is uninitialised here. */
export const empty: typeof zeros = zeros;
/** The n × n identity matrix. */
export const identity: Making<typeof creation.identity> = making(creation.identity);
/**
 * Ones where column − row = k. `m` columns, as many as rows if left out.
 *
 * @example
 * np.eye(2, { dtype: 'float64' }); // f64[2,2]
 * np.eye(2, 3, { k: 1 }); // [[0. 1. 0.] [0. 0. 1.]]
 */
export const eye: Making<typeof creation.eye> = making(creation.eye);
/** `value` broadcast to a shape. Its dtype is that of the value: float32 for numbers, bool for booleans. */
export const full: Overloaded<
  typeof creation.full,
  (shape: creation.ShapeLike, value: ComplexArray, options?: ComplexDTypeOption) => ComplexArray,
  (shape: creation.ShapeLike, value: ComplexLike, options: { dtype: ComplexDType }) => ComplexArray
> = planar('full', making(creation.full), { at: [1] }) as never;

type Alike<F extends AnyFunction> = Overloaded<F, (x: ComplexArray, options?: LikeOptions) => ComplexArray>;
interface LikeOptions extends ComplexDTypeOption {
  shape?: creation.ShapeLike;
}
/** Zeros with the shape and dtype of `x`. */
export const zerosLike: Alike<typeof creation.zerosLike> = planar('zerosLike', making(creation.zerosLike)) as never;
export const emptyLike: Alike<typeof creation.emptyLike> = planar('emptyLike', making(creation.emptyLike)) as never;
/** Ones with the shape and dtype of `x`. */
export const onesLike: Alike<typeof creation.onesLike> = ((x: ComplexLike, options?: any) =>
  isComplex(x) ? fullLike(x, 1, options) : making(creation.onesLike)(x, options)) as never;
/** `value` broadcast to the shape of `x`, in its dtype. */
export const fullLike: Overloaded<
  typeof creation.fullLike,
  (x: ComplexArray, value: ComplexLike, options?: LikeOptions) => ComplexArray,
  (x: ComplexLike, value: ComplexArray, options?: LikeOptions) => ComplexArray
> = planar('fullLike', creation.fullLike, { at: [0, 1] }) as never;

/** The array itself: arrays are immutable. */
export const copy: Planar<typeof arrays.copy> = planar('copy', arrays.copy) as never;

/** Elementwise, whether x and y are equal within a tolerance. */
export const isclose: Overloaded<
  typeof testing.isclose,
  (x: ComplexArray, y: ComplexLike, options?: testing.CloseOptions) => NDArray,
  (x: ComplexLike, y: ComplexArray, options?: testing.CloseOptions) => NDArray
> = ((x: any, y: any, ...rest: any[]) =>
  hasComplex(x) || hasComplex(y) ? closeComplex('isclose', x, y, ...rest) : testing.isclose(x, y, ...rest)) as never;

type Whole<O extends unknown[]> = (x: ComplexData, y: ComplexData, ...options: O) => boolean;
const whole = <F extends AnyFunction>(
  name: string,
  f: F,
  ofComplex: (x: ComplexArray, y: ComplexArray, options?: any) => boolean,
): Overloaded<F, Whole<Parameters<F> extends [any, any, ...infer O] ? O : never>> =>
  ((x: any, y: any, ...rest: any[]) =>
    isData(x) || isData(y) ? ofComplex(arrayNamed(name, x), arrayNamed(name, y), ...rest) : f(x, y, ...rest)) as never;

/**
 * Whether all elements are equal within a tolerance: a JavaScript boolean. Nested lists may stand for arrays.
 * @throws TraceError on traced arrays
 */
export const allclose: Overloaded<
  typeof testing.allclose,
  Whole<Parameters<typeof testing.allclose> extends [any, any, ...infer O] ? O : never>
> = whole('allclose', testing.allclose, (x, y, options) =>
  closeComplex('allclose', x, y, options).all().item<boolean>(),
);
/**
 * Whether shapes and all elements are equal: a JavaScript boolean. Nested lists may stand for arrays.
 * @throws TraceError on traced arrays
 */
export const arrayEqual: Overloaded<
  typeof testing.arrayEqual,
  Whole<Parameters<typeof testing.arrayEqual> extends [any, any, ...infer O] ? O : never>
> = whole('arrayEqual', testing.arrayEqual, (x, y, options = {}) => {
  const { equalNan = false } = optionsOf('arrayEqual', options, ['equalNan']);
  if (!sameShape(x.shape, y.shape)) return false;
  const same = equal(x, y);
  return (equalNan ? or(same, and(isnan(x), isnan(y))) : same).all().item<boolean>();
});
/**
 * Whether the arrays are equal once they are broadcast together; false where they do not broadcast. A JavaScript boolean.
 * @throws TraceError on traced arrays
 */
export const arrayEquiv: Overloaded<
  typeof testing.arrayEquiv,
  Whole<Parameters<typeof testing.arrayEquiv> extends [any, any, ...infer O] ? O : never>
> = whole(
  'arrayEquiv',
  testing.arrayEquiv,
  (x, y) => broadcastShapes(x.shape, y.shape) !== undefined && equal(x, y).all().item<boolean>(),
);

export { iscomplex, iscomplexobj, isreal, isrealobj } from './compare.ts';
