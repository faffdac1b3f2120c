/** `FixedPointIteration`. */
import type { RestOf, TreeFunction } from '../../../transforms/flat.ts';
import type { ArrayLikes } from '../../tree.ts';
import * as tree from '../../tree.ts';
import {
  type BaseState,
  checkFunction,
  IterativeSolver,
  initialState,
  type SolverOptions,
  type Step,
  withAux,
} from '../base.ts';
import type { AuxIf, Given, ParamsOf } from '../types.ts';
import { dtypeOf, minus, norm } from '../vectors.ts';

export interface FixedPointOptions<F extends TreeFunction = TreeFunction, H extends boolean = boolean>
  extends SolverOptions {
  /** T(x, …args), a tree like x. */
  fixedPointFun: F;
  /** `fixedPointFun` returns a pair [T(x), aux]. */
  hasAux?: H;
}

export interface FixedPointState<X = any> extends BaseState {
  /** The auxiliary output at the last point where T was evaluated; null without `hasAux`. */
  readonly aux: X;
}

/** What solvers of x = T(x, …args) share. */
export abstract class FixedPointSolver<
  F extends TreeFunction,
  H extends boolean,
  State extends FixedPointState<AuxIf<F, H>>,
> extends IterativeSolver<Parameters<F>[0], RestOf<F>, State> {
  protected readonly symmetric = false;
  protected readonly apply: (...args: readonly unknown[]) => [next: any, aux: any];
  private readonly hasAux: boolean;

  constructor(name: string, options: FixedPointOptions<F, H>, own: readonly string[] = []) {
    super(name, options ?? {}, { maxiter: 100, tol: 1e-5 }, ['fixedPointFun', 'hasAux', ...own]);
    checkFunction(name, 'fixedPointFun', options?.fixedPointFun);
    this.hasAux = options.hasAux ?? false;
    this.apply = withAux(options.fixedPointFun, this.hasAux);
  }

  protected initial(params: unknown, args: readonly unknown[]): FixedPointState<AuxIf<F, H>> {
    const aux: any = this.hasAux ? tree.map((leaf) => leaf, this.apply(params, ...args)[1]) : null;
    return { ...initialState(dtypeOf(params)), aux };
  }

  /** T(x) − x. */
  override optimalityFun(params: ArrayLikes<Parameters<F>[0]>, ...args: Given<RestOf<F>>): ParamsOf<F> {
    return minus(this.apply(params, ...args)[0], params);
  }
}

/**
 * x ← T(x, …args), which converges where T is a contraction (Banach). `state.error` is the distance of the last two
 * iterates. Options and defaults follow JAXopt's. The fixed point is differentiable in `args`.
 *
 * @example
 * const solver = new FixedPointIteration({ fixedPointFun: (x, theta) => x.mul(0.5).add(theta) });
 * solver.run(0, 0.5).params; // 1
 * grad((theta) => solver.run(0, theta).params)(0.5); // 2
 */
export class FixedPointIteration<
  F extends TreeFunction = TreeFunction,
  H extends boolean = false,
> extends FixedPointSolver<F, H, FixedPointState<AuxIf<F, H>>> {
  constructor(options: FixedPointOptions<F, H>) {
    super('FixedPointIteration', options);
  }

  override initState(
    initParams: ArrayLikes<Parameters<F>[0]>,
    ...args: Given<RestOf<F>>
  ): FixedPointState<AuxIf<F, H>> {
    return this.initial(initParams, args);
  }

  override update(
    params: ArrayLikes<Parameters<F>[0]>,
    state: FixedPointState<AuxIf<F, H>>,
    ...args: Given<RestOf<F>>
  ): Step<ParamsOf<F>, FixedPointState<AuxIf<F, H>>> {
    const [next, aux] = this.apply(params, ...args);
    const error = norm(minus(next, params));
    return { params: next, state: { ...state, iterNum: state.iterNum.add(1), error, aux } };
  }
}
