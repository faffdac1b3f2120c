import { isLinear } from '../../transforms/transpose.ts';
import type { ArrayLike } from '../array.ts';
import { allocate } from '../core/dtype.ts';
import { DtypeError, ShapeError } from '../core/errors.ts';
import { checkList } from '../core/options.ts';
import { exact, type Primitive, primitive, sharedParamsByKey } from '../core/primitive.ts';
import { range, type Shape, sizeOf, stridesOf } from '../core/shape.ts';
import { bind1, type Value } from '../core/trace.ts';
import { promoteDTypes } from '../promote.ts';
import { select } from './compare.ts';
import { full, scalar, zerosLike } from './creation.ts';
import { broadcastInDim, strengthen } from './movement.ts';
import { samplesOf } from './movement-samples.ts';
import { sum } from './reductions.ts';
import { materialize } from './rule-helpers.ts';
import { slice } from './slicing.ts';

/** Per axis: elements added before, after, and between neighbours. Negative ones before and after take elements away. */
export type PaddingConfig = readonly (readonly [low: number, high: number, interior: number])[];

interface PadParams {
  readonly config: PaddingConfig;
}

const padParams = sharedParamsByKey<PadParams>();

const paddedLength = (n: number, [low, high, interior]: PaddingConfig[number]): number =>
  low + n + Math.max(0, n - 1) * interior + high;

/** Per axis: the operand's elements that stand in the output, and where the first of them stands. */
function kept(shape: Shape, out: Shape, config: PaddingConfig) {
  return config.map(([low, , interior], axis) => {
    const step = interior + 1;
    const first = Math.min(shape[axis]!, Math.max(0, Math.ceil(-low / step)));
    const end = Math.min(shape[axis]!, Math.max(first, Math.ceil((out[axis]! - low) / step)));
    return { first, count: end - first, at: low + first * step, step };
  });
}

/** The operand surrounded by, and interspersed with, a rank-0 value. */
export const padP: Primitive<PadParams> = primitive<PadParams>({
  name: 'pad',
  type: ([x, value], { config }) => {
    if (value!.ndim !== 0 || value!.dtype !== x!.dtype) {
      throw new DtypeError(`pad: the padding value of ${x} must be a scalar of its dtype, but is ${value}.`);
    }
    const shape = config.map((entry, axis) => paddedLength(x!.shape[axis] ?? 0, entry));
    const valid = config.every((entry) => entry.every(Number.isInteger) && entry[2] >= 0);
    if (config.length !== x!.ndim || !valid || shape.some((n) => n < 0)) {
      throw new ShapeError(`pad: padding [${config.map((entry) => `[${entry}]`)}] does not fit ${x}.`);
    }
    return [x!.withShape(shape).strong()];
  },
  run: ([x, value], { config }, [out]) => {
    const result = allocate(out!.dtype, out!.size).fill(value!.data[0]!);
    const region = kept(x!.aval.shape, out!.shape, config);
    const [from, to] = [stridesOf(x!.aval.shape), stridesOf(out!.shape)];
    const visit = (axis: number, source: number, target: number): void => {
      const part = region[axis];
      if (!part) {
        result[target] = x!.data[source]!;
        return;
      }
      for (let i = 0; i < part.count; i++) {
        visit(axis + 1, source + (part.first + i) * from[axis]!, target + (part.at + i * part.step) * to[axis]!);
      }
    };
    visit(0, 0, 0);
    return [result];
  },
  accuracy: exact,
  jvp: (primals, tangents, params) => [
    [bind1(padP, primals, params)],
    [bind1(padP, tangents.map(materialize), params)],
  ],
  transpose: ([ct], [x, value], { config }) => [
    isLinear(x) ? unpad(ct as Value, x.aval.shape, config) : undefined,
    isLinear(value)
      ? sum(select(operandMask(x!.aval.shape, config), zerosLike((ct as Value).aval), ct as Value))
      : undefined,
  ],
  batch: (size, [x, value], [xBatched, valueBatched], { config }) => {
    if (!valueBatched)
      return { outs: [bind1(padP, [x!, value!], { config: [[0, 0, 0], ...config] })], batched: [true] };
    // A value for each lane: pad with zeros, then put the lane's value where no operand element stands.
    const lane = xBatched ? x!.aval.shape.slice(1) : x!.aval.shape;
    const zero = scalar(0, x!.aval.dtype);
    const padded = pad(x!, zero, xBatched ? [[0, 0, 0], ...config] : config);
    const shape = xBatched ? padded.aval.shape : [size, ...padded.aval.shape];
    const axes = range(shape.length).slice(1);
    const all = xBatched ? padded : broadcastInDim(padded, shape, axes);
    const mask = broadcastInDim(operandMask(lane, config), shape, axes);
    return { outs: [select(mask, all, broadcastInDim(value!, shape, [0]))], batched: [true] };
  },
  lower: {
    kind: 'regions',
    regions: ({ config }, [x], { shape, size }) => {
      const axes = kept(x!.shape, shape, config);
      const parts = [{ operand: 0, axes }];
      return sizeOf(axes.map(({ count }) => count)) < size ? { fill: 1, parts } : { parts };
    },
  },
  samples: () =>
    (
      [
        [[0], [[2, 3, 0]]],
        [[1], [[0, 0, 5]]],
        [[3], [[1, 2, 0]]],
        [[4], [[0, 0, 2]]],
        [[5], [[-1, -2, 0]]],
        [[5], [[-2, 1, 1]]],
        [[5], [[-6, 2, 2]]],
        [[17], [[-20, 20, 0]]],
        [[3], [[-3, 0, 0]]],
        [
          [2, 3],
          [
            [1, 0, 0],
            [0, 2, 1],
          ],
        ],
        [
          [4, 1, 5],
          [
            [-1, 0, 0],
            [1, 1, 0],
            [0, 0, 0],
          ],
        ],
        [
          [3, 4],
          [
            [0, 0, 1],
            [0, 0, 0],
          ],
        ],
        [
          [0, 3],
          [
            [1, 0, 0],
            [1, 1, 2],
          ],
        ],
      ] as readonly (readonly [Shape, PaddingConfig])[]
    ).flatMap(([shape, config]) => samplesOf([shape, []], { config })),
});

/** True where an element of the operand stands in the padded array. */
const operandMask = (shape: Shape, config: PaddingConfig): Value =>
  pad(full(shape, 1, 'bool'), scalar(0, 'bool'), config);

/** Reads the operand's elements back out of a padded array; those that were taken away come back as 0. */
function unpad(ct: Value, shape: Shape, config: PaddingConfig): Value {
  const region = kept(shape, ct.aval.shape, config);
  if (region.some((part) => part.count === 0)) return zerosLike(ct.aval.withShape(shape));
  const inner = slice(
    ct,
    region.map((part) => part.at),
    region.map((part) => part.at + (part.count - 1) * part.step + 1),
    region.map((part) => part.step),
  );
  const missing = region.map((part, axis) => [part.first, shape[axis]! - part.first - part.count, 0] as const);
  return pad(inner, scalar(0, ct.aval.dtype), missing);
}

/**
 * `x` with `value` added around its edges and between its elements.
 *
 * @example
 * pad(x, 0, [[1, 2, 0]]); // f32[3] → f32[6]
 * pad(x, 0, [[0, 0, 1]]); // f32[3] → f32[5], a zero between neighbours
 * @throws ShapeError when an axis is missing from `config` or would get a negative length
 */
export function pad(x: ArrayLike, value: ArrayLike, config: PaddingConfig): Value {
  const [array, fill] = promoteDTypes('pad', [x, value]).map(strengthen) as [Value, Value];
  checkList('pad', 'the padding', config);
  for (const entry of config) checkList('pad', 'the padding [low, high, interior] of an axis', entry);
  if (config.length === array.aval.ndim && config.every((entry) => entry.every((n) => n === 0))) return array;
  return bind1(
    padP,
    [array, fill],
    padParams(config.join('|'), () => ({
      config: config.map(([low, high, interior]) => [low, high, interior] as const),
    })),
  );
}
