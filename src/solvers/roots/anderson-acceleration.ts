/** `AndersonAcceleration`. */

import type { RestOf, TreeFunction } from '../../../transforms/flat.ts';
import { cond } from '../../control/cond.ts';
import type { Value } from '../../core/trace.ts';
import { sqrt } from '../../lax/arithmetic.ts';
import { matmul } from '../../numpy/products.ts';
import type { ArrayLikes } from '../../tree.ts';
import type { Step } from '../base.ts';
import type { AuxIf, Given, ParamsOf } from '../types.ts';
import { dtypeOf, ravel, unravel } from '../vectors.ts';
import { Mixing, type MixingOptions, type MixingState, mixingOptions } from './anderson.ts';
import { type FixedPointOptions, FixedPointSolver, type FixedPointState } from './fixed-point-iteration.ts';

/** `mixingFrequency` is 1 by default. */
export interface AndersonOptions<F extends TreeFunction = TreeFunction, H extends boolean = boolean>
  extends FixedPointOptions<F, H>,
    MixingOptions {}

export interface AndersonState<X = any> extends FixedPointState<X>, MixingState {}

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
  protected override readonly remembered: readonly string[] = [
    'iterNum',
    'paramsHistory',
    'residualsHistory',
    'residualGram',
  ];
  private readonly mixing: Mixing;

  constructor(options: AndersonOptions<F, H>) {
    super('AndersonAcceleration', options, mixingOptions);
    this.mixing = new Mixing('AndersonAcceleration', options, 1);
  }

  override initState(initParams: ArrayLikes<Parameters<F>[0]>, ...args: Given<RestOf<F>>): AndersonState<AuxIf<F, H>> {
    return { ...this.initial(initParams, args), ...this.mixing.initial(initParams) };
  }

  override update(
    params: ArrayLikes<Parameters<F>[0]>,
    state: AndersonState<AuxIf<F, H>>,
    ...args: Given<RestOf<F>>
  ): Step<ParamsOf<F>, AndersonState<AuxIf<F, H>>> {
    const { iterNum } = state;
    const point = cond(
      this.mixing.due(iterNum),
      () => this.mixing.extrapolate(state),
      () => ravel(params),
    ) as Value;
    const [next, aux] = this.apply(unravel(point, params), ...args);
    const residual = ravel(next).sub(point);
    return {
      params: next,
      state: {
        ...state,
        ...this.mixing.remember(state, iterNum, point, residual),
        iterNum: iterNum.add(1),
        error: sqrt(matmul(residual, residual)).astype(dtypeOf(params)),
        aux,
      },
    };
  }
}
