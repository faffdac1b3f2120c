/** `Newton`. */
import { onArrays, type RestOf, type TreeFunction } from '../../../transforms/flat.ts';
import type { NDArray } from '../../array.ts';
import { checkNumbers } from '../../core/options.ts';
import type { Value } from '../../core/trace.ts';
import type { TreeLinearSolver } from '../../implicit/linear-solver.ts';
import { div } from '../../lax/arithmetic.ts';
import { luFactor, luSolve } from '../../linalg/factor.ts';
import { solveGmres, solveLu } from '../../linear-solve/index.ts';
import { largestDense } from '../../linear-solve/methods.ts';
import { ones } from '../../numpy/creation.ts';
import type { ArrayLikes } from '../../tree.ts';
import { checkFunction, type Step } from '../base.ts';
import { jacobianOf, type Linearised, linearised } from '../linearised.ts';
import type { AuxIf, Given, ParamsOf } from '../types.ts';
import { minus, ravel, unravel } from '../vectors.ts';
import { type RootOptions, RootSolver, type RootState } from './root.ts';

export interface NewtonOptions<F extends TreeFunction = TreeFunction, H extends boolean = boolean>
  extends RootOptions<F, H> {
  /**
   * Solves J δ = F: one of `linearSolve`, or your own, called with v ↦ J v, and with all parameters as one vector. Default: up
   * to 128 unknowns `solveLu`, above `solveGmres`, which never writes J out.
   */
  solver?: TreeLinearSolver;
  /** The chord method: J at the initial parameters is taken for all steps, and factorised once. Default false. */
  chord?: boolean;
  /** What part of δ is subtracted. Default 1. */
  stepsize?: number | ((iterNum: Value) => Value | number);
}

export interface NewtonState<P = any, X = any> extends RootState<P, X> {
  /** With `chord`, the LU factors of J, [n, n], and the order of its rows; null without. */
  readonly factors: { readonly lu: NDArray; readonly permutation: NDArray } | null;
}

/**
 * A root of F(x, …args) by Newton's method, x ← x − δ with J δ = F(x) (Nocedal & Wright, Numerical Optimization, algorithm
 * 11.1), without line search: it converges quadratically near a root where J is regular; far from one, start with `Broyden`.
 * `state.error` is ‖F(x)‖₂. The root is differentiable in `args`.
 *
 * @example
 * const solver = new Newton({ fun: (x, a) => x.mul(x).sub(a) });
 * solver.run(1, 2).params; // 1.4142157
 * grad((a) => solver.run(1, a).params)(2); // 0.35355285
 */
export class Newton<F extends TreeFunction = TreeFunction, H extends boolean = false> extends RootSolver<
  F,
  H,
  NewtonState<ParamsOf<F>, AuxIf<F, H>>
> {
  protected override readonly remembered: readonly string[];
  private readonly options: NewtonOptions<F, H>;

  constructor(options: NewtonOptions<F, H>) {
    super('Newton', options, { maxiter: 50, tol: 1e-5 }, ['solver', 'chord', 'stepsize']);
    if (options.solver !== undefined) checkFunction('Newton', 'solver', options.solver);
    if (typeof options.stepsize !== 'function') checkNumbers('Newton', options, ['stepsize']);
    this.options = options;
    this.remembered = options.chord ? ['iterNum', 'factors'] : [];
  }

  override initState(
    initParams: ArrayLikes<Parameters<F>[0]>,
    ...args: Given<RestOf<F>>
  ): NewtonState<ParamsOf<F>, AuxIf<F, H>> {
    const first = this.initial(initParams, this.fun(initParams, ...args));
    if (!this.options.chord) return { ...first, factors: null };
    const { lu, permutation } = luFactor(jacobianOf(this.linearise(initParams, args), initParams));
    return { ...first, factors: { lu, permutation } };
  }

  override update(
    params: ArrayLikes<Parameters<F>[0]>,
    state: NewtonState<ParamsOf<F>, AuxIf<F, H>>,
    ...args: Given<RestOf<F>>
  ): Step<ParamsOf<F>, NewtonState<ParamsOf<F>, AuxIf<F, H>>> {
    const { stepsize = 1 } = this.options;
    const size = typeof stepsize === 'number' ? stepsize : stepsize(state.iterNum);
    const delta = this.delta(params, state, args).mul(size);
    const next: any = minus(params, unravel(delta, params));
    const [value, aux] = this.fun(next, ...args);
    return {
      params: next,
      state: { ...state, ...this.reached(state, value, aux), numFunEval: state.numFunEval.add(1) },
    };
  }

  private linearise(params: unknown, args: readonly unknown[]): Linearised {
    return linearised(this.name, (x, ...rest) => this.fun(x, ...rest), true, params, args);
  }

  /** The Newton step, to be subtracted. */
  private delta(
    params: unknown,
    { value, factors }: NewtonState<ParamsOf<F>, AuxIf<F, H>>,
    args: readonly unknown[],
  ): Value {
    const { size, dtype } = ravel(params).aval;
    const right = ravel(value).astype(dtype);
    if (factors) return luSolve({ ...factors, pivots: factors.permutation }, right) as Value;
    const { push } = this.linearise(params, args);
    const { solver } = this.options;
    if (solver) return onArrays(solver)(push, right);
    if (size === 1) return div(right, push(ones([1], { dtype })));
    return (size <= largestDense ? solveLu : solveGmres)(push, right);
  }
}
