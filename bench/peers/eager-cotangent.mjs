/** Single operations in this library. */
import { ComplexArray, linalg, np } from '../../dist/bundle/node/index.js';
import { eagerCases } from './eager.mjs';
import { operationCases } from './operations.mjs';
import { fftCases } from './operations-fft.mjs';

/** What numpy-ts makes in float64. */
const dtype = { dtype: 'float64' };
const inFloat64 = Object.fromEntries(
  ['zeros', 'ones', 'full', 'arange', 'linspace', 'logspace'].map((name) => [
    name,
    (...args) => np[name](...args, dtype),
  ]),
);
inFloat64.eye = (n) => np.eye(n, n, dtype);
inFloat64.tri = (n) => np.tri(n, n, dtype);
inFloat64.vander = (x, n) => np.vander(x, { n });

const float64 = (values, shape) => np.array(Array.from(values), dtype).reshape(shape);
const partsOf = (x) => (x instanceof ComplexArray ? [x.real, x.imag] : [x]);

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
  ...fftCases({
    np: {
      fft: {
        ...np.fft,
        fftfreq: (n) => np.fft.fftfreq(n, dtype),
        rfftfreq: (n) => np.fft.rfftfreq(n, dtype),
      },
    },
    array: float64,
    complex: (re, im, shape) => new ComplexArray(float64(re, shape), float64(im, shape)),
    free: (x) => {
      for (const part of partsOf(x)) part.dispose();
    },
    readParts: (x) => Float64Array.from(partsOf(x).flatMap((part) => Array.from(part.data()))),
  }),
};
