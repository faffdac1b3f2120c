/** Arithmetic on complex arrays. A real operand is not made complex: z · 2 is two products, as in C's Annex G. */
import { NDArray } from '../array.ts';
import { ShapeError } from '../core/errors.ts';
import { naming } from '../core/options.ts';
import { broadcastShapes } from '../core/shape.ts';
import type { Value } from '../core/trace.ts';
import * as lax from '../lax/arithmetic.ts';
import { eq, ge, select } from '../lax/compare.ts';
import { and } from '../lax/logic.ts';
import { ComplexArray, type ComplexLike } from './complex-array.ts';
import { again, complexOf, imagOf, type Planes, planewise, realOf } from './operands.ts';

export type ComplexUnary = (z: ComplexLike) => ComplexArray;
export type ComplexBinary = (x: ComplexLike, y: ComplexLike) => ComplexArray;

const { add: plus, sub: minus, mul: times, div: over, neg: minusOf } = lax;

/** x · y of planes, in the middle of a computation. */
export const product = ([a, b]: Planes, [c, d]: Planes): Planes => [
  minus(times(a, c), times(b, d)),
  plus(times(a, d), times(b, c)),
];

/**
 * x / y by Smith's method (1962): the smaller part of y over the larger one, so that no square overflows. The parts are
 * chosen before anything is divided, so that derivatives see one branch. As NumPy's, x / 0 is infinite or NaN in each part.
 */
export function quotient(a: Value, b: Value | undefined, c: Value, d: Value): Planes {
  const isWide = ge(lax.abs(c), lax.abs(d));
  const larger = select(isWide, c, d);
  const smaller = select(isWide, d, c);
  const isZero = eq(larger, 0);
  const ratio = over(smaller, select(isZero, 1, larger));
  const divisor = select(isZero, lax.abs(larger), plus(larger, times(smaller, ratio)));
  if (!b) {
    const [whole, part] = [over(a, divisor), over(times(a, ratio), divisor)];
    return [select(isWide, whole, part), minusOf(select(isWide, part, whole))];
  }
  const first = select(isWide, a, b);
  const second = select(isWide, b, a);
  const crossed = times(first, ratio);
  return [
    over(plus(first, times(second, ratio)), divisor),
    over(minus(select(isWide, second, crossed), select(isWide, crossed, second)), divisor),
  ];
}

const sumOf = planewise((a, b, c, d) => [plus(a, c), plus(b, d)]);
const differenceOf = planewise((a, b, c, d) => [minus(a, c), minus(b, d)]);
const productOf = planewise((a, b, c, d) => product([a, b], [c, d]));
const scaled = planewise((a, b, x) => [times(a, x), times(b, x)]);
const quotientOf = planewise(quotient);
const inverseOf = planewise((x, c, d) => quotient(x, undefined, c, d));
const dividedBy = planewise((a, b, x) => [over(a, x), over(b, x)]);
const negated = planewise((a, b) => [minusOf(a), minusOf(b)]);

/** Parts of two operands that broadcast together; undefined of a real one. */
function parts(
  name: string,
  x: ComplexLike,
  y: ComplexLike,
): [a: Value, b: Value | undefined, c: Value, d: Value | undefined] {
  const [a, c] = [realOf(name, x), realOf(name, y)];
  if (a.aval !== c.aval && !broadcastShapes(a.shape, c.shape))
    throw new ShapeError(`${name}: ${naming(x)} and ${naming(y)} do not broadcast together.`);
  return [a, imagOf(name, x), c, imagOf(name, y)];
}

export const addNamed =
  (name: string): ComplexBinary =>
  (x, y) => {
    const [a, b, c, d] = parts(name, x, y);
    if (b && d) return sumOf(a, b, c, d);
    return complexOf(name, plus(a, c), (b ?? d)!);
  };

export const subtractNamed =
  (name: string): ComplexBinary =>
  (x, y) => {
    const [a, b, c, d] = parts(name, x, y);
    if (b && d) return differenceOf(a, b, c, d);
    return complexOf(name, minus(a, c), b ?? minusOf(d!));
  };

export const multiplyNamed =
  (name: string): ComplexBinary =>
  (x, y) => {
    const [a, b, c, d] = parts(name, x, y);
    if (b && d) return productOf(a, b, c, d);
    return b ? scaled(a, b, c) : scaled(c, d!, a);
  };

export const divideNamed =
  (name: string): ComplexBinary =>
  (x, y) => {
    const [a, b, c, d] = parts(name, x, y);
    if (!d) return dividedBy(a, b!, c);
    return b ? quotientOf(a, b, c, d) : inverseOf(a, c, d);
  };

export const add: ComplexBinary = addNamed('add');
export const subtract: ComplexBinary = subtractNamed('subtract');
export const multiply: ComplexBinary = multiplyNamed('multiply');
export const divide: ComplexBinary = divideNamed('divide');

export const unaryNamed =
  (f: (a: Value, b: Value) => ComplexArray) =>
  (name: string): ((z: ComplexArray) => ComplexArray) =>
  (z) =>
    f(realOf(name, z), imagOf(name, z)!);

export const negativeNamed: (name: string) => (z: ComplexArray) => ComplexArray = unaryNamed(negated);
export const negative: (z: ComplexArray) => ComplexArray = negativeNamed('negative');

export const positive = (z: ComplexArray): ComplexArray => new ComplexArray(again(z.real), again(z.imag));

export const conjugate = (z: ComplexArray): ComplexArray => new ComplexArray(again(z.real), minusOf(z.imag));

/** (a − b)(a + b) has one rounding less than a² − b², and no cancellation of squares. */
export const square: (z: ComplexArray) => ComplexArray = unaryNamed(
  planewise((a, b) => {
    const ab = times(a, b);
    return [times(minus(a, b), plus(a, b)), plus(ab, ab)];
  }),
)('square');

export const reciprocal: (z: ComplexArray) => ComplexArray = unaryNamed((a, b) =>
  inverseOf(NDArray.weakNumber(1), a, b),
)('reciprocal');

/** Whether both parts are 0. */
export const isZero = (a: Value, b: Value): Value => and(eq(a, 0), eq(b, 0));

/** i · z, and −i · z, for functions that turn their argument and their result. */
export const turned = ([a, b]: Planes): Planes => [minusOf(b), a];
export const turnedBack = ([a, b]: Planes): Planes => [b, minusOf(a)];
