/** Folds over windows of an array: sums, maxima and minima, what pooling consists of. */

import type { Linear } from '../../transforms/transpose.ts';
import type { ArrayLike } from '../array.ts';
import { ShapeError } from '../core/errors.ts';
import { checkList, optionsOf } from '../core/options.ts';
import { exact, type Primitive, primitive, reductionAccuracy } from '../core/primitive.ts';
import type { Shape } from '../core/shape.ts';
import { bind1, type Value } from '../core/trace.ts';
import { Zero } from '../core/zero.ts';
import { promoteDTypes } from '../promote.ts';
import { add, max, min, mul, sub } from './arithmetic.ts';
import { ge, select } from './compare.ts';
import { dilated, type Padding, paddingOf } from './conv-dimensions.ts';
import { iota, scalar, zerosLike } from './creation.ts';
import { type GatherParams, gatherP } from './gather.ts';
import { broadcastInDim, reshape, strengthen } from './movement.ts';
import { pad } from './pad.ts';
import { foldProgram, positionProgram } from './reduce-window-lower.ts';
import { windowSamples } from './reduce-window-samples.ts';
import {
  foldIdentity,
  hasPadding,
  type ReduceWindowParams,
  runFold,
  runPosition,
  type WindowFold,
  windowShape,
} from './reduce-window-shape.ts';

const known = new Map<string, ReduceWindowParams>();

/** One object for equal parameters: what is compiled for an equation is found by the identity of its parameters. */
function shared(p: ReduceWindowParams): ReduceWindowParams {
  const key = JSON.stringify([p.windowDimensions, p.windowStrides, p.padding, p.baseDilation, p.windowDilation]);
  let params = known.get(key);
  if (!params) known.set(key, (params = p));
  return params;
}

/** The same windows in every lane. */
const lifted = (p: ReduceWindowParams): ReduceWindowParams =>
  shared({
    windowDimensions: [1, ...p.windowDimensions],
    windowStrides: [1, ...p.windowStrides],
    padding: [[0, 0], ...p.padding],
    baseDilation: [1, ...p.baseDilation],
    windowDilation: [1, ...p.windowDilation],
  });

export const reduceWindowSumP: Primitive<ReduceWindowParams> = primitive<ReduceWindowParams>({
  name: 'reduce_window_sum',
  hot: true,
  type: ([x], p) => [x!.withShape(windowShape(x!, p)).strong()],
  run: ([x], p, [out]) => [runFold('add', x!, p, out!)],
  accuracy: reductionAccuracy(),
  jvp: ([x], [dx], p) => [[bind1(reduceWindowSumP, [x!], p)], [bind1(reduceWindowSumP, [dx as Value], p)]],
  transpose: ([ct], [x], p) => [windowSumCotangent(ct as Value, x as Linear, p)],
  batch: (_size, [x], _, p) => ({ outs: [bind1(reduceWindowSumP, [x!], lifted(p))], batched: [true] }),
  lower: { kind: 'inline', jaxpr: (p, [x]) => ({ jaxpr: foldProgram('add', p, x!) }), derived: true },
  samples: () => windowSamples('numeric'),
});

/**
 * A window sum is a convolution with a kernel of ones, and so is its transpose: of the cotangent dilated by the strides,
 * with the base dilation as strides, padded so that the first window ends at its first element.
 */
function windowSumCotangent(ct: Value, { aval }: Linear, p: ReduceWindowParams): Value | Zero {
  if (ct.aval.size === 0) return new Zero(aval);
  const config = ct.aval.shape.map((n, axis) => {
    const extent = dilated(p.windowDimensions[axis]!, p.windowDilation[axis]!);
    const before = extent - p.padding[axis]![0] - 1;
    const input = dilated(aval.shape[axis]!, p.baseDilation[axis]!);
    const after = input + extent - 1 - dilated(n, p.windowStrides[axis]!) - before;
    return [before, after, p.windowStrides[axis]! - 1] as const;
  });
  const params = {
    ...p,
    windowStrides: p.baseDilation,
    padding: config.map(() => [0, 0] as const),
    baseDilation: config.map(() => 1),
  };
  return bind1(reduceWindowSumP, [pad(ct, scalar(0, ct.aval.dtype), config)], shared(params));
}

/** The flat index in the operand of each window's first extremum, or −1; what derivatives of maxima follow. */
const position = (fold: 'max' | 'min'): Primitive<ReduceWindowParams> => {
  const self: Primitive<ReduceWindowParams> = primitive<ReduceWindowParams>({
    name: `reduce_window_arg${fold}`,
    hot: true,
    type: ([x], p) => [x!.withShape(windowShape(x!, p)).withDType('int32')],
    run: ([x], p, [out]) => [runPosition(fold, x!, p, out!)],
    accuracy: exact,
    jvp: 'zero',
    batch: (size, [x], _, p) => {
      // Indices of the whole batch, counted from the start of each lane.
      const all = bind1(self, [x!], lifted(p));
      const offset = broadcastInDim(mul(iota('int32', size), x!.aval.size / size), all.aval.shape, [0]);
      return { outs: [select(ge(all, 0), sub(all, offset), all)], batched: [true] };
    },
    lower: { kind: 'inline', jaxpr: (p, [x]) => ({ jaxpr: positionProgram(fold, p, x!) }), derived: true },
    samples: () => windowSamples('floating'),
  });
  return self;
};

export const reduceWindowArgmaxP: Primitive<ReduceWindowParams> = position('max');
export const reduceWindowArgminP: Primitive<ReduceWindowParams> = position('min');

const extremum = (fold: 'max' | 'min', positionP: Primitive<ReduceWindowParams>): Primitive<ReduceWindowParams> => {
  const self: Primitive<ReduceWindowParams> = primitive<ReduceWindowParams>({
    name: `reduce_window_${fold}`,
    hot: true,
    type: ([x], p) => [x!.withShape(windowShape(x!, p)).strong()],
    run: ([x], p, [out]) => [runFold(fold, x!, p, out!)],
    accuracy: exact,
    // The tangent of a maximum is that of the first element which attains it.
    jvp: ([x], [dx], p) => {
      const out = bind1(self, [x!], p);
      if (x!.aval.size === 0 || out.aval.size === 0) return [[out], [zerosLike(out.aval)]];
      const places = bind1(positionP, [x!], p);
      const params: GatherParams = {
        offsetDims: [],
        collapsedSliceDims: [0],
        startIndexMap: [0],
        operandBatchingDims: [],
        startIndicesBatchingDims: [],
        sliceSizes: [1],
        mode: hasPadding(p) ? 'fill' : 'promise_in_bounds',
        fillValue: 0,
      };
      const elements = reshape(dx as Value, [x!.aval.size]);
      return [[out], [bind1(gatherP, [elements, reshape(places, [...places.aval.shape, 1])], params)]];
    },
    batch: (_size, [x], _, p) => ({ outs: [bind1(self, [x!], lifted(p))], batched: [true] }),
    lower: { kind: 'inline', jaxpr: (p, [x]) => ({ jaxpr: foldProgram(fold, p, x!) }), derived: true },
    samples: () => windowSamples('numeric'),
  });
  return self;
};

export const reduceWindowMaxP: Primitive<ReduceWindowParams> = extremum('max', reduceWindowArgmaxP);
export const reduceWindowMinP: Primitive<ReduceWindowParams> = extremum('min', reduceWindowArgminP);

export interface ReduceWindowOptions {
  readonly windowDimensions: Shape;
  /** From window to window; 1 when left out. */
  readonly windowStrides?: Shape | null;
  /** 'VALID' when left out. */
  readonly padding?: Padding;
  /** Distance between neighbours of the operand, with padding between them. */
  readonly baseDilation?: Shape | null;
  /** Distance between the elements of a window. */
  readonly windowDilation?: Shape | null;
}

/** How elements are combined: `lax.add`, `lax.max`, `lax.min`, or their names. */
export type WindowComputation = WindowFold | typeof add | typeof max | typeof min;

const primitives = { add: reduceWindowSumP, max: reduceWindowMaxP, min: reduceWindowMinP };
const combine = { add, max, min };

/**
 * Folds the elements of every window of `x`, starting from `init`. Padding adds no elements; a window of padding alone is
 * `init`. −Infinity and Infinity stand for the ends of an integer dtype. Lists have an entry for each axis. The derivative
 * of a maximum goes to the first element that attains it.
 *
 * @example
 * reduceWindow(x, -Infinity, max, { windowDimensions: [2, 2], windowStrides: [2, 2] }); // f32[6,8] → f32[3,4]
 * @throws ShapeError when a list does not have an entry for each axis
 */
export function reduceWindow(
  x: ArrayLike,
  init: ArrayLike,
  computation: WindowComputation,
  options: ReduceWindowOptions,
): Value {
  const lists = ['windowDimensions', 'windowStrides', 'baseDilation', 'windowDilation'];
  optionsOf('reduceWindow', options, [...lists, 'padding'], ['windowDimensions']);
  for (const name of lists) {
    const list = options[name as 'windowStrides'];
    if (list !== undefined && list !== null) checkList('reduceWindow', `\`${name}\``, list);
  }
  const fold =
    typeof computation === 'string'
      ? computation
      : (['add', 'max', 'min'] as const).find((name) => combine[name].primitive === computation?.primitive);
  if (!fold || !primitives[fold]) {
    throw new ShapeError('reduceWindow: elements are combined by `lax.add`, `lax.max` or `lax.min`.');
  }
  const neutral = typeof init === 'number' && init === (fold === 'add' ? 0 : fold === 'max' ? -Infinity : Infinity);
  const [operand, start] = (
    neutral ? [...promoteDTypes('reduceWindow', [x]), undefined] : promoteDTypes('reduceWindow', [x, init])
  ) as [Value, Value?];
  const value = strengthen(operand);
  const { shape, dtype } = value.aval;
  const ones = shape.map(() => 1);
  const { windowDimensions, padding = 'VALID' } = options;
  const windowStrides = options.windowStrides ?? ones;
  const windowDilation = options.windowDilation ?? ones;
  const extents = windowDimensions.map((n, axis) => dilated(n, windowDilation[axis] ?? 1));
  const params = {
    windowDimensions,
    windowStrides,
    padding: paddingOf('reduceWindow', padding, shape, extents, windowStrides),
    baseDilation: options.baseDilation ?? ones,
    windowDilation,
  };
  const out = bind1(primitives[fold], [value], shared(params));
  return !start || start.literal === foldIdentity(fold, dtype) ? out : combine[fold](start, out);
}
