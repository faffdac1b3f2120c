/** `PolyakSGD`: stochastic gradient descent with the step sizes of Polyak. */
import type { RestOf } from '../../../transforms/flat.ts';
import type { NDArray } from '../../array.ts';
import { checkChoice, checkNumbers } from '../../core/options.ts';
import type { Value } from '../../core/trace.ts';
import { div, max, min, mul, neg, sqrt } from '../../lax/arithmetic.ts';
import { gt, le, select } from '../../lax/compare.ts';
import type { ArrayLikes } from '../../tree.ts';
import * as tree from '../../tree.ts';
import type { Step } from '../base.ts';
import type { Given, ObjectiveAux, ObjectiveFunction, ParamsOf } from '../types.ts';
import { axpy, dot, scalarOf } from '../vectors.ts';
import { atRest, type BatchDescentState } from './batch-descent.ts';
import { type StochasticOptions, StochasticSolver } from './stochastic.ts';

/**
 * The step (f − funMin) / (‖∇f‖² + delta), at most `maxStepsize` (Loizou et al., Stochastic Polyak Step-size for SGD, 2021); or
 * (f − funMin)₊ / ‖∇f‖², and 0 where ‖∇f‖² is at most the rounding error of 1.
 */
export type PolyakVariant = 'SPS_max' | 'SPS+';

export interface PolyakSGDOptions<
  F extends ObjectiveFunction = ObjectiveFunction,
  H extends boolean = boolean,
  V extends boolean = boolean,
> extends StochasticOptions<F, H, V, PolyakSGDState<ParamsOf<F>, ObjectiveAux<F, H, V>>> {
  /** The minimum of f on each batch, or a lower bound. Default 0. */
  funMin?: number;
  /** Default 'SPS_max'. */
  variant?: PolyakVariant;
  /** The longest step of 'SPS_max'. Default 1. */
  maxStepsize?: number;
  /** What is added to ‖∇f‖² by 'SPS_max'. Default 0. */
  delta?: number;
  /** The part of the last change of the parameters that is made again. Default 0. */
  momentum?: number;
}

export type PolyakSGDState<P = any, X = any> = BatchDescentState<P, X>;

/**
 * Gradient descent with Polyak's step size on each batch, which needs no line search but the minimum of f: 0 for models that fit every
 * batch (Berrada, Zisserman and Kumar, Training Neural Networks for and by Interpolation, 2020). `state.error` is ‖∇f‖₂ before the
 * step. Options, defaults and iterates follow JAXopt's; derivatives are implicit unless `implicitDiff` is false.
 *
 * @example
 * const solver = new PolyakSGD({ fun: loss, maxStepsize: 0.1 });
 * const { params, state } = solver.runIterator(init, batches);
 */
export class PolyakSGD<
  F extends ObjectiveFunction = ObjectiveFunction,
  H extends boolean = false,
  V extends boolean = false,
> extends StochasticSolver<F, H, V, PolyakSGDState<ParamsOf<F>, ObjectiveAux<F, H, V>>> {
  private readonly funMin: number;
  private readonly variant: PolyakVariant;
  private readonly maxStepsize: number;
  private readonly delta: number;
  private readonly momentum: number;

  constructor(options: PolyakSGDOptions<F, H, V>) {
    const name = 'PolyakSGD';
    const numbers = ['funMin', 'maxStepsize', 'delta', 'momentum'];
    super(name, options, [...numbers, 'variant']);
    checkNumbers(name, options, numbers);
    const { variant = 'SPS_max' } = options;
    checkChoice(name, '`variant`', variant, ['SPS_max', 'SPS+']);
    this.variant = variant;
    this.funMin = options.funMin ?? 0;
    this.maxStepsize = options.maxStepsize ?? 1;
    this.delta = options.delta ?? 0;
    this.momentum = options.momentum ?? 0;
  }

  override initState(
    initParams: ArrayLikes<Parameters<F>[0]>,
    ...args: Given<RestOf<F>>
  ): PolyakSGDState<ParamsOf<F>, ObjectiveAux<F, H, V>> {
    return atRest(initParams, this.objective.evaluate(initParams, args), 1, this.momentum);
  }

  override update(
    params: ArrayLikes<Parameters<F>[0]>,
    state: PolyakSGDState<ParamsOf<F>, ObjectiveAux<F, H, V>>,
    ...args: Given<RestOf<F>>
  ): Step<ParamsOf<F>, PolyakSGDState<ParamsOf<F>, ObjectiveAux<F, H, V>>> {
    const [at, before] = this.before(params, state, args as readonly unknown[]);
    const { value, gradient, aux } = this.objective.evaluate(at, args);
    const squared = scalarOf(dot(gradient, gradient), before.stepsize.dtype);
    const stepsize = this.stepsize(scalarOf(value, squared.dtype), squared);
    const velocity =
      this.momentum === 0
        ? null
        : axpy(
            tree.map((v) => mul(v as NDArray, this.momentum), before.velocity as any),
            neg(stepsize),
            gradient,
          );
    return {
      params: velocity === null ? axpy(at, neg(stepsize), gradient) : axpy(at, 1, velocity),
      state: {
        ...before,
        iterNum: before.iterNum.add(1),
        error: sqrt(squared),
        value,
        aux: aux as ObjectiveAux<F, H, V>,
        stepsize,
        velocity,
      },
    };
  }

  private stepsize(value: Value, squared: Value): Value {
    const gap = value.sub(this.funMin);
    if (this.variant === 'SPS+') {
      const tiny = le(squared, squared.dtype === 'float64' ? 2 ** -52 : 2 ** -23);
      return select(tiny, 0, max(div(gap, select(tiny, 1, squared)), 0));
    }
    // At a stationary point any step will do.
    const denominator = squared.add(this.delta);
    const moves = gt(denominator, 0);
    return select(moves, min(div(gap, select(moves, denominator, 1)), this.maxStepsize), this.maxStepsize);
  }
}
