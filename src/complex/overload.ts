/** Functions of real arrays that take complex ones, too. */
import { NDArray } from '../array.ts';
import type { DType } from '../core/dtype.ts';
import { DtypeError } from '../core/errors.ts';
import { checkExtra, isPlain } from '../core/options.ts';
import { zerosLike } from '../lax/creation.ts';
import { ComplexArray, type ComplexDType, type ComplexLike } from './complex-array.ts';

type AnyFunction = (...args: any[]) => any;

/**
 * A function with an overload: real arguments are tried first, and the real signature comes last again, since that is the one
 * TypeScript infers from where the function is passed on: `jit(np.sin)`.
 */
export interface Overloaded<F extends AnyFunction, G extends AnyFunction, H extends AnyFunction = G> {
  (...args: Parameters<F>): ReturnType<F>;
  (...args: Parameters<G>): ReturnType<G>;
  (...args: Parameters<H>): ReturnType<H>;
  (...args: Parameters<F>): ReturnType<F>;
}

export type OfComplex = (z: ComplexArray) => ComplexArray;
/** Of two operands, of which one at least is complex. */
export type OverloadedPair<F extends AnyFunction, R = ComplexArray> = Overloaded<
  F,
  (x: ComplexArray, y: ComplexLike) => R,
  (x: ComplexLike, y: ComplexArray) => R
>;

/** A function of one argument. */
export const overloaded = <F extends AnyFunction, R>(
  name: string,
  real: F,
  complex: (z: ComplexArray) => R,
): Overloaded<F, (z: ComplexArray) => R> =>
  ((x: unknown, extra?: unknown, list?: unknown) => {
    if (!(x instanceof ComplexArray)) return real(x, extra, list);
    if (extra !== undefined) checkExtra(name, 1, extra, list);
    return complex(x);
  }) as Overloaded<F, (z: ComplexArray) => R>;

/** A function of two. */
export const overloaded2 = <F extends AnyFunction, R>(
  name: string,
  real: F,
  complex: (x: ComplexLike, y: ComplexLike) => R,
): OverloadedPair<F, R> =>
  ((x: any, y: any, extra?: unknown, list?: unknown) => {
    if (!(x instanceof ComplexArray) && !(y instanceof ComplexArray)) return real(x, y, extra, list);
    if (extra !== undefined) checkExtra(name, 2, extra, list);
    return complex(x, y);
  }) as OverloadedPair<F, R>;

/** Whether a value is a complex array, or a list with one in it. */
export function hasComplex(x: unknown): boolean {
  if (!Array.isArray(x)) return x instanceof ComplexArray;
  for (let i = 0; i < x.length; i++) if (hasComplex(x[i])) return true;
  return false;
}

/** Results with complex arrays in place of real ones. */
export type ComplexOf<T> = T extends NDArray
  ? ComplexArray
  : T extends object
    ? { [K in keyof T]: ComplexOf<T[K]> }
    : T;

/** The signature of a linear function of its first argument. */
export type Planar<F extends AnyFunction> = Overloaded<
  F,
  F extends (x: any, ...rest: infer R) => infer Out ? (z: ComplexArray, ...rest: R) => ComplexOf<Out> : never
>;
/** The same of two arguments, of which one at least is complex. */
export type Planar2<F extends AnyFunction> = F extends (x: any, y: any, ...rest: infer R) => infer Out
  ? Overloaded<
      F,
      (x: ComplexArray, y: ComplexLike, ...rest: R) => ComplexOf<Out>,
      (x: ComplexLike, y: ComplexArray, ...rest: R) => ComplexOf<Out>
    >
  : never;
/** The same of a list. */
export type PlanarList<F extends AnyFunction> = Overloaded<
  F,
  F extends (list: any, ...rest: infer R) => infer Out
    ? (list: readonly ComplexLike[], ...rest: R) => ComplexOf<Out>
    : never
>;

const realPart = (x: unknown): unknown => (x instanceof ComplexArray ? x.real : Array.isArray(x) ? x.map(realPart) : x);

/** Of real numbers zeros. */
function imaginaryPart(x: unknown): unknown {
  if (x instanceof ComplexArray) return x.imag;
  if (x instanceof NDArray) return zerosLike(x.aval);
  if (Array.isArray(x)) return x.map(imaginaryPart);
  return typeof x === 'number' || typeof x === 'boolean' ? 0 : x;
}

/** What a function gave for each part, put together. */
export function joined(re: any, im: any): any {
  if (re instanceof NDArray) return new ComplexArray(re, im);
  return Array.isArray(re) ? re.map((x, i) => joined(x, im[i])) : re;
}

export const isComplexDType = (dtype: unknown): dtype is ComplexDType =>
  dtype === 'complex64' || dtype === 'complex128';
export const partDType = (dtype: ComplexDType): DType => (dtype === 'complex128' ? 'float64' : 'float32');

/** Options for the functions of the parts, whose dtype is real. */
export function partOptions<O extends { dtype?: unknown }>(name: string, options: O): O {
  const { dtype } = options;
  if (dtype === undefined) return options;
  if (!isComplexDType(dtype))
    throw new DtypeError(
      `${name}: the dtype of what is complex must be 'complex64' or 'complex128', but it is ${JSON.stringify(dtype)}.`,
      {
        hint: 'take its parts, `z.real` and `z.imag`, or `np.abs(z)`',
      },
    );
  return { ...options, dtype: partDType(dtype) };
}

interface Places {
  /** Positions of the arguments with elements; the first when left out. */
  at?: readonly number[];
  /** Names of options with elements. */
  options?: readonly string[];
}

/**
 * A function that is linear in some of its arguments: it is applied to real and imaginary parts. Real arrays among complex
 * ones have zeros as imaginary parts.
 */
export function planar<F extends AnyFunction>(name: string, f: F, { at = [0], options = [] }: Places = {}): F {
  const split = (args: readonly unknown[], part: (x: unknown) => unknown): unknown[] =>
    args.map((arg, i) => {
      if (at.includes(i)) return part(arg);
      if (typeof arg !== 'object' || arg === null || Array.isArray(arg) || !isPlain(arg)) return arg;
      const given: Record<string, unknown> = { ...partOptions(name, arg) };
      for (const key of options) if (key in given) given[key] = part(given[key]);
      return given;
    });
  const apply = (...args: unknown[]): unknown => joined(f(...split(args, realPart)), f(...split(args, imaginaryPart)));
  const [first, second, third] = [0, 1, 2].map((i) => at.includes(i)) as [boolean, boolean, boolean];
  // Without lists of arguments, which cost real calls more than the question does.
  return ((a?: unknown, b?: unknown, c?: unknown, d?: unknown, e?: unknown) => {
    const g =
      (first && hasComplex(a)) ||
      (second && hasComplex(b)) ||
      (third && hasComplex(c)) ||
      (options.length > 0 && hasComplexOption(options, d ?? c ?? b))
        ? apply
        : f;
    if (e !== undefined) return g(a, b, c, d, e);
    if (d !== undefined) return g(a, b, c, d);
    if (c !== undefined) return g(a, b, c);
    return b === undefined ? g(a) : g(a, b);
  }) as F;
}

function hasComplexOption(names: readonly string[], given: unknown): boolean {
  if (typeof given !== 'object' || given === null || Array.isArray(given) || given instanceof NDArray) return false;
  for (let i = 0; i < names.length; i++) if (hasComplex((given as Record<string, unknown>)[names[i]!])) return true;
  return false;
}
