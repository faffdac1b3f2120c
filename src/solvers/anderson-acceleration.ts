/** `AndersonAcceleration`. */

import type { RestOf, TreeFunction } from '../../transforms/flat.ts';
import type { NDArray } from '../array.ts';
import { cond } from '../control/cond.ts';
import { TraceError } from '../core/errors.ts';
import { checkNumbers } from '../core/options.ts';
import type { Value } from '../core/trace.ts';
import { sqrt } from '../lax/arithmetic.ts';
import { ge } from '../lax/compare.ts';
import { full } from '../lax/creation.ts';
import { dynamicUpdateIndexInDim } from '../lax/dynamic-indexing.ts';
import { and } from '../lax/logic.ts';
import { broadcastTo, reshape } from '../lax/movement.ts';
import { concatenate } from '../lax/slicing.ts';
import { solve } from '../linalg/solve.ts';
import { eye, ones, zeros } from '../numpy/creation.ts';
import { matmul } from '../numpy/products.ts';
import type { ArrayLikes } from '../tree.ts';
import type { Step } from './base.ts';
import { type FixedPointOptions, FixedPointSolver, type FixedPointState } from './fixed-point-iteration.ts';
import type { AuxIf, Given, ParamsOf } from './types.ts';
import { dtypeOf, ravel, unravel } from './vectors.ts';

export interface AndersonOptions<F extends TreeFunction = TreeFunction, H extends boolean = boolean>
  extends FixedPointOptions<F, H> {
  /** How many iterates are kept, at least 2. Default 5. */
  historySize?: number;
  /** Every so many iterations one is extrapolated; the others apply T. Default 1. */
  mixingFrequency?: number;
  /** Weight of the residuals in an extrapolated point. Default 1. */
  beta?: number;
  /** Added to the diagonal of the Gram matrix of residuals; larger values help against NaN. Default 1e-5. */
  ridge?: number;
}

export interface AndersonState<X = any> extends FixedPointState<X> {
  /**
   * The last m = `historySize` points where T was evaluated, as rows: [m, n], n the number of all elements of the
   * parameters, in the widest dtype among them.
   */
  readonly paramsHistory: NDArray;
  /** T(x) − x there: [m, n]. */
  readonly residualsHistory: NDArray;
  /** Inner products of these residuals: [m, m]. */
  readonly residualGram: NDArray;
}

/**
 * Anderson acceleration of x ← T(x, …args): the next point is the combination of the last iterates, with weights of sum 1,
 * whose combined residual is least (Pollock & Rebholz, Anderson acceleration for contractive and noncontractive
 * operators, arXiv 1909.04638). It converges for many T that are not contractions. `state.error` is ‖T(x) − x‖ at the
 * last point where T was evaluated. Options, defaults and iterates follow JAXopt's.
 *
 * @example
 * const solver = new AndersonAcceleration({ fixedPointFun: (x, a) => np.cos(x.mul(a)), historySize: 3, tol: 1e-6 });
 * solver.run(np.array([0.5]), 1).params; // [0.739085]
 * @throws TraceError when `historySize` is less than 2
 */
export class AndersonAcceleration<
  F extends TreeFunction = TreeFunction,
  H extends boolean = false,
> extends FixedPointSolver<F, H, AndersonState<AuxIf<F, H>>> {
  private readonly historySize: number;
  private readonly mixingFrequency: number;
  private readonly beta: number;
  private readonly ridge: number;

  constructor(options: AndersonOptions<F, H>) {
    super('AndersonAcceleration', options, ['historySize', 'mixingFrequency', 'beta', 'ridge']);
    checkNumbers('AndersonAcceleration', options, ['historySize', 'mixingFrequency', 'beta', 'ridge']);
    this.historySize = options.historySize ?? 5;
    this.mixingFrequency = options.mixingFrequency ?? 1;
    this.beta = options.beta ?? 1;
    this.ridge = options.ridge ?? 1e-5;
    if (!(this.historySize >= 2))
      throw new TraceError(`AndersonAcceleration: \`historySize\` must be at least 2, but it is ${this.historySize}.`);
  }

  override initState(initParams: ArrayLikes<Parameters<F>[0]>, ...args: Given<RestOf<F>>): AndersonState<AuxIf<F, H>> {
    const m = this.historySize;
    const flat = ravel(initParams);
    const n = flat.aval.size;
    const { dtype } = flat;
    return {
      ...this.initial(initParams, args),
      paramsHistory: broadcastTo(flat, [m, n]),
      residualsHistory: zeros([m, n], { dtype }),
      residualGram: zeros([m, m], { dtype }),
    };
  }

  override update(
    params: ArrayLikes<Parameters<F>[0]>,
    state: AndersonState<AuxIf<F, H>>,
    ...args: Given<RestOf<F>>
  ): Step<ParamsOf<F>, AndersonState<AuxIf<F, H>>> {
    const { iterNum, paramsHistory, residualsHistory, residualGram } = state;
    const due = and(ge(iterNum, this.historySize), iterNum.mod(this.mixingFrequency).eq(0));
    const point = cond(
      due,
      () => this.extrapolate(state),
      () => ravel(params),
    ) as Value;
    const at = unravel(point, params);
    const [next, aux] = this.apply(at, ...args);
    const residual = ravel(next).sub(point);
    const position = iterNum.mod(this.historySize);
    const residuals = dynamicUpdateIndexInDim(residualsHistory, residual, position, 0);
    const products = matmul(residuals, residual);
    const rows = dynamicUpdateIndexInDim(residualGram, products, position, 0);
    return {
      params: next,
      state: {
        ...state,
        iterNum: iterNum.add(1),
        error: sqrt(matmul(residual, residual)).astype(dtypeOf(params)),
        aux,
        paramsHistory: dynamicUpdateIndexInDim(paramsHistory, point, position, 0),
        residualsHistory: residuals,
        residualGram: dynamicUpdateIndexInDim(rows, products, position, 1),
      },
    };
  }

  /** The weights solve the bordered system [0 1ᵀ; 1 G] [·; α] = [1; 0]: least ‖Σ αᵢ rᵢ‖ with Σ αᵢ = 1. */
  private extrapolate({ paramsHistory, residualsHistory, residualGram }: AndersonState): Value {
    const m = this.historySize;
    const { dtype } = residualGram;
    const gram = residualGram.add(eye(m, null, { dtype }).mul(this.ridge));
    const column = ones([m, 1], { dtype });
    const top = concatenate([zeros([1, 1], { dtype }), reshape(column, [1, m])], 1);
    const bordered = concatenate([top, concatenate([column, gram], 1)], 0);
    const right = concatenate([full([1], 1, dtype), zeros([m], { dtype })], 0);
    const weights = solve(bordered, right).slice([1, null]);
    return matmul(weights, paramsHistory).add(matmul(weights, residualsHistory).mul(this.beta));
  }
}
