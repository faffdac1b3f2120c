/** Rearranging along an axis by a permutation that was computed: what a sort does to everything but its keys. */
import { isLinear } from '../../transforms/transpose.ts';
import { addLanes } from '../../transforms/vmap.ts';
import { allocate, byteSize, dtypes } from '../core/dtype.ts';
import { DtypeError, ShapeError } from '../core/errors.ts';
import { exact, type Primitive, primitive } from '../core/primitive.ts';
import { sameShape } from '../core/shape.ts';
import { bind1, type Value } from '../core/trace.ts';
import { isZero, Zero } from '../core/zero.ts';
import { forEachRow, rowsOf } from './along-axis.ts';

interface PermuteParams {
  readonly axis: number;
  /** out[p[k]] = x[k] in place of out[k] = x[p[k]]. */
  readonly inverse: boolean;
}

/**
 * Operands (x, p) of one shape; each row of p along the axis is a permutation of 0 … n − 1. Linear in x, and orthogonal:
 * the transpose is the inverse permutation.
 */
export const permuteP: Primitive<PermuteParams> = primitive<PermuteParams>({
  name: 'permute',
  type: ([x, p]) => {
    if (p!.dtype !== 'int32') throw new DtypeError(`permute: the permutation must be int32, but is ${p}.`);
    if (!sameShape(x!.shape, p!.shape)) throw new ShapeError(`permute: ${x} and its permutation ${p} differ in shape.`);
    return [x!];
  },
  run: ([x, p], { axis, inverse }, [out]) => {
    const result = allocate(out!.dtype, out!.size);
    const { inner, ...rest } = rowsOf(out!.shape, axis);
    forEachRow({ inner, ...rest }, (start) => {
      for (let k = 0; k < rest.n; k++) {
        const here = start + k * inner;
        const there = start + Math.min(p!.data[here]! >>> 0, rest.n - 1) * inner;
        if (inverse) result[there] = x!.data[here]!;
        else result[here] = x!.data[there]!;
      }
    });
    return [result];
  },
  accuracy: exact,
  jvp: ([x, p], [dx], params) => {
    const out = bind1(permuteP, [x!, p!], params);
    return [[out], [isZero(dx!) ? new Zero(out.aval) : bind1(permuteP, [dx!, p!], params)]];
  },
  transpose: ([ct], [x, p], { axis, inverse }) => [
    isLinear(x) ? bind1(permuteP, [ct as Value, p as Value], { axis, inverse: !inverse }) : undefined,
    undefined,
  ],
  batch: (size, args, batched, { axis, inverse }) => ({
    outs: [
      bind1(
        permuteP,
        args.map((x, i) => (batched[i] ? x : addLanes(x, size))),
        { axis: axis + 1, inverse },
      ),
    ],
    batched: [true],
  }),
  lower: {
    kind: 'runtime',
    calls: ({ axis, inverse }, [x]) => {
      const { outer, n, inner } = rowsOf(x!.shape, axis);
      const args = [outer, n, inner, Number(inverse), { input: 0 }, { input: 1 }, { output: 0 }];
      const name = `rearrange_${byteSize(x!.dtype)}`;
      return { scratch: 0, calls: outer * n * inner === 0 ? [] : [{ name, args }] };
    },
  },
  samples: () =>
    dtypes.flatMap((dtype) =>
      [false, true].flatMap((inverse) =>
        [
          { shape: [0], values: [], axis: 0 },
          { shape: [1], values: [0], axis: 0 },
          { shape: [5], values: [3, 0, 4, 1, 2], axis: 0 },
          { shape: [2, 3], values: [0, 1, 1, 1, 0, 0], axis: 0 },
          { shape: [2, 3], values: [2, 0, 1, 1, 0, 2], axis: 1 },
        ].map(({ shape, values, axis }) => ({
          inputs: [
            { shape, dtype, low: -9, high: 9 },
            { shape, dtype: 'int32' as const, values },
          ],
          params: { axis, inverse },
        })),
      ),
    ),
});

/** Element k along `axis` is the element of x at p[k]. */
export const permute = (x: Value, p: Value, axis: number): Value => bind1(permuteP, [x, p], { axis, inverse: false });
