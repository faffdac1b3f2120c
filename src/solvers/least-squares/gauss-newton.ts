/** `GaussNewton`. */
import type { RestOf, TreeFunction } from '../../../transforms/flat.ts';
import type { NDArray } from '../../array.ts';
import type { Value } from '../../core/trace.ts';
import type { TreeLinearSolver } from '../../implicit/linear-solver.ts';
import { solveCg } from '../../linear-solve/index.ts';
import type { ArrayLikes } from '../../tree.ts';
import * as tree from '../../tree.ts';
import { type BaseState, checkFunction, initialState, type Step } from '../base.ts';
import type { AuxIf, Given, ParamsOf } from '../types.ts';
import { dtypeOf, minus, norm, ravel, unravel } from '../vectors.ts';
import { halfSquare, type LeastSquaresOptions, LeastSquaresSolver, type ResidualOf } from './least-squares.ts';

export interface GaussNewtonOptions<F extends TreeFunction = TreeFunction, H extends boolean = boolean>
  extends LeastSquaresOptions<F, H> {
  /** Solves JᵀJ δ = Jᵀr; by default `linearSolve.solveCg`. */
  solver?: TreeLinearSolver;
}

export interface GaussNewtonState<P = any, R = any, X = any> extends BaseState {
  /** The residuals r at the point before the last step, as `residualFun` returns them. */
  readonly residual: R;
  /** ½ ‖r‖² there: rank 0, in the widest dtype of the residuals. */
  readonly value: NDArray;
  /** Jᵀr there: a tree of the shapes and dtypes of the parameters. */
  readonly gradient: P;
  /** The last step, which was subtracted: likewise; the initial parameters before the first step. */
  readonly delta: P;
  /** The auxiliary output of `residualFun` there; null without `hasAux`. */
  readonly aux: X;
}

/**
 * Minimises ½ ‖r(x, …args)‖² by the Gauss–Newton method, without line search: x ← x − δ with JᵀJ δ = Jᵀr (Nocedal & Wright,
 * Numerical Optimization, section 10.3). `state.error` is ‖δ‖₂. Options and defaults follow JAXopt's. The solution is
 * differentiable in `args`.
 *
 * @example
 * const residualFun = (p, x, y) => y.sub(p.slice(0).mul(x).div(p.slice(1).add(x)));
 * new GaussNewton({ residualFun }).run(np.array([0.9, 0.2]), x, y).params;
 */
export class GaussNewton<F extends TreeFunction = TreeFunction, H extends boolean = false> extends LeastSquaresSolver<
  F,
  H,
  GaussNewtonState<ParamsOf<F>, ResidualOf<F, H>, AuxIf<F, H>>
> {
  private readonly solver: TreeLinearSolver;

  constructor(options: GaussNewtonOptions<F, H>) {
    super('GaussNewton', options, { maxiter: 30, tol: 1e-5 }, ['solver']);
    if (options.solver !== undefined) checkFunction('GaussNewton', 'solver', options.solver);
    this.solver = options.solver ?? solveCg;
  }

  override initState(
    initParams: ArrayLikes<Parameters<F>[0]>,
    ...args: Given<RestOf<F>>
  ): GaussNewtonState<ParamsOf<F>, ResidualOf<F, H>, AuxIf<F, H>> {
    const { residual, aux, flat, pull } = this.linearise(initParams, args);
    return {
      ...initialState(dtypeOf(initParams)),
      residual,
      value: halfSquare(flat),
      gradient: unravel(pull(flat), initParams),
      delta: tree.map((leaf) => leaf, initParams) as ParamsOf<F>,
      aux,
    };
  }

  override update(
    params: ArrayLikes<Parameters<F>[0]>,
    state: GaussNewtonState<ParamsOf<F>, ResidualOf<F, H>, AuxIf<F, H>>,
    ...args: Given<RestOf<F>>
  ): Step<ParamsOf<F>, GaussNewtonState<ParamsOf<F>, ResidualOf<F, H>, AuxIf<F, H>>> {
    const { residual, aux, flat, push, pull } = this.linearise(params, args);
    const gradient = pull(flat);
    const step: Value = this.solver((v: Value) => pull(push(v)), gradient);
    const delta = unravel(step, params);
    return {
      params: minus(params, delta),
      state: {
        ...state,
        iterNum: state.iterNum.add(1),
        error: norm(ravel(delta)),
        residual,
        value: halfSquare(flat),
        gradient: unravel(gradient, params),
        delta,
        aux,
      },
    };
  }
}
