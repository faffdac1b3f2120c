/** `NonlinearCG`. */
import { TraceError } from '../core/errors.ts';
import type { Value } from '../core/trace.ts';
import { div, max } from '../lax/arithmetic.ts';
import { finfo } from '../numpy/testing.ts';
import type { Step } from './base.ts';
import { type SmoothOptions, SmoothSolver, type SmoothState } from './smooth.ts';
import { axpy, dot, minus, negated } from './vectors.ts';

export type NonlinearCGMethod = 'polak-ribiere' | 'fletcher-reeves' | 'hestenes-stiefel';

export interface NonlinearCGOptions extends Omit<SmoothOptions, 'stepsize'> {
  /** How the next direction is made conjugate to the last. Default 'polak-ribiere'. */
  method?: NonlinearCGMethod;
}

export interface NonlinearCGState extends SmoothState {
  readonly descentDirection: any;
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
export class NonlinearCG extends SmoothSolver<NonlinearCGState> {
  private readonly method: NonlinearCGMethod;

  constructor(options: NonlinearCGOptions) {
    super('NonlinearCG', options, { maxiter: 100, increaseFactor: 1.2 }, ['method']);
    this.method = options.method ?? 'polak-ribiere';
    if (!methods.includes(this.method))
      throw new TraceError(
        `NonlinearCG: \`method\` is ${JSON.stringify(this.method)}, but must be one of ${methods.map((m) => JSON.stringify(m)).join(', ')}.`,
      );
  }

  override initState(initParams: any, ...args: any[]): NonlinearCGState {
    const state = this.initial(initParams, args);
    return { ...state, descentDirection: negated(state.grad) };
  }

  override update(params: any, state: NonlinearCGState, ...args: any[]): Step<any, NonlinearCGState> {
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
