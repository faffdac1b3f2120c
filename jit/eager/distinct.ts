/** Operations whose results have as many elements as their operands' values say, in the runtime module. */
import { shapedArray } from '../../src/core/aval.ts';
import { byteSize, type DType } from '../../src/core/dtype.ts';
import { distinctType } from '../runtime/distinct.ts';
import { runtimeExports } from '../runtime/instance.ts';
import type { Cell } from '../storage/cell.ts';
import { Workspace } from '../storage/workspace.ts';

type RuntimeFunction = (...args: number[]) => number;

const functions = new Map<string, Map<DType, RuntimeFunction>>();

/** To put a name together and to look for it takes longer than what it names needs for ten elements. */
function functionFor(name: string, dtype: DType): RuntimeFunction {
  let known = functions.get(name);
  if (!known) functions.set(name, (known = new Map()));
  let found = known.get(dtype);
  if (!found) known.set(dtype, (found = runtimeExports()[`${name}_${distinctType(dtype)}`] as RuntimeFunction));
  return found;
}

function within<T>(body: (w: Workspace) => T): T {
  const w = new Workspace();
  try {
    return body(w);
  } finally {
    w.close();
  }
}

/** A result, with where it is written until it is taken. */
function result(w: Workspace, dtype: DType, size: number): { to: number; take: () => Cell } {
  const aval = shapedArray([size], dtype);
  const place = w.place(aval);
  const to = w.address(place);
  return { to, take: () => w.taken(place, aval, to) };
}

/**
 * Where in rows of n elements those are that are not 0: their columns, after their rows with `rows` 'apart', or in turn with
 * them with 'beside'.
 */
export function nonzeroPlaces(x: Cell, n: number, rows: 'none' | 'apart' | 'beside'): Cell[] {
  return within((w) => {
    const from = w.operand(x);
    const count = functionFor('nonzero_count', x.dtype)(x.length, from, 0);
    const columns = result(w, 'int32', rows === 'beside' ? 2 * count : count);
    const write = functionFor('nonzero', x.dtype);
    const height = n === 0 ? 0 : x.length / n;
    if (rows === 'none') {
      write(height, n, 1, from, columns.to, w.scratch(4), 4, 0, columns.to + 4 * count);
      return [columns.take()];
    }
    if (rows === 'beside') {
      write(height, n, 1, from, columns.to + 4, columns.to, 8, 8, columns.to + 4 + 8 * count);
      return [columns.take()];
    }
    const places = result(w, 'int32', count);
    write(height, n, 1, from, columns.to, places.to, 4, 4, columns.to + 4 * count);
    return [places.take(), columns.take()];
  });
}

const compressionOf: Readonly<Record<number, string>> = { 1: 'compress_1', 4: 'compress_4', 8: 'compress_8' };

/** Of outer × n × inner elements those along the middle axis at whose number, from 0 on, the mask is not 0. */
export function compressed(mask: Cell, x: Cell, [outer, n, inner]: readonly [number, number, number]): Cell {
  return within((w) => {
    const [conditions, from] = [w.operand(mask), w.operand(x)];
    const count = functionFor('nonzero_count', mask.dtype)(mask.length, conditions, 0);
    const bytes = byteSize(x.dtype);
    if (outer === 1 && inner === 1) {
      const values = result(w, x.dtype, count);
      const write = functionFor(compressionOf[bytes]!, mask.dtype);
      write(mask.length, conditions, from, values.to, values.to + count * bytes);
      return values.take();
    }
    const unit = inner * bytes;
    const places = w.scratch(4 * count);
    const end = places + 4 * count;
    functionFor('nonzero', mask.dtype)(1, mask.length, unit, conditions, places, w.scratch(4), 4, 0, end);
    return gathered(w, x.dtype, from, places, count, [outer, n, inner]);
  });
}

/** The same at positions in the range of the axis, of which negative ones count from its end; undefined where others are. */
export function taken(
  positions: readonly number[],
  x: Cell,
  [outer, n, inner]: readonly [number, number, number],
): Cell | undefined {
  const count = positions.length;
  return within((w) => {
    const from = w.operand(x);
    const unit = inner * byteSize(x.dtype);
    const places = w.scratch(4 * count);
    const { i32 } = w.heap;
    for (let k = 0, at = places >>> 2; k < count; k++) {
      const position = positions[k]!;
      if (!Number.isInteger(position) || position < -n || position >= n) return undefined;
      i32[at + k] = (position < 0 ? position + n : position) * unit;
    }
    return gathered(w, x.dtype, from, places, count, [outer, n, inner]);
  });
}

function gathered(
  w: Workspace,
  dtype: DType,
  from: number,
  places: number,
  count: number,
  [outer, n, inner]: readonly [number, number, number],
): Cell {
  const bytes = byteSize(dtype);
  const [block, whole] = [inner * bytes, n * inner * bytes];
  const values = result(w, dtype, outer * count * inner);
  const gather = runtimeExports()[`gather_${bytes}`] as RuntimeFunction;
  gather(count, places, block, outer, count * block, whole, inner, bytes, bytes, values.to, from);
  return values.take();
}

/** The first of each run of equal elements, and, if `counted`, how long these are. NaNs are equal if they are `joined`. */
export function distinctOf(sorted: Cell, joined: boolean, counted: boolean): Cell[] {
  const { dtype, length } = sorted;
  return within((w) => {
    const from = w.operand(sorted);
    const count = functionFor('distinct_count', dtype)(length, from, Number(joined));
    const values = result(w, dtype, count);
    const counts = counted ? result(w, 'int32', count) : undefined;
    const step = counts ? 4 : 0;
    functionFor('distinct', dtype)(length, from, Number(joined), values.to, counts?.to ?? w.scratch(4), step);
    return counts ? [values.take(), counts.take()] : [values.take()];
  });
}
