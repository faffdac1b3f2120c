/** `OptimizerSolver`: one of `optimizers` as a solver. */
import type { RestOf } from '../../../transforms/flat.ts';
import type { NDArray } from '../../array.ts';
import { TraceError } from '../../core/errors.ts';
import { applyUpdates, type GradientTransformation, type StateOf } from '../../optimizers/transformation.ts';
import type { ArrayLikes } from '../../tree.ts';
import * as tree from '../../tree.ts';
import { type BaseState, initialState, type Step } from '../base.ts';
import type { Given, ObjectiveAux, ObjectiveFunction, ParamsOf } from '../types.ts';
import { dtypeOf, norm, scalarOf } from '../vectors.ts';
import { type StochasticOptions, StochasticSolver } from './stochastic.ts';

export interface OptimizerSolverOptions<
  F extends ObjectiveFunction = ObjectiveFunction,
  T extends GradientTransformation = GradientTransformation,
  H extends boolean = boolean,
  V extends boolean = boolean,
> extends StochasticOptions<F, H, V, OptimizerSolverState<StateOf<T, ParamsOf<F>>, ObjectiveAux<F, H, V>>> {
  /** One of `optimizers`. */
  optimizer: T;
}

/** `S` is the state of the optimizer. */
export interface OptimizerSolverState<S = any, X = any> extends BaseState {
  /** f at the parameters before the last step: rank 0, of the dtype of f. */
  readonly value: NDArray;
  /** The state of the optimizer: `optimizers.StateOf<typeof optimizer, Params>`. */
  readonly internalState: S;
  /** The auxiliary output of the objective at the last evaluation; null without `hasAux`. */
  readonly aux: X;
}

/**
 * Minimises f by steps of an optimizer, as JAXopt's `OptaxSolver` does. `state.error` is ‖∇f‖₂ at the point before the last
 * step. Where that converges, the solution is differentiable in every argument of `fun` after the first.
 *
 * @example
 * const solver = new OptimizerSolver({ fun: loss, optimizer: optimizers.adam(1e-2), maxiter: 1000 });
 * const { params } = solver.run(init, data);
 * const trained = solver.runIterator(init, batches); // one step per batch
 */
export class OptimizerSolver<
  F extends ObjectiveFunction = ObjectiveFunction,
  T extends GradientTransformation = GradientTransformation,
  H extends boolean = false,
  V extends boolean = false,
> extends StochasticSolver<F, H, V, OptimizerSolverState<StateOf<T, ParamsOf<F>>, ObjectiveAux<F, H, V>>> {
  private readonly optimizer: GradientTransformation;

  constructor(options: OptimizerSolverOptions<F, T, H, V>) {
    super('OptimizerSolver', options, ['optimizer']);
    if (typeof options.optimizer?.update !== 'function')
      throw new TraceError('OptimizerSolver: `optimizer` must be one of `optimizers`, a pair of `init` and `update`.');
    this.optimizer = options.optimizer;
  }

  override initState(
    initParams: ArrayLikes<Parameters<F>[0]>,
    ...args: Given<RestOf<F>>
  ): OptimizerSolverState<StateOf<T, ParamsOf<F>>, ObjectiveAux<F, H, V>> {
    const { value, aux } = this.objective.evaluate(initParams, args);
    return {
      ...initialState(dtypeOf(initParams)),
      value,
      internalState: this.optimizer.init(initParams),
      aux: (aux === null ? null : tree.map((leaf) => leaf, aux)) as ObjectiveAux<F, H, V>,
    };
  }

  override update(
    params: ArrayLikes<Parameters<F>[0]>,
    state: OptimizerSolverState<StateOf<T, ParamsOf<F>>, ObjectiveAux<F, H, V>>,
    ...args: Given<RestOf<F>>
  ): Step<ParamsOf<F>, OptimizerSolverState<StateOf<T, ParamsOf<F>>, ObjectiveAux<F, H, V>>> {
    const [at, before] = this.before(params, state, args as readonly unknown[]);
    const { value, gradient, aux } = this.objective.evaluate(at, args);
    const [updates, internalState] = this.optimizer.update(gradient, before.internalState, at);
    return {
      params: applyUpdates(at, updates),
      state: {
        ...before,
        iterNum: before.iterNum.add(1),
        error: scalarOf(norm(gradient), before.error.dtype),
        value,
        internalState,
        aux: aux as ObjectiveAux<F, H, V>,
      },
    };
  }
}
