/** What solvers that take their data batch by batch share: `preUpdate`, and `runIterator`. */
import type { AnyFunction, RestOf } from '../../../transforms/flat.ts';
import { TraceError } from '../../core/errors.ts';
import { naming } from '../../core/options.ts';
import { statusWhere } from '../../implicit/status.ts';
import { jit } from '../../jit.ts';
import { isFinite } from '../../lax/compare.ts';
import { scalar } from '../../lax/creation.ts';
import { not } from '../../lax/logic.ts';
import type { ArrayLikes, Arrays } from '../../tree.ts';
import { type BaseState, checkFunction, IterativeSolver, type SolverOptions, type Step } from '../base.ts';
import { Objective, type ObjectiveOptions, objectiveOptions } from '../objective.ts';
import type { Given, ObjectiveFunction, ParamsOf, Solution } from '../types.ts';

/** What happens before each step: (params, state, …args) → [params, state]. */
export type PreUpdate<P, A extends readonly unknown[], State> = (
  params: P,
  state: State,
  ...args: Arrays<A>
) => readonly [params: P, state: State];

export interface StochasticOptions<
  F extends ObjectiveFunction = ObjectiveFunction,
  H extends boolean = boolean,
  V extends boolean = boolean,
  State = any,
> extends SolverOptions,
    ObjectiveOptions<H, V> {
  /** The objective f(params, …args), or what `valueAndGrad` and `hasAux` say. */
  fun: F;
  /** Called before each step: (params, state, …args) → [params, state]. */
  preUpdate?: NoInfer<PreUpdate<ParamsOf<F>, RestOf<F>, State>>;
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

export abstract class StochasticSolver<
  F extends ObjectiveFunction = ObjectiveFunction,
  H extends boolean = false,
  V extends boolean = false,
  State extends BaseState = any,
> extends IterativeSolver<Parameters<F>[0], RestOf<F>, State> {
  protected readonly symmetric = true;
  protected readonly objective: Objective;
  private readonly preUpdate: AnyFunction | undefined;
  private readonly compiledUpdate: AnyFunction;

  constructor(name: string, options: StochasticOptions<F, H, V, State>, own: readonly string[]) {
    super(name, options ?? {}, { maxiter: 500, tol: 1e-3 }, [...own, 'preUpdate', ...objectiveOptions]);
    checkFunction(name, 'fun', options?.fun);
    this.objective = new Objective(options.fun, options);
    if (options.preUpdate !== undefined) checkFunction(name, 'preUpdate', options.preUpdate);
    this.preUpdate = options.preUpdate;
    const update = (params: any, state: any, ...args: any) => this.update(params, state, ...args);
    this.compiledUpdate = options.jit === false ? update : jit(update);
  }

  /** ∇f. */
  override optimalityFun(params: ArrayLikes<Parameters<F>[0]>, ...args: Given<RestOf<F>>): ParamsOf<F> {
    return this.objective.evaluate(params, args).gradient;
  }

  /** Where a step begins. */
  protected before(params: any, state: State, args: readonly unknown[]): readonly [params: any, state: State] {
    return this.preUpdate ? this.preUpdate(params, state, ...args) : [params, state];
  }

  /**
   * One step per item of an iterator, or of an asynchronous one, at most `maxiter`: stochastic training. Items are passed to `fun` after
   * `args`. The step is compiled once for items of the same types. `state.status` is `converged` where the error, which is that on
   * the last item, is at most `tol`, else `maxiter`, or `running` where the items came to an end.
   *
   * @returns a promise if the iterator is asynchronous
   * @throws TraceError when the iterator is empty
   */
  runIterator<I extends ArrayLikes<Parameters<F>[0]>>(
    initParams: I,
    iterator: Iterable<ArrayLikes<ItemOf<RestOf<F>>>>,
    ...args: Given<BeforeItem<RestOf<F>>>
  ): Step<Solution<Parameters<F>[0], I>, State>;
  runIterator<I extends ArrayLikes<Parameters<F>[0]>>(
    initParams: I,
    iterator: AsyncIterable<ArrayLikes<ItemOf<RestOf<F>>>>,
    ...args: Given<BeforeItem<RestOf<F>>>
  ): Promise<Step<Solution<Parameters<F>[0], I>, State>>;
  runIterator(
    initParams: unknown,
    iterator: Iterable<unknown> | AsyncIterable<unknown>,
    ...args: readonly unknown[]
  ): unknown {
    const steps = this.steps(initParams, args);
    if (typeof (iterator as AsyncIterable<unknown>)?.[Symbol.asyncIterator] === 'function')
      return this.afterEach(iterator as AsyncIterable<unknown>, steps);
    if (typeof (iterator as Iterable<unknown>)?.[Symbol.iterator] !== 'function')
      throw new TraceError(`${this.name}.runIterator: the batches must be an iterator, but are ${naming(iterator)}.`);
    for (const item of iterator as Iterable<unknown>) if (!steps.take(item)) break;
    return steps.end();
  }

  private async afterEach(
    iterator: AsyncIterable<unknown>,
    steps: { take(item: unknown): boolean; end(): Step },
  ): Promise<Step> {
    for await (const item of iterator) if (!steps.take(item)) break;
    return steps.end();
  }

  /** Steps under way: `take` makes one and says whether more are wanted. */
  private steps(initParams: unknown, args: readonly unknown[]) {
    let step: Step<any, State> | undefined;
    let count = 0;
    return {
      take: (item: unknown): boolean => {
        const all: readonly any[] = [...args, item];
        if (!step) {
          const params: any = this.start(initParams, all);
          step = { params, state: this.initState(params, ...(all as any)) };
        }
        if (count >= this.maxiter) return false;
        step = this.compiledUpdate(step.params, step.state, ...all) as Step<any, State>;
        return ++count < this.maxiter;
      },
      end: (): Step<any, State> => {
        if (!step) throw new TraceError(`${this.name}: the iterator of \`runIterator\` gave no item.`);
        const { params, state } = step;
        if (count === 0) return step;
        const status = statusWhere(
          [
            [not(isFinite(state.error)), 'nonfinite'],
            [this.converged(state), 'converged'],
            [scalar(Number(count >= this.maxiter), 'bool'), 'maxiter'],
          ],
          'running',
        );
        return { params, state: { ...state, status } };
      },
    };
  }
}
