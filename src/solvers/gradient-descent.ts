/** `GradientDescent`. */
import { ProximalGradient, type ProximalGradientOptions } from './proximal-gradient.ts';

export type GradientDescentOptions = Omit<ProximalGradientOptions, 'prox'>;

/**
 * Gradient descent with backtracking line search and Nesterov's acceleration. `state.error` is the distance of
 * the last two iterates over the step size: without acceleration, the norm of the gradient.
 * The solution is differentiable in every argument of `fun` after the first.
 *
 * @example
 * const ridge = (w, l2reg, X, y) => { … };
 * const solver = new GradientDescent({ fun: ridge, maxiter: 500, tol: 1e-6 });
 * const { params, state } = solver.run(np.zeros([10]), 0.1, X, y);
 * jacobian((l2reg) => solver.run(np.zeros([10]), l2reg, X, y).params)(0.1);
 */
export class GradientDescent extends ProximalGradient {
  constructor(options: GradientDescentOptions) {
    super(options, 'GradientDescent');
  }
}
