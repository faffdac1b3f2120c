import * as np from 'numpy-ts';
import { eagerCases } from './eager.mjs';
import { measure } from './timing.mjs';

await measure(
  'numpy-ts',
  eagerCases({
    array: (values, shape) => np.array(Float64Array.from(values)).reshape(...shape),
    read: (x) => (typeof x === 'number' ? [x] : Array.from(np.ravel(x).data ?? x)),
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
);
