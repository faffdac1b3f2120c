/** Random numbers as pure functions of keys; the same as JAX's for the same key, but for `poisson` and `binomial`. */
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
export { multivariateNormal } from './multivariate.ts';
export * from './transformed.ts';
