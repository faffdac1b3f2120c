/** Arrays put together, taken apart, repeated and padded. */
import type { ArrayLike, NDArray } from '../array.ts';
import { CotangentError, ShapeError } from '../core/errors.ts';
import { checkIntegers, checkList, naming, optionsOf } from '../core/options.ts';
import { recorded, recordedList } from '../core/recorded.ts';
import { checkCount, checkShape, normalizeAxis, range, type ShapeLike, sameShape, sizeOf } from '../core/shape.ts';
import type { Value } from '../core/trace.ts';
import { convert } from '../lax/convert.ts';
import { full } from '../lax/creation.ts';
import { broadcastInDim, reshape } from '../lax/movement.ts';
import * as slicing from '../lax/slicing.ts';
import { promoteDTypes, toValue } from '../promote.ts';
import { type DTypeOption, strong } from './array.ts';
import { take } from './indexing.ts';
import { atleast1d, atleast2d, atleast3d, axisOf, operand, ravel } from './shape.ts';

export interface AxisOption {
  axis?: number | null;
}

function operands(arrays: readonly ArrayLike[], operation: string): Value[] {
  if (!Array.isArray(arrays) || arrays.length === 0) {
    throw new ShapeError(`${operation}: needs a list of at least one array.`, {
      hint: Array.isArray(arrays) ? undefined : `put the arrays into a list: \`np.${operation}([x, y])\``,
    });
  }
  return promoteDTypes(operation, arrays).map(strong);
}

const list = (values: readonly Value[]): string =>
  values.length < 2
    ? String(values[0]?.aval)
    : `${values
        .slice(0, -1)
        .map((v) => v.aval)
        .join(', ')} and ${values.at(-1)!.aval}`;

function join(values: readonly Value[], axis: number, operation: string): NDArray {
  const first = values[0]!;
  const along = axisOf(first, axis, operation);
  for (const v of values) {
    if (v.ndim !== first.ndim || v.shape.some((n, i) => i !== along && n !== first.shape[i])) {
      throw new ShapeError(`${operation}: ${list(values)} differ in more than axis ${along}.`);
    }
  }
  return values.length === 1 ? first : slicing.concatenate(values, along);
}

/** Arrays one after the other along an axis; `axis: null` joins their elements as vectors. */
export const concatenate: (arrays: readonly ArrayLike[], options?: AxisOption & DTypeOption) => NDArray = recorded(
  (arrays, options = {}) => {
    const given = operands(arrays, 'concatenate');
    const { axis = 0, dtype } = optionsOf('concatenate', options, ['axis', 'dtype']);
    const values = given.map((v) => (dtype ? convert(v, dtype) : v));
    return axis === null ? join(values.map(ravel), 0, 'concatenate') : join(values, axis, 'concatenate');
  },
);

/** Arrays of one shape along a new axis. */
export const stack: (arrays: readonly ArrayLike[], options?: { axis?: number } & DTypeOption) => NDArray = recorded(
  (arrays, options = {}) => {
    const given = operands(arrays, 'stack');
    const { axis = 0, dtype } = optionsOf('stack', options, ['axis', 'dtype']);
    const values = given.map((v) => (dtype ? convert(v, dtype) : v));
    const { shape } = values[0]!;
    for (const v of values)
      if (!sameShape(v.shape, shape)) throw new ShapeError(`stack: ${list(values)} differ in shape.`);
    const at = normalizeAxis(axis, shape.length + 1);
    if (at === undefined) throw new ShapeError(`stack: axis ${axis} is out of range for stacks of ${values[0]!.aval}.`);
    const expanded = [...shape.slice(0, at), 1, ...shape.slice(at)];
    return join(
      values.map((v) => reshape(v, expanded)),
      at,
      'stack',
    );
  },
);

/** Arrays on top of each other; vectors are rows. */
export const vstack: (arrays: readonly ArrayLike[]) => NDArray = recorded((arrays) =>
  join(operands(arrays, 'vstack').map(atleast2d), 0, 'vstack'),
);
/** Arrays side by side. */
export const hstack: (arrays: readonly ArrayLike[]) => NDArray = recorded((arrays) => {
  const values = operands(arrays, 'hstack').map(atleast1d);
  return join(values, values[0]!.ndim === 1 ? 0 : 1, 'hstack');
});
/** Arrays along the third axis. */
export const dstack: (arrays: readonly ArrayLike[]) => NDArray = recorded((arrays) =>
  join(operands(arrays, 'dstack').map(atleast3d), 2, 'dstack'),
);
/** Vectors as columns of a matrix. */
export const columnStack: (arrays: readonly ArrayLike[]) => NDArray = recorded((arrays) =>
  join(
    operands(arrays, 'columnStack').map((v) => (v.ndim < 2 ? reshape(v, [v.size, 1]) : v)),
    1,
    'columnStack',
  ),
);

/** Arrays, and lists of them nested to any depth. */
export type Blocks = ArrayLike | readonly Blocks[];

/**
 * An array from blocks in nested lists: the innermost lists are joined along the last axis, those around them along the one
 * before.
 *
 * @example
 * np.block([[np.eye(2), np.zeros([2, 1])], [np.ones([1, 3])]]); // f32[3,3]
 */
export const block: (blocks: Blocks) => NDArray = recorded((blocks) => {
  const depthOf = (b: Blocks): number => (Array.isArray(b) ? 1 + Math.max(0, ...b.map(depthOf)) : 0);
  const depth = depthOf(blocks);
  let rank = depth;
  const visit = (b: Blocks): void => {
    if (Array.isArray(b)) b.forEach(visit);
    else rank = Math.max(rank, operand(b as ArrayLike, 'block').ndim);
  };
  visit(blocks);
  const joined = (b: Blocks, level: number): NDArray => {
    if (!Array.isArray(b)) {
      if (level !== depth) throw new ShapeError('block: all blocks must be nested to the same depth.');
      const value = operand(b as ArrayLike, 'block');
      return reshape(value, [...range(rank - value.ndim).map(() => 1), ...value.shape]);
    }
    if (b.length === 0) throw new ShapeError('block: a list of blocks must not be empty.');
    return join(
      promoteDTypes(
        'block',
        b.map((part) => joined(part, level + 1)),
      ),
      rank - depth + level,
      'block',
    );
  };
  return joined(blocks, 0);
});

/** `values` added at the end of an axis, or of the elements as a vector. */
export const append: (x: ArrayLike, values: ArrayLike, given?: AxisOption) => NDArray = recorded(
  (x, values, given = {}) => {
    const { axis = null } = optionsOf('append', given, ['axis']);
    const parts = operands([x, values], 'append');
    return axis === null ? join(parts.map(ravel), 0, 'append') : join(parts, axis, 'append');
  },
);

function cutAt(value: Value, bounds: readonly number[], axis: number): NDArray[] {
  const n = value.shape[axis]!;
  // Python's slices: bounds beyond the end give empty parts.
  const clipped = bounds.map((b) => Math.min(Math.max(b < 0 ? b + n : b, 0), n));
  return [0, ...clipped].map((start, i) => {
    const stop = Math.max(i < clipped.length ? clipped[i]! : n, start);
    return slicing.slice(
      value,
      value.shape.map((_, a) => (a === axis ? start : 0)),
      value.shape.map((m, a) => (a === axis ? stop : m)),
    );
  });
}

/**
 * An axis cut in equal parts, or at the given positions.
 *
 * @throws ShapeError when the length does not divide
 */
export function split(x: ArrayLike, parts: number | readonly number[], given: { axis?: number } = {}): NDArray[] {
  const { axis = 0 } = optionsOf('split', given, ['axis']);
  return equalParts('split', x, parts, axis);
}

function equalParts(operation: string, x: ArrayLike, parts: number | readonly number[], axis: number): NDArray[] {
  const value = operand(x, operation);
  const along = axisOf(value, axis, operation);
  checkIntegers(operation, 'the number or the positions of the parts', parts);
  if (typeof parts === 'number' && value.shape[along]! % parts !== 0) {
    throw new ShapeError(`${operation}: axis ${along} of ${value.aval} does not divide into ${parts} equal parts.`, {
      hint: '`np.arraySplit` allows parts of unequal length',
    });
  }
  return arraySplit(value, parts, { axis });
}

/** As `split`, but the parts may differ in length by one. */
export function arraySplit(x: ArrayLike, parts: number | readonly number[], given: { axis?: number } = {}): NDArray[] {
  const { axis = 0 } = optionsOf('arraySplit', given, ['axis']);
  const value = operand(x, 'arraySplit');
  const along = axisOf(value, axis, 'arraySplit');
  checkIntegers('arraySplit', 'the number or the positions of the parts', parts);
  if (typeof parts !== 'number') return cutAt(value, parts, along);
  if (!Number.isInteger(parts) || parts < 1) throw new ShapeError(`arraySplit: ${parts} is not a number of parts.`);
  const n = value.shape[along]!;
  const [small, larger] = [Math.floor(n / parts), n % parts];
  return cutAt(
    value,
    range(parts - 1).map((i) => (i + 1) * small + Math.min(i + 1, larger)),
    along,
  );
}
export const vsplit = (x: ArrayLike, parts: number | readonly number[]): NDArray[] => equalParts('vsplit', x, parts, 0);
export const hsplit = (x: ArrayLike, parts: number | readonly number[]): NDArray[] =>
  equalParts('hsplit', x, parts, toValue(x, 'hsplit').ndim === 1 ? 0 : 1);

export const dsplit = (x: ArrayLike, parts: number | readonly number[]): NDArray[] => equalParts('dsplit', x, parts, 2);

/** The slices along an axis, without it. */
export const unstack: (x: ArrayLike, given?: { axis?: number }) => NDArray[] = recordedList((x, given = {}) => {
  const { axis = 0 } = optionsOf('unstack', given, ['axis']);
  const value = operand(x, 'unstack');
  const along = axisOf(value, axis, 'unstack');
  const rest = value.shape.filter((_, i) => i !== along);
  return cutAt(value, range(value.shape[along]!).slice(1), along)
    .slice(0, value.shape[along]!)
    .map((part) => reshape(part, rest));
});

/** The elements over and over, until there are as many as the shape has; 0 where there are none. */
export const resize: (x: ArrayLike, shape: ShapeLike) => NDArray = recorded((x, shape) => {
  const wanted = checkShape(shape, 'resize');
  const value = ravel(operand(x, 'resize'));
  const size = sizeOf(wanted);
  if (value.size === 0) return full(wanted, 0, value.aval.dtype);
  const whole = tile(value, Math.ceil(size / value.size));
  return reshape(slicing.slice(whole, [0], [size]), wanted);
});

/** The array repeated as tiles, `reps` times per axis. */
export const tile: (x: ArrayLike, reps: number | readonly number[]) => NDArray = recorded((x, reps) => {
  const value = operand(x, 'tile');
  const counts = (Array.isArray(reps) ? reps : [reps]).map((n) => checkCount(n, 'tile', 'a number of repetitions'));
  const rank = Math.max(value.ndim, counts.length);
  const shape = [...new Array<number>(rank - value.ndim).fill(1), ...value.shape];
  const times = [...new Array<number>(rank - counts.length).fill(1), ...counts];
  // Each axis becomes a pair (repetition, position).
  const paired = shape.flatMap((n, i) => [times[i]!, n]);
  const spread = broadcastInDim(
    reshape(value, shape),
    paired,
    range(rank).map((i) => 2 * i + 1),
  );
  return reshape(
    spread,
    shape.map((n, i) => n * times[i]!),
  );
});

/** Each element repeated in place: `repeats` times, or as often as its entry in a list says. */
export const repeat: (x: ArrayLike, repeats: number | readonly number[], given?: AxisOption) => NDArray = recorded(
  (x, repeats, given = {}) => {
    const { axis = null } = optionsOf('repeat', given, ['axis']);
    const input = operand(x, 'repeat');
    const value = axis === null ? ravel(input) : input;
    const along = axisOf(value, axis ?? 0, 'repeat');
    const n = value.shape[along]!;
    const what = 'a number of repetitions';
    if (Array.isArray(repeats)) {
      if (repeats.length !== n)
        throw new ShapeError(`repeat: ${repeats.length} counts for axis ${along} of ${value.aval}.`);
      return take(
        value,
        repeats.flatMap((count, i) => new Array<number>(checkCount(count, 'repeat', what)).fill(i)),
        { axis: along },
      );
    }
    const count = checkCount(repeats, 'repeat', what);
    const { shape } = value;
    const spread = broadcastInDim(
      value,
      [...shape.slice(0, along + 1), count, ...shape.slice(along + 1)],
      range(value.ndim).map((i) => (i <= along ? i : i + 1)),
    );
    return reshape(
      spread,
      shape.map((m, i) => (i === along ? n * count : m)),
    );
  },
);

/** Elements moved along axes, those pushed out coming in at the other end; over the array as a vector if no axis is given. */
export const roll: (
  x: ArrayLike,
  shift: number | readonly number[],
  given?: { axis?: number | readonly number[] | null },
) => NDArray = recorded((x, shift, given = {}) => {
  const { axis = null } = optionsOf('roll', given, ['axis']);
  const value = operand(x, 'roll');
  checkIntegers('roll', 'the shift', shift);
  // By a multiple of the length nothing moves.
  if (axis === null && typeof shift === 'number' && shift % value.size === 0) return value;
  if (axis === null) return reshape(roll(ravel(value), shift, { axis: 0 }), value.shape);
  const axes = (typeof axis === 'number' ? [axis] : axis).map((a) => axisOf(value, a, 'roll'));
  const shifts: readonly number[] = Array.isArray(shift) ? shift : axes.map(() => shift as number);
  if (shifts.length !== axes.length || !shifts.every(Number.isInteger)) {
    throw new ShapeError(
      `roll: needs an integer shift for every axis, but got ${Array.isArray(shift) ? `[${shift.map(naming)}]` : naming(shift)}.`,
    );
  }
  return axes.reduce<NDArray>((rolled, along, i) => {
    const n = rolled.shape[along]!;
    if (n === 0) return rolled;
    const by = ((shifts[i]! % n) + n) % n;
    if (by === 0) return rolled;
    const [head, tail] = cutAt(rolled, [n - by], along);
    return slicing.concatenate([tail!, head!], along);
  }, value);
});

export interface PadOptions {
  mode?: 'constant' | 'edge' | 'reflect' | 'symmetric' | 'wrap';
  constantValues?: ArrayLike;
}

const padModes = ['constant', 'edge', 'reflect', 'symmetric', 'wrap'];

/**
 * Elements added at both ends of axes.
 * @param width one count for all, `[before, after]` for all, or a pair per axis
 */
export const pad: (
  x: ArrayLike,
  width: number | readonly [number, number] | readonly (readonly [number, number])[],
  given?: PadOptions,
) => NDArray = recorded((x, width, given = {}) => {
  const { mode = 'constant', constantValues = 0 } = optionsOf('pad', given, ['mode', 'constantValues']);
  const value = operand(x, 'pad');
  if (typeof width !== 'number') checkList('pad', 'the width', width);
  const pairs = padPairs(value, width);
  if (!padModes.includes(mode)) {
    const list = padModes.map((m) => `'${m}'`).join(', ');
    throw new CotangentError(`pad: mode must be one of ${list}, but it is ${naming(mode)}.`);
  }
  for (const n of pairs.flat()) checkCount(n, 'pad', 'a width');
  if (mode === 'constant') {
    return slicing.pad(
      value,
      convert(toValue(constantValues, 'pad'), value.dtype),
      pairs.map(([low, high]) => [low, high, 0] as const),
    );
  }
  return pairs.reduce<NDArray>((padded, [low, high], axis) => {
    if (low === 0 && high === 0) return padded;
    const n = padded.shape[axis]!;
    const positions = range(low + n + high).map((i) => sourceOf(i - low, n, mode));
    return take(padded, positions, { axis });
  }, value);
});

function padPairs(value: Value, width: Parameters<typeof pad>[1]): (readonly [number, number])[] {
  if (typeof width === 'number') return value.shape.map(() => [width, width]);
  if (typeof width[0] === 'number') return value.shape.map(() => width as readonly [number, number]);
  const pairs = width as readonly (readonly [number, number])[];
  if (pairs.length === 1) return value.shape.map(() => pairs[0]!);
  if (pairs.length !== value.ndim) throw new ShapeError(`pad: ${pairs.length} pairs of widths for ${value.aval}.`);
  return [...pairs];
}

/** Which of n elements stands at position i, which may lie outside. */
function sourceOf(i: number, n: number, mode: PadOptions['mode']): number {
  const modulo = (a: number, b: number) => ((a % b) + b) % b;
  switch (mode) {
    case 'edge':
      return Math.min(Math.max(i, 0), n - 1);
    case 'wrap':
      return modulo(i, n);
    case 'symmetric': {
      const j = modulo(i, 2 * n);
      return j < n ? j : 2 * n - 1 - j;
    }
    default: {
      if (n === 1) return 0;
      const j = modulo(i, 2 * n - 2);
      return j < n ? j : 2 * n - 2 - j;
    }
  }
}

/** Blocks along the diagonal of a matrix of zeros. */
export function blockDiag(blocks: readonly ArrayLike[]): NDArray {
  const values = operands(blocks, 'blockDiag').map(atleast2d);
  const columns = values.reduce((n, v) => n + v.shape[1]!, 0);
  let left = 0;
  const rows = values.map((v) => {
    const padded = pad(v, [
      [0, 0],
      [left, columns - left - v.shape[1]!],
    ]);
    left += v.shape[1]!;
    return padded;
  });
  return join(rows, 0, 'blockDiag');
}
