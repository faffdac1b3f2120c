/** Random numbers as pure functions of keys; the same as JAX's for the same key, but for `poisson`, `binomial` and what JAX has not. */
export {
  cauchy,
  exponential,
  type FloatOptions,
  gumbel,
  laplace,
  logistic,
  normal,
  type Standard,
  truncatedNormal,
  type UniformOptions,
  uniform,
} from './continuous.ts';
export { binomial, type Counts, geometric, poisson } from './counts.ts';
export * from './discrete.ts';
export {
  beta,
  chisquare,
  dirichlet,
  f,
  gamma,
  loggamma,
  type OneParameter,
  type TwoParameters,
  t,
} from './gamma.ts';
export { bits, foldIn, key, split } from './keys.ts';
export { type CountsOfTwo, logseries, multinomial, negativeBinomial, zipf } from './more-counts.ts';
export { multivariateNormal } from './multivariate.ts';
export * from './transformed.ts';
export { vonmises } from './vonmises.ts';
