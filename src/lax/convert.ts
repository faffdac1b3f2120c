import { isLinear } from '../../transforms/transpose.ts';
import { type ArrayLike, NDArray } from '../array.ts';
import { type ShapedArray, shapedArray } from '../core/aval.ts';
import { allocate, byteSize, castNumber, type DType, dtypes, isFloating, isInteger, viewOf } from '../core/dtype.ts';
import { DtypeError } from '../core/errors.ts';
import { checkDType } from '../core/options.ts';
import { exact, type Primitive, sharedParams } from '../core/primitive.ts';
import { bind1, type Value } from '../core/trace.ts';
import { Zero } from '../core/zero.ts';
import { toValue } from '../promote.ts';
import { elementwise } from './family.ts';
import { strengthen } from './movement.ts';

/** A float before it becomes an integer: the nearest one that there is. Integers wrap instead. */
function saturated(x: number, from: DType, to: DType): number {
  if (!isFloating(from) || !isInteger(to)) return x;
  const [least, most] = to === 'int32' ? [-(2 ** 31), 2 ** 31 - 1] : [0, 2 ** 32 - 1];
  return Math.min(Math.max(x, least), most);
}

const pairs = dtypes.flatMap((from) => dtypes.map((to) => ({ from, to })));

interface Conversion {
  readonly newDType: DType;
  /** Set for a derivative with respect to a number, which is weak as that is. */
  readonly weakType?: true;
}

/** Numeric conversion. Floats to integers truncate and saturate, NaN becomes 0; integers wrap; a bool is x ≠ 0. */
export const convertElementType: Primitive<Conversion> = elementwise('convert_element_type', 1, {
  domain: 'any',
  result: (_, { newDType }) => newDType,
  weak: ({ weakType }) => weakType ?? false,
  run: ([x], { newDType }, [from]) => saturated(x!, from!, newDType),
  accuracy: exact,
  jvp: [(dx, _x, out) => (out.aval.isFloating ? convertLike(dx, out.aval) : new Zero(out.aval))],
  transpose: ([ct], [x]) => [isLinear(x) ? convertLike(ct as Value, x.aval) : undefined],
  lower: (b, [x], { newDType }) => b.convert(x!, newDType),
  samples: () =>
    pairs.flatMap(({ from, to }) => {
      const params = { newDType: to };
      const sample = (low: number, high: number) => ({ inputs: [{ shape: [17], dtype: from, low, high }], params });
      return isFloating(from) && isInteger(to) ? [sample(-5, 300), sample(-6e9, 6e9)] : [sample(-5, 300)];
    }),
});

const conversionTo = Object.fromEntries(
  dtypes.map((newDType) => [newDType, sharedParams({ newDType })]),
) as unknown as Record<DType, { newDType: DType }>;

/** `x` with the elements converted to `dtype`. Literals stay literals. */
export function convert(x: ArrayLike, dtype: DType): Value {
  const value = toValue(x, 'convert');
  if (value.aval.dtype === dtype && !value.aval.weakType) return value;
  checkDType(dtype, 'convert');
  if (value.literal !== undefined) {
    const x = saturated(value.literal, value.aval.dtype, dtype);
    return NDArray.ofLiteral(castNumber(x, dtype), shapedArray([], dtype));
  }
  return bind1(convertElementType, [value], conversionTo[dtype]);
}

const weakConversion: Conversion = sharedParams({ newDType: 'float64', weakType: true });

/** `x` with the dtype of another type, and weak if that is. */
export function convertLike(x: Value, { dtype, weakType }: ShapedArray): Value {
  if (!weakType) return convert(x, dtype);
  return x.aval.weakType ? x : bind1(convertElementType, [x], weakConversion);
}

/** Among them a denormal; NaN payloads are left out, since JavaScript may change them. */
const bitPatterns: readonly number[] = [0, 1, 2 ** 31 - 1 - 2 ** 23, 0x3f800000, 7, 1234567];

const views: readonly (readonly [DType, DType])[] = (['float32', 'int32', 'uint32'] as const).flatMap((from) =>
  (['float32', 'int32', 'uint32'] as const).map((to) => [from, to] as const),
);

function bitsOf(x: number, dtype: DType): ArrayBufferLike {
  const data = allocate(dtype, 1);
  data[0] = x;
  return data.buffer;
}

export const bitcastConvertTypeP: Primitive<{ newDType: DType }> = elementwise('bitcast_convert_type', 1, {
  domain: 'any',
  result: ([x], { newDType }) => {
    if (byteSize(x!.dtype) !== 4 || byteSize(newDType) !== 4) {
      throw new DtypeError(`bitcastConvertType: ${x} does not have the width of ${newDType}, or is not 32 bits wide.`);
    }
    return newDType;
  },
  weak: () => false,
  run: ([x], { newDType }, [from]) => viewOf(newDType, bitsOf(x!, from!), 0, 1)[0]!,
  accuracy: exact,
  jvp: 'zero',
  lower: (b, [x], { newDType }) =>
    // Between the integer types the bits are those of the wrapped number.
    isInteger(x!.dtype) && isInteger(newDType) ? b.convert(x!, newDType) : b.bitcast(x!, newDType),
  samples: () =>
    views.map(([from, newDType]) => ({
      inputs: [
        { shape: [6], dtype: from, values: from === 'float32' ? [0, -0, 1.5, -2e30, 1e-40, Infinity] : bitPatterns },
      ],
      params: { newDType },
    })),
});

/**
 * The bits of `x` read as another dtype of 32 bits.
 *
 * @example
 * bitcastConvertType(np.array(1), 'uint32'); // 1065353216, 0x3f800000
 * @throws DtypeError unless both dtypes are float32, int32 or uint32
 */
export function bitcastConvertType(x: ArrayLike, dtype: DType): Value {
  checkDType(dtype, 'bitcastConvertType');
  const value = strengthen(toValue(x, 'bitcastConvertType'));
  return value.aval.dtype === dtype ? value : bind1(bitcastConvertTypeP, [value], { newDType: dtype });
}
