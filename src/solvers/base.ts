/** What all iterative solvers share. */
import type { AnyFunction } from '../../transforms/flat.ts';
import { whileLoop } from '../control/loops.ts';
import { TraceError } from '../core/errors.ts';
import type { Value } from '../core/trace.ts';
import { progress } from '../debug/progress.ts';
import { customRoot, type TreeLinearSolver } from '../implicit/custom-root.ts';
import { jit } from '../jit.ts';
import { sqrt } from '../lax/arithmetic.ts';
import { gt, isFinite, lt, select } from '../lax/compare.ts';
import { full } from '../lax/creation.ts';
import { and } from '../lax/logic.ts';
import { sum } from '../lax/reductions.ts';
import { array } from '../numpy/array.ts';
import * as tree from '../tree.ts';

/** The result of a solver: the solution, and how it was found. */
export interface Step<P = any, S = any> {
  readonly params: P;
  readonly state: S;
}

export interface SolverOptions {
  /** Most iterations. */
  maxiter?: number;
  /** Stop when the error, which each solver defines, is at most this. */
  tol?: number;
  /**
   * Derivatives of the solution by implicit differentiation of the optimality condition (true, the default), or through
   * the iterations.
   */
  implicitDiff?: boolean;
  /** Solves the linear system of the implicit derivative: one of `linearSolve`. */
  implicitDiffSolve?: TreeLinearSolver;
  /** Show the iterations as they run, in a line that begins with this text, or with the solver's name. */
  progress?: boolean | string;
  /** Trace and compile `run` once for all calls with arguments of the same types. Default true. */
  jit?: boolean;
}

/** Names of the options that every solver has. */
export const solverOptions = ['maxiter', 'tol', 'implicitDiff', 'implicitDiffSolve', 'progress', 'jit'] as const;

/** Status codes of `state.status`. */
export const status = { converged: 0, maxiter: 1, nonfinite: 2, running: 3 } as const;

const texts: Record<number, string> = {
  0: 'converged: the error is at most tol',
  1: 'maxiter: stopped after the largest number of iterations',
  2: 'nonfinite: the error is NaN or infinite',
  3: 'running: no step has been taken, or the loop was left early',
};

/**
 * The meaning of `state.status`.
 *
 * @example
 * solvers.statusName(state.status); // 'converged: the error is at most tol'
 */
export function statusName(code: number | { item(): number | boolean }): string {
  const value = Number(typeof code === 'number' ? code : code.item());
  return texts[value] ?? `unknown status ${value}`;
}

/** ‖x‖₂ of a tree. */
export function norm(x: unknown): Value {
  const squares = (tree.leaves(x) as Value[]).map((v) => sum(v.mul(v)));
  return sqrt(squares.reduce((a, b) => a.add(b)));
}

/** What `state` holds in every solver. */
export interface BaseState {
  /** int32: steps taken. */
  readonly iterNum: Value;
  readonly error: Value;
  /** int32: see `statusName`. */
  readonly status: Value;
}

/**
 * A solver that improves parameters step by step: `initState`, `update`, and `run`, which repeats `update` until the
 * error is small. The loop is a `lax.whileLoop`: one compiled call, and under `vmap` each lane stops by itself.
 */
export abstract class IterativeSolver<State extends BaseState = any> {
  readonly maxiter: number;
  readonly tol: number;
  readonly implicitDiff: boolean;
  readonly implicitDiffSolve: TreeLinearSolver | undefined;
  private readonly progress: boolean | string;
  private readonly whole: AnyFunction;
  private readonly tolerance: Value;

  constructor(options: SolverOptions, defaults: { maxiter: number; tol: number }) {
    this.maxiter = options.maxiter ?? defaults.maxiter;
    this.tol = options.tol ?? defaults.tol;
    this.implicitDiff = options.implicitDiff ?? true;
    this.implicitDiffSolve = options.implicitDiffSolve;
    this.progress = options.progress ?? false;
    // An array, not a literal: solvers that differ in nothing but their tolerance share their code.
    this.tolerance = array(this.tol, { dtype: 'float64' });
    const run = (init: unknown, ...args: unknown[]): Step => this.solve(init, args);
    this.whole = options.jit === false ? run : jit(run);
  }

  /** The state before the first step. */
  abstract initState(initParams: any, ...args: any[]): State;

  /** One step. */
  abstract update(params: any, state: State, ...args: any[]): Step<any, State>;

  /** Zero at a solution, and nowhere else near it: what implicit differentiation differentiates. */
  abstract optimalityFun(params: any, ...args: any[]): any;

  /** True where `optimalityFun` is a gradient, so that its Jacobian is symmetric. */
  protected abstract readonly symmetric: boolean;

  /** ‖optimalityFun(params, …args)‖₂. */
  l2OptimalityError(params: any, ...args: any[]): Value {
    return norm(this.optimalityFun(params, ...args));
  }

  /**
   * Runs the solver from `initParams`. The solution is differentiable in `args`.
   *
   * @returns `params`, of the structure of `initParams`, and `state`, which has no derivative
   */
  run<P>(initParams: P, ...args: any[]): Step<tree.Arrays<P>, State> {
    return this.whole(initParams, ...args);
  }

  private solve(init: unknown, args: readonly unknown[]): Step {
    const start = tree.map((leaf) => leaf, strong(init));
    if (!this.implicitDiff) return this.iterate(start, args, true);
    const decorate = customRoot((x: unknown, ...rest: unknown[]) => this.optimalityFun(x, ...rest), {
      hasAux: true,
      symmetric: this.symmetric,
      ...(this.implicitDiffSolve ? { solve: this.implicitDiffSolve } : {}),
    });
    const [params, state] = decorate((x: unknown, ...rest: unknown[]) => {
      const step = this.iterate(x, rest, false);
      return [step.params, step.state];
    })(start, ...args) as [unknown, State];
    return { params, state };
  }

  private report({ iterNum, error }: BaseState): void {
    if (!this.progress) return;
    const label = typeof this.progress === 'string' ? this.progress : this.constructor.name;
    progress(iterNum, { total: this.maxiter, label, every: 1, values: { error } });
  }

  /** The loop. Bounded, it can be differentiated in reverse mode. */
  private iterate(init: unknown, args: readonly unknown[], bounded: boolean): Step {
    const state = this.initState(init, ...args);
    const tol = (error: Value): Value => this.tolerance.astype(error.dtype);
    const final = whileLoop(
      ({ state }: any) => and(gt(state.error, tol(state.error)), lt(state.iterNum, this.maxiter)),
      ({ params, state }: any) => {
        const next = this.update(params, state, ...args);
        this.report(next.state);
        return next as any;
      },
      { params: init, state },
      bounded ? { maxSteps: this.maxiter } : {},
    ) as Step;
    return { params: final.params, state: { ...final.state, status: this.statusOf(final.state, tol) } };
  }

  private statusOf({ error, iterNum }: State, tol: (error: Value) => Value): Value {
    const code = (value: number): Value => full([], value, 'int32');
    const unfinished = select(lt(iterNum, this.maxiter), code(status.nonfinite), code(status.maxiter));
    const done = select(gt(error, tol(error)), unfinished, code(status.converged));
    return select(isFinite(error), done, select(lt(iterNum, 1), code(status.running), code(status.nonfinite)));
  }
}

/** Numbers among the initial parameters are float32, as everywhere they stand alone. */
const strong = (init: unknown): unknown =>
  tree.map((leaf) => {
    const value = leaf as Value | number | boolean;
    if (typeof value === 'number') return array(value);
    if (typeof value === 'boolean') throw new TraceError('solver: a boolean cannot be optimised.');
    return value;
  }, init);
