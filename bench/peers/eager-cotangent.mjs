/** Single operations in this library. */
import { linalg, np } from '../../dist/bundle/node/index.js';
import { eagerCases } from './eager.mjs';
import { operationCases } from './operations.mjs';
import { eigenCases } from './operations-eigen.mjs';
import { specCases } from './specs.mjs';

/** What numpy-ts makes in float64. */
const dtype = { dtype: 'float64' };
const inFloat64 = Object.fromEntries(
  ['zeros', 'ones', 'empty', 'full', 'arange', 'linspace', 'logspace', 'geomspace', 'identity'].map((name) => [
    name,
    (...args) => np[name](...args, dtype),
  ]),
);
inFloat64.eye = (n) => np.eye(n, n, dtype);
inFloat64.tri = (n, m = n) => np.tri(n, m, dtype);
inFloat64.vander = (x, n) => np.vander(x, { n });

/** Methods, and what needs no copy in a library without writes. */
const methods = {
  flatten: (x) => x.flatten(),
  item: (x) => x.item(0, 0),
  // Every array is one.
  require: np.asarray,
  tolist: (x) => x.tolist(),
  slice: (x) => x.slice([0, 100], [0, 100]),
};

export const cases = {
  ...eagerCases({
    array: (values, shape) => np.array(Array.from(values), { dtype: 'float64' }).reshape(shape),
    read: (x) => x.data(),
    add: np.add,
    multiply: np.multiply,
    exp: np.exp,
    sin: np.sin,
    sum: (x) => np.sum(x),
    transpose: (x) => x.T,
    matmul: np.matmul,
    solve: linalg.solve,
    inv: linalg.inv,
    det: linalg.det,
    cholesky: linalg.cholesky,
    qr: (x) => linalg.qr(x)[0],
    eigh: (x) => linalg.eigh(x).eigenvalues,
    svd: (x) => linalg.svd(x).s,
    sort: (x) => np.sort(x),
    argsort: (x) => np.argsort(x),
    cumsum: (x) => np.cumsum(x),
    cumprod: (x) => np.cumprod(x),
    positions: (integers) => np.array(integers, { dtype: 'int32' }),
    take: (x, at) => np.take(x, at),
    put: (x, at) => x.at(at).set(x),
  }),
  ...operationCases({
    np: { ...np, ...inFloat64 },
    linalg,
    array: (values, shape) => np.array(Array.from(values), { dtype: 'float64' }).reshape(shape),
    positions: (integers, shape) => np.array(integers, { dtype: 'int32' }).reshape(shape),
    read: (x) => x.data(),
  }),
  ...eigenCases({
    array: (values, shape) => np.array(Array.from(values), { dtype: 'float64' }).reshape(shape),
    read: (x) => x.data(),
    eig: (x) => {
      const { eigenvalues, eigenvectors } = linalg.eig(x);
      return [eigenvalues.real, eigenvalues.imag, eigenvectors.real, eigenvectors.imag];
    },
    eigvals: (x) => {
      const { real, imag } = linalg.eigvals(x);
      return [real, imag];
    },
    roots: (p) => {
      const { real, imag } = np.roots(p);
      return [real, imag];
    },
    poly: (x) => np.poly(x),
    real: ([re]) => Array.from(re.data()),
  }),
  ...specCases({
    np: { ...np, ...inFloat64, ...methods },
    array: (values, shape, dtype) => np.array(values, { dtype }).reshape(shape),
    read: (x) => (typeof x === 'number' ? [x] : x.data()),
  }),
};
