/** Linear algebra on matrices and stacks of matrices: the last two axes are rows and columns. */
import '../numpy/methods.ts';

export { diagonal, trace } from '../numpy/matrices.ts';
export { cross, matmul, outer, tensordot, vecdot } from '../numpy/products.ts';
export { matrixTranspose } from '../numpy/shape.ts';
export { type EighResult, eigh, eigvalsh, type SymmetricOptions } from './eigen.ts';
export { expm } from './exponential.ts';
export { choFactor, cholesky, choSolve, lu, luFactor, luSolve, qr, solveTriangular } from './factor.ts';
export {
  type EigResult,
  eig,
  eigvals,
  type HessenbergResult,
  hessenberg,
  type SchurResult,
  schur,
} from './general-eigen.ts';
export { type LstsqOptions, type LstsqResult, lstsq } from './least-squares.ts';
export { matrixNorm, norm, vectorNorm } from './norm.ts';
export { type PolarOptions, type PolarResult, polar } from './polar.ts';
export { matrixPower, multiDot } from './power.ts';
export { cond, matrixRank, pinv, type RankOptions, type SvdOptions, type SvdResult, svd, svdvals } from './singular.ts';
export { det, inv, slogdet, solve, tensorinv, tensorsolve } from './solve.ts';
export { sqrtm } from './square-root.ts';
export { circulant, companion, hadamard, hankel, hilbert, pascal, toeplitz } from './structured.ts';
