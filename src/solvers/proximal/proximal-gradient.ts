/** `ProximalGradient`: minimises f(x) + g(x) for smooth f and a g with a proximity operator. */

import { onArrays, type RestOf } from '../../../transforms/flat.ts';
import type { NDArray } from '../../array.ts';
import { cond } from '../../control/cond.ts';
import { whileLoop } from '../../control/loops.ts';
import { checkNumbers } from '../../core/options.ts';
import type { Value } from '../../core/trace.ts';
import type { StatusName } from '../../implicit/status.ts';
import { div, neg, sqrt } from '../../lax/arithmetic.ts';
import { eq, gt, le, lt, select } from '../../lax/compare.ts';
import { full, scalar } from '../../lax/creation.ts';
import { and } from '../../lax/logic.ts';
import { stopGradient } from '../../lax/stop-gradient.ts';
import type { ArrayLikes } from '../../tree.ts';
import {
  type BaseState,
  checkFunction,
  IterativeSolver,
  initialState,
  type SolverOptions,
  type Step,
} from '../base.ts';
import { type Evaluation, Objective, type ObjectiveOptions, objectiveOptions } from '../objective.ts';
import type { AfterHyperparams, Given, ObjectiveAux, ObjectiveFunction, ParamsOf } from '../types.ts';
import { axpy, dot, minus, norm, scalarOf } from '../vectors.ts';

/** argmin over y of ½‖y − x‖² + scaling·g(y, hyperparams). */
export type Prox<P = any, Y = any> = (x: P, hyperparams: Y, scaling: NDArray | number) => P;

/** In the type of a solver, that there is no proximity operator. */
export interface NoProx extends Prox {
  readonly [absent]: true;
}

declare const absent: unique symbol;

/** What `GradientDescent`, `ProximalGradient` and `ProjectedGradient` share. */
export interface DescentOptions<
  F extends ObjectiveFunction = ObjectiveFunction,
  H extends boolean = boolean,
  V extends boolean = boolean,
> extends SolverOptions,
    ObjectiveOptions<H, V> {
  /** The smooth part f(params, …args), or what `valueAndGrad` and `hasAux` say. */
  fun: F;
  /** A constant step size, or a function of the iteration number; 0 (the default) means backtracking line search. */
  stepsize?: number | ((iterNum: Value) => Value | number);
  /** Most steps of the line search. Default 15. */
  maxls?: number;
  /** Nesterov's acceleration (FISTA). Default true. */
  acceleration?: boolean;
  /** By how much the line search shortens a step. Default 0.5. */
  decreaseFactor?: number;
}

export interface ProximalGradientOptions<
  F extends ObjectiveFunction = ObjectiveFunction,
  G extends Prox = Prox,
  H extends boolean = boolean,
  V extends boolean = boolean,
> extends DescentOptions<F, H, V> {
  /** The proximity operator of g. Without one, use `GradientDescent`. */
  prox: G;
}

export interface ProximalGradientState<P = any, X = any> extends BaseState {
  /** The step size with which the next line search begins, or the last one without line search: rank 0, of the dtype of f. */
  readonly stepsize: NDArray;
  /** The auxiliary output of the objective at the last evaluation; null without `hasAux`. */
  readonly aux: X;
  /** The extrapolated point, a tree of the shapes and dtypes of the parameters; null without `acceleration`. */
  readonly velocity: P | null;
  /** Nesterov's weight, rank 0, of the dtype of f; null without `acceleration`. */
  readonly t: NDArray | null;
}

/** What `run` takes after the initial parameters: the hyperparameters of `prox`, if there is one, and those of `fun`. */
export type ProximalArguments<F extends ObjectiveFunction, G extends Prox> = G extends NoProx
  ? RestOf<F>
  : AfterHyperparams<Parameters<G>[1], RestOf<F>>;

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
export class ProximalGradient<
  F extends ObjectiveFunction = ObjectiveFunction,
  G extends Prox = Prox,
  H extends boolean = false,
  V extends boolean = false,
> extends IterativeSolver<
  Parameters<F>[0],
  ProximalArguments<F, G>,
  ProximalGradientState<ParamsOf<F>, ObjectiveAux<F, H, V>>
> {
  protected readonly symmetric: boolean;
  protected readonly objective: Objective;
  private readonly prox: Prox | undefined;
  private readonly stepsize: NonNullable<DescentOptions['stepsize']>;
  private readonly maxls: number;
  private readonly acceleration: boolean;
  private readonly decreaseFactor: number;

  constructor(options: ProximalGradientOptions<F, G, H, V>, name = 'ProximalGradient') {
    const names = name === 'GradientDescent' ? ownOptions : [...ownOptions, 'prox'];
    super(name, options ?? {}, { maxiter: 500, tol: 1e-3 }, names);
    checkFunction(name, 'fun', options.fun);
    this.objective = new Objective(options.fun, options);
    if (name !== 'GradientDescent') checkFunction(name, 'prox', options.prox);
    this.prox = options.prox && onArrays(options.prox);
    this.symmetric = options.prox === undefined;
    checkNumbers(name, options, ['maxls', 'decreaseFactor']);
    if (typeof options.stepsize !== 'function') checkNumbers(name, options, ['stepsize']);
    this.stepsize = options.stepsize ?? 0;
    this.maxls = options.maxls ?? 15;
    this.acceleration = options.acceleration ?? true;
    this.decreaseFactor = options.decreaseFactor ?? 0.5;
  }

  /** With a prox the first argument after the parameters is its hyperparameter; without one all go to `fun`. */
  private split(args: readonly unknown[]): { hyper: unknown; rest: readonly unknown[] } {
    return this.prox ? { hyper: args[0], rest: args.slice(1) } : { hyper: null, rest: args };
  }

  override initState(
    initParams: ArrayLikes<Parameters<F>[0]>,
    ...args: Given<ProximalArguments<F, G>>
  ): ProximalGradientState<ParamsOf<F>, ObjectiveAux<F, H, V>> {
    const { rest } = this.split(args);
    const { value, aux } = this.objective.evaluate(initParams, rest);
    const one = full([], 1, value.dtype);
    return {
      ...initialState(value.dtype),
      stepsize: one,
      aux: aux as ObjectiveAux<F, H, V>,
      velocity: (this.acceleration ? initParams : null) as ParamsOf<F> | null,
      t: this.acceleration ? one : null,
    };
  }

  override update(
    params: ArrayLikes<Parameters<F>[0]>,
    state: ProximalGradientState<ParamsOf<F>, ObjectiveAux<F, H, V>>,
    ...args: Given<ProximalArguments<F, G>>
  ): Step<ParamsOf<F>, ProximalGradientState<ParamsOf<F>, ObjectiveAux<F, H, V>>> {
    return this.acceleration ? this.accelerated(params, state, args) : this.plain(params, state, args);
  }

  override optimalityFun(params: ArrayLikes<Parameters<F>[0]>, ...args: Given<ProximalArguments<F, G>>): ParamsOf<F> {
    const { hyper, rest } = this.split(args);
    const { gradient } = this.objective.evaluate(params, rest);
    return this.prox ? minus(this.move(params, gradient, 1, hyper), params) : gradient;
  }

  private plain(
    x: any,
    state: ProximalGradientState<ParamsOf<F>, ObjectiveAux<F, H, V>>,
    args: readonly unknown[],
  ): Step<any, ProximalGradientState<ParamsOf<F>, ObjectiveAux<F, H, V>>> {
    const { hyper, rest } = this.split(args);
    const at = this.objective.evaluate(x, rest);
    const { next, stepsize } = this.step(x, at, state, hyper, rest);
    return { params: next, state: this.nextState(state, stepsize, minus(next, x), at.aux) };
  }

  private accelerated(
    x: any,
    state: ProximalGradientState<ParamsOf<F>, ObjectiveAux<F, H, V>>,
    args: readonly unknown[],
  ): Step<any, ProximalGradientState<ParamsOf<F>, ObjectiveAux<F, H, V>>> {
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
    state: ProximalGradientState<ParamsOf<F>, ObjectiveAux<F, H, V>>,
    stepsize: Value,
    change: unknown,
    aux: any,
  ): ProximalGradientState<ParamsOf<F>, ObjectiveAux<F, H, V>> {
    return { ...state, iterNum: state.iterNum.add(1), stepsize, error: div(norm(change), stepsize), aux };
  }

  private move(x: any, gradient: any, stepsize: Value | number, hyper: unknown): any {
    const moved = axpy(x, typeof stepsize === 'number' ? -stepsize : neg(stepsize), gradient);
    return this.prox ? this.prox(moved, hyper, stepsize) : moved;
  }

  private step(
    x: any,
    at: Evaluation,
    state: ProximalGradientState<ParamsOf<F>, ObjectiveAux<F, H, V>>,
    hyper: unknown,
    args: readonly unknown[],
  ): { next: any; stepsize: Value } {
    const { stepsize } = this;
    if (typeof stepsize === 'number' && stepsize <= 0) return this.lineSearch(x, at, state.stepsize, hyper, args);
    const size = typeof stepsize === 'number' ? stepsize : stepsize(state.iterNum);
    return { next: this.move(x, at.gradient, size, hyper), stepsize: scalarOf(size, at.value.dtype) };
  }

  /**
   * Steps that rounding takes back leave the parameters where they are, wherever that is: an error of 0 says nothing then.
   * (One more gradient, where the error is 0.)
   */
  protected override failures(
    { error }: ProximalGradientState,
    params: unknown,
    args: readonly unknown[],
  ): readonly (readonly [Value, StatusName])[] {
    const [at, rest] = stopGradient([params, args]) as [any, any];
    const unchanged = cond(
      eq(error, 0),
      () => gt(norm(this.optimalityFun(at, ...rest)).astype(error.dtype), this.tolOf(error)),
      () => scalar(0, 'bool'),
    );
    return [[unchanged, 'unchanged']];
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
