/** Types and reference semantics of folds over windows. */
import type { ShapedArray } from '../core/aval.ts';
import { allocate, type DType, isFloating, type TypedArray } from '../core/dtype.ts';
import { DtypeError, ShapeError } from '../core/errors.ts';
import type { HostArray } from '../core/primitive.ts';
import { type Shape, stridesOf } from '../core/shape.ts';
import { dilated } from './conv-dimensions.ts';
import { positionsOf, windowCount } from './conv-patches.ts';

/** Lists have an entry for each axis. */
export interface ReduceWindowParams {
  readonly windowDimensions: Shape;
  readonly windowStrides: Shape;
  readonly padding: readonly (readonly [number, number])[];
  readonly baseDilation: Shape;
  readonly windowDilation: Shape;
}

export type WindowFold = 'add' | 'max' | 'min';

/** What the padding holds, and a fold of nothing is. */
export function foldIdentity(fold: WindowFold, dtype: DType): number {
  if (fold === 'add') return 0;
  if (isFloating(dtype)) return fold === 'max' ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  if (dtype === 'int32') return fold === 'max' ? -(2 ** 31) : 2 ** 31 - 1;
  return fold === 'max' ? 0 : 2 ** 32 - 1;
}

export const hasPadding = (p: ReduceWindowParams): boolean =>
  p.padding.some(([low, high]) => low !== 0 || high !== 0) || p.baseDilation.some((n) => n !== 1);

function checkLists(x: ShapedArray, p: ReduceWindowParams): void {
  const lists: readonly (readonly [string, Shape])[] = [
    ['windowDimensions', p.windowDimensions],
    ['windowStrides', p.windowStrides],
    ['baseDilation', p.baseDilation],
    ['windowDilation', p.windowDilation],
  ];
  for (const [name, list] of lists) {
    if (list.length === x.ndim && list.every((n) => Number.isInteger(n) && n > 0)) continue;
    throw new ShapeError(
      `reduceWindow: ${name} [${list}] needs one positive integer for each of the ${x.ndim} axes of ${x}.`,
    );
  }
  if (p.padding.length !== x.ndim || !p.padding.flat().every(Number.isInteger)) {
    const shown = p.padding.map((pair) => `[${pair}]`);
    throw new ShapeError(
      `reduceWindow: padding [${shown}] needs one [low, high] of integers for each of the ${x.ndim} axes of ${x}.`,
    );
  }
}

export function windowShape(x: ShapedArray, p: ReduceWindowParams): number[] {
  if (x.dtype === 'bool') throw new DtypeError(`reduceWindow: needs numbers, but got ${x}.`);
  checkLists(x, p);
  return x.shape.map((n, axis) => {
    const [low, high] = p.padding[axis]!;
    const length = low + dilated(n, p.baseDilation[axis]!) + high;
    if (length < 0) {
      throw new ShapeError(`reduceWindow: padding [${low},${high}] takes away more than axis ${axis} of ${x} has.`);
    }
    return windowCount(length, p.windowDimensions[axis]!, p.windowStrides[axis]!, p.windowDilation[axis]!);
  });
}

/** Calls `visit(result, operand)` for each element that each window holds, in row-major order within a window. */
function forEachInWindow(x: Shape, out: Shape, p: ReduceWindowParams, visit: (o: number, i: number) => void): void {
  const [from, to] = [stridesOf(x), stridesOf(out)];
  const taps = positionsOf(p.windowDimensions);
  const count = out.reduce((a, b) => a * b, 1);
  for (let o = 0; o < count; o++) {
    const first = out.map((n, axis) => (Math.floor(o / to[axis]!) % n) * p.windowStrides[axis]! - p.padding[axis]![0]);
    for (const tap of taps) {
      let at = 0;
      const inside = tap.every((t, axis) => {
        const index = (first[axis]! + t * p.windowDilation[axis]!) / p.baseDilation[axis]!;
        at += index * from[axis]!;
        return Number.isInteger(index) && index >= 0 && index < x[axis]!;
      });
      if (inside) visit(o, at);
    }
  }
}

export function runFold(fold: WindowFold, x: HostArray, p: ReduceWindowParams, out: ShapedArray): TypedArray {
  const total = new Float64Array(out.size).fill(foldIdentity(fold, out.dtype));
  const combine = fold === 'add' ? (a: number, b: number) => a + b : Math[fold];
  forEachInWindow(x.aval.shape, out.shape, p, (o, i) => {
    total[o] = combine(total[o]!, x.data[i]!);
  });
  const result = allocate(out.dtype, out.size);
  const wrap = fold === 'add' && !isFloating(out.dtype);
  total.forEach((v, i) => {
    result[i] = wrap ? v % 2 ** 32 : v;
  });
  return result;
}

/** Where in the operand each window has its extremum; −1 for a window of padding alone. */
export function runPosition(fold: 'max' | 'min', x: HostArray, p: ReduceWindowParams, out: ShapedArray): TypedArray {
  const result = new Int32Array(out.size).fill(-1);
  forEachInWindow(x.aval.shape, out.shape, p, (o, i) => {
    const best = result[o]!;
    const [a, b] = [x.data[best]!, x.data[i]!];
    // The first of equal elements stays; a NaN on either side gives way.
    if (best < 0 || !(fold === 'max' ? a >= b : a <= b)) result[o] = i;
  });
  return result;
}
