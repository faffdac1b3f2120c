/** Equality, and what is true of complex numbers. Order there is none: of `less` and its kin complex arrays are an error. */
import type { ArrayLike, NDArray } from '../array.ts';
import { checkNumbers, optionsOf } from '../core/options.ts';
import { recorded } from '../core/recorded.ts';
import type { Value } from '../core/trace.ts';
import { add, mul } from '../lax/arithmetic.ts';
import { eq, isFinite, le, ne, select } from '../lax/compare.ts';
import { convert } from '../lax/convert.ts';
import { full } from '../lax/creation.ts';
import { and, or } from '../lax/logic.ts';
import type { CloseOptions } from '../numpy/testing.ts';
import { toValue } from '../promote.ts';
import { subtract } from './arithmetic.ts';
import type { ComplexArray, ComplexLike } from './complex-array.ts';
import { isInfinite } from './exponential.ts';
import { absolute, modulus } from './magnitude.ts';
import { imagOf, isComplex, planesOf, realOf } from './operands.ts';

export type Comparison = (x: ComplexLike, y: ComplexLike) => NDArray;

const same = recorded((a: Value, b: Value, c: Value, d: Value) => and(eq(a, c), eq(b, d)));
const different = recorded((a: Value, b: Value, c: Value, d: Value) => or(ne(a, c), ne(b, d)));

export const equalNamed =
  (name: string): Comparison =>
  (x, y) =>
    same(...planesOf(name, x), ...planesOf(name, y));
export const notEqualNamed =
  (name: string): Comparison =>
  (x, y) =>
    different(...planesOf(name, x), ...planesOf(name, y));
export const equal: Comparison = equalNamed('equal');
export const notEqual: Comparison = notEqualNamed('notEqual');

const ofParts = (name: string, f: (a: Value, b: Value) => Value): ((z: ComplexArray) => NDArray) => {
  const run = recorded(f);
  return (z) => run(realOf(name, z), imagOf(name, z)!);
};
export const isnan: (z: ComplexArray) => NDArray = ofParts('isnan', (a, b) => or(ne(a, a), ne(b, b)));
export const isinf: (z: ComplexArray) => NDArray = ofParts('isinf', (a, b) => or(isInfinite(a), isInfinite(b)));
export const isfinite: (z: ComplexArray) => NDArray = ofParts('isfinite', (a, b) => and(isFinite(a), isFinite(b)));
/** Whether numbers are not 0. */
export const truth: (z: ComplexArray) => NDArray = ofParts('truth', (a, b) => or(ne(a, 0), ne(b, 0)));

const near = recorded((a: Value, b: Value, c: Value, d: Value, distance: Value, rtol: number, atol: number) => {
  const finite = and(and(isFinite(a), isFinite(b)), and(isFinite(c), isFinite(d)));
  return select(finite, le(distance, add(atol, mul(rtol, modulus(c, d)))), and(eq(a, c), eq(b, d)));
});
const bothNan = recorded((a: Value, b: Value, c: Value, d: Value) =>
  and(or(ne(a, a), ne(b, b)), or(ne(c, c), ne(d, d))),
);

/** |x − y| ≤ atol + rtol |y|. */
export function isclose(name: string, x: ComplexLike, y: ComplexLike, given: CloseOptions = {}): NDArray {
  const { rtol = 1e-5, atol = 1e-8, equalNan = false } = optionsOf(name, given, ['rtol', 'atol', 'equalNan']);
  checkNumbers(name, given, ['rtol', 'atol']);
  const planes = [...planesOf(name, x), ...planesOf(name, y)] as const;
  const difference = subtract(x, y);
  const distance = isComplex(difference) ? absolute(difference) : difference;
  const result = near(...(planes as unknown as [Value, Value, Value, Value]), distance, rtol, atol);
  return equalNan ? or(result, bothNan(...(planes as unknown as [Value, Value, Value, Value]))) : result;
}

const constant = (x: ArrayLike, name: string, value: boolean): NDArray =>
  convert(full(toValue(x, name).shape, value ? 1 : 0, 'bool'), 'bool');

/** Where imaginary parts are 0: everywhere in a real array. */
export const isreal = (x: ComplexLike): NDArray => (isComplex(x) ? eq(x.imag, 0) : constant(x, 'isreal', true));
/** Where imaginary parts are not 0. */
export const iscomplex = (x: ComplexLike): NDArray => (isComplex(x) ? ne(x.imag, 0) : constant(x, 'iscomplex', false));
/** Whether it is a complex array, whatever its imaginary parts. */
export const iscomplexobj = (x: ComplexLike): boolean => {
  if (!isComplex(x)) toValue(x, 'iscomplexobj');
  return isComplex(x);
};
/** Whether it is a real array. */
export const isrealobj = (x: ComplexLike): boolean => {
  if (!isComplex(x)) toValue(x, 'isrealobj');
  return !isComplex(x);
};
