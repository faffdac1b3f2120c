/** `OptimizerSolver`: one of `optimizers` as a solver. */
import type { AnyFunction, RestOf } from '../../transforms/flat.ts';
import type { NDArray } from '../array.ts';
import { TraceError } from '../core/errors.ts';
import { jit } from '../jit.ts';
import { applyUpdates, type GradientTransformation, type StateOf } from '../optimizers/transformation.ts';
import type { ArrayLikes, Arrays } from '../tree.ts';
import * as tree from '../tree.ts';
import { type BaseState, checkFunction, IterativeSolver, initialState, type SolverOptions, type Step } from './base.ts';
import { Objective, type ObjectiveOptions, objectiveOptions } from './objective.ts';
import type { Given, ObjectiveAux, ObjectiveFunction, ParamsOf, Solution } from './types.ts';
import { dtypeOf, norm, scalarOf } from './vectors.ts';

export interface OptimizerSolverOptions<
  F extends ObjectiveFunction = ObjectiveFunction,
  T extends GradientTransformation = GradientTransformation,
  H extends boolean = boolean,
  V extends boolean = boolean,
> extends SolverOptions,
    ObjectiveOptions<H, V> {
  /** The objective f(params, …args), or what `valueAndGrad` and `hasAux` say. */
  fun: F;
  /** One of `optimizers`. */
  optimizer: T;
  /** Called before each step: (params, state, …args) → [params, state]. */
  preUpdate?: NoInfer<
    (
      params: ParamsOf<F>,
      state: OptimizerSolverState<StateOf<T, ParamsOf<F>>, ObjectiveAux<F, H, V>>,
      ...args: Arrays<RestOf<F>>
    ) => readonly [params: ParamsOf<F>, state: OptimizerSolverState<StateOf<T, ParamsOf<F>>, ObjectiveAux<F, H, V>>]
  >;
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

/** Of the arguments of `fun`, the last is an item of the iterator of `runIterator`. */
type ItemOf<A extends readonly unknown[]> = number extends A['length']
  ? any
  : A extends readonly [...unknown[], infer I]
    ? I
    : never;
type BeforeItem<A extends readonly unknown[]> = number extends A['length']
  ? A
  : A extends readonly [...infer B, unknown]
    ? B
    : [];

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
> extends IterativeSolver<
  Parameters<F>[0],
  RestOf<F>,
  OptimizerSolverState<StateOf<T, ParamsOf<F>>, ObjectiveAux<F, H, V>>
> {
  protected readonly symmetric = true;
  private readonly objective: Objective;
  private readonly optimizer: GradientTransformation;
  private readonly preUpdate: AnyFunction | undefined;
  private readonly compiledUpdate: AnyFunction;

  constructor(options: OptimizerSolverOptions<F, T, H, V>) {
    super('OptimizerSolver', options ?? {}, { maxiter: 500, tol: 1e-3 }, [
      'optimizer',
      'preUpdate',
      ...objectiveOptions,
    ]);
    checkFunction('OptimizerSolver', 'fun', options?.fun);
    if (typeof options.optimizer?.update !== 'function')
      throw new TraceError('OptimizerSolver: `optimizer` must be one of `optimizers`, a pair of `init` and `update`.');
    this.objective = new Objective(options.fun, options);
    this.optimizer = options.optimizer;
    if (options.preUpdate !== undefined) checkFunction('OptimizerSolver', 'preUpdate', options.preUpdate);
    this.preUpdate = options.preUpdate;
    const update = (params: any, state: any, ...args: any) => this.update(params, state, ...args);
    this.compiledUpdate = options.jit === false ? update : jit(update);
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
    const [at, before] = this.preUpdate ? this.preUpdate(params, state, ...args) : [params, state];
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
        aux,
      },
    };
  }

  /**
   * One step per item of `iterator`, at most `maxiter`: stochastic training. Items are passed to `fun` after `args`.
   *
   * @throws TraceError when the iterator is empty
   */
  runIterator<I extends ArrayLikes<Parameters<F>[0]>>(
    initParams: I,
    iterator: Iterable<ArrayLikes<ItemOf<RestOf<F>>>>,
    ...args: Given<BeforeItem<RestOf<F>>>
  ): Step<Solution<Parameters<F>[0], I>, OptimizerSolverState<StateOf<T, ParamsOf<F>>, ObjectiveAux<F, H, V>>> {
    let step: Step<any, OptimizerSolverState<StateOf<T, ParamsOf<F>>, ObjectiveAux<F, H, V>>> | undefined;
    let count = 0;
    for (const item of iterator) {
      step ??= this.begin(initParams, [...(args as readonly unknown[]), item]);
      step = this.compiledUpdate(step.params, step.state, ...(args as readonly unknown[]), item) as typeof step;
      if (++count >= this.maxiter) break;
    }
    if (!step) throw new TraceError('OptimizerSolver: the iterator of `runIterator` gave no item.');
    return step;
  }

  private begin(
    initParams: unknown,
    args: readonly unknown[],
  ): Step<any, OptimizerSolverState<StateOf<T, ParamsOf<F>>, ObjectiveAux<F, H, V>>> {
    const params: any = this.start(initParams, args);
    return { params, state: this.initState(params, ...(args as any)) };
  }

  /** ∇f. */
  override optimalityFun(params: ArrayLikes<Parameters<F>[0]>, ...args: Given<RestOf<F>>): ParamsOf<F> {
    return this.objective.evaluate(params, args).gradient;
  }
}
