/** Primitives that move elements without computing: broadcasting, reshaping, transposing. */

import type { Linear } from '../../transforms/transpose.ts';
import { type ArrayLike, NDArray } from '../array.ts';
import { type ShapedArray, shapedArray } from '../core/aval.ts';
import { allocate, type TypedArray } from '../core/dtype.ts';
import { ShapeError } from '../core/errors.ts';
import { checkIntegers, checkList } from '../core/options.ts';
import { exact, type HostArray, type Primitive, primitive, type Sample, sharedParamsByKey } from '../core/primitive.ts';
import { checkShape, range, type Shape, sameShape, sizeOf, stridesOf } from '../core/shape.ts';
import { bind1, type Value } from '../core/trace.ts';
import { toValue } from '../promote.ts';
import { convert } from './convert.ts';
import { sum } from './reductions.ts';

/** Reads `input` through strides: the reference semantics of every view. */
export function gatherStrided(input: HostArray, shape: Shape, strides: readonly number[], offset: number): TypedArray {
  const n = sizeOf(shape);
  const out = allocate(input.aval.dtype, n);
  const index = new Array<number>(shape.length).fill(0);
  let at = offset;
  for (let i = 0; i < n; i++) {
    out[i] = input.data[at]!;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      at += strides[axis]!;
      if (++index[axis]! < shape[axis]!) break;
      at -= strides[axis]! * shape[axis]!;
      index[axis] = 0;
    }
  }
  return out;
}

const allDTypes = ['float32', 'float64', 'int32', 'uint32', 'bool'] as const;
export const movementSamples = (cases: readonly { shape: Shape; params: Record<string, unknown> }[]): Sample[] =>
  cases.flatMap(({ shape, params }) =>
    allDTypes.map((dtype) => ({ inputs: [{ shape, dtype, low: -9, high: 9 }], params })),
  );

interface BroadcastParams {
  readonly shape: Shape;
  /** Output axis of each operand axis, increasing. */
  readonly broadcastDimensions: readonly number[];
}

const broadcastParams = sharedParamsByKey<BroadcastParams>();
const reshapeParams = sharedParamsByKey<{ newSizes: Shape }>();
const transposeParams = sharedParamsByKey<{ permutation: readonly number[] }>();

const broadcastStrides = (input: ShapedArray, { shape, broadcastDimensions }: BroadcastParams): number[] => {
  const strides = new Array<number>(shape.length).fill(0);
  const own = stridesOf(input.shape);
  broadcastDimensions.forEach((axis, i) => {
    strides[axis] = input.shape[i] === 1 && shape[axis] !== 1 ? 0 : own[i]!;
  });
  return strides;
};

export const broadcastInDimP: Primitive<BroadcastParams> = primitive<BroadcastParams>({
  name: 'broadcast_in_dim',
  type: ([x], { shape, broadcastDimensions }) => {
    broadcastDimensions.forEach((axis, i) => {
      if (x!.shape[i] !== 1 && x!.shape[i] !== shape[axis]) {
        throw new ShapeError(`broadcastInDim: axis ${i} of ${x} does not fit axis ${axis} of [${shape}].`);
      }
    });
    return [shapedArray(shape, x!.dtype, x!.weakType)];
  },
  run: ([x], params) => [gatherStrided(x!, params.shape, broadcastStrides(x!.aval, params), 0)],
  accuracy: exact,
  jvp: (primals, [dx], params) => [
    [bind1(broadcastInDimP, primals, params)],
    [bind1(broadcastInDimP, [dx as Value], params)],
  ],
  transpose: ([ct], [x], { shape, broadcastDimensions }) => {
    const aval = (x as Linear).aval;
    const summed = range(shape.length).filter((axis) => {
      const i = broadcastDimensions.indexOf(axis);
      return i < 0 || (aval.shape[i] === 1 && shape[axis] !== 1);
    });
    return [reshape(sum(ct as Value, { axis: summed }), aval.shape)];
  },
  batch: (size, [x], _, { shape, broadcastDimensions }) => ({
    outs: [
      bind1(broadcastInDimP, [x!], {
        shape: [size, ...shape],
        broadcastDimensions: [0, ...broadcastDimensions.map((axis) => axis + 1)],
      }),
    ],
    batched: [true],
  }),
  lower: { kind: 'view', view: (params, input) => ({ offset: 0, strides: broadcastStrides(input, params) }) },
  samples: () =>
    movementSamples([
      { shape: [], params: { shape: [3], broadcastDimensions: [] } },
      { shape: [3], params: { shape: [2, 3], broadcastDimensions: [1] } },
      { shape: [2, 1], params: { shape: [2, 5, 3], broadcastDimensions: [0, 2] } },
      { shape: [0], params: { shape: [0, 4], broadcastDimensions: [0] } },
    ]),
});

export function broadcastInDim(x: ArrayLike, shape: Shape, broadcastDimensions: readonly number[]): Value {
  const value = toValue(x, 'broadcastInDim');
  checkShape(shape, 'broadcastInDim');
  checkList('broadcastInDim', 'the list of axes', broadcastDimensions);
  return sameShape(value.aval.shape, shape) ? value : broadcastAlong(value, shape, broadcastDimensions);
}

const broadcastAlong = (value: Value, shape: Shape, broadcastDimensions: readonly number[]): Value =>
  bind1(
    broadcastInDimP,
    [value],
    broadcastParams(`${shape}|${broadcastDimensions}`, () => ({
      shape: [...shape],
      broadcastDimensions: [...broadcastDimensions],
    })),
  );

/** NumPy's broadcast: axes are matched from the last. A weak scalar becomes float32. */
export function broadcastTo(x: ArrayLike, shape: Shape): Value {
  const value = toValue(x, 'broadcastTo');
  const own = value.aval.shape;
  checkShape(shape, 'broadcastTo');
  if (sameShape(own, shape)) return value;
  const lead = shape.length - own.length;
  if (lead < 0 || own.some((n, i) => n !== 1 && n !== shape[lead + i])) {
    throw new ShapeError(`broadcastTo: ${value.aval} does not broadcast to shape [${shape}].`);
  }
  return broadcastFitting(value, shape);
}

/** The same for a shape that is known to be one, and to fit. */
export function broadcastFitting(value: Value, shape: Shape): Value {
  const { ndim } = value.aval;
  if (sameShape(value.aval.shape, shape)) return value;
  const axes: number[] = [];
  for (let axis = shape.length - ndim; axis < shape.length; axis++) axes.push(axis);
  return broadcastAlong(value, shape, axes);
}

/** What `reshapeP` needs, made once for equal shapes. */
export const reshapeParamsOf = (newSizes: Shape): { newSizes: Shape } =>
  reshapeParams(`${newSizes}`, () => ({ newSizes }));

export const reshapeP: Primitive<{ newSizes: Shape }> = primitive<{ newSizes: Shape }>({
  name: 'reshape',
  type: ([x], { newSizes }) => {
    if (sizeOf(newSizes) !== x!.size) {
      throw new ShapeError(`reshape: ${x} has ${x!.size} elements and cannot take shape [${newSizes}].`);
    }
    return [x!.withShape(newSizes)];
  },
  run: ([x]) => [x!.data.slice()],
  accuracy: exact,
  jvp: ([x], [dx], { newSizes }) => [[reshape(x!, newSizes)], [reshape(dx as Value, newSizes)]],
  transpose: ([ct], [x]) => [reshape(ct as Value, (x as Linear).aval.shape)],
  batch: (size, [x], _, { newSizes }) => ({ outs: [reshape(x!, [size, ...newSizes])], batched: [true] }),
  lower: { kind: 'reshape' },
  samples: () =>
    movementSamples([
      { shape: [2, 6], params: { newSizes: [3, 4] } },
      { shape: [1], params: { newSizes: [] } },
      { shape: [0, 3], params: { newSizes: [0] } },
    ]),
});

/** The same elements in row-major order; one entry may be −1. */
export function reshape(x: ArrayLike, shape: Shape): Value {
  const value = toValue(x, 'reshape');
  if (!Array.isArray(shape) || !shape.every((n) => n === -1 || (Number.isInteger(n) && n >= 0)))
    checkShape(shape, 'reshape');
  const known = shape.reduce((a, n) => (n === -1 ? a : a * n), 1);
  const full = shape.map((n) => (n === -1 ? (known === 0 ? 0 : value.aval.size / known) : n));
  if (shape.filter((n) => n === -1).length > 1 || full.some((n) => !Number.isInteger(n) || n < 0)) {
    throw new ShapeError(`reshape: ${value.aval} has ${value.aval.size} elements and cannot take shape [${shape}].`);
  }
  return reshapeFitting(value, full);
}

/** The same for a shape that is known to be one, without a −1, and to have as many elements. */
export const reshapeFitting = (value: Value, shape: Shape): Value =>
  sameShape(shape, value.aval.shape) ? value : bind1(reshapeP, [value], reshapeParamsOf(shape));

export const transposeP: Primitive<{ permutation: readonly number[] }> = primitive<{ permutation: readonly number[] }>({
  name: 'transpose',
  type: ([x], { permutation }) => {
    if (permutation.length !== x!.ndim || !range(x!.ndim).every((axis) => permutation.includes(axis))) {
      throw new ShapeError(`transpose: [${permutation}] is not a permutation of the axes of ${x}.`);
    }
    return [x!.withShape(permutation.map((axis) => x!.shape[axis]!))];
  },
  run: ([x], { permutation }, [out]) => {
    const strides = stridesOf(x!.aval.shape);
    return [
      gatherStrided(
        x!,
        out!.shape,
        permutation.map((axis) => strides[axis]!),
        0,
      ),
    ];
  },
  accuracy: exact,
  jvp: ([x], [dx], { permutation }) => [[transpose(x!, permutation)], [transpose(dx as Value, permutation)]],
  transpose: ([ct], _, { permutation }) => [
    transpose(
      ct as Value,
      range(permutation.length).map((axis) => permutation.indexOf(axis)),
    ),
  ],
  batch: (_size, [x], _, { permutation }) => ({
    outs: [transpose(x!, [0, ...permutation.map((axis) => axis + 1)])],
    batched: [true],
  }),
  lower: {
    kind: 'view',
    view: ({ permutation }, input) => {
      const strides = stridesOf(input.shape);
      return { offset: 0, strides: permutation.map((axis) => strides[axis]!) };
    },
  },
  samples: () =>
    movementSamples([
      { shape: [2, 3], params: { permutation: [1, 0] } },
      { shape: [2, 1, 5], params: { permutation: [2, 0, 1] } },
      { shape: [0, 3], params: { permutation: [1, 0] } },
    ]),
});

/** Permutes axes; reverses them when no permutation is given. */
export function transpose(x: ArrayLike, permutation?: readonly number[]): Value {
  const value = toValue(x, 'transpose');
  if (permutation) checkList('transpose', 'the order of axes', permutation);
  if (permutation) checkIntegers('transpose', 'the order of axes', permutation);
  const axes = permutation ?? range(value.aval.ndim).reverse();
  return axes.every((axis, i) => axis === i) && axes.length === value.aval.ndim
    ? value
    : bind1(
        transposeP,
        [value],
        transposeParams(`${axes}`, () => ({ permutation: [...axes] })),
      );
}

/** A weak value as strong float32, as it is read or stored. */
export const strengthen = (x: Value): Value => (x.aval.weakType && x instanceof NDArray ? convert(x, 'float32') : x);
