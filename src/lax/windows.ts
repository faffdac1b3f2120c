/**
 * What gather and scatter have in common: rows of indices say where windows of the operand start, and the windows of all
 * rows make up one array (the result of a gather, the updates of a scatter). The vocabulary is XLA's, for gather.
 */
import type { Access } from '../../jit/lower-rule.ts';
import type { ShapedArray } from '../core/aval.ts';
import type { DType } from '../core/dtype.ts';
import { DtypeError, ShapeError } from '../core/errors.ts';
import type { HostArray } from '../core/primitive.ts';
import { range, type Shape, sizeOf, stridesOf } from '../core/shape.ts';

/** What happens to a window that does not lie inside the operand: it is moved inside, left out, or (promised) cannot occur. */
export type IndexMode = 'clip' | 'fill' | 'promise_in_bounds';

/** What JAX fills with: NaN, the smallest int32, the largest uint32, true. */
export function defaultFill(dtype: DType): number {
  if (dtype === 'int32') return -(2 ** 31);
  return dtype === 'uint32' ? 2 ** 32 - 1 : dtype === 'bool' ? 1 : Number.NaN;
}

export interface WindowMap {
  /** Axes of the windows array that run within a window. */
  readonly offsetDims: readonly number[];
  /** Operand axes along which a window has length 1, missing from the windows array. */
  readonly collapsedSliceDims: readonly number[];
  /** The operand axis that each component of an index row positions. */
  readonly startIndexMap: readonly number[];
  /** Operand axes matched, one for one, with `startIndicesBatchingDims` of the indices. */
  readonly operandBatchingDims: readonly number[];
  readonly startIndicesBatchingDims: readonly number[];
  /** Length of a window along each operand axis. */
  readonly sliceSizes: Shape;
}

interface WindowPlan {
  /** Over rows: strides in the indices, in the windows array, in the operand (from batching axes). In elements. */
  readonly rows: readonly { extent: number; indices: number; windows: number; operand: number }[];
  /** Over the elements of a window. */
  readonly window: readonly { extent: number; windows: number; operand: number }[];
  /** One a component of an index row: stride of the axis it positions, and the largest start that fits. */
  readonly components: readonly { stride: number; room: number }[];
}

const windowAxes = (rank: number, map: WindowMap): number[] =>
  range(rank).filter((axis) => !map.collapsedSliceDims.includes(axis) && !map.operandBatchingDims.includes(axis));

/** Shape of the windows array. */
export function windowsShape(operand: Shape, indices: Shape, map: WindowMap): number[] {
  const lengths = windowAxes(operand.length, map).map((axis) => map.sliceSizes[axis]!);
  const rows = indices.slice(0, -1);
  let next = 0;
  return range(lengths.length + rows.length).map((axis) => {
    const k = map.offsetDims.indexOf(axis);
    return k >= 0 ? lengths[k]! : rows[next++]!;
  });
}

export function checkWindows(operation: string, operand: ShapedArray, indices: ShapedArray, map: WindowMap): void {
  const within = (axes: readonly number[], rank: number) =>
    new Set(axes).size === axes.length && axes.every((axis) => Number.isInteger(axis) && axis >= 0 && axis < rank);
  const rank = operand.ndim;
  if (indices.dtype !== 'int32') throw new DtypeError(`${operation}: indices must be int32, but are ${indices}.`);
  const valid =
    indices.ndim > 0 &&
    map.sliceSizes.length === rank &&
    within([...map.collapsedSliceDims, ...map.operandBatchingDims], rank) &&
    within(map.startIndexMap, rank) &&
    map.startIndexMap.length === indices.shape.at(-1) &&
    !map.startIndexMap.some((axis) => map.operandBatchingDims.includes(axis)) &&
    map.operandBatchingDims.length === map.startIndicesBatchingDims.length &&
    within(map.startIndicesBatchingDims, indices.ndim - 1) &&
    map.offsetDims.length === windowAxes(rank, map).length &&
    within(map.offsetDims, map.offsetDims.length + indices.ndim - 1) &&
    [...map.collapsedSliceDims, ...map.operandBatchingDims].every((axis) => map.sliceSizes[axis]! <= 1) &&
    map.operandBatchingDims.every((axis, i) => operand.shape[axis] === indices.shape[map.startIndicesBatchingDims[i]!]);
  if (!valid) throw new ShapeError(`${operation}: dimension numbers do not fit ${operand} with indices ${indices}.`);
  const rows = sizeOf(indices.shape.slice(0, -1));
  const empty = [...map.collapsedSliceDims, ...map.operandBatchingDims].some((axis) => map.sliceSizes[axis] === 0);
  if ((empty && rows > 0) || map.sliceSizes.some((n, axis) => n < 0 || n > operand.shape[axis]!)) {
    throw new ShapeError(`${operation}: a window of shape [${map.sliceSizes}] does not fit in ${operand}.`);
  }
}

function planWindows(operand: Shape, indices: Shape, map: WindowMap): WindowPlan {
  const all = stridesOf(windowsShape(operand, indices, map));
  const own = stridesOf(operand);
  const perIndex = stridesOf(indices);
  const rowAxes = range(all.length).filter((axis) => !map.offsetDims.includes(axis));
  return {
    rows: rowAxes.map((axis, i) => {
      const batching = map.startIndicesBatchingDims.indexOf(i);
      return {
        extent: indices[i]!,
        indices: perIndex[i]!,
        windows: all[axis]!,
        operand: batching < 0 ? 0 : own[map.operandBatchingDims[batching]!]!,
      };
    }),
    window: windowAxes(operand.length, map).map((axis, i) => ({
      extent: map.sliceSizes[axis]!,
      windows: all[map.offsetDims[i]!]!,
      operand: own[axis]!,
    })),
    components: map.startIndexMap.map((axis) => ({ stride: own[axis]!, room: operand[axis]! - map.sliceSizes[axis]! })),
  };
}

/** Index rows whose columns may be operands of their own, as they are in programs on their way to code. */
export function joinedIndices([first, ...others]: readonly ShapedArray[]): ShapedArray {
  if (others.length === 0) return first!;
  const components = others.reduce((n, { shape }) => n + shape.at(-1)!, first!.shape.at(-1)!);
  return first!.withShape([...first!.shape.slice(0, -1), components]);
}

/** The rows themselves. */
export function joinedRows(columns: readonly HostArray[]): HostArray {
  if (columns.length === 1) return columns[0]!;
  const aval = joinedIndices(columns.map((column) => column.aval));
  const length = aval.shape.at(-1)!;
  const data = new Int32Array(aval.size);
  let start = 0;
  for (const column of columns) {
    const own = column.aval.shape.at(-1)!;
    for (let i = 0; i < column.data.length; i++)
      data[Math.floor(i / own) * length + start + (i % own)] = column.data[i]!;
    start += own;
  }
  return { aval, data };
}

/** Where in the operand compiled code finds the elements of the windows array. `columns` are the indices. */
export function windowAccess(
  operand: Shape,
  columns: readonly Shape[],
  map: WindowMap,
  fill?: number,
): Access & { windowAxes: readonly number[] } {
  const rows = columns[0]!.slice(0, -1);
  const windows = windowsShape(operand, columns[0]!, map);
  const rowAxes = range(windows.length).filter((axis) => !map.offsetDims.includes(axis));
  const axes: (number | undefined)[] = windows.map(() => undefined);
  windowAxes(operand.length, map).forEach((axis, i) => {
    axes[map.offsetDims[i]!] = axis;
  });
  map.startIndicesBatchingDims.forEach((row, i) => {
    axes[rowAxes[row]!] = map.operandBatchingDims[i]!;
  });
  let next = 0;
  const positions = columns.flatMap((shape, i) => {
    const own = stridesOf(shape);
    const strides = windows.map((_, axis) => own[rowAxes.indexOf(axis)] ?? 0);
    return range(shape.at(-1)!).map((offset) => {
      const axis = map.startIndexMap[next++]!;
      return { axis, room: operand[axis]! - map.sliceSizes[axis]!, operand: i + 1, view: { offset, strides } };
    });
  });
  const base = { axes, positions: rows.includes(0) ? [] : positions, windowAxes: map.offsetDims };
  return fill === undefined ? base : { ...base, fill };
}

/** Calls `visit(index in the windows array, index in the operand or −1 when left out)`, rows in order. */
export function forEachElement(
  operand: Shape,
  indices: HostArray,
  map: WindowMap,
  drop: boolean,
  visit: (windows: number, operand: number) => void,
): void {
  const plan = planWindows(operand, indices.aval.shape, map);
  const inside = (axis: number, windows: number, at: number): void => {
    const loop = plan.window[axis];
    if (!loop) {
      visit(windows, at);
      return;
    }
    for (let i = 0; i < loop.extent; i++) {
      inside(axis + 1, windows + i * loop.windows, at < 0 ? -1 : at + i * loop.operand);
    }
  };
  const row = (axis: number, index: number, windows: number, base: number): void => {
    const loop = plan.rows[axis];
    if (loop) {
      for (let i = 0; i < loop.extent; i++) {
        row(axis + 1, index + i * loop.indices, windows + i * loop.windows, base + i * loop.operand);
      }
      return;
    }
    let at = base;
    let fits = true;
    plan.components.forEach(({ stride, room }, k) => {
      const start = indices.data[index + k]!;
      if (start < 0 || start > room) fits = false;
      at += Math.min(Math.max(start, 0), room) * stride;
    });
    inside(0, windows, drop && !fits ? -1 : at);
  };
  row(0, 0, 0, 0);
}
