/** What solvers of F(x, …args) = 0 share. */
import type { RestOf, TreeFunction } from '../../../transforms/flat.ts';
import type { NDArray } from '../../array.ts';
import { scalar } from '../../lax/creation.ts';
import type { ArrayLikes } from '../../tree.ts';
import * as tree from '../../tree.ts';
import { type BaseState, checkFunction, IterativeSolver, initialState, type SolverOptions, withAux } from '../base.ts';
import type { AuxIf, Given, ParamsOf } from '../types.ts';
import { dtypeOf, norm, scalarOf } from '../vectors.ts';

export interface RootOptions<F extends TreeFunction = TreeFunction, H extends boolean = boolean> extends SolverOptions {
  /** F(x, …args), a tree like x, whose root is wanted. */
  fun: F;
  /** `fun` returns a pair [F(x), aux]. */
  hasAux?: H;
}

export interface RootState<P = any, X = any> extends BaseState {
  /** F at the parameters: a tree like them. */
  readonly value: P;
  /** The auxiliary output of `fun` there; null without `hasAux`. */
  readonly aux: X;
  /** int32, rank 0: evaluations of F so far. */
  readonly numFunEval: NDArray;
}

/** Solvers of F(x, …args) = 0. `state.error` is ‖F(x)‖₂. */
export abstract class RootSolver<
  F extends TreeFunction,
  H extends boolean,
  State extends RootState<ParamsOf<F>, AuxIf<F, H>>,
> extends IterativeSolver<Parameters<F>[0], RestOf<F>, State> {
  protected readonly symmetric = false;
  protected readonly fun: (...args: readonly unknown[]) => [value: any, aux: any];

  constructor(
    name: string,
    options: RootOptions<F, H>,
    defaults: { maxiter: number; tol: number },
    own: readonly string[],
  ) {
    super(name, options ?? {}, defaults, ['fun', 'hasAux', ...own]);
    checkFunction(name, 'fun', options?.fun);
    this.fun = withAux(options.fun, options.hasAux ?? false);
  }

  /** The first state, where F and the auxiliary output are known. */
  protected initial(params: unknown, [value, aux]: [value: any, aux: any]): RootState<ParamsOf<F>, AuxIf<F, H>> {
    return {
      ...initialState(dtypeOf(params)),
      value: tree.map((leaf) => leaf, value) as ParamsOf<F>,
      aux: (aux === null ? null : tree.map((leaf) => leaf, aux)) as AuxIf<F, H>,
      numFunEval: scalar(1, 'int32'),
    };
  }

  /** What a state holds after a step to where F is known. */
  protected reached(
    { iterNum, error }: State,
    value: any,
    aux: any,
  ): Pick<RootState<ParamsOf<F>, AuxIf<F, H>>, 'iterNum' | 'error' | 'value' | 'aux'> {
    return { iterNum: iterNum.add(1), error: scalarOf(norm(value), error.dtype), value, aux };
  }

  /** F. */
  override optimalityFun(params: ArrayLikes<Parameters<F>[0]>, ...args: Given<RestOf<F>>): ParamsOf<F> {
    return this.fun(params, ...args)[0];
  }
}
