/** What minimisers of smooth functions by line searches share. */

import type { RestOf } from '../../../transforms/flat.ts';
import type { NDArray } from '../../array.ts';
import { TraceError } from '../../core/errors.ts';
import { checkChoice, checkNumbers } from '../../core/options.ts';
import type { Value } from '../../core/trace.ts';
import { min } from '../../lax/arithmetic.ts';
import { le, select } from '../../lax/compare.ts';
import { scalar } from '../../lax/creation.ts';
import type { ArrayLikes } from '../../tree.ts';
import * as tree from '../../tree.ts';
import { type BaseState, checkFunction, IterativeSolver, initialState, type SolverOptions } from '../base.ts';
import { BacktrackingLineSearch } from '../line-search/backtracking-line-search.ts';
import { HagerZhangLineSearch } from '../line-search/hager-zhang-line-search.ts';
import { LineSearch } from '../line-search/line-search.ts';
import { ZoomLineSearch } from '../line-search/zoom-line-search.ts';
import { Objective, type ObjectiveOptions, objectiveOptions } from '../objective.ts';
import type { Given, ObjectiveAux, ObjectiveFunction, ParamsOf } from '../types.ts';
import { axpy, dtypeOf, norm, scalarOf } from '../vectors.ts';

export interface SmoothOptions<
  F extends ObjectiveFunction = ObjectiveFunction,
  H extends boolean = boolean,
  V extends boolean = boolean,
> extends SolverOptions,
    ObjectiveOptions<H, V> {
  /** The objective f(params, …args), or what `valueAndGrad` and `hasAux` say. */
  fun: F;
  /** A constant step size, or a function of the iteration number; 0 (the default) means line search. */
  stepsize?: number | ((iterNum: Value) => Value | number);
  /** Default 'zoom'. A search by Hager & Zhang is bounded by `maxStepsize` only if that is given. */
  linesearch?: 'zoom' | 'backtracking' | 'hager-zhang' | LineSearch<any, any, any>;
  /**
   * Where a line search begins: at `maxStepsize`, at the last step, or (the default) at the last step times `increaseFactor`,
   * if that step was longer than `minStepsize`, else at `maxStepsize`. A search by Hager & Zhang begins at most there.
   */
  linesearchInit?: 'increase' | 'max' | 'current';
  /** Most steps of a line search. Default 30. */
  maxls?: number;
  /** Default 1.5. */
  increaseFactor?: number;
  /** Default 1. */
  maxStepsize?: number;
  /** Default 1e-6. */
  minStepsize?: number;
}

export interface SmoothState<P = any, X = any> extends BaseState {
  /** f at the parameters: rank 0, of the dtype of f. */
  readonly value: NDArray;
  /** ∇f there: a tree of the shapes and dtypes of the parameters. */
  readonly grad: P;
  /** The last step size, rank 0, of the dtype of `error`; `maxStepsize` before the first step. */
  readonly stepsize: NDArray;
  /** The auxiliary output of the objective at the last point; null without `hasAux`. */
  readonly aux: X;
  /** bool, rank 0: whether the last line search found no step that satisfies its conditions. */
  readonly failedLinesearch: NDArray;
  /** int32, rank 0: evaluations of the objective so far. */
  readonly numFunEval: NDArray;
  /** int32, rank 0: evaluations of its gradient so far. */
  readonly numGradEval: NDArray;
  /** int32, rank 0: steps of line searches so far. */
  readonly numLinesearchIter: NDArray;
}

const ownOptions = [
  ...objectiveOptions,
  'stepsize',
  'linesearch',
  'linesearchInit',
  'maxls',
  'increaseFactor',
  'maxStepsize',
  'minStepsize',
];

/** Minimisers of f whose steps go along a direction that the method chooses. `state.error` is ‖∇f‖₂. */
export abstract class SmoothSolver<
  F extends ObjectiveFunction,
  H extends boolean,
  V extends boolean,
  State extends SmoothState<ParamsOf<F>, ObjectiveAux<F, H, V>>,
  A extends readonly unknown[] = RestOf<F>,
> extends IterativeSolver<Parameters<F>[0], A, State> {
  protected readonly symmetric: boolean = true;
  protected readonly objective: Objective;
  private readonly options: Required<
    Pick<SmoothOptions, 'stepsize' | 'linesearchInit' | 'increaseFactor' | 'maxStepsize' | 'minStepsize'>
  >;
  private readonly lineSearch: LineSearch<any, any, any>;

  constructor(
    name: string,
    options: SmoothOptions<F, H, V>,
    defaults: { maxiter: number; increaseFactor: number },
    own: readonly string[] = [],
  ) {
    super(name, options ?? {}, { maxiter: defaults.maxiter, tol: 1e-3 }, [...ownOptions, ...own]);
    checkFunction(name, 'fun', options?.fun);
    this.objective = new Objective(options.fun, options);
    checkNumbers(name, options, ['maxls', 'increaseFactor', 'maxStepsize', 'minStepsize']);
    if (typeof options.stepsize !== 'function') checkNumbers(name, options, ['stepsize']);
    if (options.linesearchInit !== undefined)
      checkChoice(name, '`linesearchInit`', options.linesearchInit, ['increase', 'max', 'current']);
    this.options = {
      stepsize: options.stepsize ?? 0,
      linesearchInit: options.linesearchInit ?? 'increase',
      increaseFactor: options.increaseFactor ?? defaults.increaseFactor,
      maxStepsize: options.maxStepsize ?? 1,
      minStepsize: options.minStepsize ?? 1e-6,
    };
    this.lineSearch = this.makeLineSearch(options);
  }

  private makeLineSearch({ linesearch = 'zoom', maxls = 30, ...given }: SmoothOptions): LineSearch<any, any, any> {
    if (linesearch instanceof LineSearch) return linesearch;
    const common = { fun: this.objective as any, maxiter: maxls, bounded: !this.implicitDiff };
    if (linesearch === 'hager-zhang')
      return new HagerZhangLineSearch({ ...common, maxStepsize: given.maxStepsize ?? Number.POSITIVE_INFINITY });
    const options = { ...common, maxStepsize: this.options.maxStepsize };
    if (linesearch === 'zoom') return new ZoomLineSearch(options);
    if (linesearch === 'backtracking') return new BacktrackingLineSearch(options);
    throw new TraceError(
      `${this.name}: \`linesearch\` is ${JSON.stringify(linesearch)}, but must be "zoom", "backtracking", "hager-zhang" or a line search.`,
    );
  }

  protected initial(params: unknown, args: readonly unknown[]): SmoothState<ParamsOf<F>, ObjectiveAux<F, H, V>> {
    const { value, gradient, aux } = this.objective.evaluate(params, args);
    const dtype = dtypeOf(params);
    return {
      ...initialState(dtype),
      value,
      grad: gradient,
      stepsize: scalar(this.options.maxStepsize, dtype),
      aux: (aux === null ? null : tree.map((leaf) => leaf, aux)) as ObjectiveAux<F, H, V>,
      failedLinesearch: scalar(0, 'bool'),
      numFunEval: scalar(1, 'int32'),
      numGradEval: scalar(1, 'int32'),
      numLinesearchIter: scalar(0, 'int32'),
    };
  }

  /** A step along `direction`, and the state there; `projection` is applied to every point at which f is evaluated. */
  protected move(
    params: any,
    state: State,
    direction: any,
    args: readonly unknown[],
    projection?: (params: any) => any,
  ): { params: any; state: State } {
    const dtype = dtypeOf(params);
    const { stepsize } = this.options;
    if (typeof stepsize !== 'number' || stepsize > 0) {
      const size = scalarOf(typeof stepsize === 'number' ? stepsize : stepsize(state.iterNum), dtype);
      const reached = axpy(params, size, direction);
      const next = projection ? projection(reached) : reached;
      const { value, gradient, aux } = this.objective.evaluate(next, args);
      const { numFunEval, numGradEval } = state;
      return {
        params: next,
        state: {
          ...this.at(state, gradient),
          value,
          aux,
          stepsize: size,
          numFunEval: numFunEval.add(1),
          numGradEval: numGradEval.add(1),
        },
      };
    }
    const found = this.lineSearch.run(this.firstStepsize(state.stepsize), params, {
      value: state.value,
      grad: state.grad,
      descentDirection: direction,
      args: args as any,
      ...(projection ? { projection } : {}),
    });
    const { value, grad, aux, failed, iterNum, numFunEval, numGradEval } = found.state;
    return {
      params: found.state.params,
      state: {
        ...this.at(state, grad),
        value,
        aux,
        stepsize: scalarOf(found.stepsize, dtype),
        failedLinesearch: failed,
        numFunEval: state.numFunEval.add(numFunEval),
        numGradEval: state.numGradEval.add(numGradEval),
        numLinesearchIter: state.numLinesearchIter.add(iterNum),
      },
    };
  }

  private at(state: State, grad: unknown): State {
    return { ...state, iterNum: state.iterNum.add(1), grad, error: scalarOf(norm(grad), state.error.dtype) };
  }

  private firstStepsize(last: Value): Value | number {
    const { linesearchInit, maxStepsize, minStepsize, increaseFactor } = this.options;
    if (linesearchInit === 'max') return maxStepsize;
    const first = linesearchInit === 'current' ? last : last.mul(increaseFactor);
    const longest = this.lineSearch instanceof HagerZhangLineSearch ? min(first, maxStepsize) : first;
    return linesearchInit === 'current' ? longest : select(le(last, minStepsize), maxStepsize, longest);
  }

  /** ∇f. */
  override optimalityFun(params: ArrayLikes<Parameters<F>[0]>, ...args: Given<A>): ParamsOf<F> {
    return this.objective.evaluate(params, args).gradient;
  }
}
