import { CholeskyDecomposition, determinant, EVD, inverse, Matrix, QrDecomposition, SVD, solve } from 'ml-matrix';
import { eagerCases } from './eager.mjs';
import { eigenCases } from './operations-eigen.mjs';
import { measure } from './timing.mjs';

await measure('ml-matrix', {
  ...eagerCases({
    array: (values, [rows, columns]) => Matrix.from1DArray(rows, columns, values),
    read: (x) => (typeof x === 'number' ? [x] : x.to1DArray()),
    add: Matrix.add,
    multiply: Matrix.multiply,
    exp: Matrix.exp,
    sin: Matrix.sin,
    sum: (x) => x.sum(),
    transpose: (x) => x.transpose(),
    matmul: (x, y) => x.mmul(y),
    solve,
    inv: inverse,
    det: determinant,
    cholesky: (x) => new CholeskyDecomposition(x).lowerTriangularMatrix,
    qr: (x) => {
      const factors = new QrDecomposition(x);
      // Both, as the others compute both.
      return [factors.orthogonalMatrix, factors.upperTriangularMatrix][0];
    },
    eigh: (x) => Matrix.columnVector(new EVD(x, { assumeSymmetric: true }).realEigenvalues),
    svd: (x) => Matrix.columnVector(new SVD(x).diagonal),
  }),
  ...eigenCases({
    array: (values, [rows, columns]) => Matrix.from1DArray(rows, columns ?? 1, Array.from(values)),
    eig: (x) => {
      const found = new EVD(x, { assumeSymmetric: false });
      return [found.realEigenvalues, found.imaginaryEigenvalues, found.eigenvectorMatrix];
    },
    real: ([re]) => Array.from(re),
  }),
});
