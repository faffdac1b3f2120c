/** Single operations in this library. */
import * as cotangent from '../../dist/bundle/node/index.js';
import { eagerCases } from './eager.mjs';
import { operationCases } from './operations.mjs';
import { eigenCases } from './operations-eigen.mjs';
import { fftCases } from './operations-fft.mjs';
import { mlMatrixCases } from './operations-ml-matrix.mjs';
import { randomCases } from './operations-random.mjs';
import { routineCases } from './operations-routines.mjs';
import { specCases } from './specs.mjs';

const { ComplexArray, lax, linalg, np, npy, random } = cotangent;

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

const array = (values, shape) => np.array(Array.from(values), { dtype: 'float64' }).reshape(shape);
const positions = (integers, shape) => np.array(integers, { dtype: 'int32' }).reshape(shape);
const read = (x) => x.data();

const keys = Array.from({ length: 256 }, (_, i) => random.key(i));
const keyOf = (i = 0) => keys[i] ?? random.key(i);
/** With what parameters numpy-ts samples. */
const parameters = {
  uniform: [],
  normal: [],
  exponential: [],
  gamma: [2],
  beta: [2, 5],
  chisquare: [5],
  laplace: [],
  logistic: [],
  lognormal: [1],
  gumbel: [],
  pareto: [3],
  power: [3],
  rayleigh: [1],
  weibull: ['weibullMin', 1, 3],
  triangular: [0, 0.5, 1],
  cauchy: [],
  t: [5],
  wald: [1],
  vonmises: [0, 1],
  binomial: [10, 0.5],
  'binomial of 1000': ['binomial', 1000, 0.3],
};
const counts = {
  poisson: [5],
  'poisson of mean 100': ['poisson', 100],
  geometric: [0.5],
  zipf: [2],
  negativeBinomial: [10, 0.5],
  hypergeometric: [10, 20, 15],
  logseries: [0.6],
};
const samplersOf = (table, options) =>
  Object.entries(table).map(([title, given]) => {
    const [name, ...rest] = typeof given[0] === 'string' ? given : [title, ...given];
    const f = random[name];
    return [title, f && ((shape, i) => f(keyOf(i), ...rest, shape, options))];
  });
const vectorOf = (shape) => shape[0] * shape[1];
const alpha = np.array([1, 2, 3], { dtype: 'float64' });
const chances = np.array([0.2, 0.3, 0.5], { dtype: 'float64' });
const samplers = {
  ...Object.fromEntries([...samplersOf(parameters, dtype), ...samplersOf(counts, {})]),
  randint: (shape, i) => random.randint(keyOf(i), shape, 0, 100),
  permutation: (shape, i) => random.permutation(keyOf(i), vectorOf(shape)),
  choice: (shape, i) => random.choice(keyOf(i), 1000, shape),
  'choice without replacement': (shape, i) => random.choice(keyOf(i), vectorOf(shape), 10, { replace: false }),
  dirichlet: (shape, i) => random.dirichlet(keyOf(i), alpha, vectorOf(shape), dtype),
  multinomial: random.multinomial && ((shape, i) => random.multinomial(keyOf(i), 20, chances, vectorOf(shape), dtype)),
};
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
  ...randomCases({ samplers, read }),
  ...routineCases({
    np: { ...np, ...inFloat64, polyfit: (x, y, degree) => np.polyfit(x, y, degree) },
    linalg: {
      ...linalg,
      slogdet: (x) => Object.values(linalg.slogdet(x)),
      svd: (x) => Object.values(linalg.svd(x)),
      eigh: (x) => Object.values(linalg.eigh(x)),
      lstsq: (x, b) => Object.values(linalg.lstsq(x, b)),
    },
    files: {
      serializeNpy: npy.save,
      parseNpy: npy.load,
      serializeNpz: npy.savez,
      parseNpz: npy.loadz,
      parseNpzUnverified: (bytes) => npy.loadz(bytes, { verify: false }),
    },
    array,
    positions,
    read,
  }),
  ...mlMatrixCases({
    array,
    read,
    chain: (x) => np.abs(x.sub(5).mul(Math.PI)),
    transpose: (x) => np.copy(x.T),
    product: np.matmul,
    transposeProduct: (x, y) => np.matmul(x.T, y),
    symmetric: (x) => x.add(x.T),
    inverse: linalg.inv,
    svd: (x) => Object.values(linalg.svd(x)),
    lu: (x) => Object.values(lax.lu(x)),
    'symmetric eigenvectors': (x) => Object.values(linalg.eigh(x)),
    results: { svd: (x) => read(x[1]), lu: (x) => read(x[0]), 'symmetric eigenvectors': (x) => read(x[0]) },
  }),
  ...fftCases({
    np: {
      fft: {
        ...np.fft,
        fftfreq: (n) => np.fft.fftfreq(n, dtype),
        rfftfreq: (n) => np.fft.rfftfreq(n, dtype),
      },
    },
    array,
    complex: (re, im, shape) => new ComplexArray(array(re, shape), array(im, shape)),
    free: (x) => {
      for (const part of partsOf(x)) part.dispose();
    },
    readParts: (x) => Float64Array.from(partsOf(x).flatMap((part) => Array.from(part.data()))),
  }),
};
