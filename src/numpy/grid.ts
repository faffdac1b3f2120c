/** Positions in arrays, and the numbers that row-major order gives them. */
import type { ArrayLike, NDArray } from '../array.ts';
import { ShapeError } from '../core/errors.ts';
import { checkChoice, checkList, optionsOf } from '../core/options.ts';
import { kept, keptList, recorded, recordedList } from '../core/recorded.ts';
import { checkCount, checkShape, range, type Shape, type ShapeLike, sizeOf } from '../core/shape.ts';
import { add, div, mul } from '../lax/arithmetic.ts';
import { broadcastedIota, iota } from '../lax/creation.ts';
import { clamp } from '../lax/minmax.ts';
import { reshape } from '../lax/movement.ts';
import { mod } from './elementwise.ts';
import { indices as positions } from './indexing.ts';
import { stack } from './joining.ts';
import { operand } from './shape.ts';

/**
 * The position along each axis, for every place of an array of this shape: an axis for the axes, in front.
 *
 * @example
 * np.indices([2, 3]); // i32[2,2,3]: rows, then columns
 */
export const indices: (shape: ShapeLike) => NDArray = kept((shape) => {
  const list = checkShape(shape, 'indices');
  if (list.length === 0) throw new ShapeError('indices: the shape must have at least one axis.');
  return stack(list.map((_, axis) => broadcastedIota('int32', list, axis)));
});

/**
 * Vectors of positions, shaped so that they index the grid of all combinations.
 *
 * @example
 * np.arange(9).reshape(3, 3).slice(...np.ix(np.array([0, 2], { dtype: 'int32' }), np.array([1], { dtype: 'int32' })));
 */
export const ix: (...vectors: ArrayLike[]) => NDArray[] = recordedList((...vectors) =>
  vectors.map((v, axis) => {
    const value = operand(v, 'ix');
    if (value.ndim !== 1) throw new ShapeError(`ix: needs vectors, but got ${value.aval}.`);
    return reshape(
      value,
      vectors.map((_, i) => (i === axis ? value.size : 1)),
    );
  }),
);

/** How far apart neighbours along each axis are. */
const stridesIn = (shape: Shape): number[] => shape.map((_, i) => sizeOf(shape.slice(i + 1)));

/** The positions along each axis of an array of this shape, from row-major numbers; numbers outside are moved inside. */
export const unravelIndex: (index: ArrayLike, shape: ShapeLike) => NDArray[] = recordedList((index, shape) => {
  const list = checkShape(shape, 'unravelIndex');
  const number = positions(index, 'unravelIndex');
  const size = sizeOf(list);
  if (size === 0) throw new ShapeError(`unravelIndex: an array of shape [${list}] has no elements.`);
  const counted = mod(clamp(-size, number, size - 1), size);
  return stridesIn(list).map((stride, i) => mod(div(counted, stride), list[i]!));
});

/**
 * Row-major numbers from the positions along each axis of an array of this shape.
 * @param mode what becomes of positions outside: 'clip' (when left out) moves them inside, 'wrap' goes round
 */
export const ravelMultiIndex: (
  multi: readonly ArrayLike[],
  shape: ShapeLike,
  given?: { mode?: 'clip' | 'wrap' },
) => NDArray = recorded((multi, shape, given = {}) => {
  const { mode = 'clip' } = optionsOf('ravelMultiIndex', given, ['mode']);
  checkChoice('ravelMultiIndex', 'mode', mode, ['clip', 'wrap']);
  checkList('ravelMultiIndex', 'the positions', multi);
  const list = checkShape(shape, 'ravelMultiIndex');
  if (multi.length !== list.length || list.length === 0)
    throw new ShapeError(`ravelMultiIndex: ${multi.length} arrays of positions for shape [${list}].`);
  const strides = stridesIn(list);
  return multi
    .map((p, i): NDArray => {
      const at = positions(p, 'ravelMultiIndex');
      const inside = mode === 'wrap' ? mod(at, list[i]!) : clamp(0, at, list[i]! - 1);
      return mul(inside, strides[i]!);
    })
    .reduce((sum, term) => add(sum, term));
});

/** The positions of the diagonal of an array whose axes all have one length. */
export const diagIndicesFrom = (x: ArrayLike): NDArray[] => {
  const value = operand(x, 'diagIndicesFrom');
  if (value.ndim < 2 || value.shape.some((n) => n !== value.shape[0]))
    throw new ShapeError(`diagIndicesFrom: needs two or more axes of one length, but got ${value.aval}.`);
  return range(value.ndim).map(() => iota('int32', value.shape[0]!));
};

/** The positions of the diagonal of an array with `ndim` axes of length n. */
export const diagIndices: (n: number, given?: { ndim?: number }) => NDArray[] = keptList((n, given = {}) => {
  const { ndim = 2 } = optionsOf('diagIndices', given, ['ndim']);
  const length = checkCount(n, 'diagIndices', 'the length');
  return range(checkCount(ndim, 'diagIndices', '`ndim`')).map(() => iota('int32', length));
});
