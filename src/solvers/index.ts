/** Solvers whose solutions can be differentiated: implicitly, or through their iterations. */
export { IterativeSolver, type SolverOptions, type Step, statusName } from './base.ts';
export { GradientDescent, type GradientDescentOptions } from './gradient-descent.ts';
export {
  type Prox,
  ProximalGradient,
  type ProximalGradientOptions,
  type ProximalGradientState,
} from './proximal-gradient.ts';
