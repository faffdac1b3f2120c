/** Norms of vectors and matrices. */
import type { ArrayLike, NDArray } from '../array.ts';
import { DtypeError, ShapeError } from '../core/errors.ts';
import { checkNumbers, naming, optionsOf } from '../core/options.ts';
import { recorded } from '../core/recorded.ts';
import { range } from '../core/shape.ts';
import type { Value } from '../core/trace.ts';
import { abs, mul, pow, sqrt } from '../lax/arithmetic.ts';
import { eq, ne, select } from '../lax/compare.ts';
import { convert } from '../lax/convert.ts';
import { svd } from '../lax/linalg.ts';
import { reshape } from '../lax/movement.ts';
import { reduceMax, reduceMin, sum } from '../lax/reductions.ts';
import { expandDims } from '../lax/slicing.ts';
import { strong } from '../numpy/array.ts';
import { axesOf, moveaxis } from '../numpy/shape.ts';
import { toFloating } from '../promote.ts';

export interface NormOptions {
  /** Of vectors: p, Infinity, −Infinity or 0. Of matrices: 'fro', 'nuc', 2, −2, 1, −1, Infinity, −Infinity. */
  ord?: number | 'fro' | 'nuc';
  axis?: number | readonly number[] | null;
  keepdims?: boolean;
}

/** √Σx², whose derivative at 0 is taken as 0 instead of NaN. */
function euclidean(x: Value, axis: readonly number[], keepdims: boolean): Value {
  const squares = sum(mul(x, x), { axis, keepdims });
  const zero = eq(squares, 0);
  return select(zero, 0, sqrt(select(zero, 1, squares)));
}

function vector(x: Value, ord: number, axis: readonly number[], keepdims: boolean): Value {
  const options = { axis, keepdims };
  switch (ord) {
    case 2:
      return euclidean(x, axis, keepdims);
    case 1:
      return sum(abs(x), options);
    case 0:
      return sum(convert(ne(x, 0), x.dtype), options);
    case Number.POSITIVE_INFINITY:
      return reduceMax(abs(x), options);
    case Number.NEGATIVE_INFINITY:
      return reduceMin(abs(x), options);
    default:
      return pow(sum(pow(abs(x), ord), options), 1 / ord);
  }
}

/** The largest singular value, the least, or the sum of all. */
function ofSingularValues(x: Value, ord: number | 'nuc', axes: readonly [number, number], keepdims: boolean): Value {
  const values = svd(moveaxis(x, axes, [-2, -1]), { computeUv: false });
  const fold = ord === 'nuc' ? sum : ord === 2 ? reduceMax : reduceMin;
  const found = fold(values, { axis: -1 });
  return keepdims
    ? expandDims(
        found,
        [...axes].sort((a, b) => a - b),
      )
    : found;
}

function ofMatrix(x: Value, ord: number | 'fro' | 'nuc', axes: readonly [number, number], keepdims: boolean): Value {
  const [rows, columns] = axes;
  if (ord === 'fro') return euclidean(x, axes, keepdims);
  if (ord === 'nuc' || Math.abs(ord) === 2) return ofSingularValues(x, ord, axes, keepdims);
  if (Math.abs(ord) !== 1 && Math.abs(ord) !== Number.POSITIVE_INFINITY) {
    throw new DtypeError(`norm: ord ${ord} of a matrix is not defined.`, {
      hint: "ask for 'fro', 'nuc', 2, -2, 1, -1, Infinity or -Infinity; `vectorNorm` treats a matrix as a vector",
    });
  }
  const [summed, searched] = Math.abs(ord) === 1 ? [rows, columns] : [columns, rows];
  const totals = sum(abs(x), { axis: summed, keepdims: true });
  const found = (ord > 0 ? reduceMax : reduceMin)(totals, { axis: searched, keepdims: true });
  return keepdims
    ? found
    : reshape(
        found,
        x.shape.filter((_, i) => i !== rows && i !== columns),
      );
}

/**
 * The norm of a vector along one axis, or of matrices along two; of the whole array as a vector when nothing is given.
 * The Euclidean norm has derivative 0 at 0.
 */
export const norm = (x: ArrayLike, given: NormOptions = {}): NDArray =>
  normNamed('norm', x, optionsOf('norm', given, ['ord', 'axis', 'keepdims']));

/** `norm`, for functions that errors call by another name. */
export const normNamed: (name: string, x: ArrayLike, given: NormOptions) => NDArray = recorded((name, x, given) => {
  const { ord, axis, keepdims = false } = given;
  if (ord !== undefined && typeof ord !== 'number' && ord !== 'fro' && ord !== 'nuc')
    throw new DtypeError(`${name}: ord must be a number, 'fro' or 'nuc', but it is ${naming(ord)}.`);
  const value = strong(toFloating(x, name));
  const axes = axis === undefined || axis === null ? undefined : axesOf(value, axis, name);
  if (ord === undefined) return euclidean(value, axes ?? range(value.ndim), keepdims);
  const over = axes ?? range(value.ndim);
  if (over.length === 2) return ofMatrix(value, ord, over as [number, number], keepdims);
  if (over.length !== 1 || typeof ord === 'string') {
    throw new ShapeError(`${name}: ord ${ord} of ${value.aval} over ${over.length} axes is not defined.`);
  }
  return vector(value, ord, over, keepdims);
});

/** The norm of the elements over all axes named, as one vector. */
export function vectorNorm(x: ArrayLike, given: NormOptions & { ord?: number } = {}): NDArray {
  const { ord = 2, axis, keepdims = false } = optionsOf('vectorNorm', given, ['ord', 'axis', 'keepdims']);
  checkNumbers('vectorNorm', given, ['ord']);
  const value = strong(toFloating(x, 'vectorNorm'));
  const axes = axis === undefined || axis === null ? range(value.ndim) : axesOf(value, axis, 'vectorNorm');
  return vector(value, ord, axes, keepdims);
}

/** The norm of the last two axes. */
export const matrixNorm = (x: ArrayLike, given: Omit<NormOptions, 'axis'> = {}): NDArray => {
  const { ord = 'fro', keepdims = false } = optionsOf('matrixNorm', given, ['ord', 'keepdims']);
  return normNamed('matrixNorm', x, { ord, axis: [-2, -1], keepdims });
};
