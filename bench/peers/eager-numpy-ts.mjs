/** Single operations in numpy-ts. */
import * as np from 'numpy-ts';
import { eagerCases } from './eager.mjs';
import { operationCases } from './operations.mjs';
import { eigenCases } from './operations-eigen.mjs';
import { specCases } from './specs.mjs';

/** The library under our names: snake case, and axes by position. */
const library = { ...np };
const renamed = {
  bincount: (x) => np.bincount(x),
  correlate: (x, y, options) => np.correlate(x, y, options?.mode),
  convolve: (x, y, options) => np.convolve(x, y, options?.mode),
  item: (x) => np.item(x, 0),
  slice: (x) => x.slice('0:100', '0:100'),
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
const read = (x) =>
  typeof x === 'object' && !Array.isArray(x) ? Array.from(np.copy(x).data, Number) : [x].flat(9).map(Number);

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
  // Its `eig` has real results only, which are wrong where eigenvalues are complex.
  ...eigenCases({
    array,
    read,
    roots: (p) => np.roots(p),
    poly: (x) => np.poly(x),
    real: (values) => np.ravel(np.real(values)).tolist(),
  }),
  ...specCases({
    np: named,
    array: (values, shape, dtype) => np.array(values, dtype).reshape(...shape),
    read,
  }),
};
