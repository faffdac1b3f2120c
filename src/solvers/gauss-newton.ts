/** `GaussNewton`. */
import type { Value } from '../core/trace.ts';
import type { TreeLinearSolver } from '../implicit/linear-solver.ts';
import { solveCg } from '../linear-solve/index.ts';
import * as tree from '../tree.ts';
import { type BaseState, initialState, type Step } from './base.ts';
import { halfSquare, type LeastSquaresOptions, LeastSquaresSolver } from './least-squares.ts';
import { dtypeOf, minus, norm, ravel, unravel } from './vectors.ts';

export interface GaussNewtonOptions extends LeastSquaresOptions {
  /** Solves JᵀJ δ = Jᵀr; by default `linearSolve.solveCg`. */
  solver?: TreeLinearSolver;
}

export interface GaussNewtonState extends BaseState {
  /** r, ½ ‖r‖² and Jᵀr at the point before the last step. */
  readonly residual: any;
  readonly value: Value;
  readonly gradient: any;
  /** The last step, to be subtracted. */
  readonly delta: any;
  readonly aux: any;
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
export class GaussNewton extends LeastSquaresSolver<GaussNewtonState> {
  private readonly solver: TreeLinearSolver;

  constructor(options: GaussNewtonOptions) {
    super('GaussNewton', options, { maxiter: 30, tol: 1e-5 }, ['solver']);
    this.solver = options.solver ?? solveCg;
  }

  override initState(initParams: any, ...args: any[]): GaussNewtonState {
    const { residual, aux, flat, pull } = this.linearise(initParams, args);
    return {
      ...initialState(dtypeOf(initParams)),
      residual,
      value: halfSquare(flat),
      gradient: unravel(pull(flat), initParams),
      delta: tree.map((leaf) => leaf, initParams),
      aux,
    };
  }

  override update(params: any, state: GaussNewtonState, ...args: any[]): Step<any, GaussNewtonState> {
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
