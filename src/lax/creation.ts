/** Arrays made from nothing. */
import { Cell } from '../../jit/storage/cell.ts';
import { largestUnwritten } from '../../jit/storage/sizes.ts';
import { NDArray } from '../array.ts';
import { type ShapedArray, shapedArray } from '../core/aval.ts';
import { allocate, byteSize, castNumber, type DType } from '../core/dtype.ts';
import { DtypeError, ShapeError } from '../core/errors.ts';
import { checkDType, naming } from '../core/options.ts';
import { exact, type Primitive, primitive, sharedParamsByKey } from '../core/primitive.ts';
import { checkShape, type Shape, sizeOf, stridesOf } from '../core/shape.ts';
import { bind1, currentTrace, type Value } from '../core/trace.ts';
import { broadcastTo } from './movement.ts';

/** A rank-0 constant of the given dtype. */
export const scalar = (value: number, dtype: DType): Value =>
  NDArray.ofLiteral(castNumber(value, dtype), shapedArray([], dtype));

/** An array whose elements are all `value`. */
export function full(shape: Shape, value: number, dtype: DType): Value {
  checkDType(dtype, 'full');
  if (typeof value !== 'number') throw new DtypeError(`full: the value must be a number, but it is ${naming(value)}.`);
  const checked = checkShape(shape, 'full');
  // NaNs are operations' results, for those who look for them.
  if (checked.length > 0 && !currentTrace().records && !Number.isNaN(value)) {
    const aval = shapedArray(checked, dtype);
    if (aval.size > 0 && aval.size * byteSize(dtype) <= largestUnwritten)
      return new NDArray(aval, Cell.repeated(dtype, aval.size, castNumber(value, dtype)));
  }
  return broadcastTo(scalar(value, dtype), checked);
}

/** Zeros of a type; rank-0 weak types give weak zeros. */
export function zerosLike(aval: ShapedArray): Value {
  if (aval.weakType) return broadcastTo(NDArray.ofLiteral(0, shapedArray([], aval.dtype, true)), aval.shape);
  return full(aval.shape, 0, aval.dtype);
}

/** Ones of a type. */
export const onesLike = ({ shape, dtype, weakType }: ShapedArray): Value =>
  weakType ? broadcastTo(NDArray.ofLiteral(1, shapedArray([], dtype, true)), shape) : full(shape, 1, dtype);

interface IotaParams {
  readonly dtype: DType;
  readonly shape: Shape;
  readonly dimension: number;
}

/** Each element is its own coordinate along `dimension`. */
export const iotaP: Primitive<IotaParams> = primitive<IotaParams>({
  name: 'iota',
  type: (_, { shape, dtype }) => [shapedArray(shape, dtype)],
  run: (_, { shape, dtype, dimension }) => {
    const out = allocate(dtype, sizeOf(shape));
    const stride = stridesOf(shape)[dimension]!;
    const n = shape[dimension]!;
    for (let i = 0; i < out.length; ) for (let k = 0; k < n; k++) for (let j = 0; j < stride; j++) out[i++] = k;
    return [out];
  },
  accuracy: exact,
  jvp: 'zero',
  batch: () => {
    throw new Error('iota has no operands to batch');
  },
  lower: { kind: 'elementwise', build: (b, _, { dtype, dimension }) => b.convert(b.index(dimension), dtype) },
  samples: () =>
    (['float32', 'float64', 'int32', 'uint32'] as const).flatMap((dtype) => [
      { inputs: [], params: { dtype, shape: [5], dimension: 0 } },
      { inputs: [], params: { dtype, shape: [2, 3], dimension: 1 } },
      { inputs: [], params: { dtype, shape: [0], dimension: 0 } },
      { inputs: [], params: { dtype, shape: [1000], dimension: 0 } },
    ]),
});

const iotaParams = sharedParamsByKey<IotaParams>();

/** Coordinates along `dimension` of an array of the given shape. */
export function broadcastedIota(dtype: DType, shape: Shape, dimension: number): Value {
  checkDType(dtype, 'broadcastedIota');
  checkShape(shape, 'broadcastedIota');
  if (!Number.isInteger(dimension) || dimension < 0 || dimension >= shape.length)
    throw new ShapeError(`broadcastedIota: there is no axis ${naming(dimension)} in [${shape}].`);
  return bind1(
    iotaP,
    [],
    iotaParams(`${dtype} ${shape}|${dimension}`, () => ({ dtype, shape: [...shape], dimension })),
  );
}

/** 0, 1, …, n − 1. */
export function iota(dtype: DType, n: number): Value {
  checkDType(dtype, 'iota');
  return broadcastedIota(dtype, checkShape(n, 'iota'), 0);
}
