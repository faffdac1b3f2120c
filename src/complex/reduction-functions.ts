/** NumPy's folds, running folds and differences, of real and of complex arrays. */
import type { ArrayLike, NDArray } from '../array.ts';
import * as averages from '../numpy/averages.ts';
import * as numeric from '../numpy/numeric.ts';
import * as folds from '../numpy/reductions.ts';
import { truth } from './compare.ts';
import { ComplexArray } from './complex-array.ts';
import { type Overloaded, type Planar, planar } from './overload.ts';
import * as complex from './reductions.ts';

/** A fold with another signature for complex arrays. */
const folding = <F extends (x: ArrayLike, options?: any) => NDArray, O, R>(
  real: F,
  ofComplex: (z: ComplexArray, options?: O) => R,
): Overloaded<F, (z: ComplexArray, options?: O) => R> =>
  ((x: any, options?: any) => {
    if (x instanceof ComplexArray) return ofComplex(x, options);
    return options === undefined ? real(x) : real(x, options);
  }) as never;

/**
 * Sum over axes. Bools are counted in int32.
 *
 * @example
 * np.sum(x, { axis: 0, keepdims: true });
 */
export const sum: Overloaded<typeof folds.sum, (z: ComplexArray, options?: complex.ComplexSumOptions) => ComplexArray> =
  folding(folds.sum, complex.sum);
/** Product over axes. */
export const prod: Overloaded<
  typeof folds.prod,
  (z: ComplexArray, options?: complex.ComplexSumOptions) => ComplexArray
> = folding(folds.prod, complex.prod);
/** Arithmetic mean over axes. Integers and bools give float32. */
export const mean: Overloaded<
  typeof averages.mean,
  (z: ComplexArray, options?: complex.ComplexMeanOptions) => ComplexArray
> = folding(averages.mean, complex.mean);
type Spread = Overloaded<typeof averages.var, (z: ComplexArray, options?: complex.ComplexVarOptions) => NDArray>;
/** Variance over axes: the mean of the squared distances from the mean, which is real. */
const variance: Spread = folding(averages.var, complex.var);

export { variance as var };
/** Standard deviation over axes. */
export const std: Spread = folding(averages.std, complex.std);
/** Weighted mean over axes. */
export const average: Planar<typeof averages.average> = planar('average', averages.average) as never;

type Quantifier<F extends (...args: any[]) => any> = Overloaded<
  F,
  (z: ComplexArray, options?: Parameters<F>[1]) => NDArray
>;
/** Whether any element is not 0. */
export const any: Quantifier<typeof folds.any> = folding(folds.any, (z, options: any) => folds.any(truth(z), options));
/** Whether no element is 0. */
export const all: Quantifier<typeof folds.all> = folding(folds.all, (z, options: any) => folds.all(truth(z), options));
/** The number of elements that are not 0; int32. */
export const countNonzero: Quantifier<typeof folds.countNonzero> = folding(folds.countNonzero, (z, options: any) =>
  folds.countNonzero(truth(z), options),
);

/** Running sums. */
export const cumsum: Planar<typeof numeric.cumsum> = planar('cumsum', numeric.cumsum) as never;
/** Running sums, under the array standard's name. */
export const cumulativeSum: Planar<typeof numeric.cumulativeSum> = planar(
  'cumulativeSum',
  numeric.cumulativeSum,
) as never;
/** Running products. */
export const cumprod: Planar<typeof numeric.cumprod> = folding(numeric.cumprod, complex.cumprod);
/** Differences of neighbours along an axis, `n` times. */
export const diff: Planar<typeof numeric.diff> = planar('diff', numeric.diff, {
  options: ['prepend', 'append'],
}) as never;
/** Differences of neighbours of a vector: the elements of `x` as they come. */
export const ediff1d: Planar<typeof numeric.ediff1d> = planar('ediff1d', numeric.ediff1d) as never;
/**
 * Derivatives by central differences inside and one-sided differences at the ends, along each axis or those named.
 * One array for one axis, else a list. `spacing` is the distance of samples.
 */
export const gradient: Planar<typeof numeric.gradient> = planar('gradient', numeric.gradient) as never;
/** The integral by the trapezoidal rule along an axis, of samples at `x` or `dx` apart. */
export const trapezoid: Planar<typeof numeric.trapezoid> = planar('trapezoid', numeric.trapezoid) as never;
/** Linear interpolation at `x` between samples `fp` at increasing positions `xp`. */
export const interp: Overloaded<
  typeof numeric.interp,
  (x: ArrayLike, xp: ArrayLike, fp: ComplexArray, options?: numeric.InterpOptions) => ComplexArray
> = planar('interp', numeric.interp, { at: [2], options: ['left', 'right'] }) as never;
