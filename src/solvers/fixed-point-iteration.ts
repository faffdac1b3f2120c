/** `FixedPointIteration`. */
import type { AnyFunction } from '../../transforms/flat.ts';
import * as tree from '../tree.ts';
import {
  type BaseState,
  checkFunction,
  IterativeSolver,
  initialState,
  type SolverOptions,
  type Step,
  withAux,
} from './base.ts';
import { dtypeOf, minus, norm } from './vectors.ts';

export interface FixedPointOptions extends SolverOptions {
  /** T(x, …args), a tree like x. */
  fixedPointFun: AnyFunction;
  /** `fixedPointFun` returns a pair [T(x), aux]. */
  hasAux?: boolean;
}

export interface FixedPointState extends BaseState {
  /** The auxiliary output at the last point; null without `hasAux`. */
  readonly aux: any;
}

/** What solvers of x = T(x, …args) share. */
export abstract class FixedPointSolver<State extends FixedPointState> extends IterativeSolver<State> {
  protected readonly symmetric = false;
  protected readonly apply: (...args: unknown[]) => [next: any, aux: any];
  private readonly hasAux: boolean;

  constructor(name: string, options: FixedPointOptions, own: readonly string[] = []) {
    super(name, options ?? {}, { maxiter: 100, tol: 1e-5 }, ['fixedPointFun', 'hasAux', ...own]);
    checkFunction(name, 'fixedPointFun', options?.fixedPointFun);
    this.hasAux = options.hasAux ?? false;
    this.apply = withAux(options.fixedPointFun, this.hasAux);
  }

  protected initial(params: unknown, args: readonly unknown[]): FixedPointState {
    const aux = this.hasAux ? tree.map((leaf) => leaf, this.apply(params, ...args)[1]) : null;
    return { ...initialState(dtypeOf(params)), aux };
  }

  /** T(x) − x. */
  override optimalityFun(params: any, ...args: any[]): any {
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
export class FixedPointIteration extends FixedPointSolver<FixedPointState> {
  constructor(options: FixedPointOptions) {
    super('FixedPointIteration', options);
  }

  override initState(initParams: any, ...args: any[]): FixedPointState {
    return this.initial(initParams, args);
  }

  override update(params: any, state: FixedPointState, ...args: any[]): Step<any, FixedPointState> {
    const [next, aux] = this.apply(params, ...args);
    const error = norm(minus(next, params));
    return { params: next, state: { ...state, iterNum: state.iterNum.add(1), error, aux } };
  }
}
