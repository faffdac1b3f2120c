/** Functions as arguments. */
import { vmap } from '../../transforms/vectorize.ts';
import type { ArrayLike, NDArray } from '../array.ts';
import type { DType } from '../core/dtype.ts';
import { ShapeError, TraceError } from '../core/errors.ts';
import { checkList, naming, optionsOf } from '../core/options.ts';
import { checkShape, type ShapeLike } from '../core/shape.ts';
import { convert } from '../lax/convert.ts';
import { broadcastedIota } from '../lax/creation.ts';
import { promoteDTypes, toValue } from '../promote.ts';
import { strong } from './array.ts';
import { where } from './elementwise.ts';
import { axesOf, axisOf, expandDims, moveaxis, operand } from './shape.ts';

/**
 * `f` of the vectors along an axis; where these were there is then what `f` returns, an array of any rank.
 *
 * @example
 * np.applyAlongAxis((v) => v.sort().slice(-1), 0, np.array([[1, 5], [4, 2]])); // [4. 5.]
 */
export function applyAlongAxis(f: (vector: NDArray) => NDArray, axis: number, x: ArrayLike): NDArray {
  if (typeof f !== 'function')
    throw new TraceError(`applyAlongAxis: the first argument must be a function, but it is ${naming(f)}.`);
  const value = operand(x, 'applyAlongAxis');
  const at = axisOf(value, axis, 'applyAlongAxis');
  const rows = moveaxis(value, at, -1);
  let mapped = f;
  for (let i = 1; i < value.ndim; i++) mapped = vmap(mapped) as typeof f;
  const result = mapped(rows);
  const extra = result.ndim - (value.ndim - 1);
  const from = Array.from({ length: extra }, (_, i) => value.ndim - 1 + i);
  return moveaxis(
    result,
    from,
    from.map((_, i) => at + i),
  );
}

/**
 * The array of this shape whose elements are `f` of their positions: `f` is called once, with an array of positions for each
 * axis, of int32 unless another `dtype` is asked for.
 *
 * @example
 * np.fromfunction((i, j) => i.add(j), [2, 3]); // [[0 1 2] [1 2 3]]
 */
export function fromfunction(
  f: (...positions: NDArray[]) => ArrayLike,
  shape: ShapeLike,
  given: { dtype?: DType } = {},
): NDArray {
  const { dtype = 'int32' } = optionsOf('fromfunction', given, ['dtype']);
  if (typeof f !== 'function')
    throw new TraceError(`fromfunction: the first argument must be a function, but it is ${naming(f)}.`);
  const list = checkShape(shape, 'fromfunction');
  return strong(
    toValue(
      f(...list.map((_, axis) => broadcastedIota(dtype, list, axis))),
      'the result of the function of fromfunction',
    ),
  );
}

/**
 * `f` over several axes, one after the other: axes that it takes away are put back with length 1.
 *
 * @example
 * np.applyOverAxes((x, axis) => np.sum(x, { axis }), np.ones([2, 3, 4]), [0, 2]); // f32[1,3,1]
 */
export function applyOverAxes(
  f: (x: NDArray, axis: number) => NDArray,
  x: ArrayLike,
  axes: number | readonly number[],
): NDArray {
  if (typeof f !== 'function')
    throw new TraceError(`applyOverAxes: the first argument must be a function, but it is ${naming(f)}.`);
  const value = operand(x, 'applyOverAxes');
  return axesOf(value, axes, 'applyOverAxes').reduce<NDArray>((rest, axis) => {
    const result = f(rest, axis);
    if (result.ndim === rest.ndim) return result;
    if (result.ndim !== rest.ndim - 1)
      throw new ShapeError(
        `applyOverAxes: the function must keep the axes of ${rest.aval} or take one away, but gave ${result.aval}.`,
      );
    return expandDims(result, axis);
  }, value);
}

/**
 * Elementwise, what belongs to the last condition that is true: a number or array, or what a function gives for `x`. One more
 * than there are conditions is for elements for which none is true, else these are 0. Every function computes all elements.
 *
 * @example
 * np.piecewise(x, [x.lt(0), x.ge(0)], [(v) => v.neg(), (v) => v.mul(v)]);
 */
export function piecewise(
  x: ArrayLike,
  conditions: readonly ArrayLike[],
  pieces: readonly (ArrayLike | ((x: NDArray) => ArrayLike))[],
): NDArray {
  const value = operand(x, 'piecewise');
  checkList('piecewise', 'the conditions', conditions);
  checkList('piecewise', 'the pieces', pieces);
  if (pieces.length !== conditions.length && pieces.length !== conditions.length + 1)
    throw new ShapeError(`piecewise: ${pieces.length} pieces for ${conditions.length} conditions.`);
  const values = pieces.map((piece) => (typeof piece === 'function' ? piece(value) : piece));
  const tests = conditions.map((condition) => toValue(condition, 'piecewise'));
  const [, ...computed] = promoteDTypes('piecewise', [value, ...values]).map((v) => convert(v, value.dtype));
  const otherwise: ArrayLike = computed[conditions.length] ?? 0;
  return tests.reduce<NDArray>(
    (rest, condition, i) => where(condition, computed[i]!, rest),
    convert(where(true, otherwise, value), value.dtype),
  );
}
