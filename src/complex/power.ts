/** Powers. */
import { NDArray } from '../array.ts';
import { recordedList } from '../core/recorded.ts';
import type { Value } from '../core/trace.ts';
import { gt, select } from '../lax/compare.ts';
import { convert } from '../lax/convert.ts';
import { onesLike } from '../lax/creation.ts';
import { or } from '../lax/logic.ts';
import { broadcastTo } from '../lax/movement.ts';
import { type Planes, product, reciprocal } from '../lax/planes.ts';
import { isZero, multiply, positive, square } from './arithmetic.ts';
import { ComplexArray, type ComplexLike } from './complex-array.ts';
import { exp, log, sqrt } from './exponential.ts';
import { complexOf, isComplex, planesOf, zerosFor } from './operands.ts';

/** Exponents up to which multiplication is as accurate as logarithms, and quicker. */
const largestProduct = 1024;

/** z^n by repeated squaring; a negative power is the reciprocal of the positive one, as in NumPy. */
function integerPower(z: ComplexArray, n: number): ComplexArray {
  if (n === 0) return new ComplexArray(onesLike(z.real.aval), zerosFor(z.real));
  if (n === 1) return positive(z);
  if (n === 2) return square(z);
  const [re, im] = integerPowers(...planesOf('power', z), n);
  return new ComplexArray(re!, im!);
}

const integerPowers = recordedList((a: Value, b: Value, n: number) => {
  let base: Planes = [a, b];
  let result: Planes | undefined;
  for (let rest = Math.abs(n); ; rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) result = result ? product(result, base) : base;
    if (rest < 2) break;
    base = product(base, base);
  }
  return [...(n < 0 ? reciprocal(result!) : result!)];
});

/** The number that an exponent is, if it is one. */
const numberOf = (y: ComplexLike): number | undefined =>
  typeof y === 'number' ? y : y instanceof NDArray && y.aval.weakType ? y.literal : undefined;

/**
 * x to the power y: a product where y is an integer number, else e^(y log x) with the logarithm's cut along the negative
 * real axis. 0 to a power with positive real part is 0, and 1 to the power 0.
 */
export const powerNamed =
  (name: string) =>
  (x: ComplexLike, y: ComplexLike): ComplexArray => {
    const n = numberOf(y);
    if (n !== undefined && isComplex(x)) {
      if (Number.isInteger(n) && Math.abs(n) <= largestProduct) return integerPower(x, n);
      if (n === 0.5) return sqrt(x);
    }
    const [a, b] = planesOf(name, x);
    const [c, d] = planesOf(name, y);
    const zero = isZero(a, b);
    const base = complexOf(name, select(zero, 1, a), b);
    const regular = exp(multiply(y, log(base)));
    // 0 to a power with positive real part is 0; to others there is no number.
    const [isOne, isNumber] = [isZero(c, d), or(gt(c, 0), isZero(c, d))];
    const isAtZero = broadcastTo(zero, regular.shape);
    const dtype = regular.real.aval.weakType ? undefined : regular.real.dtype;
    const chosen = (at: Value, other: Value): Value => select(isAtZero, dtype ? convert(at, dtype) : at, other);
    return new ComplexArray(
      chosen(select(isOne, 1, select(isNumber, 0, Number.NaN)), regular.real),
      chosen(select(isNumber, 0, Number.NaN), regular.imag),
    );
  };

export const power: (x: ComplexLike, y: ComplexLike) => ComplexArray = powerNamed('power');
