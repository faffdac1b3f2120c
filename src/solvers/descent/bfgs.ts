/** `BFGS`. */
import type { RestOf } from '../../../transforms/flat.ts';
import type { NDArray } from '../../array.ts';
import { div } from '../../lax/arithmetic.ts';
import { isFinite, ne, select } from '../../lax/compare.ts';
import { scalar } from '../../lax/creation.ts';
import { and } from '../../lax/logic.ts';
import { eye } from '../../numpy/creation.ts';
import { matmul, outer } from '../../numpy/products.ts';
import type { ArrayLikes } from '../../tree.ts';
import type { Step } from '../base.ts';
import type { Given, ObjectiveAux, ObjectiveFunction, ParamsOf } from '../types.ts';
import { minus, negated, ravel, unravel } from '../vectors.ts';
import { type SmoothOptions, SmoothSolver, type SmoothState } from './smooth.ts';

export type BFGSOptions<
  F extends ObjectiveFunction = ObjectiveFunction,
  H extends boolean = boolean,
  V extends boolean = boolean,
> = SmoothOptions<F, H, V>;

export interface BFGSState<P = any, X = any> extends SmoothState<P, X> {
  /** The approximation of the inverse Hessian: [n, n], n the number of all elements of the parameters, in the widest dtype among them. */
  readonly H: NDArray;
}

/**
 * BFGS with a dense approximation of the inverse Hessian, for few parameters (Nocedal & Wright, Numerical Optimization,
 * algorithm 6.1). `state.error` is ‖∇f‖₂. Options, defaults and iterates follow JAXopt's. The solution is differentiable
 * in every argument of `fun` after the first.
 *
 * @example
 * const { params, state } = new BFGS({ fun: rosenbrock, tol: 1e-6 }).run(np.zeros([2]));
 */
export class BFGS<
  F extends ObjectiveFunction = ObjectiveFunction,
  H extends boolean = false,
  V extends boolean = false,
> extends SmoothSolver<F, H, V, BFGSState<ParamsOf<F>, ObjectiveAux<F, H, V>>> {
  protected override readonly remembered: readonly string[] = ['iterNum', 'stepsize', 'H'];

  constructor(options: BFGSOptions<F, H, V>) {
    super('BFGS', options, { maxiter: 500, increaseFactor: 1.5 });
  }

  override initState(
    initParams: ArrayLikes<Parameters<F>[0]>,
    ...args: Given<RestOf<F>>
  ): BFGSState<ParamsOf<F>, ObjectiveAux<F, H, V>> {
    const { size, dtype } = ravel(initParams).aval;
    return { ...this.initial(initParams, args), H: eye(size, null, { dtype }) };
  }

  override update(
    params: ArrayLikes<Parameters<F>[0]>,
    state: BFGSState<ParamsOf<F>, ObjectiveAux<F, H, V>>,
    ...args: Given<RestOf<F>>
  ): Step<ParamsOf<F>, BFGSState<ParamsOf<F>, ObjectiveAux<F, H, V>>> {
    const { H, grad } = state;
    const direction = unravel(matmul(H, ravel(negated(grad))), params);
    const moved = this.move(params, state, direction, args);
    const s = ravel(minus(moved.params, params));
    const y = ravel(minus(moved.state.grad, grad)).astype(s.dtype);
    // (I − ρ s yᵀ) H (I − ρ y sᵀ) + ρ s sᵀ, multiplied out.
    const curvature = matmul(y, s);
    const usable = ne(curvature, 0);
    const rho = div(scalar(1, s.dtype), select(usable, curvature, scalar(1, s.dtype)));
    const Hy = matmul(H, y);
    const sHy = outer(s, Hy);
    const weight = rho.mul(rho.mul(matmul(y, Hy)).add(1));
    const next = H.sub(sHy.add(sHy.T).mul(rho)).add(outer(s, s).mul(weight));
    return { params: moved.params, state: { ...moved.state, H: select(and(usable, isFinite(rho)), next, H) } };
  }
}
