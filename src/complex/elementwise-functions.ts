/** NumPy's elementwise functions, of real and of complex arrays. */
import type { ArrayLike, NDArray } from '../array.ts';
import { checkChoice, checkNumbers, optionsOf } from '../core/options.ts';
import { div, mul } from '../lax/arithmetic.ts';
import { atan2 } from '../lax/transcendental.ts';
import * as elementwise from '../numpy/elementwise.ts';
import * as functions from '../numpy/functions.ts';
import { toFloating, toValue } from '../promote.ts';
import * as arithmetic from './arithmetic.ts';
import * as circular from './circular.ts';
import * as compare from './compare.ts';
import type { ComplexArray, ComplexLike } from './complex-array.ts';
import { imag } from './creation.ts';
import * as exponential from './exponential.ts';
import * as inverse from './inverse.ts';
import * as magnitudes from './magnitude.ts';
import { isComplex } from './operands.ts';
import {
  type OfComplex,
  type Overloaded,
  type OverloadedPair,
  overloaded,
  overloaded2,
  type Planar,
  planar,
} from './overload.ts';
import * as powers from './power.ts';

type Elementwise = Overloaded<elementwise.Unary, OfComplex>;
type Question = Overloaded<elementwise.Unary, (z: ComplexArray) => NDArray>;
type Pair = OverloadedPair<elementwise.Binary>;
type PairQuestion = OverloadedPair<elementwise.Binary, NDArray>;

/** x + y. Bools: either. */
export const add: Pair = overloaded2('add', elementwise.add, arithmetic.add);
/** x − y. */
export const subtract: Pair = overloaded2('subtract', elementwise.subtract, arithmetic.subtract);
/** x · y. Bools: both. */
export const multiply: Pair = overloaded2('multiply', elementwise.multiply, arithmetic.multiply);
/** x / y, always floating. */
export const divide: Pair = overloaded2('divide', elementwise.divide, arithmetic.divide);
export const trueDivide: Pair = overloaded2('trueDivide', elementwise.trueDivide, arithmetic.divideNamed('trueDivide'));
/** x to the power y. An integer number as y is a product; integers stay integers. Of complex numbers, else e^(y log x). */
export const power: Pair = overloaded2('power', elementwise.power, powers.power);
export const pow: Pair = overloaded2('pow', elementwise.pow, powers.powerNamed('pow'));
export const equal: PairQuestion = overloaded2('equal', elementwise.equal, compare.equal);
export const notEqual: PairQuestion = overloaded2('notEqual', elementwise.notEqual, compare.notEqual);

export const negative: Elementwise = overloaded('negative', elementwise.negative, arithmetic.negative);
export const positive: Elementwise = overloaded('positive', elementwise.positive, arithmetic.positive);
export const reciprocal: Elementwise = overloaded('reciprocal', elementwise.reciprocal, arithmetic.reciprocal);
export const square: Elementwise = overloaded('square', elementwise.square, arithmetic.square);
/** √x. Of complex numbers that with a real part that is not negative. */
export const sqrt: Elementwise = overloaded('sqrt', elementwise.sqrt, exponential.sqrt);
/** −1, 0 or 1; of complex numbers z / |z|. */
export const sign: Elementwise = overloaded('sign', elementwise.sign, magnitudes.sign);
/** |x|, which is real. */
export const absolute: Question = overloaded('absolute', elementwise.absolute, magnitudes.absolute);
export const abs: Question = absolute;

export const exp: Elementwise = overloaded('exp', functions.exp, exponential.exp);
export const expm1: Elementwise = overloaded('expm1', functions.expm1, exponential.expm1);
export const log: Elementwise = overloaded('log', functions.log, exponential.log);
export const log1p: Elementwise = overloaded('log1p', functions.log1p, exponential.log1p);
export const log2: Elementwise = overloaded('log2', functions.log2, exponential.log2);
export const log10: Elementwise = overloaded('log10', functions.log10, exponential.log10);
export const sin: Elementwise = overloaded('sin', functions.sin, circular.sin);
export const cos: Elementwise = overloaded('cos', functions.cos, circular.cos);
export const tan: Elementwise = overloaded('tan', functions.tan, circular.tan);
export const sinh: Elementwise = overloaded('sinh', functions.sinh, circular.sinh);
export const cosh: Elementwise = overloaded('cosh', functions.cosh, circular.cosh);
export const tanh: Elementwise = overloaded('tanh', functions.tanh, circular.tanh);
export const arcsin: Elementwise = overloaded('arcsin', functions.arcsin, inverse.arcsin);
export const arccos: Elementwise = overloaded('arccos', functions.arccos, inverse.arccos);
export const arctan: Elementwise = overloaded('arctan', functions.arctan, inverse.arctan);
export const arcsinh: Elementwise = overloaded('arcsinh', functions.arcsinh, inverse.arcsinh);
export const arccosh: Elementwise = overloaded('arccosh', functions.arccosh, inverse.arccosh);
export const arctanh: Elementwise = overloaded('arctanh', functions.arctanh, inverse.arctanh);
export const asin: Elementwise = overloaded('asin', functions.asin, inverse.arcsin);
export const acos: Elementwise = overloaded('acos', functions.acos, inverse.arccos);
export const atan: Elementwise = overloaded('atan', functions.atan, inverse.arctan);
export const asinh: Elementwise = overloaded('asinh', functions.asinh, inverse.arcsinh);
export const acosh: Elementwise = overloaded('acosh', functions.acosh, inverse.arccosh);
export const atanh: Elementwise = overloaded('atanh', functions.atanh, inverse.arctanh);
export const exp2: Elementwise = overloaded('exp2', functions.exp2, (z) =>
  exponential.exp(arithmetic.multiply(z, Math.LN2)),
);

/** Of complex numbers whether either part is. */
export const isnan: Question = overloaded('isnan', functions.isnan, compare.isnan);
/** Of complex numbers whether either part is. */
export const isinf: Question = overloaded('isinf', functions.isinf, compare.isinf);
/** Neither NaN nor infinite. */
export const isfinite: Question = overloaded('isfinite', functions.isfinite, compare.isfinite);

const truth = (x: ComplexLike): ArrayLike => (isComplex(x) ? compare.truth(x) : x);
type Truths = OverloadedPair<elementwise.Binary, NDArray>;
const logical = (name: string, f: elementwise.Binary): Truths => overloaded2(name, f, (x, y) => f(truth(x), truth(y)));
/** Both are not 0. */
export const logicalAnd: Truths = logical('logicalAnd', elementwise.logicalAnd);
/** Either is not 0. */
export const logicalOr: Truths = logical('logicalOr', elementwise.logicalOr);
export const logicalXor: Truths = logical('logicalXor', elementwise.logicalXor);
export const logicalNot: Question = overloaded('logicalNot', elementwise.logicalNot, (z) =>
  elementwise.logicalNot(compare.truth(z)),
);

/** Rounds to `decimals` places, halves to even. */
export const round: Planar<typeof elementwise.round> = planar('round', elementwise.round) as never;
export const around: Planar<typeof elementwise.round> = round;
/** The nearest integers, halves to even. */
export const rint: Elementwise = planar('rint', elementwise.rint) as Elementwise;
/** Replaces NaN and infinities; by default with 0 and the largest finite numbers. */
export const nanToNum: Planar<typeof functions.nanToNum> = planar('nanToNum', functions.nanToNum) as never;

/** Elements of `x` where `condition` is true, of `y` elsewhere; the three broadcast together. */
export const where: Overloaded<
  typeof elementwise.where,
  (condition: ArrayLike, x: ComplexArray, y: ComplexLike) => ComplexArray,
  (condition: ArrayLike, x: ComplexLike, y: ComplexArray) => ComplexArray
> = planar('where', elementwise.where, { at: [1, 2] }) as never;

const itself = elementwise.numeric((x) => x);
/** The conjugate: a real array is its own. */
export const conjugate: Elementwise = overloaded('conjugate', itself('conjugate'), arithmetic.conjugate);
export const conj: Elementwise = overloaded('conj', itself('conj'), arithmetic.conjugate);

/**
 * The angle of complex numbers in (−π, π]; of real ones 0 or π.
 *
 * @example
 * np.angle(np.complex(1, 1), { deg: true }); // 45
 */
export function angle(x: ComplexLike, given: { deg?: boolean } = {}): NDArray {
  const { deg = false } = optionsOf('angle', given, ['deg']);
  checkChoice('angle', '`deg`', deg, [true, false]);
  const value = isComplex(x) ? x : toFloating(x, 'angle');
  const radians = isComplex(value) ? magnitudes.angle(value) : atan2(imag(value), value);
  return deg ? div(mul(radians, 180), Math.PI) : radians;
}

/**
 * The real part of an array whose imaginary parts are all within `tol` (100) times the dtype's rounding error of 0; else the
 * array itself. Reads values: not for traced arrays.
 */
export function realIfClose(x: ComplexLike, given: { tol?: number } = {}): NDArray | ComplexArray {
  const { tol = 100 } = optionsOf('realIfClose', given, ['tol']);
  checkNumbers('realIfClose', given, ['tol']);
  if (!isComplex(x)) return toValue(x, 'realIfClose');
  const limit = tol > 1 ? tol * (x.dtype === 'complex64' ? 2 ** -23 : 2 ** -52) : tol;
  return elementwise.less(elementwise.absolute(x.imag), limit).all().item<boolean>() ? x.real : x;
}
