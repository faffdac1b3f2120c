/** Discrete Fourier transforms with NumPy's names and conventions. */
import type { ArrayLike, NDArray } from '../array.ts';
import type { ComplexArray, ComplexLike } from '../complex/complex-array.ts';
import { optionsOf } from '../core/options.ts';
import {
  axesOf,
  axisOf,
  complexOf,
  type FftNorm,
  lengthOf,
  type Parts,
  partsOf,
  realPartOf,
  type Step,
  scaleOf,
  transformed,
} from './operands.ts';

export interface FftOptions {
  /** Length of the transform: the input is cut, or zeros are added at its end. Default: the length of the axis. */
  n?: number | null;
  /** Default: the last axis. */
  axis?: number;
  norm?: FftNorm;
}

export interface FftnOptions {
  /** Lengths of the transform along `axes`: the input is cut, or zeros are added. */
  s?: readonly number[] | null;
  /** Default: all axes, or the last ones, as many as `s` has lengths; the last two in two dimensions. */
  axes?: readonly number[] | null;
  norm?: FftNorm;
}

const names = ['n', 'axis', 'norm'] as const;

/** The transform along one axis. */
function alongAxis(
  operation: string,
  x: Parts,
  given: FftOptions,
  kind: 'fft' | 'rfft' | 'irfft',
  /** The sign of the exponent, and whether 'backward' scales. */
  { inverse, scales = inverse }: { inverse: boolean; scales?: boolean },
): NDArray[] {
  const { n, axis = -1, norm = 'backward' } = optionsOf(operation, given, names);
  const along = axisOf(operation, x, axis);
  const scale = scaleOf(operation, norm, scales);
  const length = lengthOf(
    operation,
    '`n`',
    x,
    along,
    n ?? (kind === 'irfft' ? wholeOf(operation, x, along) : undefined),
  );
  return transformed(x, [{ kind, axis: along, n: length, inverse, scale }]);
}

/** 2(m − 1): how many numbers m of a half stand for, if that is even. */
function wholeOf(operation: string, x: Parts, axis: number): number {
  return 2 * (lengthOf(operation, '`n`', x, axis, undefined) - 1);
}

/**
 * The discrete Fourier transform along an axis, y[k] = Σⱼ x[j]·exp(−2πi·jk/n). Of real numbers it computes half, and the
 * conjugates of that. Any length takes time in proportion to n·log n. Integers become float32.
 *
 * @example
 * const y = np.fft.fft(np.array([1, 2, 3, 4])); // f32[4] → c64[4]
 * y.real; // [10. -2. -2. -2.]
 * y.imag; // [ 0.  2.  0. -2.]
 * @throws ShapeError when the axis is out of range or empty, or `n` is less than 1
 */
export function fft(x: ComplexLike, options: FftOptions = {}): ComplexArray {
  return complexOf(alongAxis('fft', partsOf('fft', x), options, 'fft', { inverse: false }));
}

/**
 * The inverse of `fft` along an axis, x[j] = (1/n)·Σₖ y[k]·exp(2πi·jk/n).
 *
 * @example
 * np.fft.ifft(np.fft.fft(np.array([1, 2, 3, 4]))).real; // [1. 2. 3. 4.]
 */
export function ifft(x: ComplexLike, options: FftOptions = {}): ComplexArray {
  return complexOf(alongAxis('ifft', partsOf('ifft', x), options, 'fft', { inverse: true }));
}

/**
 * The first n/2 + 1 numbers of the transform of real numbers: the others are their conjugates.
 *
 * @example
 * np.fft.rfft(np.array([1, 2, 3, 4])); // f32[4] → c64[3]
 * @throws DtypeError when the numbers are complex
 */
export function rfft(x: ArrayLike, options: FftOptions = {}): ComplexArray {
  return complexOf(alongAxis('rfft', realPartOf('rfft', x), options, 'rfft', { inverse: false }));
}

/**
 * The inverse of `rfft`: n real numbers from the first n/2 + 1 of their transform. Without `n` it is even, 2·(m − 1). Imaginary
 * parts that a transform of real numbers would not have are not read.
 *
 * @example
 * np.fft.irfft(np.fft.rfft(np.array([1, 2, 3])), { n: 3 }); // [1. 2. 3.]
 */
export function irfft(x: ComplexLike, options: FftOptions = {}): NDArray {
  return alongAxis('irfft', partsOf('irfft', x), options, 'irfft', { inverse: true })[0]!;
}

/**
 * The transform, which is real, of n numbers of which x[n − j] = conj x[j], from the first n/2 + 1 of them. Without `n` it is even,
 * 2·(m − 1).
 *
 * @example
 * np.fft.hfft(np.array([1, 2, 3])); // as np.fft.fft(np.array([1, 2, 3, 2])).real
 */
export function hfft(x: ComplexLike, options: FftOptions = {}): NDArray {
  return alongAxis('hfft', partsOf('hfft', x), options, 'irfft', { inverse: false })[0]!;
}

/**
 * The inverse of `hfft`: the first n/2 + 1 numbers of the inverse transform of real numbers.
 *
 * @example
 * np.fft.ihfft(np.fft.hfft(np.array([1, 2, 3]))).real; // [1. 2. 3.]
 */
export function ihfft(x: ArrayLike, options: FftOptions = {}): ComplexArray {
  return complexOf(alongAxis('ihfft', realPartOf('ihfft', x), options, 'rfft', { inverse: true }));
}

/** Steps along several axes: the last axis first, which may be real, or, on the way back from a half, last. */
function alongAxes(
  operation: string,
  x: Parts,
  given: FftnOptions,
  kind: 'fft' | 'rfft' | 'irfft',
  inverse: boolean,
  defaultAxes?: readonly number[],
): NDArray[] {
  const { s, axes: chosen, norm = 'backward' } = optionsOf(operation, given, ['s', 'axes', 'norm']);
  const scale = scaleOf(operation, norm, inverse);
  const { axes, lengths } = axesOf(operation, x, s, chosen ?? defaultAxes);
  const steps = axes.map((axis, i): Step => {
    const isLast = i === axes.length - 1;
    const own = isLast ? kind : 'fft';
    const given = lengths[i] ?? (own === 'irfft' ? wholeOf(operation, x, axis) : undefined);
    return { kind: own, axis, n: lengthOf(operation, 'lengths in `s`', x, axis, given), inverse, scale };
  });
  return transformed(x, kind === 'irfft' ? steps : steps.reverse());
}

/**
 * The transform along several axes, by default all.
 *
 * @example
 * np.fft.fftn(np.ones([2, 3, 4]), { axes: [0, 2] }); // f32[2,3,4] → c64[2,3,4]
 * @throws ShapeError when axes are out of range, repeated or empty, or are not as many as the lengths in `s`
 */
export function fftn(x: ComplexLike, options: FftnOptions = {}): ComplexArray {
  return complexOf(alongAxes('fftn', partsOf('fftn', x), options, 'fft', false));
}

/** The inverse of `fftn`. */
export function ifftn(x: ComplexLike, options: FftnOptions = {}): ComplexArray {
  return complexOf(alongAxes('ifftn', partsOf('ifftn', x), options, 'fft', true));
}

/** `fftn` of real numbers, whose last axis has the n/2 + 1 numbers of `rfft`. */
export function rfftn(x: ArrayLike, options: FftnOptions = {}): ComplexArray {
  return complexOf(alongAxes('rfftn', realPartOf('rfftn', x), options, 'rfft', false));
}

/** The inverse of `rfftn`; without `s` the last axis becomes one of 2·(m − 1) numbers. */
export function irfftn(x: ComplexLike, options: FftnOptions = {}): NDArray {
  return alongAxes('irfftn', partsOf('irfftn', x), options, 'irfft', true)[0]!;
}

/**
 * `fftn` along two axes, by default the last two.
 *
 * @example
 * np.fft.fft2(np.ones([4, 6])); // f32[4,6] → c64[4,6]
 */
export function fft2(x: ComplexLike, options: FftnOptions = {}): ComplexArray {
  return complexOf(alongAxes('fft2', partsOf('fft2', x), options, 'fft', false, [-2, -1]));
}

/** The inverse of `fft2`. */
export function ifft2(x: ComplexLike, options: FftnOptions = {}): ComplexArray {
  return complexOf(alongAxes('ifft2', partsOf('ifft2', x), options, 'fft', true, [-2, -1]));
}

/** `rfftn` along two axes, by default the last two. */
export function rfft2(x: ArrayLike, options: FftnOptions = {}): ComplexArray {
  return complexOf(alongAxes('rfft2', realPartOf('rfft2', x), options, 'rfft', false, [-2, -1]));
}

/** The inverse of `rfft2`. */
export function irfft2(x: ComplexLike, options: FftnOptions = {}): NDArray {
  return alongAxes('irfft2', partsOf('irfft2', x), options, 'irfft', true, [-2, -1])[0]!;
}
