/** `AndersonWrapper`. */

import { cond } from '../../control/cond.ts';
import { TraceError } from '../../core/errors.ts';
import { naming } from '../../core/options.ts';
import type { ArrayLikes, Arrays } from '../../tree.ts';
import { type BaseState, IterativeSolver, initialState, type SolverOptions, type Step } from '../base.ts';
import type { Given } from '../types.ts';
import { ravel, scalarOf, unravel } from '../vectors.ts';
import { Mixing, type MixingOptions, type MixingState, mixingOptions } from './anderson.ts';

/** `mixingFrequency` is `historySize` by default. */
export interface AndersonWrapperOptions<P = any, A extends readonly unknown[] = any[], State extends BaseState = any>
  extends Omit<SolverOptions, 'maxiter' | 'tol'>,
    MixingOptions {
  /** The solver whose steps are accelerated; its `maxiter` and `tol` hold. */
  solver: IterativeSolver<P, A, State>;
}

export interface AndersonWrapperState<S = any> extends BaseState, MixingState {
  /** The state of the wrapped solver, which begins anew at every extrapolated point. */
  readonly solverState: S;
}

/**
 * Anderson acceleration of another solver's `update`, taken for a map from parameters to parameters: every
 * `mixingFrequency` iterations the next point is the combination of the last ones, with weights of sum 1, whose combined
 * step is least, and the solver begins anew there. `run` takes what the solver's takes; `state.error` is the solver's. Options,
 * defaults and iterates follow JAXopt's. The solution has the derivative that the solver's `optimalityFun` gives it; with
 * `implicitDiff: false`, which the solver must have too, that of the iterations.
 *
 * @example
 * const inner = new ProximalGradient({ fun: leastSquares, prox: prox.lasso, acceleration: false, tol: 1e-6 });
 * const { params } = new AndersonWrapper({ solver: inner }).run(np.zeros([10]), l1reg, X, y);
 * @throws TraceError when `solver` is no solver, or `historySize` less than 2
 */
export class AndersonWrapper<
  P = any,
  A extends readonly unknown[] = any[],
  State extends BaseState = any,
> extends IterativeSolver<P, A, AndersonWrapperState<State>> {
  protected readonly symmetric: boolean;
  private readonly solver: IterativeSolver<P, A, State>;
  private readonly mixing: Mixing;

  constructor(options: AndersonWrapperOptions<P, A, State>) {
    const { solver } = options ?? {};
    if (!(solver instanceof IterativeSolver))
      throw new TraceError(`AndersonWrapper: \`solver\` must be a solver, but it is ${naming(solver)}.`);
    const { maxiter, tol, implicitDiff } = solver;
    const inherited = solver.implicitDiffSolve ? { implicitDiffSolve: solver.implicitDiffSolve } : {};
    super('AndersonWrapper', { implicitDiff, ...inherited, ...options }, { maxiter, tol }, [
      'solver',
      ...mixingOptions,
    ]);
    if (!this.implicitDiff && solver.implicitDiff)
      throw new TraceError(
        'AndersonWrapper: `implicitDiff: false` needs it in the wrapped solver too, whose loops are bounded then.',
      );
    this.solver = solver;
    this.symmetric = IterativeSolver.within(solver).symmetric;
    this.mixing = new Mixing('AndersonWrapper', options);
  }

  override initState(initParams: ArrayLikes<P>, ...args: Given<A>): AndersonWrapperState<State> {
    const solverState = this.solver.initState(initParams, ...args);
    return {
      ...initialState(solverState.error.dtype),
      ...this.mixing.initial(initParams),
      solverState,
    };
  }

  override update(
    params: ArrayLikes<P>,
    state: AndersonWrapperState<State>,
    ...args: Given<A>
  ): Step<Arrays<P>, AndersonWrapperState<State>> {
    const { iterNum } = state;
    const from = cond(
      this.mixing.due(iterNum),
      () => {
        const extrapolated = unravel(this.mixing.extrapolate(state), params);
        return { params: extrapolated, state: this.solver.initState(extrapolated, ...args) };
      },
      () => ({ params, state: state.solverState }) as any,
    ) as Step<any, State>;
    const next = this.solver.update(from.params, from.state, ...args);
    const point = ravel(from.params);
    const residual = ravel(next.params).sub(point);
    return {
      params: next.params,
      state: {
        ...state,
        ...this.mixing.remember(state, iterNum, point, residual),
        iterNum: iterNum.add(1),
        error: scalarOf(next.state.error, state.error.dtype),
        solverState: next.state,
      },
    };
  }

  override optimalityFun(params: ArrayLikes<P>, ...args: Given<A>): Arrays<P> {
    return this.solver.optimalityFun(params, ...args);
  }

  protected override start(init: unknown, args: readonly unknown[]): unknown {
    return IterativeSolver.within(this.solver).start(super.start(init, args), args);
  }
}
