/** Elementary functions under NumPy's names. Integers and bools are converted to float32 first. */
import type { ArrayLike, NDArray } from '../array.ts';
import { isFloating } from '../core/dtype.ts';
import { checkExtra, checkNumbers, optionsOf } from '../core/options.ts';
import { recorded } from '../core/recorded.ts';
import type { Value } from '../core/trace.ts';
import * as arithmetic from '../lax/arithmetic.ts';
import { eq, ge, gt, lt, ne, select } from '../lax/compare.ts';
import { convert } from '../lax/convert.ts';
import { full } from '../lax/creation.ts';
import { and } from '../lax/logic.ts';
import * as transcendental from '../lax/transcendental.ts';
import { toFloating, toValue } from '../promote.ts';
import { type Binary, combined, combined2, floating, floating2, type Unary } from './elementwise.ts';

const { add, sub, mul, div } = arithmetic;

export const exp: Unary = floating('exp', transcendental.exp);
export const exp2: Unary = floating('exp2', transcendental.exp2);
export const expm1: Unary = floating('expm1', transcendental.expm1);
export const log: Unary = floating('log', transcendental.log);
export const log2: Unary = floating('log2', transcendental.log2);
export const log10: Unary = combined('log10', (x) => div(transcendental.log(x), Math.LN10));
export const log1p: Unary = floating('log1p', transcendental.log1p);
export const sin: Unary = floating('sin', transcendental.sin);
export const cos: Unary = floating('cos', transcendental.cos);
export const tan: Unary = floating('tan', transcendental.tan);
export const arcsin: Unary = floating('arcsin', transcendental.asin);
export const arccos: Unary = floating('arccos', transcendental.acos);
export const arctan: Unary = floating('arctan', transcendental.atan);
export const arctan2: Binary = floating2('arctan2', transcendental.atan2);
/** NumPy 2 has the array standard's names beside its own. */
export const asin: Unary = floating('asin', transcendental.asin);
export const acos: Unary = floating('acos', transcendental.acos);
export const atan: Unary = floating('atan', transcendental.atan);
export const atan2: Binary = floating2('atan2', transcendental.atan2);
export const sinh: Unary = floating('sinh', transcendental.sinh);
export const cosh: Unary = floating('cosh', transcendental.cosh);
export const tanh: Unary = floating('tanh', transcendental.tanh);
export const arcsinh: Unary = floating('arcsinh', transcendental.asinh);
export const arccosh: Unary = floating('arccosh', transcendental.acosh);
export const arctanh: Unary = floating('arctanh', transcendental.atanh);
export const asinh: Unary = floating('asinh', transcendental.asinh);
export const acosh: Unary = floating('acosh', transcendental.acosh);
export const atanh: Unary = floating('atanh', transcendental.atanh);

/** √(x² + y²) without overflow or underflow in between. */
export const hypot: Binary = floating2('hypot', arithmetic.hypot);

/** log(eˣ + eʸ) without overflow. */
export const logaddexp: Binary = combined2('logaddexp', (x, y) => {
  // Chosen by one comparison, the larger and the smaller have derivatives that add up where the two are equal; those of
  // a maximum and of an absolute value are halves and wholes there.
  const ordered = ge(x, y);
  const [larger, smaller] = [select(ordered, x, y), select(ordered, y, x)];
  const difference = sub(smaller, larger);
  // Equal infinities differ by NaN; their sum is the result.
  const infinite = and(eq(x, y), ne(difference, difference));
  const regular = add(larger, transcendental.log1p(transcendental.exp(select(infinite, 0, difference))));
  return select(infinite, add(x, y), regular);
});

/** log₂(2ˣ + 2ʸ) without overflow. */
export const logaddexp2: Binary = recorded((x, y) =>
  div(logaddexp(mul(toFloating(x, 'logaddexp2'), Math.LN2), mul(toFloating(y, 'logaddexp2'), Math.LN2)), Math.LN2),
);

/** 0 below zero, `h` at zero, 1 above. */
export const heaviside: Binary = combined2('heaviside', (x, h) => {
  const step = select(eq(x, 0), h, convert(gt(x, 0), h.aval.weakType ? 'float32' : h.aval.dtype));
  return select(ne(x, x), x, step);
});

/**
 * sin(πx) / (πx), and 1 at zero. Near zero it is the Taylor polynomial, so that derivatives exist there too; its
 * error, below t⁸/9!, is less than a rounding for t < 0.01.
 */
export const sinc: Unary = combined('sinc', (x) => {
  const t = mul(x, Math.PI);
  const near = lt(arithmetic.abs(t), 0.01);
  const s = mul(t, t);
  const taylor = sub(1, mul(div(s, 6), sub(1, mul(div(s, 20), sub(1, div(s, 42))))));
  const safe = select(near, 1, t);
  return select(near, taylor, div(transcendental.sin(safe), safe));
});

export const deg2rad: Unary = floating('deg2rad', (x) => mul(x, Math.PI / 180));
export const rad2deg: Unary = floating('rad2deg', (x) => mul(x, 180 / Math.PI));
export const radians: Unary = deg2rad;
export const degrees: Unary = rad2deg;

/** What does not depend on the elements. */
const everywhere = (x: Value, truth: 0 | 1): NDArray => full(x.aval.shape, truth, 'bool');
const onFloats =
  (name: string, operation: (x: Value) => Value, otherwise: 0 | 1 = 0): Unary =>
  (x, extra?: unknown, list?: unknown) => {
    if (extra !== undefined) checkExtra(name, 1, extra, list);
    const value = toValue(x, name);
    return isFloating(value.aval.dtype) ? operation(value) : everywhere(value, otherwise);
  };
export const isnan: Unary = onFloats('isnan', (x) => ne(x, x));
export const isinf: Unary = recorded(onFloats('isinf', (x) => eq(arithmetic.abs(x), Number.POSITIVE_INFINITY)));
export const isposinf: Unary = onFloats('isposinf', (x) => eq(x, Number.POSITIVE_INFINITY));
export const isneginf: Unary = onFloats('isneginf', (x) => eq(x, Number.NEGATIVE_INFINITY));
/** Neither NaN nor infinite. */
export const isfinite: Unary = recorded(
  onFloats('isfinite', (x) => lt(arithmetic.abs(x), Number.POSITIVE_INFINITY), 1),
);
/** True below zero and for −0. */
export const signbit: Unary = recorded((x, extra?: unknown, list?: unknown) => {
  if (extra !== undefined) checkExtra('signbit', 1, extra, list);
  const value = toValue(x, 'signbit');
  if (!isFloating(value.aval.dtype)) return lt(value, 0);
  return lt(arithmetic.copysign(1, value), 0);
});
/** |x| with the sign of y. */
export const copysign: Binary = floating2('copysign', arithmetic.copysign);

/** Replaces NaN and infinities; by default with 0 and the largest finite numbers. */
export const nanToNum: (x: ArrayLike, given?: { nan?: number; posinf?: number; neginf?: number }) => NDArray = recorded(
  (x, given = {}) => {
    const { nan = 0, posinf, neginf } = optionsOf('nanToNum', given, ['nan', 'posinf', 'neginf']);
    checkNumbers('nanToNum', given, ['nan', 'posinf', 'neginf']);
    const value = toValue(x, 'nanToNum');
    if (!isFloating(value.aval.dtype)) return value;
    const largest = value.dtype === 'float32' ? (2 - 2 ** -23) * 2 ** 127 : Number.MAX_VALUE;
    const known = select(ne(value, value), nan, value);
    const below = select(eq(known, Number.POSITIVE_INFINITY), posinf ?? largest, known);
    return select(eq(below, Number.NEGATIVE_INFINITY), neginf ?? -largest, below);
  },
);
