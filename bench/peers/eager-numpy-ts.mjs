/** Single operations in numpy-ts. */
import * as np from 'numpy-ts';
import { eagerCases } from './eager.mjs';
import { operationCases } from './operations.mjs';
import { fftCases } from './operations-fft.mjs';

/** The library under our names: snake case, and axes by position. */
const library = { ...np };
const renamed = {
  bincount: (x) => np.bincount(x),
  diff: (x, options) => (options ? np.diff(x, 1, options.axis) : np.diff(x)),
  meshgrid: (axes) => np.meshgrid(...axes),
};
const named = new Proxy(renamed, {
  get(known, name) {
    if (known[name]) return known[name];
    const f = library[name.replace(/[A-Z]/g, (c) => `_${c.toLowerCase()}`)];
    known[name] = (...args) => f(...args.map((x) => x?.axis ?? x));
    return known[name];
  },
});
const array = (values, shape) => np.array(Float64Array.from(values)).reshape(...shape);
const read = (x) => (typeof x === 'object' ? Array.from(np.ravel(x).tolist(), Number) : [Number(x)]);

export const cases = {
  ...eagerCases({
    array,
    read,
    add: np.add,
    multiply: np.multiply,
    exp: np.exp,
    sin: np.sin,
    sum: (x) => np.sum(x),
    transpose: np.transpose,
    matmul: np.matmul,
    solve: np.linalg.solve,
    inv: np.linalg.inv,
    det: np.linalg.det,
    cholesky: np.linalg.cholesky,
    qr: (x) => np.linalg.qr(x).q,
    sort: np.sort,
    argsort: np.argsort,
    cumsum: (x) => np.cumsum(x),
    cumprod: (x) => np.cumprod(x),
    positions: (integers) => integers,
    take: (x, at) => np.take(x, at),
    put: (x, at) => {
      const y = np.copy(x);
      np.put(y, at, x);
      return y;
    },
  }),
  ...operationCases({
    np: named,
    linalg: np.linalg,
    array,
    positions: (integers, shape) => np.array(Int32Array.from(integers), 'int32').reshape(...shape),
    read,
  }),
  ...fftCases({
    np,
    array,
    complex: (re, im, shape) => np.reshape(np.array(Array.from(re, (v, i) => new np.Complex(v, im[i]))), shape),
    free: (x) => x.dispose?.(),
    readParts: (x) =>
      x.dtype.startsWith('complex') ? Float64Array.from([...read(np.real(x)), ...read(np.imag(x))]) : read(x),
  }),
};
