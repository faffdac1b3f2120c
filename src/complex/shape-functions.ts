/** NumPy's functions that move elements, of real and of complex arrays: they are applied to real and imaginary parts. */

import type { Shape } from '../core/shape.ts';
import * as editing from '../numpy/editing.ts';
import * as indexing from '../numpy/indexing.ts';
import * as joining from '../numpy/joining.ts';
import * as matrices from '../numpy/matrices.ts';
import * as shapes from '../numpy/shape.ts';
import { truth } from './compare.ts';
import type { ComplexArray, ComplexLike } from './complex-array.ts';
import { isComplex } from './operands.ts';
import { type Overloaded, overloaded, type Planar, type Planar2, type PlanarList, planar } from './overload.ts';

type AnyFunction = (...args: any[]) => any;
/** Signatures of functions whose second argument, or list of them, has the elements. */
type PlanarSecond<F extends AnyFunction> = Overloaded<
  F,
  F extends (first: infer A, x: any, ...rest: infer R) => unknown
    ? (first: A, z: ComplexArray, ...rest: R) => ComplexArray
    : never
>;
type Chosen<F extends AnyFunction> = Overloaded<
  F,
  F extends (first: infer A, list: any, ...rest: any[]) => unknown
    ? (first: A, list: readonly ComplexLike[], otherwise?: ComplexLike) => ComplexArray
    : never
>;
/** Of functions that put their third argument into the first. */
type Inserted<F extends AnyFunction> = F extends (x: any, index: infer I, values: any, ...rest: infer R) => unknown
  ? Overloaded<
      F,
      (x: ComplexArray, index: I, values: ComplexLike, ...rest: R) => ComplexArray,
      (x: ComplexLike, index: I, values: ComplexArray, ...rest: R) => ComplexArray
    >
  : never;

/**
 * The same elements, row-major, in another shape; one length may be −1.
 *
 * @throws ShapeError when the number of elements differs
 */
export const reshape: Planar<typeof shapes.reshape> = planar('reshape', shapes.reshape) as never;
/** The elements as a vector. */
export const ravel: Planar<typeof shapes.ravel> = planar('ravel', shapes.ravel) as never;
/** Axes in another order; reversed when none is given. */
export const transpose: Planar<typeof shapes.transpose> = planar('transpose', shapes.transpose) as never;
export const permuteDims: typeof transpose = transpose;
/** The last two axes exchanged, for stacks of matrices. */
export const matrixTranspose: Planar<typeof shapes.matrixTranspose> = planar(
  'matrixTranspose',
  shapes.matrixTranspose,
) as never;
/** Axes `source` moved to the positions `destination`; the others keep their order. */
export const moveaxis: Planar<typeof shapes.moveaxis> = planar('moveaxis', shapes.moveaxis) as never;
/** Two axes exchanged. */
export const swapaxes: Planar<typeof shapes.swapaxes> = planar('swapaxes', shapes.swapaxes) as never;
/** With new axes of length 1 at the given positions of the result. */
export const expandDims: Planar<typeof shapes.expandDims> = planar('expandDims', shapes.expandDims) as never;
/** Without axes of length 1: all of them, or those named. */
export const squeeze: Planar<typeof shapes.squeeze> = planar('squeeze', shapes.squeeze) as never;
/** Repeats along new and length-1 axes until `x` has the shape. */
export const broadcastTo: Planar<typeof shapes.broadcastTo> = planar('broadcastTo', shapes.broadcastTo) as never;
/** The axis moved before another: NumPy's older `moveaxis`. */
export const rollaxis: Planar<typeof shapes.rollaxis> = planar('rollaxis', shapes.rollaxis) as never;
/** As an array of one axis or more. */
export const atleast1d: Planar<typeof shapes.atleast1d> = planar('atleast1d', shapes.atleast1d) as never;
/** As an array of two axes or more: a vector becomes a row. */
export const atleast2d: Planar<typeof shapes.atleast2d> = planar('atleast2d', shapes.atleast2d) as never;
/** As an array of three axes or more. */
export const atleast3d: Planar<typeof shapes.atleast3d> = planar('atleast3d', shapes.atleast3d) as never;
/** Elements in reverse order along all axes, or those named. */
export const flip: Planar<typeof shapes.flip> = planar('flip', shapes.flip) as never;
/** Columns in reverse order. */
export const fliplr: Planar<typeof shapes.fliplr> = planar('fliplr', shapes.fliplr) as never;
/** Rows in reverse order. */
export const flipud: Planar<typeof shapes.flipud> = planar('flipud', shapes.flipud) as never;
/** A quarter turn, `times` times, from the first axis of `axes` towards the second. */
export const rot90: Planar<typeof shapes.rot90> = planar('rot90', shapes.rot90) as never;
/** All arrays in their common shape. */
export const broadcastArrays: PlanarList<typeof shapes.broadcastArrays> = planar(
  'broadcastArrays',
  shapes.broadcastArrays,
) as never;
/** Lengths of the axes. */
export const shape = (x: ComplexLike): Shape => (isComplex(x) ? x.shape : shapes.shape(x));
/** The number of axes. */
export const ndim = (x: ComplexLike): number => (isComplex(x) ? x.ndim : shapes.ndim(x));
/** The number of elements, or the length of one axis. */
export const size = (x: ComplexLike, options?: { axis?: number }): number =>
  shapes.size(isComplex(x) ? x.real : x, options);

/** Arrays one after the other along an axis; `axis: null` joins their elements as vectors. */
export const concatenate: PlanarList<typeof joining.concatenate> = planar('concatenate', joining.concatenate) as never;
export const concat: typeof concatenate = concatenate;
/** Arrays of one shape along a new axis. */
export const stack: PlanarList<typeof joining.stack> = planar('stack', joining.stack) as never;
/** Arrays on top of each other; vectors are rows. */
export const vstack: PlanarList<typeof joining.vstack> = planar('vstack', joining.vstack) as never;
/** Arrays side by side. */
export const hstack: PlanarList<typeof joining.hstack> = planar('hstack', joining.hstack) as never;
/** Arrays along the third axis. */
export const dstack: PlanarList<typeof joining.dstack> = planar('dstack', joining.dstack) as never;
/** Vectors as columns of a matrix. */
export const columnStack: PlanarList<typeof joining.columnStack> = planar('columnStack', joining.columnStack) as never;
/**
 * An array from blocks in nested lists: the innermost lists are joined along the last axis, those around them along the one
 * before.
 *
 * @example
 * np.block([[np.eye(2), np.zeros([2, 1])], [np.ones([1, 3])]]); // f32[3,3]
 */
export const block: PlanarList<typeof joining.block> = planar('block', joining.block) as never;
/** Blocks along the diagonal of a matrix of zeros. */
export const blockDiag: PlanarList<typeof joining.blockDiag> = planar('blockDiag', joining.blockDiag) as never;
/** `values` added at the end of an axis, or of the elements as a vector. */
export const append: Planar2<typeof joining.append> = planar('append', joining.append, { at: [0, 1] }) as never;
/**
 * An axis cut in equal parts, or at the given positions.
 *
 * @throws ShapeError when the length does not divide
 */
export const split: Planar<typeof joining.split> = planar('split', joining.split) as never;
/** As `split`, but the parts may differ in length by one. */
export const arraySplit: Planar<typeof joining.arraySplit> = planar('arraySplit', joining.arraySplit) as never;
export const vsplit: Planar<typeof joining.vsplit> = planar('vsplit', joining.vsplit) as never;
export const hsplit: Planar<typeof joining.hsplit> = planar('hsplit', joining.hsplit) as never;
export const dsplit: Planar<typeof joining.dsplit> = planar('dsplit', joining.dsplit) as never;
/** The slices along an axis, without it. */
export const unstack: Planar<typeof joining.unstack> = planar('unstack', joining.unstack) as never;
/** The elements over and over, until there are as many as the shape has; 0 where there are none. */
export const resize: Planar<typeof joining.resize> = planar('resize', joining.resize) as never;
/** The array repeated as tiles, `reps` times per axis. */
export const tile: Planar<typeof joining.tile> = planar('tile', joining.tile) as never;
/** Each element repeated in place: `repeats` times, or as often as its entry in a list says. */
export const repeat: Planar<typeof joining.repeat> = planar('repeat', joining.repeat) as never;
/** Elements moved along axes, those pushed out coming in at the other end; over the array as a vector if no axis is given. */
export const roll: Planar<typeof joining.roll> = planar('roll', joining.roll) as never;
/**
 * Elements added at both ends of axes.
 * @param width one count for all, `[before, after]` for all, or a pair per axis
 */
export const pad: Planar<typeof joining.pad> = planar('pad', joining.pad, { options: ['constantValues'] }) as never;

/** A matrix with the vector on its k-th diagonal; of a matrix, its k-th diagonal. */
export const diag: Planar<typeof matrices.diag> = planar('diag', matrices.diag) as never;
/** The elements of `x` as a vector on a diagonal. */
export const diagflat: Planar<typeof matrices.diagflat> = planar('diagflat', matrices.diagflat) as never;
/** The diagonal of a matrix, or of each matrix in a stack: it is the last axis of the result. */
export const diagonal: Planar<typeof matrices.diagonal> = planar('diagonal', matrices.diagonal) as never;
/** The sum of a diagonal. */
export const trace: Planar<typeof matrices.trace> = planar('trace', matrices.trace) as never;
/** The elements on and below the k-th diagonal; 0 above. */
export const tril: Planar<typeof matrices.tril> = planar('tril', matrices.tril) as never;
/** The elements on and above the k-th diagonal; 0 below. */
export const triu: Planar<typeof matrices.triu> = planar('triu', matrices.triu) as never;

/**
 * Elements of the array as a vector, or slices along `axis`, at the given positions.
 *
 * @example
 * np.take(x, [2, 0], { axis: 1 });
 * np.take(np.array([1, 2, 3]), [-1, 7]); // [3. nan]
 * @throws DtypeError when positions are no integers; ShapeError when there is nothing to take from
 */
export const take: Planar<typeof indexing.take> = planar('take', indexing.take, { options: ['fillValue'] }) as never;
/** For each place of `index`, the element of `x` at that position along `axis`: what `argsort` results are for. */
export const takeAlongAxis: Planar<typeof indexing.takeAlongAxis> = planar(
  'takeAlongAxis',
  indexing.takeAlongAxis,
) as never;
/**
 * The slices along an axis, or the elements as a vector, where `condition` is true; it may be shorter than the axis. Its
 * values are read: concrete conditions only.
 *
 * @example
 * np.compress(np.array([true, false, true]), np.array([1, 2, 3])); // [1. 3.]
 */
export const compress: PlanarSecond<typeof indexing.compress> = planar('compress', indexing.compress, {
  at: [1],
}) as never;
/** The elements of `x` as a vector where `condition` is true. Concrete conditions only. */
export const extract: PlanarSecond<typeof indexing.extract> = planar('extract', indexing.extract, { at: [1] }) as never;
/** Elementwise, the element of the choice whose number `index` holds; numbers outside are limited to the range. */
export const choose: Chosen<typeof indexing.choose> = planar('choose', indexing.choose, { at: [1] }) as never;
export const select: Chosen<typeof indexing.select> = planar('select', indexing.select, { at: [1, 2] }) as never;
/**
 * Positions of the elements that are not 0: one int32 vector per axis. Concrete arrays only.
 * @throws TraceError on traced arrays
 */
export const nonzero: Overloaded<typeof indexing.nonzero, (z: ComplexArray) => ReturnType<typeof indexing.nonzero>> =
  overloaded('nonzero', indexing.nonzero, (z) => indexing.nonzero(truth(z)));
export const flatnonzero: Overloaded<
  typeof indexing.flatnonzero,
  (z: ComplexArray) => ReturnType<typeof indexing.flatnonzero>
> = overloaded('flatnonzero', indexing.flatnonzero, (z) => indexing.flatnonzero(truth(z)));
export const argwhere: Overloaded<typeof indexing.argwhere, (z: ComplexArray) => ReturnType<typeof indexing.argwhere>> =
  overloaded('argwhere', indexing.argwhere, (z) => indexing.argwhere(truth(z)));

/**
 * Without the slices at the given positions, one or a list of integers.
 *
 * @example
 * np.delete(np.array([1, 2, 3, 4]), [0, -1]); // [2. 3.]
 */
const remove: Planar<typeof editing.delete> = planar('delete', editing.delete) as never;

export { remove as delete };
/**
 * With `values` in front of the given positions of `x` as it was: slices for one position, or one slice for each of a list.
 *
 * @example
 * np.insert(np.array([1, 2, 3]), 1, 9); // [1. 9. 2. 3.]
 * np.insert(np.array([1, 2, 3]), [0, 3], np.array([8, 9])); // [8. 1. 2. 3. 9.]
 */
export const insert: Inserted<typeof editing.insert> = planar('insert', editing.insert, { at: [0, 2] }) as never;
/** With `values` where `takeAlongAxis(x, index)` reads; NumPy's writes into its argument. */
export const putAlongAxis: Inserted<typeof editing.putAlongAxis> = planar('putAlongAxis', editing.putAlongAxis, {
  at: [0, 2],
}) as never;
/**
 * With `value` on the diagonal of a matrix; NumPy's writes into its argument. `wrap` goes on below, for tall matrices.
 *
 * @example
 * np.fillDiagonal(np.ones([2, 2]), 0); // [[0. 1.] [1. 0.]]
 */
export const fillDiagonal: Planar2<typeof editing.fillDiagonal> = planar('fillDiagonal', editing.fillDiagonal, {
  at: [0, 1],
}) as never;
