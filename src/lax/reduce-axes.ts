/** What reductions share: their axes, their options and their reference loop. */
import { ShapeError } from '../core/errors.ts';
import { naming } from '../core/options.ts';
import { sharedParams } from '../core/primitive.ts';
import { normalizeAxis, range, type Shape, sizeOf, stridesOf } from '../core/shape.ts';
import type { Value } from '../core/trace.ts';
import { reshapeFitting } from './movement.ts';

export interface ReduceParams {
  readonly axes: readonly number[];
}

export interface ReduceOptions {
  /** Axis or axes to fold over; all when left out. */
  axis?: number | readonly number[] | null;
  /** Keep the folded axes with length 1. */
  keepdims?: boolean;
}

/** Their names. */
export const reduceOptions: readonly (keyof ReduceOptions)[] = ['axis', 'keepdims'];

/** Calls `visit(output index, input index)` for every input element in row-major order. */
export function forEachReduced(
  shape: Shape,
  axes: readonly number[],
  visit: (out: number, input: number) => void,
): void {
  if (axes.length === shape.length) {
    const all = sizeOf(shape);
    for (let i = 0; i < all; i++) visit(0, i);
    return;
  }
  const kept = range(shape.length).filter((axis) => !axes.includes(axis));
  const outStrides = stridesOf(kept.map((axis) => shape[axis]!));
  const strides = shape.map((_, axis) => (kept.includes(axis) ? outStrides[kept.indexOf(axis)]! : 0));
  const index = new Array<number>(shape.length).fill(0);
  const n = sizeOf(shape);
  let out = 0;
  for (let i = 0; i < n; i++) {
    visit(out, i);
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      out += strides[axis]!;
      if (++index[axis]! < shape[axis]!) break;
      out -= strides[axis]! * shape[axis]!;
      index[axis] = 0;
    }
  }
}

/** Lists of axes, each made once, with the parameters that consist of them. */
const known = new Map<string, readonly number[]>();
const paramsOf = new Map<readonly number[], ReduceParams>();

function knownAxes(axes: readonly number[]): readonly number[] {
  const key = axes.join();
  let list = known.get(key);
  if (!list) {
    known.set(key, (list = Object.freeze([...axes])));
    paramsOf.set(list, sharedParams({ axes: list }));
  }
  return list;
}

export const reduceParams = (axes: readonly number[]): ReduceParams => paramsOf.get(axes) ?? { axes };

const allAxes: (readonly number[])[] = [];

/** The axes of a reduction, from the front and sorted. */
export function reduceAxes(operation: string, x: Value, axis: ReduceOptions['axis']): readonly number[] {
  const { ndim } = x.aval;
  if (axis === undefined || axis === null) return (allAxes[ndim] ??= knownAxes(range(ndim)));
  if (typeof axis === 'object' && paramsOf.has(axis) && (axis.at(-1) ?? -1) < ndim) return axis;
  const axes = (Array.isArray(axis) ? axis : [axis]).map((a: number) => {
    if (!Number.isInteger(a))
      throw new ShapeError(`${operation}: axis must be an integer or a list of them, but it is ${naming(a)}.`);
    const normal = normalizeAxis(a, x.aval.ndim);
    if (normal === undefined) throw new ShapeError(`${operation}: axis ${a} is out of range for ${x.aval}.`);
    return normal;
  });
  if (new Set(axes).size < axes.length)
    throw new ShapeError(`${operation}: axes [${axis}] name an axis of ${x.aval} twice.`);
  return knownAxes(axes.sort((a, b) => a - b));
}

/** Restores folded axes as length 1 when asked for. */
export const keepAxes = (result: Value, input: Value, axes: readonly number[], keepdims: boolean | undefined): Value =>
  keepdims
    ? reshapeFitting(
        result,
        input.aval.shape.map((n, i) => (axes.includes(i) ? 1 : n)),
      )
    : result;
