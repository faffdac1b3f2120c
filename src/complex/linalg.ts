/**
 * Linear algebra of complex matrices by real ones of twice the size: A + iB acts on pairs of vectors as [[A, −B], [B, A]], sums,
 * products and inverses of which are those of complex matrices.
 */
import type { ArrayLike, NDArray } from '../array.ts';
import { ShapeError } from '../core/errors.ts';
import { checkNumbers, optionsOf } from '../core/options.ts';
import type { Value } from '../core/trace.ts';
import { mul, neg } from '../lax/arithmetic.ts';
import { concatenate, slice } from '../lax/slicing.ts';
import { type NormOptions, normNamed, vectorNorm as realVectorNorm } from '../linalg/norm.ts';
import { ComplexArray, type ComplexLike } from './complex-array.ts';
import { absolute } from './magnitude.ts';
import { isComplex, planesOf } from './operands.ts';

function matrix(name: string, x: ComplexLike): readonly [Value, Value] {
  const planes = planesOf(name, x);
  if (planes[0].ndim < 2)
    throw new ShapeError(`${name}: needs at least two axes, but got ${isComplex(x) ? x.describe() : planes[0].aval}.`);
  return planes;
}

/** The real matrix of twice the size. */
export function embedded(name: string, x: ComplexLike): Value {
  const [a, b] = matrix(name, x);
  const rank = a.ndim;
  return concatenate([concatenate([a, neg(b)], rank - 1), concatenate([b, a], rank - 1)], rank - 2);
}

/** The complex matrix of which a real one has the form, or of which it has the left half. */
function extracted(x: Value): ComplexArray {
  const rank = x.ndim;
  const [m, n] = x.shape.slice(-2) as [number, number];
  return parts(
    slice(
      x,
      x.shape.map(() => 0),
      [...x.shape.slice(0, -1), n / 2],
    ),
    rank - 2,
    m / 2,
  );
}

/** Real parts above imaginary ones along an axis. */
function parts(x: Value, axis: number, half: number): ComplexArray {
  const from = x.shape.map((_, i) => (i === axis ? half : 0));
  const to = x.shape.map((n, i) => (i === axis ? half : n));
  return new ComplexArray(
    slice(
      x,
      x.shape.map(() => 0),
      to,
    ),
    slice(x, from, x.shape),
  );
}

/** A function of matrices that commutes with the embedding, as inverses, powers and the exponential do. */
export const ofEmbedded =
  <R extends unknown[]>(name: string, f: (x: ArrayLike, ...rest: R) => NDArray) =>
  (z: ComplexArray, ...rest: R): ComplexArray =>
    extracted(f(embedded(name, z), ...rest));

/** A solution of linear equations: parts of right-hand sides and solutions above each other. */
export const solving =
  <R extends unknown[]>(name: string, f: (a: ArrayLike, b: ArrayLike, ...rest: R) => NDArray) =>
  (a: ComplexLike, b: ComplexLike, ...rest: R): ComplexArray => {
    const [re, im] = planesOf(name, b);
    const isVector = re.ndim === 1;
    const axis = isVector ? 0 : re.ndim - 2;
    const x = f(embedded(name, a), concatenate([re, im], axis), ...rest);
    const at = isVector ? x.ndim - 1 : x.ndim - 2;
    return parts(x, at, x.shape[at]! / 2);
  };

/** Norms are those of the magnitudes, but for those of singular values: each is there twice in the embedding. */
export function norm(name: string, z: ComplexArray, given: NormOptions): NDArray {
  const { ord, axis } = given;
  const axes = axis === undefined || axis === null ? z.ndim : typeof axis === 'number' ? 1 : axis.length;
  if (axes === 2 && (ord === 'nuc' || ord === 2 || ord === -2)) {
    const order: [number, number] = (axis as [number, number] | undefined) ?? [0, 1];
    const moved = new ComplexArray(...(planesOf(name, z).map((x) => toEnd(x, order)) as [Value, Value]));
    const { keepdims = false } = given;
    const value = normNamed(name, embedded(name, moved), { ord, axis: [-2, -1] });
    const result = ord === 'nuc' ? mul(value, 0.5) : value;
    return keepdims ? result.expandDims([...order].map((i) => (i < 0 ? i + z.ndim : i))) : result;
  }
  return normNamed(name, absolute(z), given);
}

function toEnd(x: Value, axes: readonly [number, number]): Value {
  const [i, j] = axes.map((axis) => (axis < 0 ? axis + x.ndim : axis)) as [number, number];
  return x.transpose([...x.shape.keys()].filter((axis) => axis !== i && axis !== j).concat(i, j));
}

export function vectorNorm(z: ComplexArray, given: NormOptions & { ord?: number } = {}): NDArray {
  checkNumbers('vectorNorm', optionsOf('vectorNorm', given, ['ord', 'axis', 'keepdims']), ['ord']);
  return realVectorNorm(absolute(z), given);
}
