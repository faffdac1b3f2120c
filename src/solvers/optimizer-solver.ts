/** `OptimizerSolver`: one of `optimizers` as a solver. */
import type { AnyFunction } from '../../transforms/flat.ts';
import { TraceError } from '../core/errors.ts';
import type { Value } from '../core/trace.ts';
import { jit } from '../jit.ts';
import { applyUpdates, type GradientTransformation } from '../optimizers/transformation.ts';
import * as tree from '../tree.ts';
import { type BaseState, checkFunction, IterativeSolver, initialState, type SolverOptions, type Step } from './base.ts';
import { Objective, type ObjectiveOptions, objectiveOptions } from './objective.ts';
import { dtypeOf, norm, scalarOf } from './vectors.ts';

export interface OptimizerSolverOptions extends SolverOptions, ObjectiveOptions {
  /** The objective f(params, …args), or what `valueAndGrad` and `hasAux` say. */
  fun: AnyFunction;
  /** One of `optimizers`. */
  optimizer: GradientTransformation;
  /** Called before each step: (params, state, …args) → [params, state]. */
  preUpdate?: (params: any, state: any, ...args: any[]) => readonly [params: any, state: any];
}

export interface OptimizerSolverState extends BaseState {
  readonly value: Value;
  /** The state of the optimizer. */
  readonly internalState: any;
  /** The auxiliary output of the objective at the last evaluation; null without `hasAux`. */
  readonly aux: any;
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
export class OptimizerSolver extends IterativeSolver<OptimizerSolverState> {
  protected readonly symmetric = true;
  private readonly objective: Objective;
  private readonly optimizer: GradientTransformation;
  private readonly preUpdate: OptimizerSolverOptions['preUpdate'];
  private readonly compiledUpdate: AnyFunction;

  constructor(options: OptimizerSolverOptions) {
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
    this.preUpdate = options.preUpdate;
    const update = (params: any, state: OptimizerSolverState, ...args: any[]) => this.update(params, state, ...args);
    this.compiledUpdate = options.jit === false ? update : jit(update);
  }

  override initState(initParams: any, ...args: any[]): OptimizerSolverState {
    const { value, aux } = this.objective.evaluate(initParams, args);
    return {
      ...initialState(dtypeOf(initParams)),
      value,
      internalState: this.optimizer.init(initParams),
      aux: aux === null ? null : tree.map((leaf) => leaf, aux),
    };
  }

  override update(params: any, state: OptimizerSolverState, ...args: any[]): Step<any, OptimizerSolverState> {
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
  runIterator(initParams: any, iterator: Iterable<any>, ...args: any[]): Step<any, OptimizerSolverState> {
    let step: Step<any, OptimizerSolverState> | undefined;
    let count = 0;
    for (const item of iterator) {
      step ??= this.begin(initParams, ...args, item);
      step = this.compiledUpdate(step.params, step.state, ...args, item) as typeof step;
      if (++count >= this.maxiter) break;
    }
    if (!step) throw new TraceError('OptimizerSolver: the iterator of `runIterator` gave no item.');
    return step;
  }

  private begin(initParams: any, ...args: any[]): Step<any, OptimizerSolverState> {
    const params = this.start(initParams, args);
    return { params, state: this.initState(params, ...args) };
  }

  /** ∇f. */
  override optimalityFun(params: any, ...args: any[]): any {
    return this.objective.evaluate(params, args).gradient;
  }
}
