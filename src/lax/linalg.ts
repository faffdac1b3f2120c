/** Matrix factorisations and triangular systems, over leading batch axes. */
export { cholesky, choleskyP } from './linalg/cholesky.ts';
export { type EighOptions, eigenvaluesOf, eigh, eighP } from './linalg/eigh.ts';
export { lu, luP } from './linalg/lu.ts';
export { qr, qrP } from './linalg/qr.ts';
export { type SvdOptions, svd, svdP } from './linalg/svd.ts';
export { type TriangularSolveParams, triangularSolve, triangularSolveP } from './linalg/triangular-solve.ts';
