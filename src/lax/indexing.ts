/** NumPy's indexing: what `x.slice(…)` reads and `x.at(…)` updates. */
import { type ArrayLike, NDArray } from '../array.ts';
import { type ShapedArray, shapedArray } from '../core/aval.ts';
import { isInteger } from '../core/dtype.ts';
import { DtypeError, ShapeError } from '../core/errors.ts';
import { broadcastShapes, range, type Shape, sameShape, sizeOf, stridesOf } from '../core/shape.ts';
import { bind1, type Value } from '../core/trace.ts';
import { broadcastError, toValue } from '../promote.ts';
import { add, mul } from './arithmetic.ts';
import { lt, select } from './compare.ts';
import { convert } from './convert.ts';
import { iota } from './creation.ts';
import { gatherP } from './gather.ts';
import { broadcastTo, reshape } from './movement.ts';
import { type ScatterOp, scatterP } from './scatter.ts';
import { concatenate, dynamicSlice, dynamicUpdateSlice, reverse, slice } from './slicing.ts';

/**
 * One entry of an index: a position (negative ones count from the end), `[start, stop, step?]` with null for what is
 * left open (`[]` is all of an axis), `null` for a new axis, `'...'` for as many whole axes as fit, or an integer array.
 */
export type Index = number | readonly (number | null | undefined)[] | null | '...' | NDArray;

/** What an entry means for the axis it indexes. */
type Entry =
  | { readonly kind: 'slice'; readonly start: number; readonly step: number; readonly length: number }
  | { readonly kind: 'at'; readonly position: number }
  /** A position that is computed: an int32 scalar, counted from the front. */
  | { readonly kind: 'scalar'; readonly position: Value }
  | { readonly kind: 'array'; readonly positions: Value }
  | { readonly kind: 'new' };

interface Plan {
  readonly entries: readonly Entry[];
  /** The entries that consume an axis, one for each axis of the array. */
  readonly axes: readonly Exclude<Entry, { kind: 'new' }>[];
  /** Common shape of the index arrays; undefined when there is none. */
  readonly lanes: Shape | undefined;
  /** Shape of what is indexed, and the same without new axes. */
  readonly shape: Shape;
  readonly plainShape: Shape;
  /** Where the axes of the index arrays begin in `plainShape`. */
  readonly lanesAt: number;
}

/** Shape of the part of `x` that `index` names, with everything that reading or updating it needs. */
function plan(operation: string, { aval }: Value, index: readonly Index[]): Plan {
  const given = expandMasks(operation, index);
  const consumed = given.filter((entry) => entry !== null && entry !== '...').length;
  if (consumed > aval.ndim) {
    throw new ShapeError(`${operation}: ${consumed} positions are too many for ${aval}, which has ${aval.ndim} axes.`);
  }
  if (given.filter((entry) => entry === '...').length > 1) {
    throw new ShapeError(`${operation}: an index may hold '...' once.`);
  }
  const rest = range(aval.ndim - consumed).map((): Index => []);
  const list = given.includes('...') ? given.flatMap((e) => (e === '...' ? rest : [e])) : [...given, ...rest];
  let axis = 0;
  const entries = list.map((entry) =>
    entry === null ? ({ kind: 'new' } as const) : read(operation, aval, axis++, entry),
  );
  const axes = entries.filter((entry) => entry.kind !== 'new');
  const arrays = axes.flatMap((entry) => (entry.kind === 'array' ? [entry.positions] : []));
  const lanes = arrays.length ? broadcastShapes(...arrays.map((a) => a.aval.shape)) : undefined;
  if (arrays.length && !lanes) throw broadcastError(operation, arrays);
  return { entries, axes, lanes, ...resultShape(entries, lanes) };
}

/**
 * As NumPy places them: the axes of the index arrays stand where the arrays are, when those (and positions beside them)
 * are neighbours; else in front.
 */
function resultShape(entries: readonly Entry[], lanes: Shape | undefined) {
  const pointed = entries.flatMap((e, i) => (e.kind === 'slice' || e.kind === 'new' ? [] : [i]));
  const together = pointed.every((at, i) => at === pointed[0]! + i);
  const shape: number[] = [];
  const plainShape: number[] = [];
  let lanesAt = 0;
  const place = () => {
    lanesAt = plainShape.length;
    shape.push(...lanes!);
    plainShape.push(...lanes!);
  };
  if (lanes && !together) place();
  entries.forEach((entry, i) => {
    if (entry.kind === 'new') shape.push(1);
    else if (entry.kind === 'slice') {
      shape.push(entry.length);
      plainShape.push(entry.length);
    } else if (lanes && together && i === pointed[0]) place();
  });
  return { shape, plainShape, lanesAt };
}

function read(
  operation: string,
  aval: ShapedArray,
  axis: number,
  entry: Exclude<Index, null>,
): Exclude<Entry, { kind: 'new' }> {
  const n = aval.shape[axis]!;
  if (entry instanceof NDArray) {
    if (entry.literal !== undefined) return read(operation, aval, axis, entry.literal);
    if (!isInteger(entry.aval.dtype)) {
      throw new DtypeError(
        `${operation}: an index array must hold integers, but axis ${axis} of ${aval} got ${entry.aval}.`,
      );
    }
    if (entry.aval.ndim === 0 && n > 0) return { kind: 'scalar', position: fromFront(entry, n) };
    if (n === 0 && entry.aval.size > 0) throw outOfRange(operation, 'every position', axis, aval);
    return { kind: 'array', positions: fromFront(entry, n) };
  }
  if (typeof entry === 'number') {
    if (!Number.isInteger(entry)) {
      throw new DtypeError(`${operation}: a position must be an integer, but axis ${axis} of ${aval} got ${entry}.`);
    }
    if (entry < -n || entry >= n) throw outOfRange(operation, `position ${entry}`, axis, aval);
    return { kind: 'at', position: entry < 0 ? entry + n : entry };
  }
  return sliceEntry(operation, entry as readonly (number | null | undefined)[], n);
}

const outOfRange = (operation: string, what: string, axis: number, aval: ShapedArray): ShapeError =>
  new ShapeError(`${operation}: ${what} is out of range for axis ${axis} of ${aval}.`);

/** Python's reading of `start:stop:step`: whatever lies outside is cut off. */
function sliceEntry(operation: string, entry: readonly (number | null | undefined)[], n: number) {
  const [start, stop, step = 1] = entry.map((v) => v ?? undefined);
  if (entry.length > 3 || step === 0 || ![start ?? 0, stop ?? 0, step].every(Number.isInteger)) {
    throw new ShapeError(`${operation}: [${entry.map(String)}] is not a slice [start, stop, step] of integers.`);
  }
  const [lowest, highest] = step > 0 ? [0, n] : [-1, n - 1];
  const bound = (v: number | undefined, open: number) =>
    v === undefined ? open : Math.min(Math.max(v < 0 ? v + n : v, lowest), highest);
  const from = bound(start, step > 0 ? lowest : highest);
  const to = bound(stop, step > 0 ? highest : lowest);
  return { kind: 'slice', start: from, step, length: Math.max(0, Math.ceil((to - from) / step)) } as const;
}

/** Negative positions count from the end. Known arrays are changed at once, so that programs hold them as they are used. */
function fromFront(positions: Value, n: number): Value {
  if (!positions.isTracer) {
    const data = Int32Array.from(positions.hostData(), (v) => (v < 0 ? v + n : v));
    return NDArray.fromHost(data, shapedArray(positions.aval.shape, 'int32'));
  }
  const index = convert(positions, 'int32');
  return select(lt(index, 0), add(index, n), index);
}

/** A known bool array stands for the positions where it is true, one array for each of its axes. */
function expandMasks(operation: string, index: readonly Index[]): Index[] {
  return index.flatMap((entry): Index[] => {
    if (!(entry instanceof NDArray) || entry.aval.dtype !== 'bool' || entry.aval.ndim === 0) return [entry];
    if (entry.isTracer) {
      throw new DtypeError(
        `${operation}: which elements a traced mask ${entry.aval} picks is not known: their number is a shape.`,
        {
          hint: 'choose element by element with `np.where(mask, x, y)`',
        },
      );
    }
    const { shape } = entry.aval;
    const places = [...entry.hostData().keys()].filter((i) => entry.hostData()[i] !== 0);
    return stridesOf(shape).map((stride, axis) =>
      NDArray.fromHost(
        Int32Array.from(places, (i) => Math.floor(i / stride) % shape[axis]!),
        shapedArray([places.length], 'int32'),
      ),
    );
  });
}

/** Index rows: one component for each axis in turn, over the common shape of the index arrays. */
function indexRows(components: readonly (number | Value)[], lanes: Shape): Value {
  if (components.every((c) => typeof c === 'number' || !c.isTracer)) {
    const rows = sizeOf(lanes);
    const data = new Int32Array(rows * components.length);
    components.forEach((component, k) => {
      const own = typeof component === 'number' ? undefined : component;
      const values = own && sizeOf(own.aval.shape) !== rows ? spread(own, lanes) : own?.hostData();
      for (let i = 0; i < rows; i++) data[i * components.length + k] = values ? values[i]! : (component as number);
    });
    return NDArray.fromHost(data, shapedArray([...lanes, components.length], 'int32'));
  }
  const columns = components.map((component) => {
    const value = typeof component === 'number' ? toValue(component, 'slice') : component;
    return reshape(broadcastTo(convert(value, 'int32'), lanes), [...lanes, 1]);
  });
  return concatenate(columns, -1);
}

/** A known index array broadcast to the shape of all of them. */
function spread(positions: Value, lanes: Shape): Int32Array {
  const { shape } = positions.aval;
  const own = stridesOf(shape);
  const lead = lanes.length - shape.length;
  const strides = stridesOf(lanes);
  const data = positions.hostData();
  return Int32Array.from({ length: sizeOf(lanes) }, (_, i) => {
    let at = 0;
    shape.forEach((n, axis) => {
      if (n !== 1) at += (Math.floor(i / strides[lead + axis]!) % n) * own[axis]!;
    });
    return data[at]!;
  });
}

/** The axes of a windows array that are not those of the index arrays. */
const windowDims = ({ lanes, lanesAt, plainShape }: Plan): number[] => {
  const count = lanes?.length ?? 0;
  return range(plainShape.length).filter((axis) => axis < lanesAt || axis >= lanesAt + count);
};

/**
 * The part of `x` that `index` names, as NumPy's `x[index]`: fixed positions and slices are views, a computed position
 * is a dynamic slice, index arrays gather (positions outside the array are moved to its edge).
 *
 * @throws ShapeError when a fixed position is out of range, or there are more entries than axes
 */
export function indexArray(x: ArrayLike, index: readonly Index[], fillValue?: number): Value {
  const value = toValue(x, 'slice');
  return readPlan(value, plan('slice', value, index), fillValue);
}

function readPlan(value: Value, p: Plan, fillValue?: number): Value {
  // The first and the last element that each slice takes, in the order of the array.
  const spans = p.axes.map((e, axis): readonly [first: number, end: number] => {
    if (e.kind === 'at') return [e.position, e.position + 1];
    if (e.kind !== 'slice') return [0, value.aval.shape[axis]!];
    const last = e.start + (e.length - 1) * e.step;
    return e.length === 0 ? [0, 0] : [Math.min(e.start, last), Math.max(e.start, last) + 1];
  });
  let part = slice(
    value,
    spans.map(([first]) => first),
    spans.map(([, end]) => end),
    p.axes.map((e) => (e.kind === 'slice' ? Math.abs(e.step) : 1)),
  );
  part = reverse(
    part,
    p.axes.flatMap((e, axis) => (e.kind === 'slice' && e.step < 0 ? [axis] : [])),
  );
  if (p.axes.some((e) => e.kind === 'scalar')) {
    part = dynamicSlice(
      part,
      p.axes.map((e) => (e.kind === 'scalar' ? e.position : 0)),
      p.axes.map((e, axis) => (e.kind === 'scalar' ? 1 : part.aval.shape[axis]!)),
    );
  }
  // Axes at one position go; what is left are slices and those that index arrays position.
  const left = p.axes.filter((e) => e.kind === 'slice' || e.kind === 'array');
  part = reshape(
    part,
    part.aval.shape.filter((_, axis) => p.axes[axis]!.kind === 'slice' || p.axes[axis]!.kind === 'array'),
  );
  if (p.lanes) {
    const pointed = left.flatMap((e, axis) => (e.kind === 'array' ? [axis] : []));
    const components = left.flatMap((e) => (e.kind === 'array' ? [e.positions] : []));
    part = bind1(gatherP, [part, indexRows(components, p.lanes)], {
      offsetDims: windowDims(p),
      collapsedSliceDims: pointed,
      startIndexMap: pointed,
      operandBatchingDims: [],
      startIndicesBatchingDims: [],
      sliceSizes: part.aval.shape.map((n, axis) => (pointed.includes(axis) ? Math.min(1, n) : n)),
      mode: fillValue === undefined ? 'clip' : 'fill',
      fillValue: fillValue ?? 0,
    });
  }
  return reshape(part, p.shape);
}

/**
 * A copy of `x` in which `values` (broadcast to the part that `index` names) replace what is there, are added to it,
 * and so on. Computed positions outside the array are left out. Where an element is named more than once, the last value
 * is set; additions all count.
 *
 * @throws ShapeError when `values` do not broadcast to the part, or a fixed position is out of range
 */
export function indexUpdate(x: ArrayLike, index: readonly Index[], values: ArrayLike, operation: ScatterOp): Value {
  const value = toValue(x, 'at');
  const update = convert(toValue(values, 'at'), value.aval.dtype);
  const [only] = index;
  if (index.length === 1 && only instanceof NDArray && only.isTracer && only.aval.dtype === 'bool') {
    return updateMasked(value, only, update, operation);
  }
  const p = plan('at', value, index);
  const fits = broadcastShapes(update.aval.shape, p.shape);
  if (!fits || !sameShape(fits, p.shape)) {
    throw new ShapeError(
      `at(…).${operation}: values ${update.aval} do not fit the part ${value.aval.withShape(p.shape)} of ${value.aval}.`,
    );
  }
  const updates = reshape(broadcastTo(update, p.shape), p.plainShape);
  if (p.axes.some((e) => e.kind === 'slice' && e.step !== 1 && e.length > 1)) {
    return updateScattered(value, p, updates, operation);
  }
  const known = p.axes.every((e) => e.kind === 'slice' || e.kind === 'at');
  const starts = p.axes.map((e) =>
    e.kind === 'slice' ? (e.length === 0 ? 0 : e.start) : e.kind === 'at' ? e.position : 0,
  );
  const window = p.axes.map((e) => (e.kind === 'slice' ? e.length : 1));
  if (known && operation === 'set') return dynamicUpdateSlice(value, reshape(updates, window), starts);
  // A whole axis needs no component in the index rows.
  const positioned = p.axes.flatMap((e, axis) => (e.kind === 'slice' && starts[axis] === 0 ? [] : [axis]));
  const components = positioned.map((axis) => {
    const e = p.axes[axis]!;
    return e.kind === 'array' ? e.positions : e.kind === 'scalar' ? e.position : starts[axis]!;
  });
  return bind1(scatterP[operation], [value, indexRows(components, p.lanes ?? []), updates], {
    updateWindowDims: windowDims(p),
    insertedWindowDims: p.axes.flatMap((e, axis) => (e.kind === 'slice' ? [] : [axis])),
    scatterDimsToOperandDims: positioned,
    operandBatchingDims: [],
    scatterIndicesBatchingDims: [],
    mode: known ? 'promise_in_bounds' : 'fill',
    uniqueIndices: p.lanes === undefined,
  });
}

/** Slices with steps are not windows: the places are found by reading an array of places with the same index. */
function updateScattered(value: Value, p: Plan, updates: Value, operation: ScatterOp): Value {
  const { shape, size } = value.aval;
  // Computed positions go by way of gather here, which can say that they lie outside.
  const axes = p.axes.map((e) => (e.kind === 'scalar' ? ({ kind: 'array', positions: e.position } as const) : e));
  const places = readPlan(reshape(iota('int32', size), shape), { ...p, axes, lanes: p.lanes ?? [] }, -1);
  const flat = bind1(scatterP[operation], [reshape(value, [size]), reshape(places, [...p.plainShape, 1]), updates], {
    updateWindowDims: [],
    insertedWindowDims: [0],
    scatterDimsToOperandDims: [0],
    operandBatchingDims: [],
    scatterIndicesBatchingDims: [],
    mode: 'fill',
    uniqueIndices: p.lanes === undefined,
  });
  return reshape(flat, shape);
}

/** A traced mask updates element by element; `values` must broadcast to the array then. */
function updateMasked(x: Value, mask: Value, update: Value, operation: ScatterOp): Value {
  const { shape } = x.aval;
  const padded = [...mask.aval.shape, ...shape.slice(mask.aval.ndim).map(() => 1)];
  const fits = broadcastShapes(shape, padded, update.aval.shape);
  if (!fits || !sameShape(fits, shape)) throw broadcastError('at', [x, mask, update]);
  const values = broadcastTo(update, shape);
  const combined =
    operation === 'set'
      ? values
      : operation === 'add'
        ? add(x, values)
        : operation === 'mul'
          ? mul(x, values)
          : select(lt(values, x), operation === 'min' ? values : x, operation === 'min' ? x : values);
  return select(broadcastTo(reshape(mask, padded), shape), combined, x);
}
