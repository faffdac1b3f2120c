/** What all iterative solvers share. */
import { type AnyFunction, onArrays } from '../../transforms/flat.ts';
import type { NDArray } from '../array.ts';
import type { LinearSolver } from '../control/custom-linear-solve.ts';
import { namedWhile } from '../control/loops.ts';
import type { DType } from '../core/dtype.ts';
import { TraceError, TreeError } from '../core/errors.ts';
import { naming, optionsOf } from '../core/options.ts';
import { atUserLine } from '../core/source.ts';
import type { Value } from '../core/trace.ts';
import { progress } from '../debug/progress.ts';
import { decorated } from '../implicit/custom-root.ts';
import type { TreeLinearSolver } from '../implicit/linear-solver.ts';
import { type StatusName, statusCode, statusWhere, throwUnlessSolved } from '../implicit/status.ts';
import { jit } from '../jit.ts';
import { eq, gt, isFinite, le, lt } from '../lax/compare.ts';
import { scalar } from '../lax/creation.ts';
import { and, not } from '../lax/logic.ts';
import { array } from '../numpy/array.ts';
import type { ArrayLikes, Arrays } from '../tree.ts';
import * as tree from '../tree.ts';
import type { Given, Solution } from './types.ts';
import { norm } from './vectors.ts';

/** The result of a solver: the solution, and how it was found. */
export interface Step<P = any, S = any> {
  /** The parameters reached: a tree of arrays like the initial ones. */
  readonly params: P;
  readonly state: S;
}

/** Whether something is the result of a run, and no tree of parameters. */
function isStep(x: any): x is Step {
  const { params, state } = x ?? {};
  return params !== undefined && state?.iterNum !== undefined && state.status !== undefined;
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
  /**
   * Throw a SolveError where `run` ends with another status than `converged`, or where the linear system of an implicit
   * derivative is not solved. The check runs with the program, inside `jit` and for each lane of a `vmap` too.
   */
  throw?: boolean;
  /** Show the iterations as they run, in a line that begins with this text, or with the solver's name. */
  progress?: boolean | string;
  /** Trace and compile `run` once for all calls with arguments of the same types. Default true. */
  jit?: boolean;
}

/** Names of the options that every solver has. */
export const solverOptions: readonly string[] = [
  'maxiter',
  'tol',
  'implicitDiff',
  'implicitDiffSolve',
  'throw',
  'progress',
  'jit',
];

/** What `state` holds in every solver. Under `vmap` each array has the lanes in front. */
export interface BaseState {
  /** int32, rank 0: steps taken. */
  readonly iterNum: NDArray;
  /**
   * Rank 0, float64 if any parameter is, else float32: what `tol` bounds, as the solver's docstring defines it. Infinite
   * before the first step.
   */
  readonly error: NDArray;
  /** int32, rank 0: why the solver stopped; `statusName(status)` is the text. */
  readonly status: NDArray;
}

/** What every state begins with. */
export const initialState = (dtype: DType): BaseState => ({
  iterNum: scalar(0, 'int32'),
  error: scalar(Number.POSITIVE_INFINITY, dtype),
  status: statusCode('running'),
});

/** A user's function that returns a pair [value, aux], whether `fun` does or not. */
export const withAux = (
  fun: AnyFunction,
  hasAux: boolean,
): ((...args: readonly unknown[]) => [value: any, aux: any]) => {
  const f = onArrays(fun);
  return (...args) => (hasAux ? f(...args) : [f(...args), null]);
};

/** @throws TraceError when an option that must be a function is none */
export function checkFunction(solver: string, option: string, value: unknown): void {
  if (typeof value === 'function') return;
  const what = option.endsWith('un') ? 'a function of the parameters' : 'a function';
  throw new TraceError(`${solver}: \`${option}\` must be ${what}, but it is ${naming(value)}.`);
}

/**
 * A solver that improves parameters step by step: `initState`, `update`, and `run`, which repeats `update` until the
 * error is small. The loop is a `lax.whileLoop`: one compiled call, and under `vmap` each lane stops by itself.
 */
export abstract class IterativeSolver<P = any, A extends readonly unknown[] = any[], State extends BaseState = any> {
  readonly maxiter: number;
  readonly tol: number;
  readonly implicitDiff: boolean;
  readonly implicitDiffSolve: TreeLinearSolver | undefined;
  /** What errors call the solver. */
  protected readonly name: string;
  private readonly throws: boolean;
  private readonly progress: boolean | string;
  private readonly whole: AnyFunction;
  private readonly tolerance: Value;

  constructor(
    name: string,
    options: SolverOptions,
    defaults: { maxiter: number; tol: number },
    own: readonly string[],
  ) {
    optionsOf(name, options, [...own, ...solverOptions]);
    this.name = name;
    this.throws = options.throw ?? false;
    this.maxiter = options.maxiter ?? defaults.maxiter;
    this.tol = options.tol ?? defaults.tol;
    const whole = Number.isInteger(this.maxiter) && this.maxiter >= 0;
    if (!whole)
      throw new TraceError(`${name}: \`maxiter\` must be an integer from 0 on, but it is ${naming(this.maxiter)}.`);
    if (typeof this.tol !== 'number')
      throw new TraceError(`${name}: \`tol\` must be a number, but it is ${naming(this.tol)}.`);
    if (options.implicitDiffSolve !== undefined) checkFunction(name, 'implicitDiffSolve', options.implicitDiffSolve);
    this.implicitDiff = options.implicitDiff ?? true;
    this.implicitDiffSolve = options.implicitDiffSolve;
    this.progress = options.progress ?? false;
    // An array, not a literal: solvers that differ in nothing but their tolerance share their code.
    this.tolerance = array(this.tol, { dtype: 'float64' });
    for (const method of ['initState', 'update', 'optimalityFun'] as const) {
      const own = this[method] as AnyFunction;
      this[method] = (params: any, ...rest: any[]) =>
        own.call(this, this.parameters(params, `${name}.${method}: params`), ...rest);
    }
    const first = this.initState as AnyFunction;
    this.initState = (params: any, ...rest: any[]) =>
      isStep(params) ? this.continued(params, first(params.params, ...rest)) : first(params, ...rest);
    // What the solver itself computes is at the line of the call of `run`.
    const run = (init: unknown, ...args: unknown[]): Step => atUserLine(true, () => this.solve(init, args));
    this.whole = options.jit === false ? run : jit(run);
  }

  /** The state before the first step. */
  abstract initState(initParams: ArrayLikes<P>, ...args: Given<A>): State;

  /** One step. */
  abstract update(params: ArrayLikes<P>, state: State, ...args: Given<A>): Step<Arrays<P>, State>;

  /** Zero at a solution, and nowhere else near it: what implicit differentiation differentiates. */
  abstract optimalityFun(params: ArrayLikes<P>, ...args: Given<A>): Arrays<P>;

  /** True where `optimalityFun` is a gradient, so that its Jacobian is symmetric. */
  protected abstract readonly symmetric: boolean;

  /** Fields of the state that a run takes over from another one. */
  protected readonly remembered: readonly string[] = [];

  /** ‖optimalityFun(params, …args)‖₂. */
  l2OptimalityError(params: ArrayLikes<P>, ...args: Given<A>): NDArray {
    return norm(this.optimalityFun(params, ...args));
  }

  /**
   * Runs the solver from `initParams`, or on from what a run returned: quasi-Newton methods and others with a history take it
   * over, `iterNum` goes on, and `maxiter` more steps may be taken. The solution is differentiable in `args`.
   *
   * @returns `params`, of the structure of `initParams`, and `state`, which has no derivative
   */
  run<I extends ArrayLikes<P>>(initParams: I | Step<I, State>, ...args: Given<A>): Step<Solution<P, I>, State> {
    this.checkInit(initParams);
    return this.whole(initParams, ...args);
  }

  /** @throws TreeError when there is nothing to improve */
  protected checkInit(init: unknown): void {
    if (tree.flatten(init, `${this.name}.run: initParams`).leaves.length === 0)
      throw new TreeError(`${this.name}.run: initParams holds no array.`, {
        hint: 'begin with a guess, whose shape is that of the solution: `run(init, …)`',
      });
  }

  /** What a solver must know of one that it wraps. */
  protected static within(solver: IterativeSolver): {
    symmetric: boolean;
    start: (init: unknown, args: readonly unknown[]) => unknown;
  } {
    return { symmetric: solver.symmetric, start: (init, args) => solver.start(init, args) };
  }

  private solve(init: unknown, args: readonly unknown[]): Step {
    const former = isStep(init) ? init : undefined;
    const start = this.start(former ? former.params : init, args);
    const from = (params: unknown): unknown => (former ? { ...former, params } : params);
    if (!this.implicitDiff) return this.iterate(from(start), args, true);
    const method = this.implicitMethod(args);
    const decorate = decorated(
      this.name,
      (x: any, ...rest: any) => this.condition(x, rest),
      (x: unknown, ...rest: unknown[]) => {
        const step = this.iterate(from(x), rest, false);
        return [this.essential(step.params, rest), step.state];
      },
      {
        hasAux: true,
        symmetric: this.symmetric,
        throw: this.throws,
        ...(method ? { method } : {}),
        ...(this.implicitDiffSolve ? { solve: this.implicitDiffSolve } : {}),
      },
      false,
    );
    const [found, state] = decorate(start, ...args) as [unknown, State];
    return { params: this.completed(found, args), state };
  }

  /**
   * What implicit differentiation solves for, where that is not all of the parameters: `condition` is an equation for it,
   * and `completed` makes the parameters of it.
   */
  protected essential(params: any, _args: readonly unknown[]): unknown {
    return params;
  }

  protected condition(essential: any, args: readonly unknown[]): unknown {
    return this.optimalityFun(essential, ...(args as any));
  }

  protected completed(essential: any, _args: readonly unknown[]): unknown {
    return essential;
  }

  /** How the linear system of the implicit derivative is solved unless `implicitDiffSolve` says so; undefined for the usual way. */
  protected implicitMethod(_args: readonly unknown[]): LinearSolver | undefined {
    return undefined;
  }

  /** What is done once, where the loop has ended. */
  protected finished(step: Step<any, State>, _args: readonly unknown[]): Step<any, State> {
    return step;
  }

  private report({ iterNum, error }: BaseState): void {
    if (!this.progress) return;
    const label = typeof this.progress === 'string' ? this.progress : this.name;
    progress(iterNum, { total: this.maxiter, label, every: 1, values: { error } });
  }

  /** Parameters as arrays: numbers among them, traced or not, are float32, as everywhere they stand alone. */
  private parameters(params: unknown, what: string): unknown {
    tree.flatten(params, what);
    return tree.map((leaf) => {
      const value = leaf as Value | number | boolean;
      if (typeof value === 'number') return array(value);
      if (typeof value === 'boolean') throw new TraceError(`${this.name}: a boolean cannot be optimised.`);
      return value.aval.weakType ? value.astype('float32') : value;
    }, params);
  }

  /** What `run` begins with. */
  protected start(init: unknown, _args: readonly unknown[]): unknown {
    return this.parameters(init, `${this.name}.run: initParams`);
  }

  /** Whether the error is small; where it is NaN, too, so that the loop ends. */
  protected converged({ error }: State): Value {
    return not(gt(error, this.tolOf(error)));
  }

  /** Whether another step is taken, apart from the number of iterations. */
  protected goesOn({ error }: State): Value {
    return gt(error, this.tolOf(error));
  }

  protected tolOf(error: Value): Value {
    return this.tolerance.astype(error.dtype);
  }

  /** The first state of a run that goes on from another one. */
  private continued({ state }: Step, first: State): State {
    if (this.remembered.length === 0)
      throw new TraceError(`${this.name}.run: takes over nothing from the result of another run.`, {
        hint: 'pass its `params`',
      });
    return { ...first, ...Object.fromEntries(this.remembered.map((name) => [name, state[name]])) };
  }

  /** The loop. Bounded, it can be differentiated in reverse mode. */
  private iterate(init: unknown, args: readonly unknown[], bounded: boolean): Step {
    const state = this.initState(init as any, ...(args as any));
    const begin = isStep(init) ? state.iterNum : 0;
    const limit = typeof begin === 'number' ? this.maxiter : begin.add(this.maxiter);
    const last = namedWhile(
      { operation: this.name },
      ({ state }: any) => and(this.goesOn(state), lt(state.iterNum, limit)),
      ({ params, state }: any) => {
        const next = this.update(params, state, ...(args as any));
        this.report(next.state);
        return next as any;
      },
      { params: isStep(init) ? init.params : init, state },
      bounded ? { maxSteps: this.maxiter } : {},
    ) as Step;
    const final = this.finished(last, args);
    const code = this.statusOf(final, args, [begin, limit]);
    if (this.throws) throwUnlessSolved(this.name, code);
    return { params: final.params, state: { ...final.state, status: code } };
  }

  /** Why this solver stops early, beside those reasons that all solvers have. */
  protected failures(
    _state: State,
    _params: unknown,
    _args: readonly unknown[],
  ): readonly (readonly [condition: Value, name: StatusName])[] {
    return [];
  }

  /** The status of a state in which the loop ended. */
  private statusOf(
    { params, state }: Step<unknown, State>,
    args: readonly unknown[],
    [begin, limit]: readonly [begin: Value | number, limit: Value | number],
  ): Value {
    const { error, iterNum } = state;
    return statusWhere(
      [
        ...this.failures(state, params, args),
        [and(eq(error, Number.POSITIVE_INFINITY), le(iterNum, begin)), 'running'],
        [not(isFinite(error)), 'nonfinite'],
        [this.converged(state), 'converged'],
        [lt(iterNum, limit), 'nonfinite'],
      ],
      'maxiter',
    );
  }
}
