/** `ProjectedGradient`. */
import { TraceError } from '../../core/errors.ts';
import { checkFunction } from '../base.ts';
import type { ObjectiveFunction } from '../types.ts';
import { type DescentOptions, type Prox, ProximalGradient } from './proximal-gradient.ts';

/** The nearest point to x of a convex set that depends on `hyperparams`. */
export type Projection<P = any, Y = any> = (x: P, hyperparams: Y) => P;

export interface ProjectedGradientOptions<
  F extends ObjectiveFunction = ObjectiveFunction,
  G extends Projection = Projection,
  H extends boolean = boolean,
  V extends boolean = boolean,
> extends DescentOptions<F, H, V> {
  /** One of `projection`, or your own. */
  projection: G;
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
export class ProjectedGradient<
  F extends ObjectiveFunction = ObjectiveFunction,
  G extends Projection = Projection,
  H extends boolean = false,
  V extends boolean = false,
> extends ProximalGradient<F, Prox<any, Parameters<G>[1]>, H, V> {
  constructor(options: ProjectedGradientOptions<F, G, H, V>) {
    checkFunction('ProjectedGradient', 'projection', options?.projection);
    if ('prox' in options)
      throw new TraceError('ProjectedGradient: there is no option `prox`; it is the `projection`.');
    const { projection, ...others } = options;
    super({ ...others, prox: (x, hyperparams) => projection(x, hyperparams) }, 'ProjectedGradient');
  }
}
