/** What solvers of nonlinear least squares share: ½ ‖r(x)‖² and its derivatives, on all parameters as one vector. */
import type { MainOf } from '../../../transforms/differentiate.ts';
import { type AnyFunction, onArrays, type RestOf, type TreeFunction } from '../../../transforms/flat.ts';
import type { Value } from '../../core/trace.ts';
import { matmul } from '../../numpy/products.ts';
import type { ArrayLikes, Arrays } from '../../tree.ts';
import { type BaseState, checkFunction, IterativeSolver, type SolverOptions } from '../base.ts';
import { jacobianOf, type Linearised, linearised } from '../linearised.ts';
import type { Given, ParamsOf } from '../types.ts';
import { ravel, unravel } from '../vectors.ts';

export interface LeastSquaresOptions<F extends TreeFunction = TreeFunction, H extends boolean = boolean>
  extends SolverOptions {
  /** The residuals r(params, …args): an array, or a tree of arrays. */
  residualFun: F;
  /** `residualFun` returns a pair [residuals, aux]. */
  hasAux?: H;
}

/** The residuals that a function returns; `H` is `hasAux`. */
export type ResidualOf<F extends AnyFunction, H> = Arrays<H extends true ? MainOf<ReturnType<F>> : ReturnType<F>>;

export abstract class LeastSquaresSolver<
  F extends TreeFunction,
  H extends boolean,
  State extends BaseState,
> extends IterativeSolver<Parameters<F>[0], RestOf<F>, State> {
  protected readonly symmetric: boolean = true;
  private readonly residualFun: AnyFunction;
  private readonly hasAux: boolean;

  constructor(
    name: string,
    options: LeastSquaresOptions<F, H>,
    defaults: { maxiter: number; tol: number },
    own: readonly string[],
  ) {
    super(name, options ?? {}, defaults, ['residualFun', 'hasAux', ...own]);
    checkFunction(name, 'residualFun', options?.residualFun);
    this.residualFun = onArrays(options.residualFun);
    this.hasAux = options.hasAux ?? false;
  }

  protected residual(params: unknown, args: readonly unknown[]): Value {
    const result = this.residualFun(params, ...args);
    return ravel(this.hasAux ? result[0] : result);
  }

  protected linearise(params: unknown, args: readonly unknown[]): Linearised {
    return linearised(this.name, this.residualFun, this.hasAux, params, args);
  }

  /** J as a matrix, [residuals, parameters]. */
  protected jacobian(linear: Linearised, params: unknown): Value {
    return jacobianOf(linear, params);
  }

  /** Jᵀ r: the gradient of ½ ‖r‖². */
  override optimalityFun(params: ArrayLikes<Parameters<F>[0]>, ...args: Given<RestOf<F>>): ParamsOf<F> {
    const { pull, flat } = this.linearise(params, args);
    return unravel(pull(flat), params);
  }
}

/** ½ ‖r‖². */
export const halfSquare = (r: Value): Value => matmul(r, r).mul(0.5);
