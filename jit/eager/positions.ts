/** Gathers and scatters that run at once, in the runtime module. */
import type { ShapedArray } from '../../src/core/aval.ts';
import { byteSize, type DType, shortName } from '../../src/core/dtype.ts';
import { sizeOf, stridesOf } from '../../src/core/shape.ts';
import type { Access, ScatterAccess } from '../lower-rule.ts';
import { runtimeExports } from '../runtime/instance.ts';
import type { Heap } from '../storage/heap.ts';
import { coalesce, type NestAxis } from '../wasm/loop-nest.ts';
import { type EagerFunction, onCells } from './memory-function.ts';

type RuntimeFunction = (...args: number[]) => number;

/** How rows of indices and the windows that they place lie in memory; steps are (windows, operand), in bytes. */
interface Layout {
  /** Rows with a place of their own beyond their positions, and those that do not follow one another: loops from here. */
  readonly outerRows: readonly NestAxis[];
  readonly rows: number;
  readonly rowStep: number;
  readonly window: readonly [NestAxis, NestAxis];
  /** Loops around the window. */
  readonly outerWindow: readonly NestAxis[];
  /** Per position: the operand that holds it, its offset and steps in bytes, the largest that fits, and its stride. */
  readonly positions: readonly { operand: number; offset: number; step: number; room: number; stride: number }[];
}

/** Undefined where the rows of indices are not contiguous. */
function layoutOf(windows: ShapedArray, operand: ShapedArray, access: Access): Layout | undefined {
  const bytes = byteSize(operand.dtype);
  const [own, to] = [stridesOf(operand.shape), stridesOf(windows.shape)];
  const axes = windows.shape.map((extent, axis) => {
    const along = access.axes[axis];
    const placed = access.positions.some(({ view }) => view.strides[axis] !== 0);
    return { axis, extent, placed, steps: [to[axis]! * bytes, along === undefined ? 0 : own[along]! * bytes] };
  });
  const isRow = ({ axis, placed }: (typeof axes)[0]): boolean => placed || access.axes[axis] === undefined;
  const rowAxes = axes.filter(isRow);
  const order = stridesOf(rowAxes.map(({ extent }) => extent));
  const positions: Layout['positions'][number][] = [];
  for (const { axis, room, operand: index, view } of access.positions) {
    let step = 0;
    rowAxes.forEach((row, i) => {
      if (row.extent > 1) step = view.strides[row.axis]! / order[i]!;
    });
    if (rowAxes.some((row, i) => row.extent > 1 && view.strides[row.axis] !== step * order[i]!)) return undefined;
    positions.push({ operand: index, offset: view.offset * 4, step: step * 4, room, stride: own[axis]! * bytes });
  }
  const loops = coalesce(rowAxes);
  const last = loops.at(-1);
  const inner = last && last.steps[1] === 0 ? last : { extent: 1, steps: [0, 0] };
  const window = coalesce(axes.filter((axis) => !isRow(axis)));
  const one: NestAxis = { extent: 1, steps: [0, 0] };
  const [outer, innermost] = [window.at(-2) ?? one, window.at(-1) ?? one];
  return {
    outerRows: inner === last ? loops.slice(0, -1) : loops,
    rows: inner.extent,
    rowStep: inner.steps[0]!,
    window: [outer, innermost],
    outerWindow: window.slice(0, -2),
    positions,
  };
}

/** Calls `body` with the offsets of both sides, and how many rows went before. */
function eachOffset(
  axes: readonly NestAxis[],
  body: (windows: number, operand: number, index: number) => void,
  depth = 0,
  windows = 0,
  operand = 0,
  index = 0,
): void {
  const axis = axes[depth];
  if (!axis) {
    body(windows, operand, index);
    return;
  }
  for (let i = 0; i < axis.extent; i++) {
    const next = index * axis.extent + i;
    eachOffset(axes, body, depth + 1, windows + i * axis.steps[0]!, operand + i * axis.steps[1]!, next);
  }
}

export const fillBits: Partial<Record<DType, (value: number) => number>> = {
  float32: (value) => new Int32Array(new Float32Array([value]).buffer)[0]!,
};

/** Windows of operand 0 where the indices say. */
export function eagerGather(
  inputs: readonly ShapedArray[],
  access: Access,
  output: ShapedArray,
): EagerFunction | undefined {
  const { dtype } = output;
  const layout = output.size === 0 ? undefined : layoutOf(output, inputs[0]!, access);
  if (!layout) return undefined;
  const bytes = byteSize(dtype);
  const copy = runtimeExports()[`gather_${bytes}`] as RuntimeFunction;
  const fill = runtimeExports()[`fill_${bytes}`] as RuntimeFunction;
  const fillWith = access.fill === undefined ? 0 : (fillBits[dtype]?.(access.fill) ?? access.fill);
  const { rows, rowStep, window, outerWindow, outerRows } = layout;
  const [outer, inner] = window;
  const [toOuter, fromOuter] = outer.steps as [number, number];
  const [toInner, fromInner] = inner.steps as [number, number];
  const drop = access.fill !== undefined;
  const writePlaces = placeWriter(layout, drop);
  const single = outerRows.length === 0 && outerWindow.length === 0;
  const count = inputs.length;
  const block = (at: number, target: number, source: number): void => {
    copy(rows, at, rowStep, outer.extent, toOuter, fromOuter, inner.extent, toInner, fromInner, target, source);
  };
  const run = (_: Heap, from: readonly number[]): void => {
    const to = from[count]!;
    const places = from[count + 1]!;
    const outside = writePlaces(from, places);
    if (outside && drop) fill(to, output.size, fillWith);
    if (single) block(places, to, from[0]!);
    else
      eachOffset(outerRows, (a, b, index) =>
        eachOffset(outerWindow, (c, d) => block(places + 4 * rows * index, to + a + c, from[0]! + b + d)),
      );
  };
  return onCells({ scratch: 4 * allRowsOf(layout), run }, [output]);
}

/** Operand 0 with updates written to it, or combined with what is there. */
export function eagerScatter(
  inputs: readonly ShapedArray[],
  access: ScatterAccess,
  combine: 'set' | 'add' | 'mul' | 'max' | 'min',
  output: ShapedArray,
): EagerFunction | undefined {
  const { dtype } = output;
  const updates = inputs[access.updates]!;
  if (output.size === 0 || updates.size === 0) return undefined;
  const layout = layoutOf(updates, output, access);
  // Loops around a window would change the order in which elements are written.
  if (!layout || layout.outerWindow.length > 0) return undefined;
  const bytes = byteSize(dtype);
  const name = combine === 'set' ? `scatter_set_${bytes}` : `scatter_${combine}_${shortName(dtype)}`;
  const write = runtimeExports()[name] as RuntimeFunction;
  const { rows, rowStep, window, outerRows } = layout;
  const [outer, inner] = window;
  const writePlaces = placeWriter(layout, access.fill !== undefined);
  const count = inputs.length;
  const run = (heap: Heap, from: readonly number[]): void => {
    const to = from[count]!;
    const places = from[count + 1]!;
    heap.u8.copyWithin(to, from[0]!, from[0]! + output.size * bytes);
    writePlaces(from, places);
    eachOffset(outerRows, (a, b, index) => {
      const at = places + 4 * rows * index;
      const [source, target] = [from[access.updates]! + a, to + b];
      const [fromOuter, toOuter] = outer.steps as [number, number];
      const [fromInner, toInner] = inner.steps as [number, number];
      write(rows, at, rowStep, outer.extent, fromOuter, toOuter, inner.extent, fromInner, toInner, source, target);
    });
  };
  return onCells({ scratch: 4 * allRowsOf(layout), run }, [output]);
}

const allRowsOf = ({ outerRows, rows }: Layout): number => rows * sizeOf(outerRows.map(({ extent }) => extent));

/** Writes the places of all rows; whether one lies outside. */
function placeWriter(layout: Layout, drop: boolean): (from: readonly number[], places: number) => boolean {
  const { positions } = layout;
  const all = allRowsOf(layout);
  const run = runtimeExports().window_places as RuntimeFunction;
  const fill = runtimeExports().fill_4 as RuntimeFunction;
  return (from, places) => {
    let outside = 0;
    for (let i = 0; i < positions.length; i++) {
      const { operand, offset, step, room, stride } = positions[i]!;
      outside |= run(all, places, from[operand]! + offset, step, room, stride, Number(drop), Number(i === 0));
    }
    if (positions.length === 0) fill(places, all, 0);
    return outside !== 0;
  };
}
