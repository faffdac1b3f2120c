/** Sorting along an axis, of several arrays by some of them. */
import { select as choose, type Expr, type FunctionBuilder, i32c, type Local, load, op } from '../../jit/code.ts';
import { loadElement, storeElement } from '../../jit/loop-nest.ts';
import type { Operand } from '../../jit/lower-rule.ts';
import { addLanes } from '../../transforms/vmap.ts';
import type { ArrayLike } from '../array.ts';
import { allocate, byteSize, type DType, dtypes, isFloating, type TypedArray } from '../core/dtype.ts';
import { ShapeError } from '../core/errors.ts';
import { exact, type HostArray, type Primitive, primitive, type Sample } from '../core/primitive.ts';
import { range, type Shape, sameShape } from '../core/shape.ts';
import { bind, type Value } from '../core/trace.ts';
import { isZero, Zero } from '../core/zero.ts';
import { toValue } from '../promote.ts';
import { axisOf, forEachRow, ordering, rowLoop, rowsOf } from './along-axis.ts';
import { broadcastedIota } from './creation.ts';
import { strengthen } from './movement.ts';
import { permute } from './permute.ts';

interface SortParams {
  readonly dimension: number;
  readonly numKeys: number;
}

/** Ascending, −0 and 0 equal, NaN last. */
function compareNumbers(x: number, y: number): number {
  if (x < y) return -1;
  if (x > y) return 1;
  return Number(Number.isNaN(x)) - Number(Number.isNaN(y));
}

function runSort(inputs: readonly HostArray[], { dimension, numKeys }: SortParams): TypedArray[] {
  const { aval } = inputs[0]!;
  const results = inputs.map((x) => allocate(x.aval.dtype, x.aval.size));
  const keys = inputs.slice(0, numKeys);
  const rows = rowsOf(aval.shape, dimension);
  forEachRow(rows, (start) => {
    const order = range(rows.n).map((k) => start + k * rows.inner);
    // Array.prototype.sort is stable.
    order.sort((i, j) => {
      for (const { data } of keys) {
        const sign = compareNumbers(data[i]!, data[j]!);
        if (sign !== 0) return sign;
      }
      return 0;
    });
    results.forEach((out, which) => {
      order.forEach((from, k) => {
        out[start + k * rows.inner] = inputs[which]!.data[from]!;
      });
    });
  });
  return results;
}

/** x < y in the order of the sort. */
function less(dtype: DType, x: Expr, y: Expr): Expr {
  const below = ordering('lt', dtype, x, y);
  if (!isFloating(dtype)) return below;
  return op('i32.or', below, op('i32.and', op(`${x.type}.eq`, x, x), op(`${y.type}.ne`, y, y)));
}

/** Whether the element at index i comes strictly before that at j, by the first key in which they differ. */
function precedes(f: FunctionBuilder, keys: readonly Operand[], at: (key: number, index: Expr) => Expr) {
  return (i: Expr, j: Expr): Expr => {
    let result: Expr | undefined;
    for (let key = keys.length - 1; key >= 0; key--) {
      const { dtype } = keys[key]!.aval;
      const [x, y] = [f.let(loadElement(dtype, at(key, i))), f.let(loadElement(dtype, at(key, j)))];
      const before = less(dtype, x, y);
      result = result ? op('i32.or', before, op('i32.and', op('i32.eqz', less(dtype, y, x)), result)) : before;
    }
    return f.let(result!);
  };
}

const add = (x: Expr, y: Expr): Expr => op('i32.add', x, y);
const word = (base: Expr, index: Expr): Expr => add(base, op('i32.shl', index, i32c(2)));
const smaller = (x: Expr, y: Expr): Expr => choose(op('i32.lt_s', x, y), x, y);

/**
 * Emits a bottom-up merge sort of the n indices at `source`, in runs of 1, 2, 4, …, between two buffers that change
 * roles. An element of the right run goes first only if it strictly precedes, which makes the sort stable.
 */
function mergeSort(
  f: FunctionBuilder,
  n: number,
  source: Local,
  target: Local,
  before: (i: Expr, j: Expr) => Expr,
): void {
  const width = f.var(i32c(1));
  f.while(op('i32.lt_s', width, i32c(n)), () => {
    const low = f.var(i32c(0));
    f.while(op('i32.lt_s', low, i32c(n)), () => {
      const middle = f.let(smaller(add(low, width), i32c(n)));
      const high = f.let(smaller(add(middle, width), i32c(n)));
      const [left, right, out] = [f.var(low), f.var(middle), f.var(low)];
      const advance = (from: Local): void => {
        f.store('i32.store', word(target, out), load('i32.load', word(source, from)));
        f.set(from, add(from, i32c(1)));
        f.set(out, add(out, i32c(1)));
      };
      f.while(op('i32.and', op('i32.lt_s', left, middle), op('i32.lt_s', right, high)), () => {
        const i = f.let(load('i32.load', word(source, right)));
        const j = f.let(load('i32.load', word(source, left)));
        f.if(
          before(i, j),
          () => advance(right),
          () => advance(left),
        );
      });
      f.while(op('i32.lt_s', left, middle), () => advance(left));
      f.while(op('i32.lt_s', right, high), () => advance(right));
      f.set(low, high);
    });
    const swapped = f.var(source);
    f.set(source, target);
    f.set(target, swapped);
    f.set(width, op('i32.shl', width, i32c(1)));
  });
}

const sample = (shape: Shape, dimension: number, types: readonly DType[], numKeys: number): Sample => ({
  inputs: types.map((dtype) => ({ shape, dtype, low: -4, high: 4 })),
  params: { dimension, numKeys },
});

const sortSamples = (): Sample[] => [
  ...dtypes.flatMap((dtype) => [
    ...[0, 1, 3, 4, 5, 17, 1000].map((n) => sample([n], 0, [dtype], 1)),
    sample([4, 5], 0, [dtype], 1),
    sample([4, 5], 1, [dtype], 1),
    sample([2, 0], 0, [dtype], 1),
    sample([17], 0, [dtype, 'int32'], 1),
    sample([2, 17, 3], 1, ['int32', dtype, 'float64'], 2),
  ]),
  ...(['float32', 'float64'] as const).map((dtype) => ({
    inputs: [
      { shape: [9], dtype, values: [0, Number.NaN, -0, Infinity, 1, Number.NaN, -Infinity, 0, -1] },
      { shape: [9], dtype: 'int32' as const, values: range(9) },
    ],
    params: { dimension: 0, numKeys: 1 },
  })),
];

/**
 * Operands of one shape, sorted together along `dimension` by the first `numKeys` of them, stably. Tangents follow
 * their elements: an operand of indices sorted alongside gives the permutation.
 */
export const sortP: Primitive<SortParams> = primitive<SortParams>({
  name: 'sort',
  type: (avals) => {
    if (avals.some((x) => !sameShape(x.shape, avals[0]!.shape))) {
      throw new ShapeError(`sort: operands have shapes ${avals.map(String).join(', ')}.`);
    }
    return avals;
  },
  run: runSort,
  accuracy: exact,
  jvp: (primals, tangents, { dimension, numKeys }) => {
    const indices = broadcastedIota('int32', primals[0]!.aval.shape, dimension);
    const sorted = bind(sortP, [...primals, indices], { dimension, numKeys });
    const order = sorted.pop()!;
    return [sorted, tangents.map((t) => (isZero(t) ? new Zero(t.aval) : permute(t, order, dimension)))];
  },
  batch: (size, args, batched, { dimension, numKeys }) => ({
    outs: bind(
      sortP,
      args.map((x, i) => (batched[i] ? x : addLanes(x, size))),
      { dimension: dimension + 1, numKeys },
    ),
    batched: args.map(() => true),
  }),
  lower: {
    kind: 'kernel',
    build: (k, inputs, outputs, { dimension, numKeys }) => {
      const { f } = k;
      const rows = rowsOf(inputs[0]!.shape, dimension);
      if (rows.n === 0) return;
      const buffers = [f.let(k.scratch(4 * rows.n)), f.let(k.scratch(4 * rows.n))] as const;
      const bytes = (x: Operand): Expr => i32c(rows.inner * byteSize(x.aval.dtype));
      rowLoop(f, rows, [...inputs, ...outputs], [], (at) => {
        const [source, target] = [f.var(buffers[0]), f.var(buffers[1])];
        f.for(0, rows.n, (i) => f.store('i32.store', word(source, i), i));
        const element = (which: number, index: Expr): Expr =>
          add(at[which]!, op('i32.mul', index, bytes(inputs[which]!)));
        mergeSort(f, rows.n, source, target, precedes(f, inputs.slice(0, numKeys), element));
        f.for(0, rows.n, (i) => {
          const from = f.let(load('i32.load', word(source, i)));
          inputs.forEach((x, which) => {
            const to = add(at[inputs.length + which]!, op('i32.mul', i, bytes(x)));
            storeElement(f, x.aval.dtype, to, loadElement(x.aval.dtype, element(which, from)));
          });
        });
      });
    },
  },
  samples: sortSamples,
});

export interface SortOptions {
  /** The axis to sort along; the last when left out. */
  axis?: number;
}

/**
 * Sorts arrays of one shape together by the first `numKeys` of them, the first being the most significant. Stable.
 *
 * @example
 * const [keys, values] = sortMulti([x, y], { dimension: 0 });
 */
export function sortMulti(
  operands: readonly ArrayLike[],
  { dimension = -1, numKeys = 1 }: { dimension?: number; numKeys?: number } = {},
): Value[] {
  const values = operands.map((x) => strengthen(toValue(x, 'sort')));
  if (!(numKeys >= 1 && numKeys <= values.length)) {
    throw new ShapeError(`sort: cannot sort ${values.length} operands by ${numKeys} keys.`);
  }
  return bind(sortP, values, { dimension: axisOf('sort', values[0]!, dimension), numKeys });
}

/** The elements in ascending order along an axis: stable, −0 equal to 0, NaN last. */
export const sort = (x: ArrayLike, { axis = -1 }: SortOptions = {}): Value => sortMulti([x], { dimension: axis })[0]!;

/** The indices (int32) that sort x along an axis. */
export function argsort(x: ArrayLike, { axis = -1 }: SortOptions = {}): Value {
  const value = toValue(x, 'argsort');
  const dimension = axisOf('argsort', value, axis);
  return sortMulti([value, broadcastedIota('int32', value.aval.shape, dimension)], { dimension })[1]!;
}
