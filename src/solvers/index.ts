/** Solvers whose solutions can be differentiated: implicitly, or through their iterations. */
export { statusName } from '../implicit/status.ts';
export { IterativeSolver, type SolverOptions, type Step } from './base.ts';
export { GradientDescent, type GradientDescentOptions } from './gradient-descent.ts';
export {
  type Prox,
  ProximalGradient,
  type ProximalGradientOptions,
  type ProximalGradientState,
} from './proximal-gradient.ts';
