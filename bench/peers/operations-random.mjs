import { free } from './eager.mjs';

/** Parameters are those of numpy-ts's benchmarks. */
const distributions = [
  'uniform',
  'normal',
  'exponential',
  'randint',
  'poisson',
  'binomial',
  'gamma',
  'beta',
  'chisquare',
  'laplace',
  'geometric',
  'logistic',
  'lognormal',
  'gumbel',
  'pareto',
  'power',
  'rayleigh',
  'weibull',
  'triangular',
  'cauchy',
  't',
  'wald',
  'vonmises',
  'zipf',
  'permutation',
  'choice',
  'choice without replacement',
  'dirichlet',
  // What those benchmarks leave out.
  'poisson of mean 100',
  'binomial of 1000',
  'negativeBinomial',
  'hypergeometric',
  'logseries',
  'multinomial',
];

/** 1 more than the mean, and the deviation, of sign(x)·log(1 + |x|), which exist for all distributions. */
function moments(values) {
  const logs = values.map((v) => Math.sign(v) * Math.log1p(Math.abs(v)));
  const mean = logs.reduce((a, b) => a + b, 0) / logs.length;
  // A mean near 0 has no relative error.
  return [1 + mean, Math.sqrt(logs.reduce((a, b) => a + (b - mean) ** 2, 0) / logs.length)];
}

/**
 * Random numbers: `samplers` are functions of a shape that give 10, 10³ and 10⁶ float64 numbers, or int32 where they count; with a
 * second argument, an integer, other numbers each time. Compared are moments of 10⁵ or more.
 */
export function randomCases({ samplers, read }) {
  const cases = {};
  for (const [size, shape] of [
    ['10', [2, 5]],
    ['10³', [20, 50]],
    ['10⁶', [1000, 1000]],
  ]) {
    const n = shape[0] * shape[1];
    for (const name of distributions) {
      const sample = samplers[name];
      if (!sample) continue;
      cases[`eager random ${name}, ${size}`] = () => ({
        run: () => free(sample(shape)),
        result: () =>
          moments(Array.from({ length: Math.ceil(2e5 / n) }, (_, i) => Array.from(read(sample(shape, i)))).flat()),
        tolerance: 0.02,
      });
    }
  }
  return cases;
}
