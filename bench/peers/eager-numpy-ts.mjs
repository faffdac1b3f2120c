/** Single operations in numpy-ts. */
import * as np from 'numpy-ts';
import { eagerCases } from './eager.mjs';
import { operationCases } from './operations.mjs';
import { eigenCases } from './operations-eigen.mjs';
import { fftCases } from './operations-fft.mjs';
import { randomCases } from './operations-random.mjs';
import { routineCases } from './operations-routines.mjs';
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

const { random } = np;
const vectorOf = (shape) => shape[0] * shape[1];
const samplers = {
  uniform: (shape) => random.uniform(0, 1, shape),
  normal: (shape) => random.normal(0, 1, shape),
  exponential: (shape) => random.exponential(1, shape),
  randint: (shape) => random.randint(0, 100, shape, 'int32'),
  poisson: (shape) => random.poisson(5, shape),
  'poisson of mean 100': (shape) => random.poisson(100, shape),
  binomial: (shape) => random.binomial(10, 0.5, shape),
  'binomial of 1000': (shape) => random.binomial(1000, 0.3, shape),
  gamma: (shape) => random.gamma(2, 1, shape),
  beta: (shape) => random.beta(2, 5, shape),
  chisquare: (shape) => random.chisquare(5, shape),
  laplace: (shape) => random.laplace(0, 1, shape),
  geometric: (shape) => random.geometric(0.5, shape),
  logistic: (shape) => random.logistic(0, 1, shape),
  lognormal: (shape) => random.lognormal(0, 1, shape),
  gumbel: (shape) => random.gumbel(0, 1, shape),
  pareto: (shape) => random.pareto(3, shape),
  power: (shape) => random.power(3, shape),
  rayleigh: (shape) => random.rayleigh(1, shape),
  weibull: (shape) => random.weibull(3, shape),
  triangular: (shape) => random.triangular(0, 0.5, 1, shape),
  cauchy: (shape) => random.standard_cauchy(shape),
  t: (shape) => random.standard_t(5, shape),
  wald: (shape) => random.wald(1, 1, shape),
  vonmises: (shape) => random.vonmises(0, 1, shape),
  zipf: (shape) => random.zipf(2, shape),
  negativeBinomial: (shape) => random.negative_binomial(10, 0.5, shape),
  hypergeometric: (shape) => random.hypergeometric(10, 20, 15, shape),
  logseries: (shape) => random.logseries(0.6, shape),
  permutation: (shape) => random.permutation(vectorOf(shape)),
  choice: (shape) => random.choice(1000, vectorOf(shape)),
  'choice without replacement': (shape) => random.choice(vectorOf(shape), 10, false),
  dirichlet: (shape) => random.dirichlet([1, 2, 3], vectorOf(shape)),
  multinomial: (shape) => random.multinomial(20, [0.2, 0.3, 0.5], vectorOf(shape)),
};

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
  ...randomCases({ samplers, read }),
  ...routineCases({
    np: named,
    linalg: {
      ...np.linalg,
      matrixRank: np.linalg.matrix_rank,
      matrixPower: np.linalg.matrix_power,
      multiDot: np.linalg.multi_dot,
      slogdet: (x) => Object.values(np.linalg.slogdet(x)),
      qr: (x) => Object.values(np.linalg.qr(x)),
      svd: (x) => Object.values(np.linalg.svd(x)),
      eigh: (x) => Object.values(np.linalg.eigh(x)),
      lstsq: (x, b) => Object.values(np.linalg.lstsq(x, b)),
    },
    files: {
      serializeNpy: np.serializeNpy,
      parseNpy: np.parseNpy,
      serializeNpz: np.serializeNpzSync,
      parseNpz: (bytes) => Object.fromEntries(np.parseNpzSync(bytes).arrays),
      // It never does.
      parseNpzUnverified: (bytes) => Object.fromEntries(np.parseNpzSync(bytes).arrays),
    },
    array,
    positions: (integers, shape, dtype = 'int32') => np.array(integers, dtype).reshape(...shape),
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
