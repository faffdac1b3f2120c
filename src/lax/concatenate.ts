import { isLinear } from '../../transforms/transpose.ts';
import type { ArrayLike } from '../array.ts';
import { allocate } from '../core/dtype.ts';
import { DtypeError, ShapeError } from '../core/errors.ts';
import { checkList } from '../core/options.ts';
import { exact, type Primitive, primitive, sharedParamsByKey } from '../core/primitive.ts';
import { normalizeAxis, sizeOf } from '../core/shape.ts';
import { bind1, type Value } from '../core/trace.ts';
import { promoteDTypes } from '../promote.ts';
import { strengthen } from './movement.ts';
import { samplesOf } from './movement-samples.ts';
import { materialize, repeatLanes } from './rule-helpers.ts';
import { slice } from './slicing.ts';

interface ConcatenateParams {
  readonly dimension: number;
}

const concatenateParams = sharedParamsByKey<ConcatenateParams>();

/** Operands one after the other along an axis. */
export const concatenateP: Primitive<ConcatenateParams> = primitive<ConcatenateParams>({
  name: 'concatenate',
  type: (xs, { dimension }) => {
    const [first] = xs;
    const list = xs.map(String).join(', ');
    if (!first || !(dimension in first.shape)) {
      throw new ShapeError(`concatenate: axis ${dimension} is out of range for ${list || 'no operands'}.`);
    }
    for (const x of xs) {
      if (x.dtype !== first.dtype) throw new DtypeError(`concatenate: operands have dtypes ${list}.`);
      if (x.ndim !== first.ndim || x.shape.some((n, i) => i !== dimension && n !== first.shape[i])) {
        throw new ShapeError(`concatenate: ${list} differ on an axis other than ${dimension}.`);
      }
    }
    const total = xs.reduce((sum, x) => sum + x.shape[dimension]!, 0);
    return [first.withShape(first.shape.map((n, i) => (i === dimension ? total : n)))];
  },
  run: (xs, { dimension }, [out]) => {
    const result = allocate(out!.dtype, out!.size);
    const outer = sizeOf(out!.shape.slice(0, dimension));
    let at = 0;
    for (let o = 0; o < outer; o++) {
      for (const x of xs) {
        const n = sizeOf(x.aval.shape.slice(dimension));
        result.set(x.data.subarray(o * n, (o + 1) * n), at);
        at += n;
      }
    }
    return [result];
  },
  accuracy: exact,
  jvp: (xs, dxs, params) => [[bind1(concatenateP, xs, params)], [bind1(concatenateP, dxs.map(materialize), params)]],
  transpose: ([ct], xs, { dimension }) => {
    const { shape } = (ct as Value).aval;
    let at = 0;
    return xs.map((x) => {
      const from = at;
      at += x.aval.shape[dimension]!;
      if (!isLinear(x)) return undefined;
      const starts = shape.map((_, i) => (i === dimension ? from : 0));
      return slice(
        ct as Value,
        starts,
        shape.map((n, i) => (i === dimension ? from + x.aval.shape[dimension]! : n)),
      );
    });
  },
  batch: (size, xs, batched, { dimension }) => ({
    outs: [
      bind1(
        concatenateP,
        xs.map((x, i) => (batched[i] ? x : repeatLanes(x, size))),
        { dimension: dimension + 1 },
      ),
    ],
    batched: [true],
  }),
  lower: {
    kind: 'regions',
    regions: ({ dimension }, inputs) => {
      let end = 0;
      const parts = inputs.map(({ shape }, operand) => {
        const start = end;
        end += shape[dimension]!;
        const axes = shape.map((count, axis) => ({ first: 0, count, at: axis === dimension ? start : 0, step: 1 }));
        return { operand, axes };
      });
      return { parts };
    },
  },
  samples: () => [
    ...[0, 1, 3, 4, 5, 17].flatMap((n) => samplesOf([[n], [3], [n]], { dimension: 0 })),
    ...samplesOf([[2, 3]], { dimension: 0 }),
    ...samplesOf(
      [
        [2, 3],
        [4, 3],
      ],
      { dimension: 0 },
    ),
    ...samplesOf(
      [
        [4, 1],
        [4, 0],
        [4, 17],
        [4, 1],
      ],
      { dimension: 1 },
    ),
    ...samplesOf(
      [
        [2, 3, 4],
        [2, 1, 4],
        [2, 5, 4],
      ],
      { dimension: 1 },
    ),
    ...samplesOf(
      [
        [0, 2],
        [0, 3],
      ],
      { dimension: 1 },
    ),
  ],
});

/**
 * Arrays one after the other along an existing axis. Dtypes are promoted.
 *
 * @example
 * concatenate([x, y], 0); // f32[2,3], f32[4,3] → f32[6,3]
 * @throws ShapeError when the arrays differ on another axis
 */
export function concatenate(xs: readonly ArrayLike[], axis = 0): Value {
  checkList('concatenate', 'the first argument', xs);
  if (xs.length === 0) throw new ShapeError('concatenate: needs at least one array.');
  const values = promoteDTypes('concatenate', xs).map(strengthen);
  const dimension = normalizeAxis(axis, values[0]!.aval.ndim);
  if (dimension === undefined) {
    throw new ShapeError(`concatenate: axis ${axis} is out of range for ${values.map((v) => v.aval).join(', ')}.`);
  }
  return values.length === 1
    ? values[0]!
    : bind1(
        concatenateP,
        values,
        concatenateParams(String(dimension), () => ({ dimension })),
      );
}
