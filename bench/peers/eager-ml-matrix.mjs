/** Single operations in ml-matrix. */
import { EVD, inverse, LU, Matrix, MatrixTransposeView, SVD } from 'ml-matrix';
import { mlMatrixCases } from './operations-ml-matrix.mjs';

export const cases = mlMatrixCases({
  array: (values, [rows, columns]) => Matrix.from1DArray(rows, columns, values),
  read: (x) => x.to1DArray(),
  // Theirs is in place, so that its numbers grow from call to call.
  chain: (x) => x.subS(5).mulS(Math.PI).abs(),
  transpose: (x) => x.transpose(),
  product: (x, y) => x.mmul(y),
  transposeProduct: (x, y) => new MatrixTransposeView(x).mmul(y),
  symmetric: (x) => Matrix.add(x, x.transpose()),
  inverse: (x) => inverse(x),
  svd: (x) => new SVD(x),
  lu: (x) => new LU(x),
  'symmetric eigenvectors': (x) => new EVD(x, { assumeSymmetric: true }),
  results: {
    svd: (x) => x.diagonal,
    lu: (x) => x.LU.to1DArray(),
    'symmetric eigenvectors': (x) => x.realEigenvalues,
  },
});
