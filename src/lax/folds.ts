/** Products, extrema and truth over axes. */
import type { ArrayLike } from '../array.ts';
import { allocate, type DType, isFloating } from '../core/dtype.ts';
import { DtypeError, ShapeError } from '../core/errors.ts';
import { optionsOf } from '../core/options.ts';
import { type Accuracy, exact, type Primitive, primitive, type Sample, ulp } from '../core/primitive.ts';
import { range, withoutAxes } from '../core/shape.ts';
import { bind1, type Value } from '../core/trace.ts';
import { toValue } from '../promote.ts';
import { div, mul } from './arithmetic.ts';
import { eq, ne } from './compare.ts';
import { convert } from './convert.ts';
import { broadcastInDim } from './movement.ts';
import { productTangent } from './product-rule.ts';
import {
  keepAxes,
  type ReduceOptions,
  type ReduceParams,
  reduceAxes,
  reduceOptions,
  reduceParams,
} from './reduce-axes.ts';
import { forEachReduced, sum } from './reductions.ts';
import { reductionSamples } from './samples.ts';

type FoldPrimitive = Primitive<ReduceParams>;

interface FoldSpec {
  combine: 'mul' | 'max' | 'min' | 'and' | 'or';
  identity: (dtype: DType) => number;
  step: (a: number, b: number, dtype: DType) => number;
  jvp: FoldPrimitive['jvp'];
  accuracy?: Accuracy;
  samples: () => readonly Sample[];
}

/** A fold whose reference goes through the elements in order. */
function fold(name: string, spec: FoldSpec): FoldPrimitive {
  const { combine, identity, step, jvp } = spec;
  const logical = combine === 'and' || combine === 'or';
  const self: FoldPrimitive = primitive<ReduceParams>({
    name,
    type: ([x], { axes }) => {
      if (logical !== (x!.dtype === 'bool')) {
        throw new DtypeError(`${name}: needs ${logical ? 'bool' : 'numeric'} operands, but got ${x}.`);
      }
      return [x!.withShape(withoutAxes(x!.shape, axes))];
    },
    run: ([x], { axes }, [out]) => {
      const { dtype } = out!;
      const result = allocate(dtype, out!.size).fill(identity(dtype));
      forEachReduced(x!.aval.shape, axes, (o, i) => {
        result[o] = step(result[o]!, x!.data[i]!, dtype);
      });
      return [result];
    },
    accuracy: spec.accuracy ?? exact,
    jvp,
    batch: (_size, [x], _, { axes }) => ({
      outs: [bind1(self, [x!], { axes: axes.map((a) => a + 1) })],
      batched: [true],
    }),
    lower: { kind: 'reduce', combine, axes: ({ axes }) => axes },
    samples: spec.samples,
  });
  return self;
}

const lowest = (dtype: DType): number => (isFloating(dtype) ? -Infinity : dtype === 'int32' ? -(2 ** 31) : 0);
const highest = (dtype: DType): number =>
  isFloating(dtype) ? Infinity : dtype === 'int32' ? 2 ** 31 - 1 : 2 ** 32 - 1;

/** Elements equal to the extremum share the tangent equally; where it is NaN none is, and the tangent is NaN. */
const extremumJvp =
  (self: () => FoldPrimitive): FoldPrimitive['jvp'] =>
  ([x], [dx], { axes }) => {
    const out = bind1(self(), [x!], { axes });
    const { shape } = x!.aval;
    const kept = range(shape.length).filter((axis) => !axes.includes(axis));
    const attained = convert(eq(x!, broadcastInDim(out, shape, kept)), out.aval.dtype);
    const total = sum(mul(dx as Value, attained), { axis: axes });
    return [[out], [div(total, sum(attained, { axis: axes }))]];
  };

const special = [1, -2, Number.NaN, 3, 0, -0, -0, 0, Infinity, -Infinity, 3, 3];
const extremumSamples = (): Sample[] => [
  ...reductionSamples(['float32', 'float64', 'int32', 'uint32'], true),
  ...(['float32', 'float64'] as const).map((dtype) => ({
    inputs: [{ shape: [4, 3], dtype, values: special }],
    params: { axes: [1] },
  })),
];

export const reduceMaxP: FoldPrimitive = fold('reduce_max', {
  combine: 'max',
  identity: lowest,
  step: (a, b) => Math.max(a, b),
  jvp: extremumJvp(() => reduceMaxP),
  samples: extremumSamples,
});

export const reduceMinP: FoldPrimitive = fold('reduce_min', {
  combine: 'min',
  identity: highest,
  step: (a, b) => Math.min(a, b),
  jvp: extremumJvp(() => reduceMinP),
  samples: extremumSamples,
});

/** Rounding of n factors in any order is at most about n/2 ulp; the samples have at most 60. */
export const reduceProdP: FoldPrimitive = fold('reduce_prod', {
  combine: 'mul',
  identity: () => 1,
  step: (a, b, dtype) => (isFloating(dtype) ? a * b : Math.imul(a, b)),
  accuracy: ulp(60),
  jvp: ([x], [dx], { axes }) => {
    const out = bind1(reduceProdP, [x!], { axes });
    return [[out], [productTangent(x!, dx as Value, axes)]];
  },
  samples: () =>
    (['float32', 'float64', 'int32', 'uint32'] as const).flatMap((dtype) =>
      [
        { shape: [0], axes: [0] },
        { shape: [1], axes: [0] },
        { shape: [17], axes: [0] },
        { shape: [60], axes: [0] },
        { shape: [4, 5], axes: [0] },
        { shape: [4, 5], axes: [1] },
        { shape: [2, 3, 4], axes: [0, 2] },
        { shape: [2, 3, 4], axes: [] },
      ].map(({ shape, axes }) => ({ inputs: [{ shape, dtype, low: -2, high: 2 }], params: { axes } })),
    ),
});

export const reduceOrP: FoldPrimitive = fold('reduce_or', {
  combine: 'or',
  identity: () => 0,
  step: (a, b) => a | b,
  jvp: 'zero',
  samples: () => reductionSamples(['bool']),
});

export const reduceAndP: FoldPrimitive = fold('reduce_and', {
  combine: 'and',
  identity: () => 1,
  step: (a, b) => a & b,
  jvp: 'zero',
  samples: () => reductionSamples(['bool']),
});

function applyFold(p: FoldPrimitive, value: Value, axes: readonly number[], keepdims: boolean | undefined): Value {
  return keepAxes(axes.length === 0 ? value : bind1(p, [value], reduceParams(axes)), value, axes, keepdims);
}

/** Product over axes. Bools are multiplied in int32. The derivative never divides, so zeros are no special case. */
export function prod(x: ArrayLike, given: ReduceOptions = {}): Value {
  const { axis, keepdims } = optionsOf('prod', given, reduceOptions);
  let value = toValue(x, 'prod');
  if (value.aval.dtype === 'bool') value = convert(value, 'int32');
  return applyFold(reduceProdP, value, reduceAxes('prod', value, axis), keepdims);
}

function extremum(operation: string, numeric: FoldPrimitive, logical: FoldPrimitive) {
  return (x: ArrayLike, given: ReduceOptions = {}): Value => {
    const { axis, keepdims } = optionsOf(operation, given, reduceOptions);
    const value = toValue(x, operation);
    const axes = reduceAxes(operation, value, axis);
    if (axes.some((a) => value.aval.shape[a] === 0)) {
      throw new ShapeError(`${operation}: ${value.aval} has no elements to take the extremum of.`);
    }
    return applyFold(value.aval.dtype === 'bool' ? logical : numeric, value, axes, keepdims);
  };
}

/**
 * Largest element over axes, NaN if there is one. Elements that tie share the derivative equally.
 *
 * @throws ShapeError when an axis folded over has length 0
 */
export const reduceMax: (x: ArrayLike, options?: ReduceOptions) => Value = extremum('max', reduceMaxP, reduceOrP);
/** Smallest element over axes, NaN if there is one. */
export const reduceMin: (x: ArrayLike, options?: ReduceOptions) => Value = extremum('min', reduceMinP, reduceAndP);

const quantifier =
  (operation: string, p: FoldPrimitive) =>
  (x: ArrayLike, given: ReduceOptions = {}): Value => {
    const { axis, keepdims } = optionsOf(operation, given, reduceOptions);
    let value = toValue(x, operation);
    if (value.aval.dtype !== 'bool') value = ne(value, 0);
    return applyFold(p, value, reduceAxes(operation, value, axis), keepdims);
  };

/** Whether some element over axes is true (not 0). False over none. */
export const any: (x: ArrayLike, options?: ReduceOptions) => Value = quantifier('any', reduceOrP);
/** Whether every element over axes is true (not 0). True over none. */
export const all: (x: ArrayLike, options?: ReduceOptions) => Value = quantifier('all', reduceAndP);
