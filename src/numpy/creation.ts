/** Arrays made from shapes, ranges and values. */
import { spacedCell } from '../../jit/eager/spaced.ts';
import { interpretOnly } from '../../jit/run.ts';
import { isPrebuiltReady } from '../../jit/runtime/prebuilt.ts';
import { Cell } from '../../jit/storage/cell.ts';
import { largestUnwritten } from '../../jit/storage/sizes.ts';
import { type ArrayLike, NDArray } from '../array.ts';
import { shapedArray } from '../core/aval.ts';
import { allocate, byteSize, type DType, isDType, isFloating, type TypedArray } from '../core/dtype.ts';
import { DtypeError, ShapeError } from '../core/errors.ts';
import { beforeOptions, checkChoice, checkList, checkNumbers, isPlain, naming, optionsOf } from '../core/options.ts';
import { kept } from '../core/recorded.ts';
import { checkShape, isTraced, type Shape, type ShapeLike, shapesAreKnown, sizeOf } from '../core/shape.ts';
import { pow as exactPower } from '../core/special.ts';
import { currentTrace } from '../core/trace.ts';
import { add, mul } from '../lax/arithmetic.ts';
import { eq, ge } from '../lax/compare.ts';
import { convert } from '../lax/convert.ts';
import * as creation from '../lax/creation.ts';
import { broadcastInDim, broadcastTo } from '../lax/movement.ts';
import { promoteDTypes, toFloating, toValue } from '../promote.ts';
import { checkDType, type DTypeOption, fromData, fromFunction, strong } from './array.ts';
import { power } from './elementwise.ts';

export type { ShapeLike };

export const toShape: (shape: ShapeLike, operation: string) => Shape = checkShape;

/** An array of zeros; float32 if no dtype is given. */
export const zeros = (shape: ShapeLike, given: DTypeOption = {}): NDArray => {
  const { dtype } = optionsOf('zeros', given, ['dtype']);
  return creation.full(toShape(shape, 'zeros'), 0, checkDType(dtype, 'zeros') ?? 'float32');
};

/** An array of ones; float32 if no dtype is given. */
export const ones = (shape: ShapeLike, given: DTypeOption = {}): NDArray => {
  const { dtype } = optionsOf('ones', given, ['dtype']);
  return creation.full(toShape(shape, 'ones'), 1, checkDType(dtype, 'ones') ?? 'float32');
};

/** `value` broadcast to a shape. Its dtype is that of the value: float32 for numbers, bool for booleans. */
export function full(shape: ShapeLike, value: ArrayLike, given: DTypeOption = {}): NDArray {
  const { dtype } = optionsOf('full', given, ['dtype']);
  const target = toShape(shape, 'full');
  if (typeof value === 'number') return creation.full(target, value, checkDType(dtype, 'full') ?? 'float32');
  const filled = toValue(value, 'full');
  return broadcastTo(checkDType(dtype, 'full') ? convert(filled, dtype!) : strong(filled), target);
}

interface LikeOptions extends DTypeOption {
  shape?: ShapeLike;
}
const like =
  (name: string, value: number) =>
  (x: ArrayLike, given: LikeOptions = {}): NDArray => {
    const { dtype, shape } = optionsOf(name, given, ['dtype', 'shape']);
    const model = toValue(x, name);
    return creation.full(shape === undefined ? model.shape : toShape(shape, name), value, dtype ?? model.dtype);
  };
/** Zeros with the shape and dtype of `x`. */
export const zerosLike: (x: ArrayLike, options?: LikeOptions) => NDArray = like('zerosLike', 0);
/** Ones with the shape and dtype of `x`. */
export const onesLike: (x: ArrayLike, options?: LikeOptions) => NDArray = like('onesLike', 1);
export const emptyLike: (x: ArrayLike, options?: LikeOptions) => NDArray = like('emptyLike', 0);
/** `value` broadcast to the shape of `x`, in its dtype. */
export function fullLike(x: ArrayLike, value: ArrayLike, given: LikeOptions = {}): NDArray {
  const { dtype, shape } = optionsOf('fullLike', given, ['dtype', 'shape']);
  const model = toValue(x, 'fullLike');
  const filled = convert(toValue(value, 'fullLike'), dtype ?? model.dtype);
  return broadcastTo(filled, shape === undefined ? model.shape : toShape(shape, 'fullLike'));
}

export interface DiagonalOptions extends DTypeOption {
  /** Which diagonal: 0, the default, is the main one, positive ones lie above. */
  k?: number;
}

/**
 * Ones where column − row = k. `m` columns, as many as rows if left out.
 *
 * @example
 * np.eye(2, { dtype: 'float64' }); // f64[2,2]
 * np.eye(2, 3, { k: 1 }); // [[0. 1. 0.] [0. 0. 1.]]
 */
export const eye: (n: number, m?: number | null | DiagonalOptions, options?: DiagonalOptions) => NDArray = kept(
  (n, m, options) => {
    const [columns, given] = beforeOptions<number | null, DiagonalOptions>(m, options);
    return eyeNamed('eye', n, columns, optionsOf('eye', given, ['k', 'dtype']));
  },
);

function eyeNamed(name: string, n: number, m: number | null | undefined, given: DiagonalOptions): NDArray {
  const { k = 0, dtype } = given;
  checkNumbers(name, given, ['k']);
  const type = checkDType(dtype, name) ?? 'float32';
  const shape = toShape([n, m ?? n], name);
  if (!currentTrace().records && sizeOf(shape) * byteSize(type) <= largestUnwritten) {
    const [rows, columns] = shape as [number, number];
    const [first, last] = [Math.max(0, -k), Math.min(rows, columns - k)];
    const ones = { start: first * columns + first + k, step: columns + 1, count: Math.max(0, last - first) };
    return new NDArray(shapedArray(shape, type), Cell.withOnes(type, sizeOf(shape), ones));
  }
  const row = creation.broadcastedIota('int32', shape, 0);
  const column = creation.broadcastedIota('int32', shape, 1);
  return convert(eq(add(row, k), column), type);
}

/** The n × n identity matrix. */
export const identity: (n: number, options?: DTypeOption) => NDArray = kept((n, options = {}) =>
  eyeNamed('identity', n, n, optionsOf('identity', options, ['dtype'])),
);

/** Elements of a new array that begins as zeros outside of the heap. */
const largestHost = 1024;

/** Ones on and below the k-th diagonal. */
export const tri: (n: number, m?: number | null | DiagonalOptions, options?: DiagonalOptions) => NDArray = kept(
  (n, m, options) => {
    const [columns, given] = beforeOptions<number | null, DiagonalOptions>(m, options);
    const { k = 0, dtype } = optionsOf('tri', given, ['k', 'dtype']);
    checkNumbers('tri', given, ['k']);
    const type = checkDType(dtype, 'tri') ?? 'float32';
    const shape = toShape([n, columns ?? n], 'tri');
    if (!currentTrace().records) {
      const [height, width] = shape as [number, number];
      const size = height * width;
      const cell = size > largestHost ? Cell.inHeap(type, size) : Cell.fromHost(type, allocate(type, size));
      const data = cell.peek();
      for (let i = 0; i < height; i++) {
        const [start, end] = [i * width, i * width + width];
        const middle = start + Math.min(Math.max(Math.floor(k) + i + 1, 0), width);
        data.fill(1, start, middle);
        if (size > largestHost) data.fill(0, middle, end);
      }
      return new NDArray(shapedArray(shape, type), cell);
    }
    const row = creation.broadcastedIota('int32', shape, 0);
    const column = creation.broadcastedIota('int32', shape, 1);
    return convert(ge(add(row, k), column), type);
  },
);

/**
 * Numbers from `start` (0) up to but not including `stop`. int32 when all arguments are integers, else float32.
 *
 * @example
 * np.arange(3); // [0 1 2]
 * np.arange(1, 2, 0.25); // [1. 1.25 1.5 1.75]
 */
export function arange(stop: number, options?: DTypeOption): NDArray;
export function arange(start: number, stop?: number | null, options?: DTypeOption): NDArray;
export function arange(start: number, stop?: number | null, step?: number, options?: DTypeOption): NDArray;
export function arange(...given: readonly (number | null | undefined | DTypeOption)[]): NDArray {
  return counted(...given);
}

const counted = kept((...given: (number | null | undefined | DTypeOption)[]): NDArray => {
  const last = given.findIndex((x) => typeof x === 'object' && x !== null && isPlain(x));
  const options = last < 0 ? {} : (given[last] as DTypeOption);
  const { dtype } = optionsOf('arange', options, ['dtype']);
  if (given.length > (last < 0 ? 3 : last + 1)) throw new DtypeError('arange: expected start, stop, step and options.');
  const [start, stop, step = 1] = (last < 0 ? given : given.slice(0, last)) as [number, number?, number?];
  const [from, to] = stop === undefined || stop === null ? [0, start] : [start, stop];
  for (const x of [from, to, step])
    if (!Number.isFinite(x)) {
      if (isDType(x)) optionsOf('arange', x as object, ['dtype']);
      throw new DtypeError(`arange: expected finite numbers, but got ${naming(x)}.`, {
        hint: isTraced(x) ? shapesAreKnown : undefined,
      });
    }
  if (step === 0) throw new ShapeError('arange: the step must not be 0.');
  const n = Math.max(0, Math.ceil((to - from) / step));
  const integral = [from, to, step].every(Number.isInteger);
  const type = checkDType(dtype, 'arange') ?? (integral ? 'int32' : 'float32');
  if (!integral || type === 'bool') {
    return fromFunction((i) => from + i * step, n, type);
  }
  const whole = creation.iota(type, n);
  const scaled = step === 1 ? whole : mul(whole, step);
  return from === 0 ? scaled : add(scaled, from);
});

export interface LinspaceOptions extends DTypeOption {
  /** How many numbers, where that is not given by position. */
  num?: number;
  /** Whether the last number is `stop`; true if left out. */
  endpoint?: boolean;
}

/** The number of numbers, 50 when left out, and the other options. */
function spacingOf<O extends LinspaceOptions>(
  name: string,
  num: number | O | undefined,
  options: O | undefined,
  known: readonly string[] = [],
): [num: number, options: O] {
  const [count, given] = beforeOptions<number, O>(num, options);
  const checked = optionsOf(name, given, ['num', 'endpoint', 'dtype', ...known]);
  checkNumbers(name, checked, ['num']);
  if (count !== undefined && checked.num !== undefined) throw new ShapeError(`${name}: \`num\` is given twice.`);
  return [count ?? checked.num ?? 50, checked];
}

/**
 * `num` evenly spaced numbers (50 when left out) from `start` to `stop`, which may be traced or arrays (the new axis is the first).
 *
 * @example
 * np.linspace(0, 1, 5); // [0. 0.25 0.5 0.75 1. ]
 * np.linspace(0, 1, { num: 4, endpoint: false }); // [0. 0.25 0.5 0.75]
 */
export const linspace: (
  start: ArrayLike,
  stop: ArrayLike,
  num?: number | LinspaceOptions,
  options?: LinspaceOptions,
) => NDArray = kept((start, stop, num, options) => {
  return linspaceNamed('linspace', start, stop, ...spacingOf('linspace', num, options));
});

function linspaceNamed(
  name: string,
  start: ArrayLike,
  stop: ArrayLike,
  num: number,
  { endpoint = true, dtype }: LinspaceOptions,
): NDArray {
  const [count] = toShape(num, name) as [number];
  const steps = Math.max(endpoint ? count - 1 : count, 1);
  const last = endpoint && count > 1 ? count - 1 : -1;
  if (typeof start === 'number' && typeof stop === 'number') {
    return evenly(count, start, stop, steps, last >= 0, dtype ?? 'float32');
  }
  const [a, b] = promoteDTypes(name, [toFloating(start, name), toFloating(stop, name)]).map(strong);
  const fractions = fromFunction((i) => i / steps, count, a!.dtype);
  // Weights of both ends, so that the ends themselves are exact.
  const rank = Math.max(a!.ndim, b!.ndim);
  const weight = broadcastInDim(fractions, [count, ...new Array<number>(rank).fill(1)], [0]);
  const result = add(mul(a!, add(mul(weight, -1), 1)), mul(b!, weight));
  return dtype ? convert(result, dtype) : result;
}

/** Numbers that JavaScript computes in less time than a call takes. */
const fewNumbers = 32;

/** Numbers from `start` on in so many steps to `stop`, which is the last of them if it is among them. */
function evenly(count: number, start: number, stop: number, steps: number, isEnd: boolean, dtype: DType): NDArray {
  const width = stop - start;
  if (!isFloating(dtype))
    return fromFunction((i) => (isEnd && i === count - 1 ? stop : start + (width * i) / steps), count, dtype);
  if (count > fewNumbers && isPrebuiltReady() && !interpretOnly)
    return new NDArray(
      shapedArray([count], dtype),
      spacedCell(dtype, count, start, width, steps, isEnd ? stop : undefined),
    );
  // Written out: a function called for each element takes several times as long.
  const values = allocate(dtype, count);
  for (let i = 0; i < count; i++) values[i] = start + (width * i) / steps;
  if (isEnd) values[count - 1] = stop;
  return fromData(values, [count], dtype);
}

export interface LogspaceOptions extends LinspaceOptions {
  /** Default 10. */
  base?: number;
}

/** Numbers whose logarithms to `base` are evenly spaced: from baseˢᵗᵃʳᵗ to baseˢᵗᵒᵖ. */
export const logspace: (
  start: ArrayLike,
  stop: ArrayLike,
  num?: number | LogspaceOptions,
  options?: LogspaceOptions,
) => NDArray = kept((start, stop, num, options) => {
  const [count, given] = spacingOf('logspace', num, options, ['base']);
  checkNumbers('logspace', given, ['base']);
  const { base = 10, endpoint = true, dtype } = given;
  const steps: LinspaceOptions = { endpoint, ...(dtype === 'float64' && { dtype }) };
  const result = power(base, linspaceNamed('logspace', start, stop, count, steps));
  return dtype ? convert(result, dtype) : result;
});

/** `start`·`factor`(i) for i from 0 to `count`, where factors of sums are products: in rows, for which few are computed. */
function geometric(count: number, start: number, factor: (i: number) => number, dtype: DType): TypedArray {
  const width = Math.ceil(Math.sqrt(count));
  const row = Float64Array.from({ length: width }, (_, k) => factor(k));
  const values = allocate(dtype, count);
  for (let first = 0; first < count; first += width) {
    const head = start * factor(first);
    const n = Math.min(width, count - first);
    for (let k = 0; k < n; k++) values[first + k] = head * row[k]!;
  }
  return values;
}

/** Numbers in geometric progression from `start` to `stop`, which have one sign and are not 0. */
export const geomspace: (
  start: number,
  stop: number,
  num?: number | LinspaceOptions,
  options?: LinspaceOptions,
) => NDArray = kept((start, stop, num, options) => {
  const [wanted, { endpoint = true, dtype }] = spacingOf('geomspace', num, options);
  checkNumbers('geomspace', { start, stop }, ['start', 'stop']);
  const [count] = toShape(wanted, 'geomspace') as [number];
  if (!(Math.sign(start) * Math.sign(stop) > 0))
    throw new ShapeError(`geomspace: ${start} and ${stop} must have one sign and not be 0.`);
  const steps = Math.max(endpoint ? count - 1 : count, 1);
  const last = endpoint && count > 1 ? count - 1 : -1;
  const type = dtype ?? 'float32';
  const ratio = stop / start;
  const isInRange = ratio >= 2 ** -1022 && Number.isFinite(ratio);
  // Where the ratio is no number, its root is.
  const root = Math.sqrt(Math.abs(stop)) / Math.sqrt(Math.abs(start));
  const value = (i: number): number =>
    isInRange ? start * ratio ** (i / steps) : start * root ** (i / steps) * root ** (i / steps);
  if (!isInRange || count <= fewNumbers || !isFloating(type))
    return fromFunction((i) => (i === last ? stop : value(i)), count, type);
  const values = geometric(count, start, (i) => exactPower(ratio, i / steps), type);
  if (last >= 0) values[last] = stop;
  return fromData(values, [count], type);
});

/**
 * Coordinate arrays of a grid from the coordinates along each axis.
 *
 * @example
 * const [x, y] = np.meshgrid([np.arange(3), np.arange(2)]); // both i32[2,3]
 */
export function meshgrid(
  axes: readonly ArrayLike[],
  given: { indexing?: 'xy' | 'ij'; sparse?: boolean } = {},
): NDArray[] {
  checkList('meshgrid', 'the first argument', axes);
  const { indexing = 'xy', sparse = false } = optionsOf('meshgrid', given, ['indexing', 'sparse']);
  checkChoice('meshgrid', 'indexing', indexing, ['xy', 'ij']);
  const values = axes.map((x) => strong(toValue(x, 'meshgrid')));
  for (const v of values) if (v.ndim > 1) throw new ShapeError(`meshgrid: needs vectors, but got ${v.aval}.`);
  // With 'xy' the first two axes of the grid are exchanged.
  const place = (i: number) => (indexing === 'xy' && values.length > 1 && i < 2 ? 1 - i : i);
  const lengths = values.map((v) => v.size);
  const shape = lengths.map((_, axis) => lengths[place(axis)]!);
  return values.map((v, i) => {
    const target = sparse ? shape.map((n, axis) => (axis === place(i) ? n : 1)) : shape;
    return broadcastInDim(v.ndim === 0 ? broadcastTo(v, [1]) : v, target, [place(i)]);
  });
}
