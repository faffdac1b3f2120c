/** Functions of `linalg`, of real and of complex matrices. */
import type { ArrayLike, NDArray } from '../array.ts';
import { optionsOf } from '../core/options.ts';
import { expm as realExpm } from '../linalg/exponential.ts';
import * as norms from '../linalg/norm.ts';
import * as powers from '../linalg/power.ts';
import * as singular from '../linalg/singular.ts';
import * as solves from '../linalg/solve.ts';
import { ComplexArray, type ComplexLike } from './complex-array.ts';
import * as determinants from './determinant.ts';
import * as complex from './linalg.ts';
import { hasComplex, type Overloaded, type OverloadedPair, overloaded, overloaded2, type Planar } from './overload.ts';
import { matmul } from './product-functions.ts';

type AnyFunction = (...args: any[]) => any;

const ofMatrix = <F extends (x: any, ...rest: any[]) => NDArray>(name: string, f: F): Planar<F> => {
  const embedded = complex.ofEmbedded(name, f);
  return ((x: any, ...rest: any[]) => (x instanceof ComplexArray ? embedded(x, ...rest) : f(x, ...rest))) as never;
};

type Question<F extends AnyFunction> = Overloaded<F, (z: ComplexArray, options?: Parameters<F>[1]) => NDArray>;
const asking = <F extends (x: any, options?: any) => NDArray>(
  f: F,
  ofComplex: (z: ComplexArray, options?: any) => NDArray,
): Question<F> =>
  ((x: any, ...rest: any[]) => (x instanceof ComplexArray ? ofComplex(x, ...rest) : f(x, ...rest))) as never;

/**
 * The norm of a vector along one axis, or of matrices along two; of the whole array as a vector when nothing is given.
 * The Euclidean norm has derivative 0 at 0.
 */
export const norm: Question<typeof norms.norm> = asking(norms.norm, (z, given = {}) =>
  complex.norm('norm', z, optionsOf('norm', given, ['ord', 'axis', 'keepdims'])),
);
/** The norm of the elements over all axes named, as one vector. */
export const vectorNorm: Question<typeof norms.vectorNorm> = asking(norms.vectorNorm, complex.vectorNorm);
/** The norm of the last two axes. */
export const matrixNorm: Question<typeof norms.matrixNorm> = asking(norms.matrixNorm, (z, given = {}) => {
  const { ord = 'fro', keepdims = false } = optionsOf('matrixNorm', given, ['ord', 'keepdims']);
  return complex.norm('matrixNorm', z, { ord, axis: [-2, -1], keepdims });
});

/**
 * The x with a x = b, by LU with partial pivoting. Infinite or NaN where `a` is singular.
 *
 * @example
 * linalg.solve(np.array([[3, 1], [1, 2]]), np.array([9, 8])); // [2. 3.]
 * @throws ShapeError when `a` is not square or `b` does not fit
 */
export const solve: OverloadedPair<typeof solves.solve> = overloaded2(
  'solve',
  solves.solve,
  complex.solving('solve', solves.solve),
);
/** The inverse of a matrix. To solve a system, `solve` is faster and more accurate. */
export const inv: Planar<typeof solves.inv> = ofMatrix('inv', solves.inv);
/**
 * The Moore–Penrose inverse: singular values up to `rtol` times the largest are taken as 0. `rtol` is 10·max(m, n)·ε unless given,
 * as in JAX. Its derivative is that at constant rank.
 *
 * @example
 * linalg.pinv(np.array([[1, 0], [0, 0], [0, 2]])); // [[1. 0. 0. ], [0. 0. 0.5]]
 * @throws ShapeError when `a` has less than two axes, or is not square with `hermitian`
 */
export const pinv: Planar<typeof singular.pinv> = ofMatrix('pinv', singular.pinv);
/**
 * The exponential of a square matrix by scaling and squaring (N. J. Higham, The scaling and squaring method for the matrix
 * exponential revisited, 2005). NaN where more than `maxSquarings` squarings are needed: 16 are enough for a 1-norm of 3.5·10⁵
 * (2.5·10⁵ in float32).
 *
 * @example
 * linalg.expm(np.array([[0, 1], [0, 0]])); // [[1. 1.], [0. 1.]]
 * @throws ShapeError when `a` is not square
 */
export const expm: Planar<typeof realExpm> = ofMatrix('expm', realExpm);
/** a multiplied n times, by repeated squaring; for negative n, of the inverse. */
export const matrixPower: Planar<typeof powers.matrixPower> = ofMatrix('matrixPower', powers.matrixPower);
/**
 * The product of matrices in the order that needs the fewest multiplications, found by dynamic programming. The first
 * and last may be vectors.
 */
export const multiDot: Overloaded<typeof powers.multiDot, (arrays: readonly ComplexLike[]) => ComplexArray> = ((
  arrays: readonly ComplexLike[],
) =>
  hasComplex(arrays)
    ? arrays.reduce((x, y) => matmul(x as ComplexArray, y))
    : powers.multiDot(arrays as ArrayLike[])) as never;

/** The determinant. */
export const det: Planar<typeof solves.det> = overloaded('det', solves.det, determinants.det) as never;

/** The sign of the determinant, or the phase of a complex one, and the logarithm of its magnitude. */
export const slogdet: Overloaded<
  typeof solves.slogdet,
  (z: ComplexArray) => { sign: ComplexArray; logabsdet: NDArray }
> = overloaded('slogdet', solves.slogdet, (z) => determinants.slogdet('slogdet', z));
