/** `NonlinearCG`. */
import type { RestOf } from '../../../transforms/flat.ts';
import { TraceError } from '../../core/errors.ts';
import type { Value } from '../../core/trace.ts';
import { div, max } from '../../lax/arithmetic.ts';
import { finfo } from '../../numpy/testing.ts';
import type { ArrayLikes } from '../../tree.ts';
import type { Step } from '../base.ts';
import type { Given, ObjectiveAux, ObjectiveFunction, ParamsOf } from '../types.ts';
import { axpy, dot, minus, negated } from '../vectors.ts';
import { type SmoothOptions, SmoothSolver, type SmoothState } from './smooth.ts';

export type NonlinearCGMethod = 'polak-ribiere' | 'fletcher-reeves' | 'hestenes-stiefel';

export interface NonlinearCGOptions<
  F extends ObjectiveFunction = ObjectiveFunction,
  H extends boolean = boolean,
  V extends boolean = boolean,
> extends Omit<SmoothOptions<F, H, V>, 'stepsize'> {
  /** How the next direction is made conjugate to the last. Default 'polak-ribiere'. */
  method?: NonlinearCGMethod;
}

export interface NonlinearCGState<P = any, X = any> extends SmoothState<P, X> {
  /** The direction of the next line search: a tree of the shapes and dtypes of the parameters. */
  readonly descentDirection: P;
}

const methods: readonly string[] = ['polak-ribiere', 'fletcher-reeves', 'hestenes-stiefel'];

/**
 * Nonlinear conjugate gradients (Nocedal & Wright, Numerical Optimization, algorithm 5.4 with β ≥ 0). Options, defaults and
 * iterates follow JAXopt's, but `state.error` is ‖∇f‖₂ at the point that is returned, not at the one before it, and
 * every line search goes along the conjugate direction.
 *
 * @example
 * const { params } = new NonlinearCG({ fun: rosenbrock, method: 'hestenes-stiefel' }).run(np.zeros([2]));
 * @throws TraceError when `method` is not one of the three
 */
export class NonlinearCG<
  F extends ObjectiveFunction = ObjectiveFunction,
  H extends boolean = false,
  V extends boolean = false,
> extends SmoothSolver<F, H, V, NonlinearCGState<ParamsOf<F>, ObjectiveAux<F, H, V>>> {
  private readonly method: NonlinearCGMethod;

  constructor(options: NonlinearCGOptions<F, H, V>) {
    super('NonlinearCG', options, { maxiter: 100, increaseFactor: 1.2 }, ['method']);
    this.method = options.method ?? 'polak-ribiere';
    if (!methods.includes(this.method))
      throw new TraceError(
        `NonlinearCG: \`method\` is ${JSON.stringify(this.method)}, but must be one of ${methods.map((m) => JSON.stringify(m)).join(', ')}.`,
      );
  }

  override initState(
    initParams: ArrayLikes<Parameters<F>[0]>,
    ...args: Given<RestOf<F>>
  ): NonlinearCGState<ParamsOf<F>, ObjectiveAux<F, H, V>> {
    const state = this.initial(initParams, args);
    return { ...state, descentDirection: negated(state.grad) };
  }

  override update(
    params: ArrayLikes<Parameters<F>[0]>,
    state: NonlinearCGState<ParamsOf<F>, ObjectiveAux<F, H, V>>,
    ...args: Given<RestOf<F>>
  ): Step<ParamsOf<F>, NonlinearCGState<ParamsOf<F>, ObjectiveAux<F, H, V>>> {
    const { grad, descentDirection } = state;
    const moved = this.move(params, state, descentDirection, args);
    const next = moved.state.grad;
    const beta = max(this.conjugation(grad, next, descentDirection), 0);
    const direction = axpy(negated(next), beta, descentDirection);
    return { params: moved.params, state: { ...moved.state, descentDirection: direction } };
  }

  private conjugation(grad: any, next: any, direction: any): Value {
    const over = (x: Value, y: Value): Value => div(x, max(y, finfo(y).tiny));
    switch (this.method) {
      case 'polak-ribiere':
        return over(dot(minus(next, grad), next), dot(grad, grad));
      case 'fletcher-reeves':
        return over(dot(next, next), dot(grad, grad));
      case 'hestenes-stiefel':
        return over(dot(minus(next, grad), next), dot(minus(next, grad), direction));
    }
  }
}
