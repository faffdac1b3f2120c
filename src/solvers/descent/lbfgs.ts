/** `LBFGS`. */

import type { RestOf } from '../../../transforms/flat.ts';
import type { NDArray } from '../../array.ts';
import { scan } from '../../control/loops.ts';
import { TraceError } from '../../core/errors.ts';
import { checkNumbers } from '../../core/options.ts';
import type { Value } from '../../core/trace.ts';
import type { StatusName } from '../../implicit/status.ts';
import { div } from '../../lax/arithmetic.ts';
import { eq, gt, select } from '../../lax/compare.ts';
import { iota, scalar } from '../../lax/creation.ts';
import { dynamicIndexInDim, dynamicUpdateIndexInDim } from '../../lax/dynamic-indexing.ts';
import { and, not } from '../../lax/logic.ts';
import { zeros } from '../../numpy/creation.ts';
import { matmul } from '../../numpy/products.ts';
import type { ArrayLikes } from '../../tree.ts';
import type { Step } from '../base.ts';
import type { Given, ObjectiveAux, ObjectiveFunction, ParamsOf } from '../types.ts';
import { minus, ravel, unravel } from '../vectors.ts';
import { type SmoothOptions, SmoothSolver, type SmoothState } from './smooth.ts';

export interface LBFGSOptions<
  F extends ObjectiveFunction = ObjectiveFunction,
  H extends boolean = boolean,
  V extends boolean = boolean,
> extends SmoothOptions<F, H, V> {
  /** How many steps are remembered; 0 gives gradient descent. Default 10. */
  historySize?: number;
  /** Scale the initial inverse Hessian by (7.20) of Nocedal & Wright. Default true. */
  useGamma?: boolean;
  /** End with the status `linesearch` where a line search fails. Default false. */
  stopIfLinesearchFails?: boolean;
}

export interface LBFGSState<P = any, X = any> extends SmoothState<P, X> {
  /**
   * The last m = `historySize` steps s, as rows of a ring, in which step k is row k mod m: [m, n], n the number of all
   * elements of the parameters, in the widest dtype among them. Zeros before they are known.
   */
  readonly sHistory: NDArray;
  /** The changes y of the gradient in these steps: [m, n]. */
  readonly yHistory: NDArray;
  /** 1/(sᵀy): [m]; 0 where sᵀy is 0. */
  readonly rhoHistory: NDArray;
  /** sᵀy/(yᵀy) of the last step, rank 0, which scales the initial inverse Hessian; 1 without `useGamma`. */
  readonly gamma: NDArray;
}

/**
 * Limited-memory BFGS (Nocedal & Wright, Numerical Optimization, algorithms 7.4 and 7.5). `state.error` is ‖∇f‖₂. Options,
 * defaults and iterates follow JAXopt's. The solution is differentiable in every argument of `fun` after the first. `run` can
 * begin with what it returned before, `run({ params, state }, …args)`, and then goes on with that history.
 *
 * @example
 * const solver = new LBFGS({ fun: logisticLoss, tol: 1e-4 });
 * const { params, state } = solver.run(np.zeros([64]), l2reg, X, y);
 */
export class LBFGS<
  F extends ObjectiveFunction = ObjectiveFunction,
  H extends boolean = false,
  V extends boolean = false,
> extends SmoothSolver<F, H, V, LBFGSState<ParamsOf<F>, ObjectiveAux<F, H, V>>> {
  protected override readonly remembered: readonly string[] = [
    'iterNum',
    'stepsize',
    'sHistory',
    'yHistory',
    'rhoHistory',
    'gamma',
  ];
  private readonly historySize: number;
  private readonly useGamma: boolean;
  private readonly stopIfLinesearchFails: boolean;

  constructor(options: LBFGSOptions<F, H, V>) {
    super('LBFGS', options, { maxiter: 500, increaseFactor: 1.5 }, [
      'historySize',
      'useGamma',
      'stopIfLinesearchFails',
    ]);
    checkNumbers('LBFGS', options, ['historySize']);
    this.historySize = options.historySize ?? 10;
    this.useGamma = options.useGamma ?? true;
    this.stopIfLinesearchFails = options.stopIfLinesearchFails ?? false;
    if (!(this.historySize >= 0))
      throw new TraceError(`LBFGS: \`historySize\` must not be negative, but it is ${this.historySize}.`);
  }

  override initState(
    initParams: ArrayLikes<Parameters<F>[0]>,
    ...args: Given<RestOf<F>>
  ): LBFGSState<ParamsOf<F>, ObjectiveAux<F, H, V>> {
    const { size, dtype } = ravel(initParams).aval;
    const m = this.historySize;
    return {
      ...this.initial(initParams, args),
      sHistory: zeros([m, size], { dtype }),
      yHistory: zeros([m, size], { dtype }),
      rhoHistory: zeros([m], { dtype }),
      gamma: scalar(1, dtype),
    };
  }

  override update(
    params: ArrayLikes<Parameters<F>[0]>,
    state: LBFGSState<ParamsOf<F>, ObjectiveAux<F, H, V>>,
    ...args: Given<RestOf<F>>
  ): Step<ParamsOf<F>, LBFGSState<ParamsOf<F>, ObjectiveAux<F, H, V>>> {
    const m = this.historySize;
    const start = m > 0 ? state.iterNum.mod(m) : state.iterNum;
    const gradient = ravel(state.grad).astype(state.gamma.dtype);
    const direction = unravel(this.inverseHessianTimes(gradient.neg(), state, start), params);
    const moved = this.move(params, state, direction, args);
    if (m === 0) return { params: moved.params, state: { ...state, ...moved.state } };
    const s = ravel(minus(moved.params, params));
    const y = ravel(moved.state.grad).astype(s.dtype).sub(gradient);
    const sy = matmul(s, y);
    const yy = matmul(y, y);
    const one = scalar(1, s.dtype);
    const zero = scalar(0, s.dtype);
    const rho = select(eq(sy, 0), zero, div(one, select(eq(sy, 0), one, sy)));
    const gamma = select(gt(yy, 0), div(sy, select(gt(yy, 0), yy, one)), one);
    return {
      params: moved.params,
      state: {
        ...moved.state,
        sHistory: dynamicUpdateIndexInDim(state.sHistory, s, start, 0),
        yHistory: dynamicUpdateIndexInDim(state.yHistory, y, start, 0),
        rhoHistory: dynamicUpdateIndexInDim(state.rhoHistory, rho, start, 0),
        gamma: this.useGamma ? gamma : state.gamma,
      },
    };
  }

  /** Two loops over the history, from the last step to the first and back; `start` is the oldest. */
  private inverseHessianTimes(v: Value, { sHistory, yHistory, rhoHistory, gamma }: LBFGSState, start: Value): Value {
    const m = this.historySize;
    if (m === 0) return v;
    const order = start.add(iota('int32', m)).mod(m);
    const at = (rows: Value, i: Value): Value => dynamicIndexInDim(rows, i, 0, false);
    const [r, alphas] = scan(
      (r: Value, i: Value) => {
        const alpha = at(rhoHistory, i).mul(matmul(at(sHistory, i), r));
        return [r.sub(at(yHistory, i).mul(alpha)), alpha] as const;
      },
      v,
      order,
      { reverse: true },
    ) as [Value, Value];
    const [result] = scan(
      (r: Value, [i, alpha]: [Value, Value]) => {
        const beta = at(rhoHistory, i).mul(matmul(at(yHistory, i), r));
        return [r.add(at(sHistory, i).mul(alpha.sub(beta))), null] as const;
      },
      r.mul(gamma),
      [order, alphas] as [Value, Value],
    ) as [Value, null];
    return result;
  }

  private stopped(state: LBFGSState): Value {
    return and(state.failedLinesearch, not(this.converged(state)));
  }

  protected override goesOn(state: LBFGSState): Value {
    const more = super.goesOn(state);
    return this.stopIfLinesearchFails ? and(more, not(state.failedLinesearch)) : more;
  }

  protected override failures(state: LBFGSState): readonly (readonly [Value, StatusName])[] {
    return this.stopIfLinesearchFails ? [[this.stopped(state), 'linesearch']] : [];
  }
}
