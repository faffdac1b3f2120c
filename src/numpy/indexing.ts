/** Elements by position. */
import { compressed, distinctOf, nonzeroPlaces, taken } from '../../jit/eager/distinct.ts';
import type { Cell } from '../../jit/storage/cell.ts';
import { type ArrayLike, type Index, type IndexedPlaces, NDArray } from '../array.ts';
import { shapedArray } from '../core/aval.ts';
import { castNumber } from '../core/dtype.ts';
import { CotangentError, DisposedError, DtypeError, ShapeError } from '../core/errors.ts';
import { checkChoice, checkList, checkNumbers, naming, optionsOf } from '../core/options.ts';
import { isImmediate, recorded } from '../core/recorded.ts';
import { range, type Shape, sizeOf } from '../core/shape.ts';
import type { Value } from '../core/trace.ts';
import { rem } from '../lax/arithmetic.ts';
import { le, ne } from '../lax/compare.ts';
import { convert } from '../lax/convert.ts';
import { broadcastedIota } from '../lax/creation.ts';
import { signed } from '../lax/index-plan.ts';
import { indexArray, indexUpdate, isPositions, takeAt } from '../lax/indexing.ts';
import { clamp } from '../lax/minmax.ts';
import { broadcastTo, reshape } from '../lax/movement.ts';
import * as slicing from '../lax/slicing.ts';
import { defaultFill } from '../lax/windows.ts';
import { promoteDTypes, toValue } from '../promote.ts';
import { fromData, fromNumbers, strong } from './array.ts';
import { where } from './elementwise.ts';
import { axisOf, operand, ravel } from './shape.ts';
import { sort } from './sorting.ts';

/** Part of `x`: what `x.slice(…index)` calls. */
export const slice = (x: ArrayLike, ...index: Index[]): NDArray => indexArray(operand(x, 'slice'), index);

/** Places of `x` to update in a copy: what `x.at(…index)` calls. */
export function at(x: NDArray, ...index: Index[]): IndexedPlaces {
  const update = (mode: 'set' | 'add' | 'mul' | 'min' | 'max') => (values: ArrayLike) =>
    indexUpdate(strong(x), index, values, mode);
  return { set: update('set'), add: update('add'), mul: update('mul'), min: update('min'), max: update('max') };
}

function listed(positions: readonly number[]): NDArray {
  const data = new Int32Array(positions.length);
  for (let i = 0; i < data.length; i++) {
    const position = positions[i]!;
    data[i] = position;
    if (data[i] !== position) data[i] = castNumber(Number(position), 'int32');
  }
  return fromData(data, [data.length], 'int32');
}

/** Integers to use as positions. */
export const indices = (x: ArrayLike | readonly number[], operation: string, name = 'indices'): Value => {
  const value = Array.isArray(x) ? listed(x) : toValue(x as ArrayLike, operation);
  if (value.literal !== undefined && Number.isInteger(value.literal)) return convert(value, 'int32');
  if (value.aval.isFloating || value.aval.dtype === 'bool') {
    throw new DtypeError(`${operation}: ${name} must be integers, but are ${value.aval}.`, {
      hint: `convert them: \`${name}.astype('int32')\``,
    });
  }
  return value;
};

export interface TakeOptions {
  axis?: number | null;
  /**
   * What positions outside of the array give: 'fill' (the default) `fillValue`; 'clip' the nearest element, which for negative
   * ones is the first with `take` and counted from the end with `takeAlongAxis`; 'wrap' goes round. With 'fill' and 'wrap'
   * negative positions count from the end.
   */
  mode?: 'fill' | 'clip' | 'wrap';
  /** NaN, −2³¹, 2³² − 1 or true when left out. */
  fillValue?: number;
}

const takeOptions = ['axis', 'mode', 'fillValue'];

/** More known positions are not looked at one by one, to see whether all are inside. */
const mostKnown = 256;

/** Positions along an axis of n elements as `indexArray` takes them, and what it is to put where they are outside. */
function placed(
  operation: string,
  positions: Value,
  x: NDArray,
  axis: number,
  { mode = 'fill', fillValue = defaultFill(x.dtype) }: TakeOptions,
): { positions: Value; fill: number | undefined } {
  const n = x.shape[axis]!;
  if (!['fill', 'clip', 'wrap'].includes(mode))
    throw new CotangentError(`${operation}: mode must be 'fill', 'clip' or 'wrap', but it is ${naming(mode)}.`);
  if (n === 0 && positions.size > 0)
    throw new ShapeError(`${operation}: there is nothing to take from axis ${axis} of ${x.aval}.`);
  if (!positions.isTracer && positions.size <= mostKnown) {
    const known = positions.hostData();
    const least = operation === 'take' ? 0 : -n;
    const inRange = (i: number): boolean => i >= -n && i < n;
    const isInside = known.every(inRange);
    // A number that is given stays in the program's text.
    if (mode === 'fill' || (isInside && (mode === 'wrap' || known.every((i) => i >= least))))
      return { positions, fill: isInside ? undefined : fillValue };
    const moved = Array.from(known, (i) => (mode === 'clip' ? Math.min(Math.max(i, least), n - 1) : i % n));
    return { positions: fromNumbers(moved, positions.shape, 'int32'), fill: undefined };
  }
  if (mode === 'wrap') return { positions: rem(positions, n), fill: undefined };
  const index = signed(positions);
  if (mode === 'clip') return { positions: operation === 'take' ? clamp(0, index, n - 1) : index, fill: undefined };
  return { positions: index, fill: fillValue };
}

const takeOf: (x: ArrayLike, index: ArrayLike | readonly number[], given?: TakeOptions) => NDArray = recorded(
  (x, index, given = {}) => {
    const options = optionsOf('take', given, takeOptions);
    checkNumbers('take', options, ['fillValue']);
    const { axis = null } = options;
    const input = operand(x, 'take');
    const value = axis === null ? ravel(input) : input;
    const along = axisOf(value, axis ?? 0, 'take');
    const { positions, fill } = placed('take', indices(index, 'take'), value, along, options);
    if (isPositions(positions, value, along)) return takeAt(value, positions, along, fill);
    // A computed scalar would be moved inside.
    const many = fill !== undefined && positions.ndim === 0 ? reshape(positions, [1]) : positions;
    const part = indexArray(value, [...range(along).map((): Index => []), many], fill);
    return many === positions ? part : reshape(part, [...value.shape.slice(0, along), ...value.shape.slice(along + 1)]);
  },
);

/** Whether this is storage that can be read now. */
const isStored = (x: ArrayLike): x is NDArray =>
  x instanceof NDArray && !x.isTracer && x.literal === undefined && !x.aval.weakType;

/** What `run` makes of operands, without a program, since shapes depend on values; undefined where it has to be made otherwise. */
function immediately<T>(operands: readonly ArrayLike[], run: () => T | undefined): T | undefined {
  if (!operands.every(isStored) || !isImmediate()) return undefined;
  try {
    return run();
  } catch (error) {
    // The operation itself says which operand was disposed of.
    if (error instanceof DisposedError) return undefined;
    throw error;
  }
}

/** An array in the place where it has been written. */
const stored = (cell: Cell, shape: Shape = [cell.length]): NDArray => new NDArray(shapedArray(shape, cell.dtype), cell);

type Extents = readonly [before: number, along: number, after: number];

/** Elements of an array, or slices along an axis, as `part` takes them from elements before, along and after it. */
function partOf(x: NDArray, axis: number | null, part: (cell: Cell, extents: Extents) => Cell | undefined) {
  const { shape } = x;
  const [before, n, after] =
    axis === null ? [[], x.size, []] : [shape.slice(0, axis), shape[axis]!, shape.slice(axis + 1)];
  const [outer, inner] = [sizeOf(before), sizeOf(after)];
  if (outer * inner === 0) return undefined;
  const cell = part(x.cell(), [outer, n, inner]);
  return cell && stored(cell, [...before, cell.length / (outer * inner), ...after]);
}

/**
 * Elements of the array as a vector, or slices along `axis`, at the given positions.
 *
 * @example
 * np.take(x, [2, 0], { axis: 1 });
 * np.take(np.array([1, 2, 3]), [-1, 7]); // [3. nan]
 * @throws DtypeError when positions are no integers; ShapeError when there is nothing to take from
 */
export function take(x: ArrayLike, index: ArrayLike | readonly number[], given?: TakeOptions): NDArray {
  // Positions in a list need no array of their own, nor a program for as many of them.
  const part = Array.isArray(index) ? takeListed(x, index, given) : undefined;
  return part ?? takeOf(x, index, given);
}

const takeListed = (x: ArrayLike, positions: readonly number[], given: TakeOptions = {}): NDArray | undefined =>
  immediately([x], () => {
    const { axis = null, mode = 'fill', fillValue } = optionsOf('take', given, takeOptions);
    if (mode !== 'fill' || fillValue !== undefined) return undefined;
    const value = x as NDArray;
    const along = axis === null ? null : axisOf(value, axis, 'take');
    return partOf(value, along, (cell, extents) => taken(positions, cell, extents));
  });

/** For each place of `index`, the element of `x` at that position along `axis`: what `argsort` results are for. */
export const takeAlongAxis: (x: ArrayLike, index: ArrayLike, given?: TakeOptions) => NDArray = recorded(
  (x, index, given = {}) => {
    const options = optionsOf('takeAlongAxis', given, takeOptions);
    checkNumbers('takeAlongAxis', options, ['fillValue']);
    const { axis = -1 } = options;
    const positions = indices(index, 'takeAlongAxis');
    const input = operand(x, 'takeAlongAxis');
    const value = axis === null ? ravel(input) : input;
    const wide = axis === null ? ravel(positions) : positions;
    const along = axisOf(value, axis ?? 0, 'takeAlongAxis');
    if (wide.ndim !== value.ndim) {
      throw new ShapeError(`takeAlongAxis: ${value.aval} and indices ${positions.aval} differ in rank.`);
    }
    const shape = value.shape.map((n, i) => (i === along ? wide.shape[i]! : n));
    const wanted = placed('takeAlongAxis', broadcastTo(wide, shape), value, along, options);
    return indexArray(
      value,
      shape.map((_, i) => (i === along ? wanted.positions : broadcastedIota('int32', shape, i))),
      wanted.fill,
    );
  },
);

/** Elements of the first choice whose condition is true; `fallback` where there is none. */
const selectFirst: (conditions: readonly ArrayLike[], choices: readonly ArrayLike[], fallback?: ArrayLike) => NDArray =
  recorded((conditions, choices, fallback = 0) => {
    checkList('select', 'the conditions', conditions);
    checkList('select', 'the choices', choices);
    if (conditions.length !== choices.length) {
      throw new ShapeError(`select: ${conditions.length} conditions for ${choices.length} choices.`);
    }
    return choices.reduceRight<NDArray>(
      (rest, choice, i) => where(conditions[i]!, choice, rest),
      toValue(fallback, 'select'),
    );
  });

export { selectFirst as select };

/** Elementwise, the element of the choice whose number `index` holds; numbers outside are limited to the range. */
export const choose: (index: ArrayLike, choices: readonly ArrayLike[]) => NDArray = recorded((index, choices) => {
  const number = indices(index, 'choose');
  checkList('choose', 'the choices', choices);
  const values = promoteDTypes('choose', choices);
  return values.reduceRight<NDArray>((rest, choice, i) => where(le(number, i), choice, rest), values.at(-1)!);
});

/**
 * The distinct elements in increasing order. The shape depends on the values: concrete arrays only.
 * @throws TraceError on traced arrays
 */
export function unique(x: ArrayLike): NDArray {
  const value = operand(x, 'unique');
  const found = distinctElements(value, true);
  if (found) return found[0]!;
  using inOrder = sort(value, { axis: null });
  const sorted = inOrder.data();
  let count = Math.min(1, sorted.length);
  for (let i = 1; i < sorted.length; i++) {
    const [before, v] = [sorted[i - 1]!, sorted[i]!];
    sorted[count] = v;
    // NaNs come last, and count as one.
    if (v !== before && !(Number.isNaN(v) && Number.isNaN(before))) count++;
  }
  return fromData(sorted.slice(0, count), [count], value.dtype);
}

/**
 * The distinct elements in increasing order and, if `counted`, how often each occurs; undefined where the runtime module cannot
 * be called. NaNs are one element if they are `joined`.
 */
export const distinctElements = (value: NDArray, joined: boolean, counted = false): NDArray[] | undefined =>
  immediately([value], () => {
    const sorted = sort(value, { axis: null });
    // What `using` is compiled to takes as long as ten elements.
    try {
      return distinctOf(sorted.cell(), joined, counted).map((cell) => stored(cell));
    } finally {
      sorted.dispose();
    }
  });

/**
 * Positions of the elements that are not 0: one int32 vector per axis. Concrete arrays only.
 * @throws TraceError on traced arrays
 */
export function nonzero(x: ArrayLike): NDArray[] {
  const value = operand(x, 'nonzero');
  const found = immediately([value], () => {
    if (value.ndim === 0 || value.ndim > 2) return undefined;
    return nonzeroPlaces(value.cell(), value.shape.at(-1)!, value.ndim === 1 ? 'none' : 'apart');
  });
  if (found) return found.map((cell) => stored(cell));
  return placesAlong(value).map((positions) => fromData(positions, [positions.length], 'int32'));
}

/** Positions of what is not 0, along each axis. */
function placesAlong(value: Value): Int32Array[] {
  if (value.ndim === 0) return [];
  const { columns, rows } = placesIn(truthOf(value), value.shape.at(-1)!);
  const found = [columns];
  // What is left of a row's number once the position along an axis is taken off.
  for (let axis = value.ndim - 2; axis > 0; axis--) {
    const n = value.shape[axis]!;
    found.unshift(rows.map((row) => row % n));
    for (let i = 0; i < rows.length; i++) rows[i] = rows[i]! / n;
  }
  if (value.ndim > 1) found.unshift(rows);
  return found;
}

/** Elements up to which copying them takes less time than an operation. */
const fewElements = 4096;

/** Elements that are 0 where those of `x` are. Of two types, so that the loops below are compiled for them. */
function truthOf(x: Value): Uint8Array | Float64Array {
  const data = x.read('nonzero');
  if (data instanceof Uint8Array || data instanceof Float64Array) return data;
  if (data.length <= fewElements) return new Float64Array(data);
  using truth = ne(x, 0);
  return truth.data() as Uint8Array;
}

/** Row and column of each element that is not 0, in order. */
function placesIn(data: Uint8Array | Float64Array, n: number): { columns: Int32Array; rows: Int32Array } {
  let length = 0;
  for (let i = 0; i < data.length; i++) length += Number(data[i] !== 0);
  // Written at every element and passed over at those that are not 0: a branch would be foretold wrongly half the time.
  const [columns, rows] = [new Int32Array(length + 1), new Int32Array(length + 1)];
  let count = 0;
  for (let start = 0, row = 0; start < data.length; start += n, row++)
    for (let column = 0; column < n; column++) {
      columns[count] = column;
      rows[count] = row;
      count += Number(data[start + column] !== 0);
    }
  return { columns: columns.subarray(0, length), rows: rows.subarray(0, length) };
}
/** The same in the array as a vector. */
export function flatnonzero(x: ArrayLike): NDArray {
  const value = toValue(x, 'flatnonzero');
  const found = immediately([value], () => nonzeroPlaces(value.cell(), value.size, 'none'));
  return found ? stored(found[0]!) : nonzero(ravel(value))[0]!;
}

/**
 * The slices along an axis, or the elements as a vector, where `condition` is true; it may be shorter than the axis. Its
 * values are read: concrete conditions only.
 *
 * @example
 * np.compress(np.array([true, false, true]), np.array([1, 2, 3])); // [1. 3.]
 */
export function compress(condition: ArrayLike, x: ArrayLike, given: { axis?: number | null } = {}): NDArray {
  const { axis = null } = optionsOf('compress', given, ['axis']);
  const mask = toValue(condition, 'compress');
  if (mask.ndim !== 1) throw new ShapeError(`compress: the condition must be a vector, but it is ${mask.aval}.`);
  const value = operand(x, 'compress');
  return chosenBy(mask, value, axis === null ? null : axisOf(value, axis, 'compress'));
}

/** The elements of `x` as a vector where `condition` is true. Concrete conditions only. */
export const extract = (condition: ArrayLike, x: ArrayLike): NDArray =>
  chosenBy(toValue(condition, 'extract'), operand(x, 'extract'), null);

/** The slices along an axis, or the elements as a vector, that a mask takes, itself as a vector. */
function chosenBy(mask: Value, x: Value, axis: number | null): NDArray {
  const n = axis === null ? x.size : x.shape[axis]!;
  if (mask.size > n)
    throw new ShapeError(`compress: ${mask.size} conditions for ${n} elements along axis ${axis ?? 0}.`);
  const part = immediately([mask, x], () => partOf(x, axis, (cell, extents) => compressed(mask.cell(), cell, extents)));
  return part ?? take(x, flatnonzero(mask), { axis });
}

/** A vector without zeros at the front (`trim` has an f) and at the back (it has a b). Concrete arrays only. */
export function trimZeros(x: ArrayLike, given: { trim?: 'f' | 'b' | 'fb' } = {}): NDArray {
  const { trim = 'fb' } = optionsOf('trimZeros', given, ['trim']);
  checkChoice('trimZeros', '`trim`', trim, ['f', 'b', 'fb']);
  const value = operand(x, 'trimZeros');
  if (value.ndim !== 1) throw new ShapeError(`trimZeros: needs a vector, but got ${value.aval}.`);
  const data = value.read('trimZeros');
  let [from, to] = [0, data.length];
  if (trim.includes('f')) while (from < to && data[from] === 0) from++;
  if (trim.includes('b')) while (to > from && data[to - 1] === 0) to--;
  return slicing.slice(value, [from], [to]);
}

export function argwhere(x: ArrayLike): NDArray {
  const value = toValue(x, 'argwhere');
  const pairs = immediately([value], () => {
    const { ndim } = value;
    if (ndim === 0 || ndim > 2) return undefined;
    const [cell] = nonzeroPlaces(value.cell(), value.shape.at(-1)!, ndim === 1 ? 'none' : 'beside') as [Cell];
    return stored(cell, [cell.length / ndim, ndim]);
  });
  if (pairs) return pairs;
  const found = placesAlong(value);
  const [ndim, count] = [found.length, found[0]?.length ?? Number(value.read('argwhere')[0] !== 0)];
  const places = new Int32Array(count * ndim);
  found.forEach((positions, axis) => {
    for (let i = 0, at = axis; i < count; i++, at += ndim) places[at] = positions[i]!;
  });
  return fromData(places, [count, ndim], 'int32');
}
