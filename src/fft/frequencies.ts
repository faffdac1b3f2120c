/** The frequencies that results stand for, and their order. */
import { wrappedCell } from '../../jit/eager/spaced.ts';
import { interpretOnly } from '../../jit/run.ts';
import { isPrebuiltReady } from '../../jit/runtime/prebuilt.ts';
import { type ArrayLike, NDArray } from '../array.ts';
import { ComplexArray, type ComplexLike } from '../complex/complex-array.ts';
import { shapedArray } from '../core/aval.ts';
import { allocate } from '../core/dtype.ts';
import { DtypeError, ShapeError } from '../core/errors.ts';
import { checkNumbers, naming, optionsOf } from '../core/options.ts';
import { kept } from '../core/recorded.ts';
import { roll } from '../numpy/joining.ts';
import { toValue } from '../promote.ts';
import { axesOf } from './operands.ts';

export interface FrequencyOptions {
  /** The distance from one sample to the next. Default 1. */
  d?: number;
  /** Default 'float32'. */
  dtype?: 'float32' | 'float64';
}

function frequencyOptions(
  operation: string,
  n: number,
  given: FrequencyOptions,
): { steps: number; dtype: 'float32' | 'float64' } {
  const options = optionsOf(operation, given, ['d', 'dtype']);
  const { d = 1, dtype = 'float32' } = options;
  checkNumbers(operation, options, ['d']);
  if (dtype !== 'float32' && dtype !== 'float64')
    throw new DtypeError(`${operation}: \`dtype\` must be 'float32' or 'float64', but it is ${naming(dtype)}.`);
  if (!Number.isInteger(n) || n < 1)
    throw new ShapeError(`${operation}: \`n\` must be an integer of at least 1, but it is ${naming(n)}.`);
  return { steps: n * d, dtype };
}

/** Numbers up to which they are quicker written here. */
const fewNumbers = 2048;

/** 0, 1, … and −`negative`, …, −1 after them, `count` numbers in all, divided by `steps`. */
function wrapped(count: number, negative: number, steps: number, dtype: 'float32' | 'float64'): NDArray {
  const aval = shapedArray([count], dtype);
  if (count > fewNumbers && isPrebuiltReady() && !interpretOnly)
    return new NDArray(aval, wrappedCell(dtype, count, negative, steps));
  const values = allocate(dtype, count);
  const positive = count - negative;
  for (let i = 0; i < positive; i++) values[i] = i / steps;
  for (let i = positive; i < count; i++) values[i] = (i - count) / steps;
  return NDArray.fromHost(values, aval);
}

/**
 * The frequencies that the n numbers of `fft` stand for, in cycles per unit of `d`: 0, 1, …, and from the middle on the negative
 * ones, −n/2 or −(n − 1)/2, …, −1, all divided by n·d.
 *
 * @example
 * np.fft.fftfreq(5, { d: 0.1 }); // [ 0.  2.  4. -4. -2.]
 * @throws ShapeError when `n` is less than 1
 */
export const fftfreq: (n: number, options?: FrequencyOptions) => NDArray = kept((n, options = {}) => {
  const { steps, dtype } = frequencyOptions('fftfreq', n, options);
  return wrapped(n, Math.floor(n / 2), steps, dtype);
});

/** The frequencies that the n/2 + 1 numbers of `rfft` stand for: 0, 1, …, n/2, divided by n·d. */
export const rfftfreq: (n: number, options?: FrequencyOptions) => NDArray = kept((n, options = {}) => {
  const { steps, dtype } = frequencyOptions('rfftfreq', n, options);
  return wrapped(Math.floor(n / 2) + 1, 0, steps, dtype);
});

export interface ShiftOptions {
  /** Default: all. */
  axes?: number | readonly number[] | null;
}

function shifted<X extends ComplexLike>(operation: string, x: X, given: ShiftOptions, sign: 1 | -1): X {
  const { axes } = optionsOf(operation, given, ['axes']);
  const first = x instanceof ComplexArray ? x.real : toValue(x as ArrayLike, operation);
  const list = typeof axes === 'number' ? [axes] : axes;
  const along =
    first.ndim === 0 && !list?.length ? [] : axesOf(operation, { re: first, im: undefined }, undefined, list).axes;
  const by = along.map((axis) => sign * Math.floor(first.shape[axis]! / 2));
  const moved = (plane: NDArray): NDArray => roll(plane, by, { axis: along });
  return (x instanceof ComplexArray ? new ComplexArray(moved(x.real), moved(x.imag)) : moved(first)) as X;
}

/**
 * The frequency 0 moved to the middle of the axes.
 *
 * @example
 * np.fft.fftshift(np.fft.fftfreq(5, { d: 0.2 })); // [-2. -1.  0.  1.  2.]
 */
export function fftshift(x: ComplexArray, options?: ShiftOptions): ComplexArray;
export function fftshift(x: ArrayLike, options?: ShiftOptions): NDArray;
export function fftshift(x: ComplexLike, options: ShiftOptions = {}): ComplexArray | NDArray {
  return shifted('fftshift', x, options, 1) as ComplexArray | NDArray;
}

/** The inverse of `fftshift`; they differ where an axis is odd. */
export function ifftshift(x: ComplexArray, options?: ShiftOptions): ComplexArray;
export function ifftshift(x: ArrayLike, options?: ShiftOptions): NDArray;
export function ifftshift(x: ComplexLike, options: ShiftOptions = {}): ComplexArray | NDArray {
  return shifted('ifftshift', x, options, -1) as ComplexArray | NDArray;
}
