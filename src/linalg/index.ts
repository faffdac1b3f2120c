/** Linear algebra on matrices and stacks of matrices: the last two axes are rows and columns. */
import '../numpy/methods.ts';
import '../complex/methods.ts';

export {
  det,
  expm,
  inv,
  matrixNorm,
  matrixPower,
  multiDot,
  norm,
  pinv,
  slogdet,
  solve,
  vectorNorm,
} from '../complex/linalg-functions.ts';
export { cross, matmul, outer, tensordot, vecdot } from '../complex/product-functions.ts';
export { diagonal, matrixTranspose, trace } from '../complex/shape-functions.ts';
export { type EighResult, eigh, eigvalsh, type SymmetricOptions } from './eigen.ts';
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
export { type PolarOptions, type PolarResult, polar } from './polar.ts';
export { cond, matrixRank, type RankOptions, type SvdOptions, type SvdResult, svd, svdvals } from './singular.ts';
export { tensorinv, tensorsolve } from './solve.ts';
export { sqrtm } from './square-root.ts';
export { circulant, companion, hadamard, hankel, hilbert, pascal, toeplitz } from './structured.ts';
