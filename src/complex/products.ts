/**
 * Products of complex vectors and matrices: four products of real ones, or two where one operand is real. Three would do
 * (Gauss), with sums that cancel: a part that is small beside the other one would lose its digits.
 */
import type { ArrayLike, NDArray } from '../array.ts';
import { add, sub } from '../lax/arithmetic.ts';
import { einsum as realEinsum } from '../numpy/einsum.ts';
import * as numeric from '../numpy/numeric.ts';
import * as real from '../numpy/products.ts';
import { conjugate } from './arithmetic.ts';
import { ComplexArray, type ComplexLike } from './complex-array.ts';
import { isComplex } from './operands.ts';

/** What is linear in both of its operands, as a function of complex ones. */
export const bilinear =
  <R extends unknown[]>(f: (x: ArrayLike, y: ArrayLike, ...rest: R) => NDArray) =>
  (x: ComplexLike, y: ComplexLike, ...rest: R): ComplexArray => {
    if (!isComplex(x)) {
      const z = y as ComplexArray;
      return new ComplexArray(f(x, z.real, ...rest), f(x, z.imag, ...rest));
    }
    if (!isComplex(y)) return new ComplexArray(f(x.real, y, ...rest), f(x.imag, y, ...rest));
    return new ComplexArray(
      sub(f(x.real, y.real, ...rest), f(x.imag, y.imag, ...rest)),
      add(f(x.real, y.imag, ...rest), f(x.imag, y.real, ...rest)),
    );
  };

const conjugated = (x: ComplexLike): ComplexLike => (isComplex(x) ? conjugate(x) : x);

type Pair<R extends unknown[] = []> = (x: ComplexLike, y: ComplexLike, ...rest: R) => ComplexArray;

export const dot: Pair = bilinear(real.dot);
export const inner: Pair = bilinear(real.inner);
export const outer: Pair = bilinear(real.outer);
export const matmul: Pair = bilinear(real.matmul);
export const matvec: Pair = bilinear(real.matvec);
export const kron: Pair = bilinear(real.kron);
export const cross: Pair<[options?: { axis?: number }]> = bilinear(real.cross);
export const tensordot: Pair<[options?: real.TensordotOptions]> = bilinear(real.tensordot);
export const convolve: Pair<[options?: { mode?: numeric.ConvolveMode }]> = bilinear(numeric.convolve);

const vdotOf = bilinear(real.vdot);
const vecdotOf = bilinear(real.vecdot);
const vecmatOf = bilinear(real.vecmat);
const correlateOf = bilinear(numeric.correlate);
/** Conjugates its first operand. */
export const vdot: Pair = (x, y) => vdotOf(conjugated(x), y);
export const vecdot: Pair<[options?: { axis?: number }]> = (x, y, options) => vecdotOf(conjugated(x), y, options);
export const vecmat: Pair = (x, y) => vecmatOf(conjugated(x), y);
/** Conjugates its second operand. */
export const correlate: Pair<[options?: { mode?: numeric.ConvolveMode }]> = (x, y, options) =>
  correlateOf(x, conjugated(y), options);

/** One operand after another is divided into its parts, so that k complex ones take 2ᵏ sums of real products. */
export function einsum(subscripts: string, ...operands: readonly ComplexLike[]): ComplexArray {
  const expand = (done: readonly ArrayLike[], rest: readonly ComplexLike[]): NDArray | ComplexArray => {
    const [next, ...others] = rest;
    if (rest.length === 0) return realEinsum(subscripts, ...done);
    if (!isComplex(next)) return expand([...done, next!], others);
    const [x, y] = [expand([...done, next.real], others), expand([...done, next.imag], others)];
    if (!isComplex(x) || !isComplex(y)) return new ComplexArray(x as NDArray, y as NDArray);
    return new ComplexArray(sub(x.real, y.imag), add(x.imag, y.real));
  };
  return expand([], operands) as ComplexArray;
}
