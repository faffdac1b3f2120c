/** Matrix factorisations and triangular systems, over leading batch axes. */
export { cholesky, choleskyP } from './linalg/cholesky.ts';
export { lu, luP } from './linalg/lu.ts';
export { qr, qrP } from './linalg/qr.ts';
export { type TriangularSolveParams, triangularSolve, triangularSolveP } from './linalg/triangular-solve.ts';
