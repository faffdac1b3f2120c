/** What an index means: each entry resolved against its axis, and the shape of the part that it names. */
import { NDArray } from '../array.ts';
import { type ShapedArray, shapedArray } from '../core/aval.ts';
import { isInteger, type TypedArray } from '../core/dtype.ts';
import { DtypeError, ShapeError } from '../core/errors.ts';
import { naming } from '../core/options.ts';
import { broadcastShapes, range, type Shape, sameShape, stridesOf } from '../core/shape.ts';
import type { Value } from '../core/trace.ts';
import { broadcastError } from '../promote.ts';
import { add, min } from './arithmetic.ts';
import { lt, select } from './compare.ts';
import { convert } from './convert.ts';

/**
 * One entry of an index: a position (negative ones count from the end), `[start, stop, step?]` with null for what is
 * left open (`[]` is all of an axis), `null` for a new axis, `'...'` for as many whole axes as fit, or an integer array.
 */
export type Index = number | readonly (number | null | undefined)[] | null | '...' | NDArray;

/** What an entry means for the axis it indexes. */
export type Entry =
  | { readonly kind: 'slice'; readonly start: number; readonly step: number; readonly length: number }
  | { readonly kind: 'at'; readonly position: number }
  /** A position that is computed: an int32 scalar, counted from the front. */
  | { readonly kind: 'scalar'; readonly position: Value }
  | { readonly kind: 'array'; readonly positions: Value }
  | { readonly kind: 'new' };

export interface Plan {
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
export function planIndex(operation: string, { aval }: Value, index: readonly Index[]): Plan {
  const given = expandMasks(operation, aval, index);
  const consumed = given.filter((entry) => entry !== null && entry !== '...').length;
  if (consumed > aval.ndim) {
    throw new ShapeError(
      `${operation}: ${consumed} positions are too many for ${aval}, which has ${aval.ndim} ${aval.ndim === 1 ? 'axis' : 'axes'}.`,
    );
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
        { hint: integerHint(entry) },
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
  if (!Array.isArray(entry))
    throw new DtypeError(`${operation}: ${naming(entry)} is not an index for axis ${axis} of ${aval}.`, {
      hint: indexHint(entry),
    });
  return sliceEntry(operation, entry, n);
}

/** What stands for Python's `1:3`, or what indices there are. */
function indexHint(entry: unknown): string {
  const parts = typeof entry === 'string' && /^(-?\d*):(-?\d*)(?::(-?\d*))?$/.exec(entry.replaceAll(' ', ''));
  if (!parts)
    return "an index is a number, `[start, stop, step]` (`[]` for the whole axis), `null`, `'...'` or an array of integers";
  const [start, stop, step] = parts.slice(1).map((part) => part || undefined);
  const list = step ? [start ?? 'null', stop ?? 'null', step] : stop ? [start ?? 0, stop] : start ? [start] : [];
  return `write \`[${list.join(', ')}]\``;
}

/** A counter that starts at a JavaScript number is a float. */
const integerHint = ({ isTracer, aval }: Value): string =>
  isTracer && aval.weakType && aval.ndim === 0
    ? "start a counter at an integer array, `np.array(0, { dtype: 'int32' })`"
    : "convert it: `index.astype('int32')`";

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

function hasNegative(data: TypedArray): boolean {
  for (let i = 0; i < data.length; i++) if (data[i]! < 0) return true;
  return false;
}

/** Negative positions count from the end. Known arrays are changed at once, so that programs hold them as they are used. */
export function fromFront(positions: Value, n: number): Value {
  if (!positions.isTracer) {
    // Read where it is, and copied only if it has to be.
    const given = positions.cell().peek();
    const { dtype, shape } = positions.aval;
    if (dtype === 'int32' && !hasNegative(given)) return positions;
    const data = new Int32Array(given.length);
    for (let i = 0; i < data.length; i++) data[i] = given[i]! < 0 ? given[i]! + n : Math.min(given[i]!, largestInt32);
    return NDArray.fromHost(data, shapedArray(shape, 'int32'));
  }
  if (positions.aval.dtype === 'uint32') return signed(positions);
  const index = convert(positions, 'int32');
  return select(lt(index, 0), add(index, n), index);
}

const largestInt32 = 2 ** 31 - 1;

/** Positions as int32. Those of uint32 that are too large stay outside of every array, and do not become negative. */
export const signed = (positions: Value): Value =>
  convert(positions.aval.dtype === 'uint32' ? min(positions, largestInt32) : positions, 'int32');

/** A known bool array stands for the positions where it is true, one array for each of its axes. */
function expandMasks(operation: string, aval: ShapedArray, index: readonly Index[]): Index[] {
  const isMask = (entry: Index): entry is NDArray =>
    entry instanceof NDArray && entry.aval.dtype === 'bool' && entry.aval.ndim > 0;
  const axesOf = (entry: Index): number =>
    entry === null || entry === '...' ? 0 : isMask(entry) ? entry.aval.ndim : 1;
  const consumed = index.reduce((sum: number, entry) => sum + axesOf(entry), 0);
  let axis = 0;
  return index.flatMap((entry): Index[] => {
    const first = axis;
    axis += entry === '...' ? Math.max(0, aval.ndim - consumed) : axesOf(entry);
    if (!isMask(entry)) return [entry];
    // More positions than axes are an error that is told later.
    const covered = aval.shape.slice(first, axis);
    if (consumed <= aval.ndim && !sameShape(covered, entry.aval.shape)) {
      throw new ShapeError(
        `${operation}: the mask ${entry.aval} does not fit ${covered.length === 1 ? `axis ${first}` : `axes ${first} to ${axis - 1}`} of ${aval}.`,
      );
    }
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
