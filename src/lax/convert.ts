import { isLinear } from '../../transforms/transpose.ts';
import { type ArrayLike, NDArray } from '../array.ts';
import { shapedArray } from '../core/aval.ts';
import { castNumber, type DType, dtypes } from '../core/dtype.ts';
import { exact, type Primitive } from '../core/primitive.ts';
import { bind1, type Value } from '../core/trace.ts';
import { Zero } from '../core/zero.ts';
import { toValue } from '../promote.ts';
import { elementwise } from './family.ts';

const pairs = dtypes.flatMap((from) => dtypes.map((to) => ({ from, to })));

/** Numeric conversion. Floats to integers truncate and saturate, NaN becomes 0; integers wrap; a bool is x ≠ 0. */
export const convertElementType: Primitive<{ newDType: DType }> = elementwise('convert_element_type', 1, {
  domain: 'any',
  result: (_, { newDType }) => newDType,
  strong: true,
  run: ([x]) => x!,
  accuracy: exact,
  jvp: [(dx, _x, out) => (out.aval.isFloating ? convert(dx, out.aval.dtype) : new Zero(out.aval))],
  transpose: ([ct], [x]) => [isLinear(x) ? convert(ct as Value, x.aval.dtype) : undefined],
  lower: (b, [x], { newDType }) => b.convert(x!, newDType),
  samples: pairs.map(({ from, to }) => ({
    inputs: [{ shape: [17], dtype: from, low: -5, high: 300 }],
    params: { newDType: to },
  })),
});

/** `x` with the elements converted to `dtype`. Literals stay literals. */
export function convert(x: ArrayLike, dtype: DType): Value {
  const value = toValue(x, 'convert');
  if (value.aval.dtype === dtype && !value.aval.weakType) return value;
  if (value.literal !== undefined) return NDArray.ofLiteral(castNumber(value.literal, dtype), shapedArray([], dtype));
  return bind1(convertElementType, [value], { newDType: dtype });
}
