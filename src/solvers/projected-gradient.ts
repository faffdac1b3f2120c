/** `ProjectedGradient`. */
import { checkFunction } from './base.ts';
import { ProximalGradient, type ProximalGradientOptions } from './proximal-gradient.ts';

/** The nearest point to x of a convex set that depends on `hyperparams`. */
export type Projection = (x: any, hyperparams: any) => any;

export interface ProjectedGradientOptions extends Omit<ProximalGradientOptions, 'prox'> {
  /** One of `projection`, or your own. */
  projection: Projection;
}

/**
 * Gradient descent in a convex set: a projection after each step, with line search and acceleration as in
 * `ProximalGradient`. `run(initParams, hyperparamsProj, …args)`; the solution is differentiable in all but the first. The
 * derivative is that of the fixed point x = projection(x − ∇f(x)).
 *
 * @example
 * const solver = new ProjectedGradient({ fun: leastSquares, projection: projection.simplex });
 * const { params } = solver.run(np.full([5], 0.2), 1, X, y);
 */
export class ProjectedGradient extends ProximalGradient {
  constructor(options: ProjectedGradientOptions) {
    checkFunction('ProjectedGradient', 'projection', options?.projection);
    const { projection, ...others } = options;
    super({ ...others, prox: (x, hyperparams) => projection(x, hyperparams) }, 'ProjectedGradient');
  }
}
