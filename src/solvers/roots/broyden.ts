/** `Broyden`. */
import type { RestOf, TreeFunction } from '../../../transforms/flat.ts';
import type { NDArray } from '../../array.ts';
import { TraceError } from '../../core/errors.ts';
import { checkChoice, checkNumbers } from '../../core/options.ts';
import type { Value } from '../../core/trace.ts';
import type { StatusName } from '../../implicit/status.ts';
import { div } from '../../lax/arithmetic.ts';
import { isFinite, le, ne, select } from '../../lax/compare.ts';
import { scalar } from '../../lax/creation.ts';
import { dynamicUpdateIndexInDim } from '../../lax/dynamic-indexing.ts';
import { and, not } from '../../lax/logic.ts';
import { zeros } from '../../numpy/creation.ts';
import { matmul } from '../../numpy/products.ts';
import type { ArrayLikes } from '../../tree.ts';
import type { Step } from '../base.ts';
import {
  BacktrackingLineSearch,
  type LineSearchCondition,
  lineSearchConditions,
} from '../line-search/backtracking-line-search.ts';
import type { LineSearch } from '../line-search/line-search.ts';
import { ZoomLineSearch } from '../line-search/zoom-line-search.ts';
import { Objective } from '../objective.ts';
import type { AuxIf, Given, ParamsOf } from '../types.ts';
import { axpy, dot, dtypeOf, minus, ravel, scalarOf, unravel } from '../vectors.ts';
import { type RootOptions, RootSolver, type RootState } from './root.ts';

export interface BroydenOptions<F extends TreeFunction = TreeFunction, H extends boolean = boolean>
  extends RootOptions<F, H> {
  /** A constant step size, or a function of the iteration number; 0 (the default) means line search on ‖F‖². */
  stepsize?: number | ((iterNum: Value) => Value | number);
  /** Default 'backtracking'. */
  linesearch?: 'backtracking' | 'zoom';
  /** What a step by backtracking must satisfy, to 1e-2. Default 'wolfe'. */
  condition?: LineSearchCondition;
  /** Most steps of a line search. Default 15. */
  maxls?: number;
  /** By how much backtracking shortens a step. Default 0.8. */
  decreaseFactor?: number;
  /** A line search begins at the last step times this. Default 1.5. */
  increaseFactor?: number;
  /** Default 1. */
  maxStepsize?: number;
  /** After a step this small, a line search begins at `maxStepsize`. Default 1e-6. */
  minStepsize?: number;
  /** End with the status `linesearch` where a line search fails. Default false. */
  stopIfLinesearchFails?: boolean;
  /** How many steps are remembered. Default 100, or `maxiter` if that is less. */
  historySize?: number;
  /** The first approximation of the inverse Jacobian is this times the identity. Default 1. */
  gamma?: number;
}

export interface BroydenState<P = any, X = any> extends RootState<P, X> {
  /** ∇‖F‖² at the parameters, a tree like them; null without line search. */
  readonly grad: P | null;
  /** The last step size, rank 0; `maxStepsize` before the first step. */
  readonly stepsize: NDArray;
  /** Of H = γI + CᵀD, the approximation of the inverse Jacobian: rows of a ring, in which step k is row k mod `historySize`. */
  readonly dHistory: NDArray;
  readonly cHistory: NDArray;
  /** γ: rank 0. */
  readonly gamma: NDArray;
  /** bool, rank 0: whether the last line search found no step that satisfies its conditions. */
  readonly failedLinesearch: NDArray;
  /** int32, rank 0: evaluations of ∇‖F‖² so far. */
  readonly numGradEval: NDArray;
  /** int32, rank 0: steps of line searches so far. */
  readonly numLinesearchIter: NDArray;
}

const numbers = ['maxls', 'decreaseFactor', 'increaseFactor', 'maxStepsize', 'minStepsize', 'historySize', 'gamma'];
const ownOptions = [...numbers, 'stepsize', 'linesearch', 'condition', 'stopIfLinesearchFails'];

/**
 * A root of F(x, …args) by Broyden's method (the good one: A Class of Methods for Solving Nonlinear Simultaneous Equations,
 * 1965, equation 4.5): each step changes an approximation of the inverse Jacobian by a matrix of rank one, such that it maps
 * the last change of F to the last step. `state.error` is ‖F(x)‖₂. Options, defaults and iterates follow JAXopt's, but
 * `historySize` is at most 100 by default, and ∇‖F‖², which line searches need, is taken over from the last one. The root is
 * differentiable in `args`.
 *
 * @example
 * const solver = new Broyden({ fun: (x, a) => np.cos(x.mul(a)).sub(x), tol: 1e-6 });
 * solver.run(0.5, 1).params; // 0.739085
 * @throws TraceError when `historySize` is less than 1
 */
export class Broyden<F extends TreeFunction = TreeFunction, H extends boolean = false> extends RootSolver<
  F,
  H,
  BroydenState<ParamsOf<F>, AuxIf<F, H>>
> {
  protected override readonly remembered: readonly string[] = ['iterNum', 'stepsize', 'dHistory', 'cHistory', 'gamma'];
  private readonly options: Required<Pick<BroydenOptions, 'increaseFactor' | 'maxStepsize' | 'minStepsize' | 'gamma'>>;
  private readonly stepsize: NonNullable<BroydenOptions['stepsize']>;
  private readonly historySize: number;
  private readonly stopIfLinesearchFails: boolean;
  private readonly squared: Objective;
  private readonly lineSearch: LineSearch<any, any, any> | undefined;

  constructor(options: BroydenOptions<F, H>) {
    super('Broyden', options, { maxiter: 500, tol: 1e-3 }, ownOptions);
    checkNumbers('Broyden', options, numbers);
    if (typeof options.stepsize !== 'function') checkNumbers('Broyden', options, ['stepsize']);
    if (options.linesearch !== undefined)
      checkChoice('Broyden', '`linesearch`', options.linesearch, ['backtracking', 'zoom']);
    if (options.condition !== undefined) checkChoice('Broyden', '`condition`', options.condition, lineSearchConditions);
    this.options = {
      increaseFactor: options.increaseFactor ?? 1.5,
      maxStepsize: options.maxStepsize ?? 1,
      minStepsize: options.minStepsize ?? 1e-6,
      gamma: options.gamma ?? 1,
    };
    this.stepsize = options.stepsize ?? 0;
    this.historySize = options.historySize ?? Math.max(1, Math.min(this.maxiter, 100));
    if (!(this.historySize >= 1))
      throw new TraceError(`Broyden: \`historySize\` must be at least 1, but it is ${this.historySize}.`);
    this.stopIfLinesearchFails = options.stopIfLinesearchFails ?? false;
    const squared = (params: unknown, ...args: unknown[]) => {
      const [value, aux] = this.fun(params, ...args);
      return [dot(value, value), [value, aux]];
    };
    this.squared = new Objective(squared, { hasAux: true });
    this.lineSearch =
      typeof this.stepsize === 'number' && this.stepsize <= 0 ? this.makeLineSearch(options) : undefined;
  }

  private makeLineSearch(options: BroydenOptions): LineSearch<any, any, any> {
    const { linesearch = 'backtracking', maxls = 15, decreaseFactor = 0.8, condition = 'wolfe' } = options;
    const { maxStepsize } = this.options;
    const common = { fun: this.squared as any, maxiter: maxls, maxStepsize, bounded: !this.implicitDiff };
    if (linesearch === 'zoom') return new ZoomLineSearch(common);
    return new BacktrackingLineSearch({ ...common, condition, decreaseFactor, tol: 1e-2 });
  }

  override initState(
    initParams: ArrayLikes<Parameters<F>[0]>,
    ...args: Given<RestOf<F>>
  ): BroydenState<ParamsOf<F>, AuxIf<F, H>> {
    const { size, dtype } = ravel(initParams).aval;
    const history = zeros([this.historySize, size], { dtype });
    const at = this.lineSearch && this.squared.evaluate(initParams, args);
    return {
      ...this.initial(initParams, at ? (at.aux as [any, any]) : this.fun(initParams, ...args)),
      grad: at ? at.gradient : null,
      stepsize: scalar(this.options.maxStepsize, dtypeOf(initParams)),
      dHistory: history,
      cHistory: history,
      gamma: scalar(this.options.gamma, dtype),
      failedLinesearch: scalar(0, 'bool'),
      numGradEval: scalar(this.lineSearch ? 1 : 0, 'int32'),
      numLinesearchIter: scalar(0, 'int32'),
    };
  }

  override update(
    params: ArrayLikes<Parameters<F>[0]>,
    state: BroydenState<ParamsOf<F>, AuxIf<F, H>>,
    ...args: Given<RestOf<F>>
  ): Step<ParamsOf<F>, BroydenState<ParamsOf<F>, AuxIf<F, H>>> {
    const { gamma, dHistory, cHistory, iterNum } = state;
    const flat = (x: unknown): Value => ravel(x).astype(gamma.dtype);
    const times = (v: Value): Value => v.mul(gamma).add(matmul(matmul(dHistory, v), cHistory));
    const transposedTimes = (v: Value): Value => v.mul(gamma).add(matmul(matmul(cHistory, v), dHistory));
    const direction = unravel(times(flat(state.value)).neg(), params);
    const moved = this.move(params, state, direction, args);
    const dx = flat(minus(moved.params, params));
    const df = flat(minus(moved.state.value, state.value));
    const v = transposedTimes(dx);
    const denominator = matmul(v, df);
    const usable = and(ne(denominator, 0), isFinite(denominator));
    const zero = scalar(0, gamma.dtype);
    const d = select(usable, div(v, select(usable, denominator, scalar(1, gamma.dtype))), zero);
    const c = select(usable, dx.sub(times(df)), zero);
    const row = iterNum.mod(this.historySize);
    return {
      params: moved.params,
      state: {
        ...moved.state,
        dHistory: dynamicUpdateIndexInDim(dHistory, d, row, 0),
        cHistory: dynamicUpdateIndexInDim(cHistory, c, row, 0),
      },
    };
  }

  private move(
    params: any,
    state: BroydenState<ParamsOf<F>, AuxIf<F, H>>,
    direction: any,
    args: readonly unknown[],
  ): Step<any, BroydenState<ParamsOf<F>, AuxIf<F, H>>> {
    const { stepsize } = this;
    const { numFunEval, numGradEval } = state;
    const dtype = dtypeOf(params);
    if (!this.lineSearch) {
      const size = scalarOf(typeof stepsize === 'number' ? stepsize : stepsize(state.iterNum), dtype);
      const next = axpy(params, size, direction);
      const [value, aux] = this.fun(next, ...args);
      const after = { ...this.reached(state, value, aux), stepsize: size, numFunEval: numFunEval.add(1) };
      return { params: next, state: { ...state, ...after } };
    }
    const { maxStepsize, minStepsize, increaseFactor } = this.options;
    const last = state.stepsize;
    const found = this.lineSearch.run(select(le(last, minStepsize), maxStepsize, last.mul(increaseFactor)), params, {
      value: scalarOf(dot(state.value, state.value), dtypeOf(state.value)),
      grad: state.grad,
      descentDirection: direction,
      args: args as any,
    });
    const { grad, failed, iterNum } = found.state;
    const [value, aux] = found.state.aux as unknown as [any, any];
    return {
      params: found.state.params,
      state: {
        ...state,
        ...this.reached(state, value, aux),
        grad: grad as ParamsOf<F>,
        stepsize: scalarOf(found.stepsize, dtype),
        failedLinesearch: failed,
        numFunEval: numFunEval.add(found.state.numFunEval),
        numGradEval: numGradEval.add(found.state.numGradEval),
        numLinesearchIter: state.numLinesearchIter.add(iterNum),
      },
    };
  }

  protected override goesOn(state: BroydenState<ParamsOf<F>, AuxIf<F, H>>): Value {
    const more = super.goesOn(state);
    return this.stopIfLinesearchFails ? and(more, not(state.failedLinesearch)) : more;
  }

  protected override failures(
    state: BroydenState<ParamsOf<F>, AuxIf<F, H>>,
  ): readonly (readonly [Value, StatusName])[] {
    const stopped = and(state.failedLinesearch, not(this.converged(state)));
    return this.stopIfLinesearchFails ? [[stopped, 'linesearch']] : [];
  }
}
