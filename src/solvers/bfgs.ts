/** `BFGS`. */
import type { Value } from '../core/trace.ts';
import { div } from '../lax/arithmetic.ts';
import { isFinite, ne, select } from '../lax/compare.ts';
import { scalar } from '../lax/creation.ts';
import { and } from '../lax/logic.ts';
import { eye } from '../numpy/creation.ts';
import { matmul, outer } from '../numpy/products.ts';
import type { Step } from './base.ts';
import { type SmoothOptions, SmoothSolver, type SmoothState } from './smooth.ts';
import { minus, negated, ravel, unravel } from './vectors.ts';

export type BFGSOptions = SmoothOptions;

export interface BFGSState extends SmoothState {
  /** The approximation of the inverse Hessian, over all elements of the parameters in one vector. */
  readonly H: Value;
}

/**
 * BFGS with a dense approximation of the inverse Hessian, for few parameters (Nocedal & Wright, Numerical Optimization,
 * algorithm 6.1). `state.error` is ‖∇f‖₂. Options, defaults and iterates follow JAXopt's. The solution is differentiable
 * in every argument of `fun` after the first.
 *
 * @example
 * const { params, state } = new BFGS({ fun: rosenbrock, tol: 1e-6 }).run(np.zeros([2]));
 */
export class BFGS extends SmoothSolver<BFGSState> {
  constructor(options: BFGSOptions) {
    super('BFGS', options, { maxiter: 500, increaseFactor: 1.5 });
  }

  override initState(initParams: any, ...args: any[]): BFGSState {
    const { size, dtype } = ravel(initParams).aval;
    return { ...this.initial(initParams, args), H: eye(size, null, { dtype }) };
  }

  override update(params: any, state: BFGSState, ...args: any[]): Step<any, BFGSState> {
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
