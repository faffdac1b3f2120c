/** Questions about whole arrays, and facts about dtypes. */
import type { ArrayLike, NDArray } from '../array.ts';
import { type DType, isFloating, isInteger } from '../core/dtype.ts';
import { DtypeError } from '../core/errors.ts';
import { checkDType, checkNumbers, optionsOf } from '../core/options.ts';
import { recorded } from '../core/recorded.ts';
import { broadcastShapes, sameShape } from '../core/shape.ts';
import { abs, add, mul, sub } from '../lax/arithmetic.ts';
import { eq, le, ne, select } from '../lax/compare.ts';
import { and, or } from '../lax/logic.ts';
import { commonDType, promote, toFloating, toValue } from '../promote.ts';
import { type ArrayData, array, arrayNamed } from './array.ts';
import { isfinite } from './functions.ts';

export interface CloseOptions {
  /** Relative and absolute tolerance: |x − y| ≤ atol + rtol·|y|. */
  rtol?: number;
  atol?: number;
  /** Whether NaN equals NaN. */
  equalNan?: boolean;
}

/** Elementwise, whether x and y are equal within a tolerance. */
export const isclose: (x: ArrayLike, y: ArrayLike, given?: CloseOptions) => NDArray = recorded((x, y, given = {}) =>
  close('isclose', x, y, given),
);

function close(name: string, x: ArrayLike, y: ArrayLike, given: CloseOptions): NDArray {
  const { rtol = 1e-5, atol = 1e-8, equalNan = false } = optionsOf(name, given, ['rtol', 'atol', 'equalNan']);
  checkNumbers(name, given, ['rtol', 'atol']);
  const [a, b] = promote(name, [x, y]).map((v) => toFloating(v, name)) as [NDArray, NDArray];
  const near = le(abs(sub(a, b)), add(atol, mul(rtol, abs(b))));
  const result = select(and(isfinite(a), isfinite(b)), near, eq(a, b));
  return equalNan ? or(result, and(ne(a, a), ne(b, b))) : result;
}

const concrete = (name: string, x: ArrayData): NDArray => arrayNamed(name, x);

/**
 * Whether all elements are equal within a tolerance: a JavaScript boolean. Nested lists may stand for arrays.
 * @throws TraceError on traced arrays
 */
export const allclose = (x: ArrayData, y: ArrayData, options: CloseOptions = {}): boolean =>
  close('allclose', concrete('allclose', x), concrete('allclose', y), options).all().item() as boolean;

/**
 * Whether shapes and all elements are equal: a JavaScript boolean. Nested lists may stand for arrays.
 * @throws TraceError on traced arrays
 */
export function arrayEqual(x: ArrayData, y: ArrayData, given: { equalNan?: boolean } = {}): boolean {
  const { equalNan = false } = optionsOf('arrayEqual', given, ['equalNan']);
  const [a, b] = [concrete('arrayEqual', x), concrete('arrayEqual', y)];
  if (!sameShape(a.shape, b.shape)) return false;
  const same = eq(a, b);
  return (equalNan ? or(same, and(ne(a, a), ne(b, b))) : same).all().item() as boolean;
}

/**
 * Whether the arrays are equal once they are broadcast together; false where they do not broadcast. A JavaScript boolean.
 * @throws TraceError on traced arrays
 */
export function arrayEquiv(x: ArrayData, y: ArrayData): boolean {
  const [a, b] = [concrete('arrayEquiv', x), concrete('arrayEquiv', y)];
  if (!broadcastShapes(a.shape, b.shape)) return false;
  return promote('arrayEquiv', [a, b])
    .reduce((left, right) => eq(left, right))
    .all()
    .item() as boolean;
}

export interface FloatInfo {
  readonly dtype: DType;
  readonly bits: number;
  /** The distance from 1 to the next number. */
  readonly eps: number;
  readonly max: number;
  readonly min: number;
  /** The smallest positive normal number. */
  readonly tiny: number;
}

/** The limits of a floating dtype, given by name or by an array of it. */
export function finfo(of: DType | ArrayLike): FloatInfo {
  const dtype = typeof of === 'string' ? of : toValue(of, 'finfo').dtype;
  if (!isFloating(dtype)) throw new DtypeError(`finfo: ${dtype} is not a floating dtype.`);
  const single = dtype === 'float32';
  const max = single ? (2 - 2 ** -23) * 2 ** 127 : Number.MAX_VALUE;
  return {
    dtype,
    bits: single ? 32 : 64,
    eps: single ? 2 ** -23 : 2 ** -52,
    max,
    min: -max,
    tiny: single ? 2 ** -126 : 2 ** -1022,
  };
}

export interface IntegerInfo {
  readonly dtype: DType;
  readonly bits: number;
  readonly max: number;
  readonly min: number;
}

/** The limits of an integer dtype, given by name or by an array of it. */
export function iinfo(of: DType | ArrayLike): IntegerInfo {
  const dtype = typeof of === 'string' ? of : toValue(of, 'iinfo').dtype;
  if (!isInteger(dtype)) throw new DtypeError(`iinfo: ${dtype} is not an integer dtype.`);
  return dtype === 'int32'
    ? { dtype, bits: 32, max: 2 ** 31 - 1, min: -(2 ** 31) }
    : { dtype, bits: 32, max: 2 ** 32 - 1, min: 0 };
}

/** The dtype that an operation on these operands computes in: arrays, numbers or names of dtypes. */
export function resultType(...operands: (ArrayLike | DType)[]): DType {
  if (operands.length === 0) throw new DtypeError('resultType: needs at least one array or dtype.');
  const values = operands.map((x) => (typeof x === 'string' ? scalarOf(x) : toValue(x, 'resultType')));
  return commonDType(values) ?? 'float32';
}
/** The dtype that operands of two dtypes are computed in. */
export function promoteTypes(a: DType, b: DType): DType {
  for (const dtype of [a, b]) checkDType(dtype, 'promoteTypes');
  return resultType(a, b);
}
/** A strong value of the dtype: its own value does not matter. */
function scalarOf(dtype: DType): NDArray {
  checkDType(dtype, 'resultType');
  return array(0, { dtype });
}
