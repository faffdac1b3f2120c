/** `ProximalGradient`: minimises f(x) + g(x) for smooth f and a g with a proximity operator. */
import type { AnyFunction } from '../../transforms/flat.ts';
import { whileLoop } from '../control/loops.ts';
import type { Value } from '../core/trace.ts';
import { div, neg, sqrt } from '../lax/arithmetic.ts';
import { gt, le, lt, select } from '../lax/compare.ts';
import { full } from '../lax/creation.ts';
import { and } from '../lax/logic.ts';
import * as tree from '../tree.ts';
import { type BaseState, checkFunction, IterativeSolver, initialState, type SolverOptions, type Step } from './base.ts';
import { type Evaluation, Objective, type ObjectiveOptions, objectiveOptions } from './objective.ts';
import { axpy, dot, minus, norm, scalarOf } from './vectors.ts';

/** argmin over y of ½‖y − x‖² + scaling·g(y, hyperparams). */
export type Prox = (x: any, hyperparams: any, scaling: Value | number) => any;

export interface ProximalGradientOptions extends SolverOptions, ObjectiveOptions {
  /** The smooth part f(params, …args), or what `valueAndGrad` and `hasAux` say. */
  fun: AnyFunction;
  /** The proximity operator of g; the identity if left out. */
  prox?: Prox;
  /** A constant step size, or a function of the iteration number; 0 (the default) means backtracking line search. */
  stepsize?: number | ((iterNum: Value) => Value | number);
  /** Most steps of the line search. Default 15. */
  maxls?: number;
  /** Nesterov's acceleration (FISTA). Default true. */
  acceleration?: boolean;
  /** By how much the line search shortens a step. Default 0.5. */
  decreaseFactor?: number;
}

export interface ProximalGradientState extends BaseState {
  readonly stepsize: Value;
  /** The auxiliary output of the objective at the last evaluation; null without `hasAux`. */
  readonly aux: any;
  /** The extrapolated point and its weight; null without acceleration. */
  readonly velocity: any;
  readonly t: Value | null;
}

const ownOptions = [...objectiveOptions, 'stepsize', 'maxls', 'acceleration', 'decreaseFactor'];

/**
 * Proximal gradient descent with backtracking and acceleration (Beck & Teboulle, A Fast Iterative Shrinkage-Thresholding
 * Algorithm, 2009). `state.error` is the distance of the last two iterates over the step
 * size. Options, defaults and iterates follow JAXopt's.
 *
 * @example
 * const lasso = new ProximalGradient({ fun: leastSquares, prox: proxLasso });
 * const { params } = lasso.run(np.zeros([10]), l1reg, X, y);
 */
export class ProximalGradient extends IterativeSolver<ProximalGradientState> {
  protected readonly symmetric: boolean;
  protected readonly objective: Objective;
  private readonly prox: Prox | undefined;
  private readonly stepsize: NonNullable<ProximalGradientOptions['stepsize']>;
  private readonly maxls: number;
  private readonly acceleration: boolean;
  private readonly decreaseFactor: number;

  constructor(options: ProximalGradientOptions, name = 'ProximalGradient') {
    const names = name === 'GradientDescent' ? ownOptions : [...ownOptions, 'prox'];
    super(name, options ?? {}, { maxiter: 500, tol: 1e-3 }, names);
    checkFunction(name, 'fun', options.fun);
    this.objective = new Objective(options.fun, options);
    if (options.prox !== undefined) checkFunction(name, 'prox', options.prox);
    this.prox = options.prox;
    this.symmetric = options.prox === undefined;
    this.stepsize = options.stepsize ?? 0;
    this.maxls = options.maxls ?? 15;
    this.acceleration = options.acceleration ?? true;
    this.decreaseFactor = options.decreaseFactor ?? 0.5;
  }

  /** With a prox the first argument after the parameters is its hyperparameter; without one all go to `fun`. */
  private split(args: readonly unknown[]): { hyper: unknown; rest: readonly unknown[] } {
    return this.prox ? { hyper: args[0], rest: args.slice(1) } : { hyper: null, rest: args };
  }

  override initState(initParams: any, ...args: any[]): ProximalGradientState {
    const { rest } = this.split(args);
    const { value, aux } = this.objective.evaluate(initParams, rest);
    const one = full([], 1, value.dtype);
    return {
      ...initialState(value.dtype),
      stepsize: one,
      aux: aux === null ? null : tree.map((leaf) => leaf, aux),
      velocity: this.acceleration ? initParams : null,
      t: this.acceleration ? one : null,
    };
  }

  override update(params: any, state: ProximalGradientState, ...args: any[]): Step<any, ProximalGradientState> {
    return this.acceleration ? this.accelerated(params, state, args) : this.plain(params, state, args);
  }

  override optimalityFun(params: any, ...args: any[]): any {
    const { hyper, rest } = this.split(args);
    const { gradient } = this.objective.evaluate(params, rest);
    return this.prox ? minus(this.move(params, gradient, 1, hyper), params) : gradient;
  }

  private plain(x: any, state: ProximalGradientState, args: readonly unknown[]): Step<any, ProximalGradientState> {
    const { hyper, rest } = this.split(args);
    const at = this.objective.evaluate(x, rest);
    const { next, stepsize } = this.step(x, at, state, hyper, rest);
    return { params: next, state: this.nextState(state, stepsize, minus(next, x), at.aux) };
  }

  private accelerated(
    x: any,
    state: ProximalGradientState,
    args: readonly unknown[],
  ): Step<any, ProximalGradientState> {
    const { hyper, rest } = this.split(args);
    const { velocity: y, t } = state;
    const at = this.objective.evaluate(y, rest);
    const { next, stepsize } = this.step(y, at, state, hyper, rest);
    const nextT = sqrt(t!.mul(t!).mul(4).add(1)).add(1).mul(0.5);
    const change = minus(next, x);
    const velocity = axpy(next, div(t!.sub(1), nextT), change);
    return { params: next, state: { ...this.nextState(state, stepsize, change, at.aux), velocity, t: nextT } };
  }

  private nextState(
    state: ProximalGradientState,
    stepsize: Value,
    change: unknown,
    aux: unknown,
  ): ProximalGradientState {
    return { ...state, iterNum: state.iterNum.add(1), stepsize, error: div(norm(change), stepsize), aux };
  }

  private move(x: any, gradient: any, stepsize: Value | number, hyper: unknown): any {
    const moved = axpy(x, typeof stepsize === 'number' ? -stepsize : neg(stepsize), gradient);
    return this.prox ? this.prox(moved, hyper, stepsize) : moved;
  }

  private step(
    x: any,
    at: Evaluation,
    state: ProximalGradientState,
    hyper: unknown,
    args: readonly unknown[],
  ): { next: any; stepsize: Value } {
    const { stepsize } = this;
    if (typeof stepsize === 'number' && stepsize <= 0) return this.lineSearch(x, at, state.stepsize, hyper, args);
    const size = typeof stepsize === 'number' ? stepsize : stepsize(state.iterNum);
    return { next: this.move(x, at.gradient, size, hyper), stepsize: scalarOf(size, at.value.dtype) };
  }

  /** Shortens the step until f lies below its quadratic upper bound there; the next step starts longer. */
  private lineSearch(
    x: any,
    { value, gradient }: Evaluation,
    start: Value,
    hyper: unknown,
    args: readonly unknown[],
  ): { next: any; stepsize: Value } {
    const epsilon = value.dtype === 'float64' ? 2 ** -52 : 2 ** -23;
    const final = whileLoop(
      ({ next, stepsize, k }: any) => {
        const change = minus(next, x);
        const bound = stepsize.mul(dot(change, gradient)).add(dot(change, change).mul(0.5)).add(epsilon);
        return and(lt(k, this.maxls), gt(stepsize.mul(this.objective.value(next, args).sub(value)), bound));
      },
      ({ stepsize, k }: any) => {
        const shorter = stepsize.mul(this.decreaseFactor);
        return { next: this.move(x, gradient, shorter, hyper), stepsize: shorter, k: k.add(1) };
      },
      { next: this.move(x, gradient, start, hyper), stepsize: start, k: full([], 0, 'int32') },
      // Through the iterations, reverse mode has to pass the line search too.
      this.implicitDiff ? {} : { maxSteps: this.maxls },
    ) as { next: any; stepsize: Value };
    const { next, stepsize } = final;
    return {
      next,
      stepsize: select(le(stepsize, 1e-6), full([], 1, stepsize.dtype), div(stepsize, this.decreaseFactor)),
    };
  }
}
