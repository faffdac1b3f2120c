/** Running folds, differences, interpolation, convolution, covariance. */
import type { ArrayLike, NDArray } from '../array.ts';
import type { DType } from '../core/dtype.ts';
import { ShapeError } from '../core/errors.ts';
import { checkChoice, checkNumbers, optionsOf } from '../core/options.ts';
import { recorded } from '../core/recorded.ts';
import { checkCount, range } from '../core/shape.ts';
import type { Value } from '../core/trace.ts';
import { abs, add, div, mul, sub } from '../lax/arithmetic.ts';
import { eq, gt, lt, ne, select } from '../lax/compare.ts';
import { conv } from '../lax/conv-functions.ts';
import { convert } from '../lax/convert.ts';
import { full } from '../lax/creation.ts';
import * as cumulative from '../lax/cumulative.ts';
import { takeFromFront } from '../lax/indexing.ts';
import { and } from '../lax/logic.ts';
import { broadcastTo, reshape } from '../lax/movement.ts';
import * as slicing from '../lax/slicing.ts';
import { stopGradient } from '../lax/stop-gradient.ts';
import { promoteDTypes, toFloating, toValue } from '../promote.ts';
import { strong } from './array.ts';
import { mean } from './averages.ts';
import { clip, mod } from './elementwise.ts';
import { take } from './indexing.ts';
import { concatenate } from './joining.ts';
import { diagonalOf } from './matrices.ts';
import { factors, matmul, outer } from './products.ts';
import { searchsorted } from './search.ts';
import { axisOf, flip, moveaxis, operand, ravel } from './shape.ts';

export interface ScanOptions {
  /** The axis to run along; the elements as a vector when left out. */
  axis?: number | null;
}

const running = (
  name: string,
  fold: (x: Value, options: { axis: number }) => Value,
): ((x: ArrayLike, options?: ScanOptions) => NDArray) =>
  recorded((x, given = {}) => {
    const { axis = null } = optionsOf(name, given, ['axis']);
    const operandOf = operand(x, name);
    const input = axis === null ? ravel(operandOf) : operandOf;
    const value = input.aval.dtype === 'bool' ? convert(input, 'int32') : input;
    return fold(value, { axis: axisOf(value, axis ?? 0, name) });
  });
/** Running sums. */
export const cumsum: (x: ArrayLike, options?: ScanOptions) => NDArray = running('cumsum', cumulative.cumsum);
/** Running products. */
export const cumprod: (x: ArrayLike, options?: ScanOptions) => NDArray = running('cumprod', cumulative.cumprod);
export interface CumulativeOptions {
  /** The axis to run along; only a vector does without. */
  axis?: number;
  /** The dtype to compute and return. */
  dtype?: DType;
  /** Begin with the neutral element, 0 or 1: the result has one element more. */
  includeInitial?: boolean;
}

const cumulativeFold = (
  name: string,
  fold: (x: Value, options: { axis: number }) => Value,
  neutral: number,
): ((x: ArrayLike, options?: CumulativeOptions) => NDArray) =>
  recorded((x, given = {}) => {
    const { axis, dtype, includeInitial = false } = optionsOf(name, given, ['axis', 'dtype', 'includeInitial']);
    const value = strong(operand(x, name));
    if (axis === undefined && value.ndim !== 1)
      throw new ShapeError(`${name}: an axis must be given for ${value.aval}, which is not a vector.`);
    const typed = convert(value, dtype ?? (value.aval.dtype === 'bool' ? 'int32' : value.aval.dtype));
    const along = axisOf(typed, axis ?? 0, name);
    const result = fold(typed, { axis: along });
    if (!includeInitial) return result;
    const first = typed.shape.map((n, i) => (i === along ? 1 : n));
    return slicing.concatenate([full(first, neutral, typed.aval.dtype), result], along);
  });
/** Running sums, under the array standard's name. */
export const cumulativeSum: (x: ArrayLike, options?: CumulativeOptions) => NDArray = cumulativeFold(
  'cumulativeSum',
  cumulative.cumsum,
  0,
);
/** Running products, under the array standard's name. */
export const cumulativeProd: (x: ArrayLike, options?: CumulativeOptions) => NDArray = cumulativeFold(
  'cumulativeProd',
  cumulative.cumprod,
  1,
);
const withoutNaN =
  (fold: (x: Value, options: { axis: number }) => Value, neutral: number) =>
  (x: Value, options: { axis: number }): Value =>
    fold(x.aval.isFloating ? select(ne(x, x), neutral, x) : x, options);
/** Running sums in which NaN counts as 0. */
export const nancumsum: (x: ArrayLike, options?: ScanOptions) => NDArray = running(
  'nancumsum',
  withoutNaN(cumulative.cumsum, 0),
);
/** Running products in which NaN counts as 1. */
export const nancumprod: (x: ArrayLike, options?: ScanOptions) => NDArray = running(
  'nancumprod',
  withoutNaN(cumulative.cumprod, 1),
);

/** Elements `from` (inclusive) to `to` along an axis; negative ones count from the end. */
function span(x: Value, axis: number, from: number, to: number | null = null, step = 1): Value {
  const n = x.shape[axis]!;
  const bound = (i: number) => Math.min(Math.max(i < 0 ? i + n : i, 0), n);
  return slicing.slice(
    x,
    x.shape.map((_, a) => (a === axis ? bound(from) : 0)),
    x.shape.map((m, a) => (a === axis ? Math.max(bound(from), to === null ? n : bound(to)) : m)),
    x.shape.map((_, a) => (a === axis ? step : 1)),
  );
}

/** Differences of neighbours along an axis, `n` times. */
export const diff: (
  x: ArrayLike,
  given?: { n?: number; axis?: number; prepend?: ArrayLike; append?: ArrayLike },
) => NDArray = recorded((x, given = {}) => {
  const { n = 1, axis = -1, prepend, append } = optionsOf('diff', given, ['n', 'axis', 'prepend', 'append']);
  const count = checkCount(n, 'diff', 'n');
  let value = operand(x, 'diff');
  const along = axisOf(value, axis, 'diff');
  const edge = (v: ArrayLike) => {
    const [e] = promoteDTypes('diff', [v, value]) as [Value, Value];
    if (e.ndim > 0) return e;
    return broadcastTo(
      e,
      value.shape.map((m, i) => (i === along ? 1 : m)),
    );
  };
  const parts = [prepend, value, append].filter((p): p is ArrayLike => p !== undefined);
  if (parts.length > 1)
    value = concatenate(
      parts.map((p) => (p === value ? p : edge(p))),
      { axis: along },
    );
  for (let i = 0; i < count; i++) {
    const [after, before] = [span(value, along, 1), span(value, along, 0, -1)];
    value = value.aval.dtype === 'bool' ? ne(after, before) : sub(after, before);
  }
  return value;
});

/** Differences of neighbours of a vector: the elements of `x` as they come. */
export const ediff1d = (x: ArrayLike): NDArray => diff(ravel(toValue(x, 'ediff1d')));

const gradientAlong: (x: Value, spacing: ArrayLike, axis: number) => NDArray = recorded((x, spacing, a) => {
  const value = strong(toFloating(x, 'gradient'));
  const n = value.shape[a]!;
  if (n < 2) throw new ShapeError(`gradient: axis ${a} of ${value.aval} needs at least two elements.`);
  const inside = mul(sub(span(value, a, 2), span(value, a, 0, -2)), 0.5);
  const first = sub(span(value, a, 1, 2), span(value, a, 0, 1));
  const last = sub(span(value, a, n - 1), span(value, a, n - 2, n - 1));
  const differences = slicing.concatenate([first, inside, last], a);
  return spacing === 1 ? differences : div(differences, spacing);
});

/**
 * Derivatives by central differences inside and one-sided differences at the ends, along each axis or those named.
 * One array for one axis, else a list. `spacing` is the distance of samples.
 */
export function gradient(x: ArrayLike, given: { spacing?: ArrayLike; axis?: number } = {}): NDArray | NDArray[] {
  const { spacing = 1, axis } = optionsOf('gradient', given, ['spacing', 'axis']);
  const value = toValue(x, 'gradient');
  toValue(spacing, 'gradient');
  const along = (a: number): NDArray => gradientAlong(value, spacing, a);
  if (axis !== undefined) return along(axisOf(value, axis, 'gradient'));
  return value.ndim === 1 ? along(0) : range(value.ndim).map(along);
}

/** The integral by the trapezoidal rule along an axis, of samples at `x` or `dx` apart. */
export const trapezoid: (y: ArrayLike, given?: { x?: ArrayLike; dx?: ArrayLike; axis?: number }) => NDArray = recorded(
  (y, given = {}) => {
    const { x, dx = 1, axis = -1 } = optionsOf('trapezoid', given, ['x', 'dx', 'axis']);
    const value = moveaxis(strong(toFloating(y, 'trapezoid')), axis, -1);
    toValue(dx, 'trapezoid');
    const last = value.ndim - 1;
    const pairs = add(span(value, last, 1), span(value, last, 0, -1));
    const widths = x === undefined ? dx : diff(toValue(x, 'trapezoid').ndim === 1 ? x : moveaxis(x, axis, -1));
    return mul(mul(pairs, widths), 0.5).sum({ axis: -1 });
  },
);

/**
 * Jumps between neighbours along an axis that are larger than `discont` (half a period when left out) replaced by those that
 * differ from them by whole periods and are at most half a one: a phase without its jumps.
 *
 * @example
 * np.unwrap(np.array([0, 3, -3])); // [0. 3. 3.2831855]
 */
export const unwrap: (x: ArrayLike, given?: { discont?: number; axis?: number; period?: number }) => NDArray = recorded(
  (x, given = {}) => {
    const { axis = -1, period = 2 * Math.PI, discont } = optionsOf('unwrap', given, ['discont', 'axis', 'period']);
    checkNumbers('unwrap', given, ['discont', 'period']);
    const value = strong(toFloating(x, 'unwrap'));
    const along = axisOf(value, axis, 'unwrap');
    const jumps = diff(value, { axis: along });
    const half = period / 2;
    const wrapped = sub(mod(add(jumps, half), period), half);
    // A jump of half a period keeps its direction.
    const least = select(and(eq(wrapped, -half), gt(jumps, 0)), half, wrapped);
    const correction = select(lt(abs(jumps), Math.max(discont ?? half, half)), 0, sub(least, jumps));
    const shifts = cumulative.cumsum(correction, { axis: along });
    return add(value, concatenate([zerosOfFirst(value, along), shifts], { axis: along }));
  },
);

const zerosOfFirst = (x: Value, axis: number): Value => mul(stopGradient(span(x, axis, 0, 1)), 0);

export interface InterpOptions {
  /** Values left and right of the samples; those of the ends when left out. */
  left?: ArrayLike;
  right?: ArrayLike;
}

type At = (v: Value) => Value;

/** Linear interpolation at `x` between samples `fp` at increasing positions `xp`. */
export const interp: (x: ArrayLike, xp: ArrayLike, fp: ArrayLike, given?: InterpOptions) => NDArray = recorded(
  (x, xp, fp, given = {}) => {
    const { left, right } = optionsOf('interp', given, ['left', 'right']);
    for (const end of [left, right]) if (end !== undefined) toValue(end, 'interp');
    const [at, positions, values] = promoteDTypes(
      'interp',
      [x, xp, fp].map((v) => toFloating(v, 'interp')),
    ).map(strong) as [Value, Value, Value];
    if (positions.ndim !== 1 || values.ndim !== 1 || positions.size !== values.size || positions.size === 0) {
      throw new ShapeError(
        `interp: samples ${positions.aval} and ${values.aval} must be vectors of one length, not empty.`,
      );
    }
    const n = positions.size;
    if (n === 1) return add(mul(at, 0), take(values, [0]).reshape([]));
    // Beyond the first and the last sample the pieces next to them are continued.
    const piece = searchsorted(span(positions, 0, 1, n - 1), at, { side: 'right' });
    const below = (v: Value): Value => takeFromFront(v, piece, 0);
    const above = (v: Value): Value => takeFromFront(span(v, 0, 1), piece, 0);
    const [x0, x1] = [below(positions), above(positions)];
    const [f0, f1] = [below(values), above(values)];
    const width = sub(x1, x0);
    const flat = eq(width, 0);
    let result = select(flat, f0, add(f0, mul(div(sub(at, x0), select(flat, 1, width)), sub(f1, f0))));
    const [from, to] = [0, n - 1].map((k) => (v: Value) => reshape(span(v, 0, k, k + 1), [])) as [At, At];
    result = select(lt(at, from(positions)), left ?? from(values), result);
    return select(gt(at, to(positions)), right ?? to(values), result);
  },
);

export type ConvolveMode = 'full' | 'same' | 'valid';

/** The convolution of two vectors: of each shift, the sum of products with the shorter one reversed. */
export function convolve(x: ArrayLike, y: ArrayLike, given: { mode?: ConvolveMode } = {}): NDArray {
  const { mode = 'full' } = optionsOf('convolve', given, ['mode']);
  return slide('convolve', x, y, mode, true);
}

/** The correlation of two vectors. */
export function correlate(x: ArrayLike, y: ArrayLike, given: { mode?: ConvolveMode } = {}): NDArray {
  const { mode = 'valid' } = optionsOf('correlate', given, ['mode']);
  return slide('correlate', x, y, mode, false);
}

const slide: (name: string, x: ArrayLike, y: ArrayLike, mode: ConvolveMode, reversed: boolean) => NDArray = recorded(
  (name, x, y, mode, reversed) => {
    checkChoice(name, 'mode', mode, ['full', 'same', 'valid']);
    let [a, b] = factors(name, [x, y]) as [Value, Value];
    if (a.ndim !== 1 || b.ndim !== 1 || a.size === 0 || b.size === 0) {
      throw new ShapeError(`${name}: needs vectors that are not empty, but got ${a.aval} and ${b.aval}.`);
    }
    // Correlation is convolution with the second vector reversed; convolution commutes, so that the longer comes first.
    if (!reversed) b = flip(b);
    const [n, m] = [Math.max(a.size, b.size), Math.min(a.size, b.size)];
    const [long, short] = a.size >= b.size ? [a, b] : [b, a];
    const length = mode === 'full' ? n + m - 1 : mode === 'same' ? n : n - m + 1;
    const sameStart = reversed || a.size >= b.size ? Math.floor((m - 1) / 2) : Math.ceil((m - 1) / 2);
    const start = mode === 'full' ? 0 : mode === 'same' ? sameStart : m - 1;
    const sums = conv(reshape(long, [1, 1, n]), reshape(flip(short), [1, 1, m]), {
      padding: [[m - 1 - start, start + length - n]],
    });
    return reshape(sums, [length]);
  },
);

/** The covariance matrix of variables in rows and observations in columns. */
export const cov: (x: ArrayLike, given?: { ddof?: number; rowvar?: boolean }) => NDArray = recorded((x, given = {}) => {
  const { ddof = 1, rowvar = true } = optionsOf('cov', given, ['ddof', 'rowvar']);
  checkNumbers('cov', given, ['ddof']);
  return covariance('cov', x, ddof, rowvar);
});

function covariance(name: string, x: ArrayLike, ddof: number, rowvar: boolean): NDArray {
  let value = strong(toFloating(x, name));
  if (value.ndim > 2) throw new ShapeError(`${name}: needs a vector or a matrix, but got ${value.aval}.`);
  if (value.ndim < 2) value = reshape(value, [1, value.size]);
  else if (!rowvar) value = value.T;
  const centred = sub(value, mean(value, { axis: 1, keepdims: true }));
  const result = div(matmul(centred, centred.T), value.shape[1]! - ddof);
  return result.size === 1 ? reshape(result, []) : result;
}

/** The correlation coefficients of variables in rows. */
export const corrcoef: (x: ArrayLike, given?: { rowvar?: boolean }) => NDArray = recorded((x, given = {}) => {
  const { rowvar = true } = optionsOf('corrcoef', given, ['rowvar']);
  const between = covariance('corrcoef', x, 1, rowvar);
  if (between.ndim === 0) return div(between, between);
  const deviation = diagonalOf('corrcoef', between, 0, 0, 1).sqrt();
  return clip(div(between, outer(deviation, deviation)), -1, 1);
});
