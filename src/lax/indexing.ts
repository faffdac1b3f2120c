/** NumPy's indexing: what `x.slice(…)` reads and `x.at(…)` updates. */
import { type ArrayLike, NDArray } from '../array.ts';
import { shapedArray } from '../core/aval.ts';
import { isInteger } from '../core/dtype.ts';
import { ShapeError } from '../core/errors.ts';
import { sharedParamsByKey } from '../core/primitive.ts';
import { broadcastShapes, range, type Shape, sameShape, sizeOf, stridesOf } from '../core/shape.ts';
import { bind1, currentTrace, type Value } from '../core/trace.ts';
import { broadcastError, toValue } from '../promote.ts';
import { add, mul } from './arithmetic.ts';
import { lt, select } from './compare.ts';
import { convert } from './convert.ts';
import { iota } from './creation.ts';
import { type GatherParams, gatherP } from './gather.ts';
import { fromFront, type Index, type Plan, planIndex } from './index-plan.ts';
import { broadcastTo, reshape, reshapeP, reshapeParamsOf, strengthen } from './movement.ts';
import { type ScatterOp, type ScatterParams, scatterP } from './scatter.ts';
import {
  concatenate,
  dynamicSlice,
  dynamicUpdateSlice,
  reverse,
  type SliceParams,
  slice,
  sliceP,
  sliceParamsOf,
} from './slicing.ts';

export type { Index } from './index-plan.ts';

const gatherParams = sharedParamsByKey<GatherParams>();
const scatterParams = sharedParamsByKey<ScatterParams>();
const fillKey = (fill: number | undefined): string => (Object.is(fill, -0) ? '-0' : String(fill));

/** Index rows: one component for each axis in turn, over the common shape of the index arrays. */
function indexRows(components: readonly (number | Value)[], lanes: Shape): Value {
  const [only] = components;
  if (components.length === 1 && only instanceof NDArray && sameShape(only.aval.shape, lanes)) {
    const shape = [...lanes, 1];
    // The same elements: what is computed at once may read them where they are.
    if (only.isTracer || currentTrace().records) return reshape(convert(only, 'int32'), shape);
    return new NDArray(only.aval.withShape(shape), only.cell());
  }
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
  const value = strengthen(toValue(x, 'slice'));
  const [only] = index;
  if (index.length === 1 && only instanceof NDArray && isPositions(only, value, 0))
    return takeAt(value, only, 0, fillValue);
  return readFixed(value, index) ?? readPlan(value, planIndex('slice', value, index), fillValue);
}

/** How to read a part whose place is known: the same for the same shape and index. */
interface FixedPart {
  readonly slice: SliceParams | undefined;
  readonly reversed: readonly number[];
  readonly reshape: { readonly newSizes: Shape } | undefined;
}

const fixedParts = new Map<string, FixedPart>();

/** The part that an index of positions and slices names; undefined where there are arrays in it. */
function readFixed(value: Value, index: readonly Index[]): Value | undefined {
  let key = `${value.aval.shape}`;
  for (let i = 0; i < index.length; i++) {
    const entry = index[i]!;
    if (typeof entry === 'number') key += `|${entry}`;
    else if (Array.isArray(entry)) key += `|[${entry}]`;
    else if (entry === null || entry === '...') key += `|${entry}`;
    else return undefined;
  }
  let part = fixedParts.get(key);
  if (!part) {
    part = fixedPart(value.aval.shape, planIndex('slice', value, index));
    if (fixedParts.size >= 4096) fixedParts.clear();
    fixedParts.set(key, part);
  }
  let result = part.slice ? bind1(sliceP, [value], part.slice) : value;
  if (part.reversed.length > 0) result = reverse(result, part.reversed);
  return part.reshape ? bind1(reshapeP, [result], part.reshape) : result;
}

function fixedPart(shape: Shape, plan: Plan): FixedPart {
  const { starts, limits, strides, reversed } = windowOf(shape, plan);
  const isWhole = shape.every((n, axis) => starts[axis] === 0 && limits[axis] === n && strides[axis] === 1);
  const taken = starts.map((start, axis) => Math.max(0, Math.ceil((limits[axis]! - start) / strides[axis]!)));
  return {
    slice: isWhole ? undefined : sliceParamsOf(starts, limits, strides),
    reversed,
    reshape: sameShape(taken, plan.shape) ? undefined : reshapeParamsOf(plan.shape),
  };
}

/** The slice in which everything lies that is named, and the axes that go backwards in it. */
function windowOf(shape: Shape, { axes }: Plan) {
  // The first and the last element that each slice takes, in the order of the array.
  const spans = axes.map((e, axis): readonly [first: number, end: number] => {
    if (e.kind === 'at') return [e.position, e.position + 1];
    if (e.kind !== 'slice') return [0, shape[axis]!];
    const last = e.start + (e.length - 1) * e.step;
    return e.length === 0 ? [0, 0] : [Math.min(e.start, last), Math.max(e.start, last) + 1];
  });
  return {
    starts: spans.map(([first]) => first),
    limits: spans.map(([, end]) => end),
    strides: axes.map((e) => (e.kind === 'slice' ? Math.abs(e.step) : 1)),
    reversed: axes.flatMap((e, axis) => (e.kind === 'slice' && e.step < 0 ? [axis] : [])),
  };
}

/** Whether x is an array of integers that may index this axis; what else there is goes the general way. */
export const isPositions = (x: Value, value: Value, axis: number): boolean =>
  isInteger(x.aval.dtype) && x.aval.ndim > 0 && (value.aval.shape[axis] ?? 0) > 0;

/** Along `axis`, what an array of positions names, or `fill` where they are outside; all of the other axes. */
export function takeAt(value: Value, positions: Value, axis: number, fill?: number): Value {
  return takeFromFront(value, fromFront(positions, value.aval.shape[axis]!), axis, fill);
}

/** The same where no position counts from the end. */
export function takeFromFront(value: Value, positions: Value, axis: number, fill?: number): Value {
  const { shape, ndim } = value.aval;
  const lanes = positions.aval.shape;
  const params = gatherParams(`take ${shape}|${axis}|${lanes.length}|${fillKey(fill)}`, () => ({
    offsetDims: range(ndim - 1).map((a) => (a < axis ? a : a + lanes.length)),
    collapsedSliceDims: [axis],
    startIndexMap: [axis],
    operandBatchingDims: [],
    startIndicesBatchingDims: [],
    sliceSizes: shape.map((n, a) => (a === axis ? 1 : n)),
    mode: fill === undefined ? 'clip' : 'fill',
    fillValue: fill ?? 0,
  }));
  return bind1(gatherP, [value, indexRows([positions], lanes)], params);
}

function readPlan(value: Value, p: Plan, fillValue?: number): Value {
  const { starts, limits, strides, reversed } = windowOf(value.aval.shape, p);
  let part = reverse(slice(value, starts, limits, strides), reversed);
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
    const [windows, { shape }] = [windowDims(p), part.aval];
    const params = gatherParams(`${windows}|${pointed}|${shape}|${fillKey(fillValue)}`, () => ({
      offsetDims: windows,
      collapsedSliceDims: pointed,
      startIndexMap: pointed,
      operandBatchingDims: [],
      startIndicesBatchingDims: [],
      sliceSizes: shape.map((n, axis) => (pointed.includes(axis) ? Math.min(1, n) : n)),
      mode: fillValue === undefined ? 'clip' : 'fill',
      fillValue: fillValue ?? 0,
    }));
    part = bind1(gatherP, [part, indexRows(components, p.lanes)], params);
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
  const value = strengthen(toValue(x, 'at'));
  const update = convert(toValue(values, 'at'), value.aval.dtype);
  const [only] = index;
  if (index.length === 1 && only instanceof NDArray && only.isTracer && only.aval.dtype === 'bool') {
    return updateMasked(value, only, update, operation);
  }
  if (index.length === 1 && only instanceof NDArray && isPositions(only, value, 0)) {
    const { shape, ndim } = value.aval;
    const lanes = only.aval.shape;
    const part = [...lanes, ...shape.slice(1)];
    if (sameShape(update.aval.shape, part)) {
      const params = scatterParams(`at ${ndim}|${lanes.length}`, () => ({
        updateWindowDims: range(ndim - 1).map((a) => a + lanes.length),
        insertedWindowDims: [0],
        scatterDimsToOperandDims: [0],
        operandBatchingDims: [],
        scatterIndicesBatchingDims: [],
        mode: 'fill',
        uniqueIndices: false,
      }));
      return bind1(scatterP[operation], [value, indexRows([fromFront(only, shape[0]!)], lanes), update], params);
    }
  }
  const p = planIndex('at', value, index);
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
  const windows = windowDims(p);
  const inserted = p.axes.flatMap((e, axis) => (e.kind === 'slice' ? [] : [axis]));
  const unique = p.lanes === undefined;
  const params = scatterParams(`${windows}|${inserted}|${positioned}|${known}|${unique}`, () => ({
    updateWindowDims: windows,
    insertedWindowDims: inserted,
    scatterDimsToOperandDims: positioned,
    operandBatchingDims: [],
    scatterIndicesBatchingDims: [],
    mode: known ? 'promise_in_bounds' : 'fill',
    uniqueIndices: unique,
  }));
  return bind1(scatterP[operation], [value, indexRows(components, p.lanes ?? []), updates], params);
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
