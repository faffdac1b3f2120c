/** Arithmetic on complex arrays. A real operand is not made complex: z · 2 is two products, as in C's Annex G. */
import { ShapeError } from '../core/errors.ts';
import { naming } from '../core/options.ts';
import { broadcastShapes } from '../core/shape.ts';
import type { Value } from '../core/trace.ts';
import { div, mul, neg, add as plus, sub } from '../lax/arithmetic.ts';
import { eq } from '../lax/compare.ts';
import { and } from '../lax/logic.ts';
import * as planes from '../lax/planes.ts';
import { ComplexArray, type ComplexLike } from './complex-array.ts';
import { again, complexOf, imagOf, planewise, realOf } from './operands.ts';

export type ComplexBinary = (x: ComplexLike, y: ComplexLike) => ComplexArray;

const sumOf = planewise((a, b, c, d) => planes.sum([a, b], [c, d]));
const differenceOf = planewise((a, b, c, d) => planes.difference([a, b], [c, d]));
const productOf = planewise((a, b, c, d) => planes.product([a, b], [c, d]));
const scaled = planewise((a, b, x) => [mul(a, x), mul(b, x)]);
const quotientOf = planewise((a, b, c, d) => planes.quotient([a, b], [c, d]));
const dividing = planewise((x, c, d) => planes.quotient([x, undefined], [c, d]));
const dividedBy = planewise((a, b, x) => [div(a, x), div(b, x)]);
const negated = planewise((a, b) => [neg(a), neg(b)]);
const inverseOf = planewise((a, b) => planes.reciprocal([a, b]));

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
    return complexOf(name, sub(a, c), b ?? neg(d!));
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
    return b ? quotientOf(a, b, c, d) : dividing(a, c, d);
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

export const conjugate = (z: ComplexArray): ComplexArray => new ComplexArray(again(z.real), neg(z.imag));

/** (a − b)(a + b) has one rounding less than a² − b², and no cancellation of squares. */
export const square: (z: ComplexArray) => ComplexArray = unaryNamed(
  planewise((a, b) => {
    const ab = mul(a, b);
    return [mul(sub(a, b), plus(a, b)), plus(ab, ab)];
  }),
)('square');

export const reciprocal: (z: ComplexArray) => ComplexArray = unaryNamed(inverseOf)('reciprocal');

/** Whether both parts are 0. */
export const isZero = (a: Value, b: Value): Value => and(eq(a, 0), eq(b, 0));
