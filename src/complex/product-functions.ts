/** NumPy's products of vectors and matrices, of real and of complex ones. */
import type { NDArray } from '../array.ts';
import { einsum as realEinsum } from '../numpy/einsum.ts';
import * as numeric from '../numpy/numeric.ts';
import * as real from '../numpy/products.ts';
import type { ComplexArray, ComplexLike } from './complex-array.ts';
import { hasComplex, type Overloaded, type OverloadedPair, overloaded2, type Planar2 } from './overload.ts';
import * as complex from './products.ts';

type Pair = OverloadedPair<typeof real.dot>;

/** A product with options. */
const pairing = <F extends (x: any, y: any, options?: any) => NDArray>(
  f: F,
  ofComplex: (x: ComplexLike, y: ComplexLike, options?: any) => ComplexArray,
): Planar2<F> =>
  ((x: any, y: any, ...rest: any[]) =>
    hasComplex(x) || hasComplex(y) ? ofComplex(x, y, ...rest) : f(x, y, ...rest)) as never;

/**
 * The dot product: of vectors their inner product, of matrices their product; else the sum over the last axis of `x` and
 * the last but one of `y`. A number multiplies.
 *
 * @throws ShapeError when the lengths differ
 */
export const dot: Pair = overloaded2('dot', real.dot, complex.dot);
/** The inner product of all elements as vectors; the conjugates of the first ones. */
export const vdot: Pair = overloaded2('vdot', real.vdot, complex.vdot);
/** The sum of products over the last axes. */
export const inner: Pair = overloaded2('inner', real.inner, complex.inner);
/** All products of an element of `x` with one of `y`: a matrix. */
export const outer: Pair = overloaded2('outer', real.outer, complex.outer);
/**
 * The product of matrices, or of stacks of matrices whose leading axes broadcast. A vector is a row on the left and a
 * column on the right.
 *
 * @example
 * np.matmul(np.ones([5, 2, 3]), np.ones([3, 4])); // f32[5,2,4]
 * @throws ShapeError when the shapes do not fit, or on numbers
 */
export const matmul: Pair = overloaded2('matmul', real.matmul, complex.matmul);
/** The products of stacks of matrices with stacks of vectors, whose leading axes broadcast. */
export const matvec: Pair = overloaded2('matvec', real.matvec, complex.matvec);
/** The products of stacks of vectors with stacks of matrices, whose leading axes broadcast. */
export const vecmat: Pair = overloaded2('vecmat', real.vecmat, complex.vecmat);
/** The Kronecker product: blocks x[i, j] · y. */
export const kron: Pair = overloaded2('kron', real.kron, complex.kron);
/** Inner products of stacks of vectors along `axis`, the last when left out; of the conjugates of the first ones. */
export const vecdot: Planar2<typeof real.vecdot> = pairing(real.vecdot, complex.vecdot);
/** The sum of products over several axes. */
export const tensordot: Planar2<typeof real.tensordot> = pairing(real.tensordot, complex.tensordot);
/** The cross product of vectors of length 3 along `axis`, the last when left out. */
export const cross: Planar2<typeof real.cross> = pairing(real.cross, complex.cross);
/** The convolution of two vectors: of each shift, the sum of products with the shorter one reversed. */
export const convolve: Planar2<typeof numeric.convolve> = pairing(numeric.convolve, complex.convolve);
/** The correlation of two vectors, of which the second one is conjugated. */
export const correlate: Planar2<typeof numeric.correlate> = pairing(numeric.correlate, complex.correlate);

/**
 * The sum of products that `subscripts` describe: a letter per axis of each operand, separated by commas, and after
 * `->` the axes of the result. Letters missing there are summed over; a letter twice in one operand takes a diagonal;
 * `...` stands for axes that broadcast. Without `->`, the letters that occur once, in alphabetical order.
 * Operands are combined from left to right.
 *
 * @example
 * np.einsum('ij,jk->ik', a, b); // a matrix product
 * np.einsum('bij,bj->bi', stack, vectors); // each matrix with its vector
 * np.einsum('ii', a); // the trace
 * @throws ShapeError when subscripts and shapes do not fit
 */
export const einsum: Overloaded<
  typeof realEinsum,
  (subscripts: string, ...operands: readonly ComplexLike[]) => ComplexArray
> = ((subscripts: string, ...operands: any[]) =>
  operands.some(hasComplex) ? complex.einsum(subscripts, ...operands) : realEinsum(subscripts, ...operands)) as never;
