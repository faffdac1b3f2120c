/** Folds over axes. */
import type { Linear } from '../../transforms/transpose.ts';
import type { ArrayLike } from '../array.ts';
import { allocate } from '../core/dtype.ts';
import { optionsOf } from '../core/options.ts';
import { type Primitive, primitive, reductionAccuracy } from '../core/primitive.ts';
import { range, withoutAxes } from '../core/shape.ts';
import { bind1, type Value } from '../core/trace.ts';
import { toValue } from '../promote.ts';
import { convert } from './convert.ts';
import { broadcastInDim } from './movement.ts';
import {
  forEachReduced,
  keepAxes,
  type ReduceOptions,
  type ReduceParams,
  reduceAxes,
  reduceOptions,
  reduceParams,
} from './reduce-axes.ts';
import { reductionSamples } from './samples.ts';

export * from './folds.ts';
export { forEachReduced, keepAxes, type ReduceOptions, type ReduceParams, reduceAxes, reductionSamples };

/** Sum with a float64 accumulator in the reference; compiled code adds pairwise. */
export const reduceSumP: Primitive<ReduceParams> = primitive<ReduceParams>({
  name: 'reduce_sum',
  type: ([x], { axes }) => [x!.withShape(withoutAxes(x!.shape, axes))],
  run: ([x], { axes }, [out]) => {
    const total = new Float64Array(out!.size);
    forEachReduced(x!.aval.shape, axes, (o, i) => {
      total[o]! += x!.data[i]!;
    });
    const result = allocate(out!.dtype, out!.size);
    const wrap = out!.dtype === 'int32' || out!.dtype === 'uint32';
    total.forEach((v, i) => {
      result[i] = wrap ? v % 2 ** 32 : v;
    });
    return [result];
  },
  accuracy: reductionAccuracy(),
  jvp: ([x], [dx], params) => [[bind1(reduceSumP, [x!], params)], [bind1(reduceSumP, [dx as Value], params)]],
  transpose: ([ct], [x], { axes }) => {
    const { shape } = (x as Linear).aval;
    return [
      broadcastInDim(
        ct as Value,
        shape,
        range(shape.length).filter((axis) => !axes.includes(axis)),
      ),
    ];
  },
  batch: (_size, [x], _, { axes }) => ({
    outs: [bind1(reduceSumP, [x!], { axes: axes.map((a) => a + 1) })],
    batched: [true],
  }),
  lower: { kind: 'reduce', combine: 'add', axes: ({ axes }) => axes },
  samples: () => reductionSamples(['float32', 'float64', 'int32', 'uint32']),
});

/** Sum over axes. Bools are counted in int32. */
export function sum(x: ArrayLike, given: ReduceOptions = {}): Value {
  const { axis, keepdims } = optionsOf('sum', given, reduceOptions);
  let value = toValue(x, 'sum');
  if (value.aval.dtype === 'bool') value = convert(value, 'int32');
  const axes = reduceAxes('sum', value, axis);
  const result = axes.length === 0 ? value : bind1(reduceSumP, [value], reduceParams(axes));
  return keepAxes(result, value, axes, keepdims);
}
