/** Folds over windows as programs of other operations, which is how they are compiled. */
import type { ShapedArray } from '../core/aval.ts';
import type { Jaxpr } from '../core/jaxpr.ts';
import { range, type Shape, sizeOf } from '../core/shape.ts';
import { stage } from '../core/stage.ts';
import type { Value } from '../core/trace.ts';
import { argmax, argmin } from './argreduce.ts';
import { add, max, min } from './arithmetic.ts';
import { eq, ge, le, lt, select } from './compare.ts';
import { positionsOf, slidingWindows } from './conv-patches.ts';
import { full, iota, scalar } from './creation.ts';
import { and, not, or } from './logic.ts';
import { broadcastInDim, reshape } from './movement.ts';
import { pad } from './pad.ts';
import {
  foldIdentity,
  hasPadding,
  type ReduceWindowParams,
  type WindowFold,
  windowShape,
} from './reduce-window-shape.ts';
import { reduceMax, reduceMin, sum } from './reductions.ts';
import { slice } from './slicing.ts';

/** Windows of at most so many elements are folded as slices of the array, one for each element: whole vectors at a time. */
const mostTaps = 25;

const combine = { add, max, min };
const folds = { add: sum, max: reduceMax, min: reduceMin };

const surrounded = (x: Value, value: number, p: ReduceWindowParams): Value =>
  pad(
    x,
    scalar(value, x.aval.dtype),
    p.padding.map(([low, high], axis) => [low, high, p.baseDilation[axis]! - 1]),
  );

/** Element `tap` of every window. */
function element(x: Value, tap: Shape, out: Shape, { windowStrides, windowDilation }: ReduceWindowParams): Value {
  const starts = tap.map((t, axis) => t * windowDilation[axis]!);
  const limits = starts.map((start, axis) => start + (out[axis]! - 1) * windowStrides[axis]! + 1);
  return slice(x, starts, limits, windowStrides);
}

const windowsOf = (x: Value, p: ReduceWindowParams): Value =>
  slidingWindows(x, { sizes: p.windowDimensions, strides: p.windowStrides, dilations: p.windowDilation });

export const foldProgram = (fold: WindowFold, p: ReduceWindowParams, x: ShapedArray): Jaxpr =>
  stage(
    (operand) => {
      const out = windowShape(x, p);
      const identity = foldIdentity(fold, x.dtype);
      if (out.includes(0)) return [full(out, 0, x.dtype)];
      return [foldWindows(fold, surrounded(operand!, identity, p), p)];
    },
    [x],
  ).jaxpr;

/** Of an array that is padded already. Large windows are folded one axis after the other. */
function foldWindows(fold: WindowFold, x: Value, p: ReduceWindowParams): Value {
  const { windowDimensions } = p;
  const rank = windowDimensions.length;
  const ends = windowDimensions.map((n, axis) => (n - 1) * p.windowDilation[axis]! + 1);
  const out = x.aval.shape.map((n, axis) => Math.floor((n - ends[axis]!) / p.windowStrides[axis]!) + 1);
  if (sizeOf(windowDimensions) <= mostTaps) {
    return positionsOf(windowDimensions)
      .map((tap) => element(x, tap, out, p))
      .reduce((a, b) => combine[fold](a, b));
  }
  const wide = range(rank).filter((axis) => windowDimensions[axis]! > 1);
  if (wide.length === 1 || wide.every((axis) => out[axis] === 1)) {
    return folds[fold](windowsOf(x, p), { axis: range(rank).map((axis) => rank + axis) });
  }
  return wide.reduce(
    (value, axis) => {
      const along = (list: Shape): number[] => list.map((n, i) => (i === axis ? n : 1));
      const one = { ...p, windowDimensions: along(windowDimensions), windowStrides: along(p.windowStrides) };
      return foldWindows(fold, value, one);
    },
    skipUnwindowed(x, p, wide),
  );
}

/** Strides along axes whose windows have one element are taken first. */
function skipUnwindowed(x: Value, p: ReduceWindowParams, wide: readonly number[]): Value {
  const strides = p.windowStrides.map((n, axis) => (wide.includes(axis) ? 1 : n));
  return slice(
    x,
    strides.map(() => 0),
    x.aval.shape,
    strides,
  );
}

export const positionProgram = (fold: 'max' | 'min', p: ReduceWindowParams, x: ShapedArray): Jaxpr =>
  stage(
    (operand) => {
      const out = windowShape(x, p);
      if (out.includes(0) || x.size === 0) return [full(out, -1, 'int32')];
      const isPadded = hasPadding(p);
      const values = surrounded(operand!, foldIdentity(fold, x.dtype), p);
      const places = surrounded(reshape(iota('int32', x.size), x.shape), -1, p);
      const few = sizeOf(p.windowDimensions) <= 2 * mostTaps;
      return [few ? tournament(fold, values, places, out, p, isPadded) : search(fold, values, places, out, p)];
    },
    [x],
  ).jaxpr;

/** One element of the windows after the other against the best so far. */
function tournament(
  fold: 'max' | 'min',
  values: Value,
  places: Value,
  out: Shape,
  p: ReduceWindowParams,
  isPadded: boolean,
): Value {
  const holds = fold === 'max' ? ge : le;
  const [first, ...rest] = positionsOf(p.windowDimensions);
  let [best, place] = [element(values, first!, out, p), element(places, first!, out, p)];
  for (const tap of rest) {
    const [value, here] = [element(values, tap, out, p), element(places, tap, out, p)];
    let wins = not(holds(best, value));
    if (isPadded) wins = and(ge(here, 0), or(lt(place, 0), wins));
    [best, place] = [select(wins, value, best), select(wins, here, place)];
  }
  return place;
}

/** Windows of many elements as rows. */
function search(fold: 'max' | 'min', values: Value, places: Value, out: Shape, p: ReduceWindowParams): Value {
  const n = sizeOf(p.windowDimensions);
  const rows = (x: Value): Value => reshape(windowsOf(x, p), [...out, n]);
  const at = (fold === 'max' ? argmax : argmin)(rows(values), { axis: -1 });
  const shape = [...out, n];
  const chosen = eq(
    broadcastInDim(iota('int32', n), shape, [out.length]),
    broadcastInDim(at, shape, range(out.length)),
  );
  return sum(select(chosen, rows(places), full(shape, 0, 'int32')), { axis: -1 });
}
