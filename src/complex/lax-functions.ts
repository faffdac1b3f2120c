/** Functions of `lax`, of real and of complex arrays. */
import type { ArrayLike, NDArray } from '../array.ts';
import { DtypeError } from '../core/errors.ts';
import { naming } from '../core/options.ts';
import type { Primitive } from '../core/primitive.ts';
import * as lax from '../lax/arithmetic.ts';
import * as compares from '../lax/compare.ts';
import { convert as convertReal } from '../lax/convert.ts';
import { cumprod as cumprodReal, cumsum as cumsumReal } from '../lax/cumulative.ts';
import { dotGeneral as dotReal } from '../lax/dot.ts';
import * as movement from '../lax/movement.ts';
import * as reductions from '../lax/reductions.ts';
import * as slicing from '../lax/slicing.ts';
import * as transcendental from '../lax/transcendental.ts';
import * as arithmetic from './arithmetic.ts';
import * as circular from './circular.ts';
import * as compare from './compare.ts';
import type { ComplexArray, ComplexDType, ComplexLike } from './complex-array.ts';
import { arrayNamed } from './creation.ts';
import * as exponential from './exponential.ts';
import * as inverse from './inverse.ts';
import * as magnitudes from './magnitude.ts';
import { isComplex } from './operands.ts';
import {
  isComplexDType,
  type OfComplex,
  type Overloaded,
  type OverloadedPair,
  overloaded,
  overloaded2,
  type Planar,
  type Planar2,
  type PlanarList,
  planar,
} from './overload.ts';
import { power, powerNamed } from './power.ts';
import { bilinear } from './products.ts';
import { cumprod as cumprodComplex, prod as prodComplex } from './reductions.ts';

export { complex, imag, realPart as real } from './creation.ts';
export { conj } from './elementwise-functions.ts';

/** What custom rules and programs know an operation by. */
interface HasPrimitive {
  readonly primitive: Primitive;
}
type Elementwise = Overloaded<(x: ArrayLike) => NDArray, OfComplex>;
interface UnaryOp extends Overloaded<(x: ArrayLike) => NDArray, OfComplex>, HasPrimitive {}
interface BinaryOp extends OverloadedPair<(x: ArrayLike, y: ArrayLike) => NDArray>, HasPrimitive {}
interface Question extends Overloaded<(x: ArrayLike) => NDArray, (z: ComplexArray) => NDArray>, HasPrimitive {}
interface PairQuestion extends OverloadedPair<(x: ArrayLike, y: ArrayLike) => NDArray, NDArray>, HasPrimitive {}

const one = (name: string, f: typeof lax.neg, g: (z: ComplexArray) => ComplexArray | NDArray): any =>
  Object.assign(overloaded(name, f, g), { primitive: f.primitive });
const two = (name: string, f: typeof lax.add, g: (x: ComplexLike, y: ComplexLike) => ComplexArray | NDArray): any =>
  Object.assign(overloaded2(name, f, g), { primitive: f.primitive });

/** x + y. */
export const add: BinaryOp = two('add', lax.add, arithmetic.add);
/** x − y. */
export const sub: BinaryOp = two('sub', lax.sub, arithmetic.subtractNamed('sub'));
/** x · y. */
export const mul: BinaryOp = two('mul', lax.mul, arithmetic.multiplyNamed('mul'));
/** x / y. On integers the quotient is truncated; x / 0 is −1 and −2³¹ / −1 is −2³¹. */
export const div: BinaryOp = two('div', lax.div, arithmetic.divideNamed('div'));
/**
 * x to the power y. A JavaScript integer as exponent is a product, exact in its derivatives and defined for negative x;
 * integer arrays give integers modulo 2³².
 *
 * @example
 * pow(x, 3); // integerPow(x, 3)
 */
export const pow: OverloadedPair<typeof lax.pow> = overloaded2('pow', lax.pow, powerNamed('pow'));
/** x = y, element by element. */
export const eq: PairQuestion = two('eq', compares.eq, compare.equalNamed('eq'));
/** x ≠ y. */
export const ne: PairQuestion = two('ne', compares.ne, compare.notEqualNamed('ne'));
/** −x. */
export const neg: UnaryOp = one('neg', lax.neg, arithmetic.negativeNamed('neg'));
/** −1, 0 or 1; −0 and NaN stay themselves. */
export const sign: UnaryOp = one('sign', lax.sign, magnitudes.sign);
/** √x; NaN below 0. */
export const sqrt: UnaryOp = one('sqrt', lax.sqrt, exponential.sqrt);
/** 1/√x. */
export const rsqrt: UnaryOp = one('rsqrt', lax.rsqrt, (z) => arithmetic.reciprocal(exponential.sqrt(z)));
/** |x|, which is real. */
export const abs: Question = one('abs', lax.abs, magnitudes.absNamed('abs'));
/** x². */
export const square: Elementwise = overloaded('square', lax.square, arithmetic.square) as never;
/** 1/x. Integers become float32. */
export const reciprocal: Elementwise = overloaded('reciprocal', lax.reciprocal, arithmetic.reciprocal) as never;
/**
 * x to a fixed integer power, by repeated squaring. Bools become int32.
 *
 * @throws DtypeError for a negative power of integers
 */
export const integerPow: Overloaded<typeof lax.integerPow, (z: ComplexArray, n: number) => ComplexArray> = overloaded2(
  'integerPow',
  lax.integerPow,
  (z, n) => {
    if (!Number.isInteger(n)) throw new DtypeError(`integerPow: the exponent must be an integer, but is ${naming(n)}.`);
    return power(z, n);
  },
) as never;
/** eˣ. */
export const exp: UnaryOp = one('exp', transcendental.exp, exponential.exp);
/** eˣ − 1, accurate near 0. */
export const expm1: UnaryOp = one('expm1', transcendental.expm1, exponential.expm1);
/** Natural logarithm; −∞ at 0, NaN below. */
export const log: UnaryOp = one('log', transcendental.log, exponential.log);
/** log(1 + x), accurate near 0. */
export const log1p: UnaryOp = one('log1p', transcendental.log1p, exponential.log1p);
/** Logarithm to base 2. */
export const log2: UnaryOp = one('log2', transcendental.log2, exponential.log2);
export const sin: UnaryOp = one('sin', transcendental.sin, circular.sin);
export const cos: UnaryOp = one('cos', transcendental.cos, circular.cos);
export const tan: UnaryOp = one('tan', transcendental.tan, circular.tan);
export const sinh: UnaryOp = one('sinh', transcendental.sinh, circular.sinh);
export const cosh: UnaryOp = one('cosh', transcendental.cosh, circular.cosh);
export const tanh: UnaryOp = one('tanh', transcendental.tanh, circular.tanh);
/** Arc sine; NaN outside [−1, 1]. */
export const asin: UnaryOp = one('asin', transcendental.asin, inverse.arcsin);
/** Arc cosine; NaN outside [−1, 1]. */
export const acos: UnaryOp = one('acos', transcendental.acos, inverse.arccos);
export const atan: UnaryOp = one('atan', transcendental.atan, inverse.arctan);
export const asinh: UnaryOp = one('asinh', transcendental.asinh, inverse.arcsinh);
/** Inverse of cosh on [1, ∞). */
export const acosh: UnaryOp = one('acosh', transcendental.acosh, inverse.arccosh);
/** Inverse of tanh on (−1, 1). */
export const atanh: UnaryOp = one('atanh', transcendental.atanh, inverse.arctanh);
/** Neither infinite nor NaN. Integers always are. */
export const isFinite: Question = one('isFinite', compares.isFinite, compare.isfinite);
/**
 * `whenTrue` where `pred` holds, else `whenFalse`; shapes broadcast, the branches are promoted to one dtype.
 *
 * @example
 * select(lt(x, 0), neg(x), x);
 * @throws DtypeError when `pred` is not bool
 * @throws ShapeError when the shapes do not broadcast
 */
export const select: Overloaded<
  typeof compares.select,
  (pred: ArrayLike, whenTrue: ComplexArray, whenFalse: ComplexLike) => ComplexArray,
  (pred: ArrayLike, whenTrue: ComplexLike, whenFalse: ComplexArray) => ComplexArray
> = planar('select', compares.select, { at: [1, 2] }) as never;

/** The same elements in row-major order; one entry may be −1. */
export const reshape: Planar<typeof movement.reshape> = planar('reshape', movement.reshape) as never;
/** Permutes axes; reverses them when no permutation is given. */
export const transpose: Planar<typeof movement.transpose> = planar('transpose', movement.transpose) as never;
/** NumPy's broadcast: axes are matched from the last. A weak scalar becomes float32. */
export const broadcastTo: Planar<typeof movement.broadcastTo> = planar('broadcastTo', movement.broadcastTo) as never;
export const broadcastInDim: Planar<typeof movement.broadcastInDim> = planar(
  'broadcastInDim',
  movement.broadcastInDim,
) as never;
export const concatenate: PlanarList<typeof slicing.concatenate> = planar('concatenate', slicing.concatenate) as never;
/** `x` with new axes of length 1 at these positions of the result. */
export const expandDims: Planar<typeof slicing.expandDims> = planar('expandDims', slicing.expandDims) as never;
/**
 * `x` without the given axes, all of length 1.
 * @throws ShapeError when one is not of length 1
 */
export const squeeze: Planar<typeof slicing.squeeze> = planar('squeeze', slicing.squeeze) as never;
/** The element (`keepdims` false) or the slice of length 1 at `index` along `axis`. */
export const indexInDim: Planar<typeof slicing.indexInDim> = planar('indexInDim', slicing.indexInDim) as never;
/**
 * The elements in the opposite order along the given axes.
 * @throws ShapeError when an axis is out of range or named twice
 */
export const reverse: Planar<typeof slicing.reverse> = planar('reverse', slicing.reverse) as never;
/**
 * The elements from `starts` up to but not including `limits`, every `strides`-th along each axis.
 *
 * @example
 * slice(x, [0, 2], [4, 10], [1, 2]); // f32[4,10] → f32[4,4]
 * @throws ShapeError unless 0 ≤ start ≤ limit ≤ length and stride ≥ 1 on every axis
 */
export const slice: Planar<typeof slicing.slice> = planar('slice', slicing.slice) as never;
/** A slice along one axis; `start`, `limit` and `axis` may be negative, and count from the end then. */
export const sliceInDim: Planar<typeof slicing.sliceInDim> = planar('sliceInDim', slicing.sliceInDim) as never;
export const pad: Planar2<typeof slicing.pad> = planar('pad', slicing.pad, { at: [0, 1] }) as never;
/** Sum over axes. Bools are counted in int32. */
export const sum: Planar<typeof reductions.sum> = planar('sum', reductions.sum) as never;
export const prod: Planar<typeof reductions.prod> = ((x: any, ...rest: any[]) =>
  isComplex(x) ? prodComplex(x, ...rest) : reductions.prod(x, ...rest)) as never;
/** Element k is the sum of elements 0 … k along the axis. Bools are counted in int32. */
export const cumsum: Planar<typeof cumsumReal> = planar('cumsum', cumsumReal) as never;
/** Element k is the product of elements 0 … k along the axis. */
export const cumprod: Planar<typeof cumprodReal> = ((x: any, ...rest: any[]) =>
  isComplex(x) ? cumprodComplex(x, ...rest) : cumprodReal(x, ...rest)) as never;
/**
 * Sum of products over the contracted axes, for every index of the batch axes:
 * `out[batch…, lhs free…, rhs free…]`. Dtypes are promoted; bools give "or of ands".
 *
 * @example
 * dotGeneral(a, b, { lhsContract: [2], rhsContract: [1], lhsBatch: [0], rhsBatch: [0] }); // [B,M,K] · [B,K,N] → [B,M,N]
 * @throws ShapeError when the axes named do not exist or differ in length
 */
export const dotGeneral: Planar2<typeof dotReal> = ((x: any, y: any, ...rest: any[]) =>
  isComplex(x) || isComplex(y) ? (bilinear(dotReal) as any)(x, y, ...rest) : (dotReal as any)(x, y, ...rest)) as never;
/** `x` with the elements converted to `dtype`. Literals stay literals. */
export const convert: Overloaded<typeof convertReal, (x: ComplexLike, dtype: ComplexDType) => ComplexArray> = ((
  x: any,
  dtype: any,
) => (isComplexDType(dtype) ? arrayNamed('convert', x, dtype) : convertReal(x, dtype))) as never;
