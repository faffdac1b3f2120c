/** Where the extremum along an axis is. */
import { argFoldCalls } from '../../jit/runtime/arg-fold-calls.ts';
import type { ArrayLike } from '../array.ts';
import { shapedArray } from '../core/aval.ts';
import { allocate, dtypes } from '../core/dtype.ts';
import { ShapeError } from '../core/errors.ts';
import { optionsOf } from '../core/options.ts';
import { exact, type Primitive, primitive, sharedParamsByKey } from '../core/primitive.ts';
import { withoutAxes } from '../core/shape.ts';
import { bind1, type Value } from '../core/trace.ts';
import { toValue } from '../promote.ts';
import { axisOf, forEachRow, rowsOf } from './along-axis.ts';
import { reshape } from './movement.ts';

interface ArgParams {
  readonly axis: number;
}

export interface ArgReduceOptions {
  /** The axis to search; the flattened array when left out. */
  axis?: number | null;
  /** Keep the searched axis with length 1. */
  keepdims?: boolean;
}

/** The first element that no other beats; the first NaN where there is one. */
function argPrimitive(name: string, beats: 'gt' | 'lt'): Primitive<ArgParams> {
  const self: Primitive<ArgParams> = primitive<ArgParams>({
    name,
    type: ([x], { axis }) => {
      if (x!.shape[axis] === 0) throw new ShapeError(`${name}: ${x} has no elements along axis ${axis}.`);
      return [shapedArray(withoutAxes(x!.shape, [axis]), 'int32')];
    },
    run: ([x], { axis }, [out]) => {
      const result = allocate('int32', out!.size);
      const rows = rowsOf(x!.aval.shape, axis);
      forEachRow(rows, (start, row) => {
        let best = x!.data[start]!;
        for (let k = 1; k < rows.n && !Number.isNaN(best); k++) {
          const value = x!.data[start + k * rows.inner]!;
          if (Number.isNaN(value) || (beats === 'gt' ? value > best : value < best)) {
            best = value;
            result[row] = k;
          }
        }
      });
      return [result];
    },
    accuracy: exact,
    jvp: 'zero',
    batch: (_size, [x], _, { axis }) => ({ outs: [bind1(self, [x!], { axis: axis + 1 })], batched: [true] }),
    lower: {
      kind: 'runtime',
      calls: ({ axis }, [x]) => {
        const { outer, n, inner } = rowsOf(x!.shape, axis);
        return argFoldCalls(beats === 'gt' ? 'max' : 'min', x!.dtype, [outer, n, inner]);
      },
    },
    samples: () => [
      ...dtypes.flatMap((dtype) =>
        [
          { shape: [1], axis: 0 },
          { shape: [3], axis: 0 },
          { shape: [17], axis: 0 },
          { shape: [1000], axis: 0 },
          { shape: [4, 5], axis: 0 },
          { shape: [4, 5], axis: 1 },
          { shape: [2, 3, 4], axis: 1 },
          { shape: [0, 3], axis: 1 },
        ].map(({ shape, axis }) => ({ inputs: [{ shape, dtype, low: -3, high: 3 }], params: { axis } })),
      ),
      ...(['float32', 'float64'] as const).map((dtype) => ({
        inputs: [{ shape: [3, 4], dtype, values: [1, Number.NaN, 5, Number.NaN, -0, 0, 0, -0, 2, -2, -2, 2] }],
        params: { axis: 1 },
      })),
    ],
  });
  return self;
}

export const argmaxP: Primitive<ArgParams> = argPrimitive('argmax', 'gt');
export const argminP: Primitive<ArgParams> = argPrimitive('argmin', 'lt');

const argParams = sharedParamsByKey<ArgParams>();

const argReduce =
  (p: Primitive<ArgParams>) =>
  (x: ArrayLike, given: ArgReduceOptions = {}): Value => {
    const { axis, keepdims } = optionsOf(p.name, given, ['axis', 'keepdims']);
    const value = toValue(x, p.name);
    const flat = axis === undefined || axis === null;
    const at = flat ? 0 : axisOf(p.name, value, axis);
    const index = bind1(
      p,
      [flat ? reshape(value, [value.aval.size]) : value],
      argParams(String(at), () => ({ axis: at })),
    );
    if (!keepdims) return index;
    return reshape(
      index,
      value.aval.shape.map((n, i) => (flat || i === at ? 1 : n)),
    );
  };

/**
 * Index (int32) of the first largest element along an axis, or of the first NaN.
 *
 * @throws ShapeError when there are no elements along the axis
 */
export const argmax: (x: ArrayLike, options?: ArgReduceOptions) => Value = argReduce(argmaxP);
/** Index (int32) of the first smallest element along an axis, or of the first NaN. */
export const argmin: (x: ArrayLike, options?: ArgReduceOptions) => Value = argReduce(argminP);
