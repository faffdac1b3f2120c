/** Which dtypes an operation takes, and the inputs at which generated tests try it. Imports nothing that has a cycle. */
import type { DType } from '../core/dtype.ts';
import type { Sample } from '../core/primitive.ts';
import { range, type Shape } from '../core/shape.ts';

/** Which dtypes an operation takes. `floating` converts integers and bools to float32 first. */
export type Domain = 'floating' | 'numeric' | 'integer' | 'logical' | 'bool' | 'any';

const floats: readonly DType[] = ['float32', 'float64'];
export const domains: Record<Domain, readonly DType[]> = {
  floating: floats,
  numeric: [...floats, 'int32', 'uint32'],
  integer: ['int32', 'uint32'],
  logical: ['int32', 'uint32', 'bool'],
  bool: ['bool'],
  any: [...floats, 'int32', 'uint32', 'bool'],
};

/** Sizes that generated tests run every elementwise primitive at: below, at and above the width of a vector. */
const sizes: readonly Shape[] = [[], [0], [1], [3], [4], [5], [17], [2, 3], [1, 3], [1000]];

/** Values at which functions and comparisons tend to break. */
const special: Record<DType, readonly number[]> = {
  float32: [0, -0, 0.5, 1, -1, 2, -2.5, 1e-30, -1e4, Infinity, -Infinity, Number.NaN],
  float64: [0, -0, 0.5, 1, -1, 2, -2.5, 1e-30, -1e4, Infinity, -Infinity, Number.NaN],
  int32: [0, 1, -1, 2, 31, 32, 33, -40, 2 ** 31 - 1, -(2 ** 31)],
  uint32: [0, 1, 2, 31, 32, 33, 2 ** 31, 2 ** 32 - 1],
  bool: [0, 1],
};

/** One operand: the special values. Two: all pairs of them. */
function specialSample(dtype: DType, operands: number): Sample {
  const list = special[dtype];
  const n = list.length;
  const count = operands === 1 ? n : n * n;
  const values = (operand: number): number[] =>
    range(count).map((i) => list[operands === 2 && operand === 0 ? Math.floor(i / n) : i % n]!);
  return { inputs: range(operands).map((k) => ({ shape: [count], dtype, values: values(k) })) };
}

/** Inputs at every size, floats drawn from one interval per operand, and the special values. */
export const samplesFor = (domain: Domain, intervals: readonly (readonly [number, number])[]): Sample[] =>
  domains[domain].flatMap((dtype) => [
    ...sizes.map((shape) => ({ inputs: intervals.map(([low, high]) => ({ shape, dtype, low, high })) })),
    specialSample(dtype, intervals.length),
  ]);

const reductions: readonly { shape: Shape; axes: readonly number[] }[] = [
  { shape: [0], axes: [0] },
  { shape: [1], axes: [0] },
  { shape: [3], axes: [0] },
  { shape: [17], axes: [0] },
  { shape: [1000], axes: [0] },
  { shape: [4, 5], axes: [0] },
  { shape: [4, 5], axes: [1] },
  { shape: [2, 3, 4], axes: [0, 2] },
  { shape: [2, 3, 4], axes: [] },
  { shape: [3, 1], axes: [1] },
];

/** Folds over the first, the last, all and no axes. */
export const reductionSamples = (dtypes: readonly DType[], nonEmpty = false): Sample[] =>
  dtypes.flatMap((dtype) =>
    reductions
      .filter(({ shape, axes }) => !nonEmpty || axes.every((a) => shape[a] !== 0))
      .map(({ shape, axes }) => ({ inputs: [{ shape, dtype, low: -3, high: 3 }], params: { axes } })),
  );
