/** Contraction with batch dimensions: every matrix product is one. */

import type { DotDimensions } from '../../jit/lower-rule.ts';
import { isLinear, type Linear } from '../../transforms/transpose.ts';
import type { ArrayLike } from '../array.ts';
import { type ShapedArray, shapedArray } from '../core/aval.ts';
import { allocate, type DType, isFloating } from '../core/dtype.ts';
import { DtypeError, ShapeError } from '../core/errors.ts';
import { checkList, optionsOf } from '../core/options.ts';
import {
  type HostArray,
  type Primitive,
  primitive,
  reductionAccuracy,
  type Sample,
  sharedParamsByKey,
} from '../core/primitive.ts';
import { normalizeAxis, range, type Shape, stridesOf } from '../core/shape.ts';
import { bind1, type Value } from '../core/trace.ts';
import { isZero } from '../core/zero.ts';
import { promoteDTypes } from '../promote.ts';
import { add } from './arithmetic.ts';
import { convert } from './convert.ts';
import { strengthen, transpose } from './movement.ts';

export type { DotDimensions } from '../../jit/lower-rule.ts';

const dimensionsFor = sharedParamsByKey<DotDimensions>();

const pick = (list: Shape, axes: readonly number[]): number[] => axes.map((axis) => list[axis]!);

/** Axes of an operand of the given rank that are neither contracted nor batched, in order. */
const freeAxes = (rank: number, contract: readonly number[], batch: readonly number[]): number[] =>
  range(rank).filter((axis) => !contract.includes(axis) && !batch.includes(axis));

function checkDimensions(x: ShapedArray, y: ShapedArray, d: DotDimensions): void {
  const distinct = (axes: readonly number[], rank: number) =>
    new Set(axes).size === axes.length && axes.every((axis) => Number.isInteger(axis) && axis >= 0 && axis < rank);
  const valid =
    d.lhsContract.length === d.rhsContract.length &&
    d.lhsBatch.length === d.rhsBatch.length &&
    distinct([...d.lhsContract, ...d.lhsBatch], x.ndim) &&
    distinct([...d.rhsContract, ...d.rhsBatch], y.ndim);
  if (!valid) {
    const batch = d.lhsBatch.length || d.rhsBatch.length ? `, batch axes [${d.lhsBatch}] and [${d.rhsBatch}]` : '';
    throw new ShapeError(
      `dotGeneral: axes [${d.lhsContract}] and [${d.rhsContract}]${batch} are not valid for ${x} and ${y}.`,
    );
  }
  const disagree = (a: readonly number[], b: readonly number[]) =>
    a.findIndex((axis, i) => x.shape[axis] !== y.shape[b[i]!]);
  for (const [what, a, b] of [
    ['contracted', d.lhsContract, d.rhsContract],
    ['batch', d.lhsBatch, d.rhsBatch],
  ] as const) {
    const i = disagree(a, b);
    if (i < 0) continue;
    throw new ShapeError(
      `dotGeneral: ${what} axes ${a[i]} of ${x} and ${b[i]} of ${y} have lengths ${x.shape[a[i]!]} and ${y.shape[b[i]!]}.`,
    );
  }
}

/** Offsets, in row-major order of `axes`, of the elements that an operand holds at those coordinates. */
function offsetsAlong({ aval }: HostArray, axes: readonly number[]): Int32Array {
  const strides = pick(stridesOf(aval.shape), axes);
  let offsets = new Int32Array([0]);
  axes.forEach((axis, k) => {
    const n = aval.shape[axis]!;
    const next = new Int32Array(offsets.length * n);
    for (let i = 0; i < next.length; i++) next[i] = offsets[Math.floor(i / n)]! + (i % n) * strides[k]!;
    offsets = next;
  });
  return offsets;
}

export const dotGeneralP: Primitive<DotDimensions> = primitive<DotDimensions>({
  name: 'dot_general',
  type: ([x, y], d) => {
    checkDimensions(x!, y!, d);
    if (x!.dtype !== y!.dtype || x!.dtype === 'bool') {
      throw new DtypeError(`dotGeneral: needs numeric operands of one dtype, but got ${x} and ${y}.`);
    }
    const shape = [
      ...pick(x!.shape, d.lhsBatch),
      ...pick(x!.shape, freeAxes(x!.ndim, d.lhsContract, d.lhsBatch)),
      ...pick(y!.shape, freeAxes(y!.ndim, d.rhsContract, d.rhsBatch)),
    ];
    return [shapedArray(shape, x!.dtype)];
  },
  run: ([x, y], d, [output]) => {
    const out = allocate(output!.dtype, output!.size);
    const lhs = [d.lhsBatch, freeAxes(x!.aval.ndim, d.lhsContract, d.lhsBatch), d.lhsContract] as const;
    const rhs = [d.rhsBatch, freeAxes(y!.aval.ndim, d.rhsContract, d.rhsBatch), d.rhsContract] as const;
    const [xb, xf, xk] = lhs.map((axes) => offsetsAlong(x!, axes)) as [Int32Array, Int32Array, Int32Array];
    const [yb, yf, yk] = rhs.map((axes) => offsetsAlong(y!, axes)) as [Int32Array, Int32Array, Int32Array];
    const floating = isFloating(output!.dtype);
    const columns = yf.length;
    const total = new Float64Array(columns);
    const count = new Int32Array(columns);
    let at = 0;
    for (let b = 0; b < xb.length; b++) {
      for (let i = 0; i < xf.length; i++) {
        const row = xb[b]! + xf[i]!;
        total.fill(0);
        count.fill(0);
        for (let k = 0; k < xk.length; k++) {
          const a = x!.data[row + xk[k]!]!;
          const base = yb[b]! + yk[k]!;
          if (floating) for (let j = 0; j < columns; j++) total[j]! += a * y!.data[base + yf[j]!]!;
          else for (let j = 0; j < columns; j++) count[j]! += Math.imul(a, y!.data[base + yf[j]!]!);
        }
        out.set(floating ? total : output!.dtype === 'uint32' ? new Uint32Array(count.buffer) : count, at);
        at += columns;
      }
    }
    return [out];
  },
  accuracy: reductionAccuracy(),
  jvp: ([x, y], [dx, dy], d) => {
    const left = isZero(dx!) ? undefined : bind1(dotGeneralP, [dx, y!], d);
    const right = isZero(dy!) ? undefined : bind1(dotGeneralP, [x!, dy], d);
    return [[bind1(dotGeneralP, [x!, y!], d)], [left && right ? add(left, right) : (left ?? right)!]];
  },
  transpose: ([ct], [x, y], d) => [
    isLinear(x) ? lhsCotangent(ct as Value, x, y as Value, d) : undefined,
    isLinear(y) ? rhsCotangent(ct as Value, x as Value, y, d) : undefined,
  ],
  batch: (_size, [x, y], [lhsBatched, rhsBatched], d) => {
    const up = (axes: readonly number[]) => axes.map((axis) => axis + 1);
    const left = lhsBatched ? { contract: up(d.lhsContract), batch: up(d.lhsBatch) } : undefined;
    const right = rhsBatched ? { contract: up(d.rhsContract), batch: up(d.rhsBatch) } : undefined;
    if (left && right) {
      const dimensions = {
        lhsContract: left.contract,
        rhsContract: right.contract,
        lhsBatch: [0, ...left.batch],
        rhsBatch: [0, ...right.batch],
      };
      return { outs: [bind1(dotGeneralP, [x!, y!], dimensions)], batched: [true] };
    }
    return { outs: [left ? batchLhs(x!, y!, d, left) : batchRhs(x!, y!, d, right!)], batched: [true] };
  },
  lower: { kind: 'dot', dimensions: (d) => d },
  samples: () => (['float32', 'float64', 'int32', 'uint32'] as const).flatMap(dotSamples),
});

interface Side {
  readonly contract: readonly number[];
  readonly batch: readonly number[];
}

/** Brings output axis `axis` to the front, the order of the others kept. */
const toFront = (x: Value, axis: number): Value =>
  transpose(x, [axis, ...range(x.aval.ndim).filter((other) => other !== axis)]);

/** Lanes of the left operand alone are more of its rows: one big product, whose new axis follows the batch axes. */
function batchLhs(x: Value, y: Value, d: DotDimensions, left: Side): Value {
  const out = bind1(dotGeneralP, [x, y], { ...d, lhsContract: left.contract, lhsBatch: left.batch });
  return toFront(out, left.batch.length);
}

/**
 * Lanes of the right operand alone are more of its columns. Where it has no other columns (a matrix times a vector per
 * lane) the operands change places, so that the lanes come out in front without moving data.
 */
function batchRhs(x: Value, y: Value, d: DotDimensions, right: Side): Value {
  const batches = d.lhsBatch.length;
  const rows = x.aval.ndim - batches - d.lhsContract.length;
  const columns = y.aval.ndim - 1 - batches - d.rhsContract.length;
  if (columns === 0) {
    const swapped = {
      lhsContract: right.contract,
      rhsContract: d.lhsContract,
      lhsBatch: right.batch,
      rhsBatch: d.lhsBatch,
    };
    return toFront(bind1(dotGeneralP, [y, x], swapped), batches);
  }
  const out = bind1(dotGeneralP, [x, y], { ...d, rhsContract: right.contract, rhsBatch: right.batch });
  return toFront(out, batches + rows);
}

/** Where each axis of `aval` stands in `order`, a list of all of them. */
const inverse = (order: readonly number[]): number[] => range(order.length).map((axis) => order.indexOf(axis));

/**
 * out[b, i, j] = Σₖ x[b, i, k] y[b, k, j]. The cotangent of x is Σⱼ ct[b, i, j] y[b, k, j], with axes (b, i, k) where
 * k comes in the order of y's axes; then x's own order is restored.
 */
function lhsCotangent(ct: Value, x: Linear, y: Value, d: DotDimensions): Value {
  const batches = d.lhsBatch.length;
  const free = freeAxes(x.aval.ndim, d.lhsContract, d.lhsBatch);
  const product = bind1(dotGeneralP, [ct, y], {
    lhsContract: range(ct.aval.ndim).slice(batches + free.length),
    rhsContract: freeAxes(y.aval.ndim, d.rhsContract, d.rhsBatch),
    lhsBatch: range(batches),
    rhsBatch: d.rhsBatch,
  });
  const contract = range(d.lhsContract.length).sort((a, b) => d.rhsContract[a]! - d.rhsContract[b]!);
  return transpose(product, inverse([...d.lhsBatch, ...free, ...pick(d.lhsContract, contract)]));
}

/** The cotangent of y is Σᵢ x[b, i, k] ct[b, i, j], with axes (b, k, j) where k comes in the order of x's axes. */
function rhsCotangent(ct: Value, x: Value, y: Linear, d: DotDimensions): Value {
  const batches = d.lhsBatch.length;
  const rows = freeAxes(x.aval.ndim, d.lhsContract, d.lhsBatch);
  const free = freeAxes(y.aval.ndim, d.rhsContract, d.rhsBatch);
  const product = bind1(dotGeneralP, [x, ct], {
    lhsContract: rows,
    rhsContract: range(rows.length).map((i) => i + batches),
    lhsBatch: d.lhsBatch,
    rhsBatch: range(batches),
  });
  const contract = range(d.rhsContract.length).sort((a, b) => d.lhsContract[a]! - d.lhsContract[b]!);
  return transpose(product, inverse([...d.rhsBatch, ...pick(d.rhsContract, contract), ...free]));
}

function dotSamples(dtype: DType): Sample[] {
  const matmul = { lhsContract: [1], rhsContract: [0], lhsBatch: [], rhsBatch: [] };
  const batched = { lhsContract: [2], rhsContract: [1], lhsBatch: [0], rhsBatch: [0] };
  const vectors = { lhsContract: [0], rhsContract: [0], lhsBatch: [], rhsBatch: [] };
  const none: DotDimensions = { lhsContract: [], rhsContract: [], lhsBatch: [], rhsBatch: [] };
  const cases: readonly (readonly [Shape, Shape, DotDimensions])[] = [
    ...[0, 1, 3, 4, 5, 17].map((n) => [[n], [n], vectors] as const),
    ...[1, 3, 4, 5, 17].map((n) => [[n, n], [n, n], matmul] as const),
    [[0, 3], [3, 4], matmul],
    [[3, 0], [0, 4], matmul],
    [[5, 17], [17], matmul],
    [[17], [17, 5], { ...matmul, lhsContract: [0] }],
    [[1, 17], [17, 1], matmul],
    [[7, 3], [9, 3], { ...matmul, rhsContract: [1] }],
    [[3, 7], [3, 9], { ...matmul, lhsContract: [0] }],
    [[2, 3, 4], [2, 4, 5], batched],
    [[0, 3, 4], [0, 4, 5], batched],
    [[3, 2, 4, 1], [4, 5, 2], { lhsContract: [2], rhsContract: [0], lhsBatch: [1], rhsBatch: [2] }],
    [[2, 3, 4], [4, 5, 3], { lhsContract: [1, 2], rhsContract: [2, 0], lhsBatch: [], rhsBatch: [] }],
    [[3], [4], none],
    [[], [5], none],
    [[], [], none],
    [[3], [3], { lhsContract: [], rhsContract: [], lhsBatch: [0], rhsBatch: [0] }],
  ];
  return cases.map(([x, y, params]) => ({
    inputs: [x, y].map((shape) => ({ shape, dtype, low: -2, high: 2 })),
    params,
  }));
}

/**
 * Sum of products over the contracted axes, for every index of the batch axes:
 * `out[batch…, lhs free…, rhs free…]`. Dtypes are promoted; bools give "or of ands".
 *
 * @example
 * dotGeneral(a, b, { lhsContract: [2], rhsContract: [1], lhsBatch: [0], rhsBatch: [0] }); // [B,M,K] · [B,K,N] → [B,M,N]
 * @throws ShapeError when the axes named do not exist or differ in length
 */
export function dotGeneral(x: ArrayLike, y: ArrayLike, dimensions: Partial<DotDimensions> = {}): Value {
  const [a, b] = promoteDTypes('dotGeneral', [x, y]).map(strengthen) as [Value, Value];
  const lists = ['lhsContract', 'rhsContract', 'lhsBatch', 'rhsBatch'] as const;
  optionsOf('dotGeneral', dimensions, lists);
  for (const name of lists)
    if (dimensions[name] !== undefined) checkList('dotGeneral', `\`${name}\``, dimensions[name]);
  const normalize = (axes: readonly number[] = [], aval: ShapedArray) =>
    axes.map((axis) => normalizeAxis(axis, aval.ndim) ?? axis);
  const lhsContract = normalize(dimensions.lhsContract, a.aval);
  const rhsContract = normalize(dimensions.rhsContract, b.aval);
  const lhsBatch = normalize(dimensions.lhsBatch, a.aval);
  const rhsBatch = normalize(dimensions.rhsBatch, b.aval);
  const d = dimensionsFor(`${lhsContract}|${rhsContract}|${lhsBatch}|${rhsBatch}`, () => ({
    ...{ lhsContract, rhsContract, lhsBatch, rhsBatch },
  }));
  if (a.aval.dtype !== 'bool') return bind1(dotGeneralP, [a, b], d);
  return convert(bind1(dotGeneralP, [convert(a, 'int32'), convert(b, 'int32')], d), 'bool');
}

/**
 * The product of vectors and matrices: the last axis of `x` with the first of `y`, each of rank 1 or 2.
 *
 * @throws ShapeError for other ranks, or when those axes differ in length
 */
export function dot(x: ArrayLike, y: ArrayLike): Value {
  const [a, b] = promoteDTypes('dot', [x, y]).map(strengthen) as [Value, Value];
  const fits = [a, b].every(({ aval }) => aval.ndim === 1 || aval.ndim === 2);
  if (!fits || a.aval.shape.at(-1) !== b.aval.shape[0]) {
    throw new ShapeError(`dot: ${a.aval} and ${b.aval} cannot be multiplied.`);
  }
  return dotGeneral(a, b, { lhsContract: [a.aval.ndim - 1], rhsContract: [0] });
}

/**
 * Matrix products over leading batch axes: `[…, M, K] · […, K, N] → […, M, N]`; both operands have the same batch axes.
 *
 * @throws ShapeError when the shapes do not fit
 */
export function batchMatmul(x: ArrayLike, y: ArrayLike): Value {
  const [a, b] = promoteDTypes('batchMatmul', [x, y]).map(strengthen) as [Value, Value];
  const rank = a.aval.ndim;
  if (rank < 2 || b.aval.ndim !== rank) {
    throw new ShapeError(`batchMatmul: ${a.aval} and ${b.aval} cannot be multiplied.`);
  }
  const batch = range(rank - 2);
  return dotGeneral(a, b, { lhsContract: [rank - 1], rhsContract: [rank - 2], lhsBatch: batch, rhsBatch: batch });
}
