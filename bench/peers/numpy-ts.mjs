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
  }),
);
