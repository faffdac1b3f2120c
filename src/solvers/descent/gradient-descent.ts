/** `GradientDescent`. */
import {
  type DescentOptions,
  type NoProx,
  ProximalGradient,
  type ProximalGradientOptions,
} from '../proximal/proximal-gradient.ts';
import type { ObjectiveFunction } from '../types.ts';

export type GradientDescentOptions<
  F extends ObjectiveFunction = ObjectiveFunction,
  H extends boolean = boolean,
  V extends boolean = boolean,
> = DescentOptions<F, H, V>;

/**
 * Gradient descent with backtracking line search and Nesterov's acceleration. `state.error` is the distance of
 * the last two iterates over the step size: without acceleration, the norm of the gradient.
 * The solution is differentiable in every argument of `fun` after the first.
 *
 * @example
 * const ridge = (w, l2reg, X, y) => np.mean(np.square(np.matmul(X, w).sub(y))).add(np.sum(w.mul(w)).mul(l2reg));
 * const solver = new GradientDescent({ fun: ridge, maxiter: 500, tol: 1e-6 });
 * const { params, state } = solver.run(np.zeros([10]), 0.1, X, y);
 * jacobian((l2reg) => solver.run(np.zeros([10]), l2reg, X, y).params)(0.1);
 */
export class GradientDescent<
  F extends ObjectiveFunction = ObjectiveFunction,
  H extends boolean = false,
  V extends boolean = false,
> extends ProximalGradient<F, NoProx, H, V> {
  constructor(options: GradientDescentOptions<F, H, V>) {
    super(options as ProximalGradientOptions<F, NoProx, H, V>, 'GradientDescent');
  }
}
