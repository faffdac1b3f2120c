/** `IterativeRefinement`. */
import { onArrays } from '../../../transforms/flat.ts';
import type { NDArray } from '../../array.ts';
import type { Value } from '../../core/trace.ts';
import type { TreeLinearSolver } from '../../implicit/linear-solver.ts';
import { type StatusName, statusCode } from '../../implicit/status.ts';
import { eq, ge, select } from '../../lax/compare.ts';
import { zerosLike } from '../../lax/creation.ts';
import { and, not } from '../../lax/logic.ts';
import { solveGmres } from '../../linear-solve/index.ts';
import { matmul } from '../../numpy/products.ts';
import { toFloating, toValue } from '../../promote.ts';
import type { Arrays } from '../../tree.ts';
import * as tree from '../../tree.ts';
import {
  type BaseState,
  checkFunction,
  IterativeSolver,
  initialState,
  type SolverOptions,
  type Step,
} from '../base.ts';
import { select as choose, dtypeOf, norm } from '../vectors.ts';
import type { MatrixProduct } from './quadratic.ts';

export interface IterativeRefinementOptions extends SolverOptions {
  /** Most steps. Default 10. */
  maxiter?: number;
  /** Of the residual, absolute. Default 1e-7. */
  tol?: number;
  /** `(A, x) ↦ A x`. By default A is a matrix, or a tree of matrices like x: the blocks of a block-diagonal one. */
  matvecA?: MatrixProduct;
  /** `(ABar, x) ↦ Ā x`, an approximation of A. By default Ā is A, or the matrix ABar if `run` gets one. */
  matvecABar?: MatrixProduct;
  /** Solves Ā x = r, with errors perhaps. By default `linearSolve.solveGmres` with a ridge of 1e-6. */
  solve?: TreeLinearSolver;
}

export interface IterativeRefinementState<T = any> extends BaseState {
  /** b − A x: a tree like b. */
  readonly targetResiduals: T;
}

/**
 * Solves A x = b by corrections x ← x + Ā⁻¹(b − A x), where Ā is near A and easier, or where systems are solved with errors
 * (Wilkinson, Rounding Errors in Algebraic Processes, 1963). `run(init, A, b, ABar)`; `init` may be null, which is 0, and
 * A is anything that `matvecA` takes. `state.error` is ‖b − A x‖₂. Where a step makes that larger the iterations end, with the
 * status `stalled`. The solution is differentiable in what is in A and b.
 *
 * @example
 * const [A, b] = [np.array([[3.9, 1.65], [6.845, 2.9]]), np.array([5.5, 9.7])];
 * const solve = (matvec, b) => linearSolve.solveGmres(matvec, b, { ridge: 1e-2 });
 * new solvers.IterativeRefinement({ solve, maxiter: 100, tol: 1e-4 }).run(null, A, b).params;
 */
export class IterativeRefinement extends IterativeSolver<any, any[], IterativeRefinementState> {
  protected readonly symmetric = false;
  private readonly products: Readonly<Record<'A' | 'ABar', MatrixProduct>>;
  private readonly solveBar: TreeLinearSolver;

  constructor(options: IterativeRefinementOptions = {}) {
    const name = 'IterativeRefinement';
    super(name, options, { maxiter: 10, tol: 1e-7 }, ['matvecA', 'matvecABar', 'solve']);
    for (const option of ['matvecA', 'matvecABar', 'solve'] as const)
      if (options[option] !== undefined) checkFunction(name, option, options[option]);
    const blocks: MatrixProduct = (A, x) => tree.map((a: any, v: any) => matmul(a, v), A, x);
    const A = options.matvecA ? onArrays(options.matvecA) : blocks;
    this.products = { A, ABar: options.matvecABar ? onArrays(options.matvecABar) : A };
    this.solveBar = options.solve ?? ((matvec, b) => solveGmres(matvec, b, { ridge: 1e-6 }));
  }

  /** @param ABar what `matvecABar` takes, or in the place of A; by default A */
  override run<T = NDArray>(
    init: T | null | undefined,
    A: any,
    b: T,
    ABar: any = null,
  ): Step<Arrays<T>, IterativeRefinementState<Arrays<T>>> {
    return super.run((init ?? null) as any, A, b, ABar) as any;
  }

  protected override checkInit(): void {}

  protected override start(init: unknown, [, b]: readonly any[]): unknown {
    const right = floating(b);
    if (init === null) return tree.map((v: Value) => zerosLike(v.aval), right);
    return tree.map((v: Value, x: any) => toValue(x, this.name).astype(v.dtype), right, init as any);
  }

  override initState(x: any, ...args: any[]): IterativeRefinementState {
    return { ...initialState(dtypeOf(x)), targetResiduals: this.optimalityFun(x, ...args) };
  }

  override update(x: any, state: IterativeRefinementState, ...args: any[]): Step<any, IterativeRefinementState> {
    const [A, , ABar] = args;
    const { iterNum, error, targetResiduals } = state;
    const change = this.solveBar((v) => this.products.ABar(ABar ?? A, v), targetResiduals);
    const next = tree.map((a: Value, d: Value) => a.add(d.astype(a.dtype)), x, change);
    const rest = this.optimalityFun(next, ...args);
    const nextError = norm(rest).astype(error.dtype);
    const worse = ge(nextError, error);
    const status = select(worse, statusCode('stalled'), statusCode('running'));
    return {
      params: choose(worse, x, next),
      state: {
        iterNum: iterNum.add(1),
        error: select(worse, error, nextError),
        status,
        targetResiduals: choose(worse, targetResiduals, rest),
      },
    };
  }

  /** b − A x. */
  override optimalityFun(x: any, ...[A, b]: any[]): any {
    const right = floating(b);
    const product = this.products.A(A, x);
    return tree.map((v: Value, a: any) => v.sub(a).astype(v.dtype), right, product);
  }

  protected override goesOn(state: IterativeRefinementState): Value {
    return and(super.goesOn(state), eq(state.status, statusCode('running')));
  }

  protected override failures(state: IterativeRefinementState): readonly (readonly [Value, StatusName])[] {
    return [[and(eq(state.status, statusCode('stalled')), not(this.converged(state))), 'stalled']];
  }
}

const floating = (b: any): any =>
  tree.map((v: any) => toFloating(toValue(v, 'IterativeRefinement'), 'IterativeRefinement'), b);
