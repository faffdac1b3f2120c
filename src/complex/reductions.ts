/** Folds of complex arrays that are not linear; sums and means are those of the parts. */
import type { NDArray } from '../array.ts';
import { optionsOf } from '../core/options.ts';
import type { Value } from '../core/trace.ts';
import { add, sqrt } from '../lax/arithmetic.ts';
import { associativeScanValues } from '../lax/associative-scan.ts';
import { select } from '../lax/compare.ts';
import { full } from '../lax/creation.ts';
import { broadcastTo, reshape, transpose } from '../lax/movement.ts';
import { type Planes, product } from '../lax/planes.ts';
import { reduceAxes } from '../lax/reductions.ts';
import { concatenate, slice } from '../lax/slicing.ts';
import { type MeanOptions, mean as realMean, type VarOptions, variance, varOptions } from '../numpy/averages.ts';
import { cumsum as realCumsum, type ScanOptions } from '../numpy/numeric.ts';
import { type MaskedOptions, sum as realSum, type SumOptions, withMask } from '../numpy/reductions.ts';
import { axisOf } from '../numpy/shape.ts';
import { multiply } from './arithmetic.ts';
import { ComplexArray, type ComplexDType, type ComplexLike } from './complex-array.ts';
import { planesOf, planewise } from './operands.ts';
import { isComplexDType, partDType, partOptions, planar } from './overload.ts';

export interface ComplexSumOptions extends Omit<SumOptions, 'dtype' | 'initial'> {
  dtype?: ComplexDType;
  initial?: ComplexLike;
}

export interface ComplexMeanOptions extends MaskedOptions {
  dtype?: ComplexDType;
}

export interface ComplexVarOptions extends ComplexMeanOptions {
  ddof?: number;
}

export const sum: (z: ComplexArray, options?: ComplexSumOptions) => ComplexArray = planar('sum', realSum as never, {
  options: ['initial'],
});
export const mean: (z: ComplexArray, options?: ComplexMeanOptions) => ComplexArray = planar('mean', realMean as never);
export const cumsum: (z: ComplexArray, options?: ScanOptions) => ComplexArray = planar('cumsum', realCumsum as never);

/** The variance of a complex array is that of its real parts plus that of its imaginary ones. */
export function varNamed(name: string): (z: ComplexArray, options?: ComplexVarOptions) => NDArray {
  return (z, options = {}) => {
    const given: VarOptions = varOptions(name, partOptions(name, options as MeanOptions));
    return add(variance(z.real, given), variance(z.imag, given));
  };
}
const variances: (z: ComplexArray, options?: ComplexVarOptions) => NDArray = varNamed('var');

export { variances as var };

const deviation = varNamed('std');
export const std = (z: ComplexArray, options?: ComplexVarOptions): NDArray => sqrt(deviation(z, options));

/** Products of the two halves of the first axis, until one is left. */
const foldedProduct = planewise((a: Value, b: Value): Planes => {
  let [re, im] = [a, b];
  if (re.shape[0] === 0) {
    const rest = re.shape.slice(1);
    return [full(rest, 1, re.dtype), full(rest, 0, re.dtype)];
  }
  const rows = (x: Value, from: number, to: number): Value =>
    slice(x, [from, ...x.shape.slice(1).map(() => 0)], [to, ...x.shape.slice(1)]);
  while (re.shape[0]! > 1) {
    const n = re.shape[0]!;
    const half = Math.floor(n / 2);
    const [x, y] = product(
      [rows(re, 0, half), rows(im, 0, half)],
      [rows(re, half, 2 * half), rows(im, half, 2 * half)],
    );
    const odd = n % 2 === 1;
    re = odd ? concatenate([x, rows(re, n - 1, n)], 0) : x;
    im = odd ? concatenate([y, rows(im, n - 1, n)], 0) : y;
  }
  const rest = re.shape.slice(1);
  return [reshape(re, rest), reshape(im, rest)];
});

/** The product over axes. */
export function prod(z: ComplexArray, options: ComplexSumOptions = {}): ComplexArray {
  const { axis, keepdims, dtype, where, initial } = optionsOf('prod', options as SumOptions & ComplexSumOptions, [
    'axis',
    'keepdims',
    'where',
    'initial',
    'dtype',
  ]);
  let [re, im] = planesOf('prod', z);
  if (dtype !== undefined) {
    partOptions('prod', { dtype });
    if (isComplexDType(dtype)) [re, im] = [re.astype(partDType(dtype)), im.astype(partDType(dtype))];
  }
  if (where !== undefined) {
    const [x, mask] = withMask('prod', re, where);
    [re, im] = [select(mask, x, 1), select(mask, broadcastTo(im, x.shape), 0)];
  }
  const axes = reduceAxes('prod', re, axis);
  const kept = re.shape.map((_, i) => i).filter((i) => !axes.includes(i));
  const lengths = kept.map((i) => re.shape[i]!);
  const count = axes.reduce((n, i) => n * re.shape[i]!, 1);
  const front = (x: Value): Value => reshape(transpose(x, [...axes, ...kept]), [count, ...lengths]);
  const shape = keepdims ? re.shape.map((n, i) => (axes.includes(i) ? 1 : n)) : lengths;
  const folded = foldedProduct(front(re), front(im));
  const result = new ComplexArray(reshape(folded.real, shape), reshape(folded.imag, shape));
  return initial === undefined ? result : multiply(result, initial);
}

/** Running products along an axis. */
export function cumprod(z: ComplexArray, given: ScanOptions = {}): ComplexArray {
  const { axis = null } = optionsOf('cumprod', given, ['axis']);
  const [a, b] = planesOf('cumprod', z);
  const [re, im] = axis === null ? [reshape(a, [-1]), reshape(b, [-1])] : [a, b];
  const along = axisOf(re, axis ?? 0, 'cumprod');
  const pairs = associativeScanValues(([p, q], [r, s]) => product([p!, q!], [r!, s!]), [re, im], [along, along]);
  return new ComplexArray(pairs[0]!, pairs[1]!);
}
