/** Matrix factorisations and triangular systems, over leading batch axes. */
export { cholesky, choleskyP } from './linalg/cholesky.ts';
export { type EigOptions, eig, eigP } from './linalg/eig.ts';
export { type EighOptions, eigh, eighP, symmetricEigenpairs, symmetricEigenvalues } from './linalg/eigh.ts';
export { hessenberg, hessenbergP } from './linalg/hessenberg.ts';
export { lu, luP } from './linalg/lu.ts';
export { qr, qrP, triangularFactor } from './linalg/qr.ts';
export { schur, schurP } from './linalg/schur.ts';
export { type SvdOptions, svd, svdP } from './linalg/svd.ts';
export { triangularRoot, triangularRootP } from './linalg/triangular-root.ts';
export { type TriangularSolveParams, triangularSolve, triangularSolveP } from './linalg/triangular-solve.ts';
