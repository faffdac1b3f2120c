/** `ArmijoSGD`: stochastic gradient descent whose steps a line search on each batch decides. */
import type { RestOf } from '../../../transforms/flat.ts';
import type { NDArray } from '../../array.ts';
import { cond } from '../../control/cond.ts';
import { whileLoop } from '../../control/loops.ts';
import { TraceError } from '../../core/errors.ts';
import { checkChoice, checkNumbers } from '../../core/options.ts';
import type { Value } from '../../core/trace.ts';
import { min, mul, neg, sub } from '../../lax/arithmetic.ts';
import { le, lt } from '../../lax/compare.ts';
import { scalar } from '../../lax/creation.ts';
import { and, not, or } from '../../lax/logic.ts';
import type { ArrayLikes } from '../../tree.ts';
import type { Step } from '../base.ts';
import type { Evaluation } from '../objective.ts';
import type { Given, ObjectiveAux, ObjectiveFunction, ParamsOf } from '../types.ts';
import { axpy, dot, minus, norm, scalarOf } from '../vectors.ts';
import { atRest, type BatchDescentState } from './batch-descent.ts';
import { type StochasticOptions, StochasticSolver } from './stochastic.ts';

/**
 * The step with which the search on a batch begins: the last one times `increaseFactor`; or the last one, which the search also
 * lengthens until it satisfies Goldstein's condition; or the last one.
 */
export type ResetOption = 'increase' | 'goldstein' | 'conservative';

const resetOptions: readonly ResetOption[] = ['increase', 'goldstein', 'conservative'];

export interface ArmijoSGDOptions<
  F extends ObjectiveFunction = ObjectiveFunction,
  H extends boolean = boolean,
  V extends boolean = boolean,
> extends StochasticOptions<F, H, V, ArmijoSGDState<ParamsOf<F>, ObjectiveAux<F, H, V>>> {
  /**
   * Between 0 and 1: a step s is accepted if f decreases by (1 − aggressiveness)·s·‖∇f‖². Above ½ steps are at least the smaller of
   * 1/L, for an L-smooth f, and `maxStepsize`. Default 0.9.
   */
  aggressiveness?: number;
  /** By how much the line search shortens a step. Default 0.8. */
  decreaseFactor?: number;
  /** By how much a step is longer than the last one. Default 1.5. */
  increaseFactor?: number;
  /** With which step the line search begins. Default 'increase'. */
  resetOption?: ResetOption;
  /** The part of the last change of the parameters that is made again. Default 0. */
  momentum?: number;
  /** The longest step, and the first. Default 1. */
  maxStepsize?: number;
  /** Most steps of a line search. Default 15. */
  maxls?: number;
}

export interface ArmijoSGDState<P = any, X = any> extends BatchDescentState<P, X> {
  /** f after the step without momentum, on the same batch: rank 0, of the dtype of f. */
  readonly value: NDArray;
}

/**
 * Gradient descent with Armijo's line search on each batch (Vaswani et al., Painless Stochastic Gradient: Interpolation,
 * Line-Search, and Convergence Rates, 2019). It converges where the minimum of the mean is one of each batch too (interpolation), as
 * in models with many parameters, and often elsewhere. `state.error` is ‖∇f‖₂ before the step. Options, defaults and iterates follow
 * JAXopt's; a step to NaN is shortened too, and derivatives are implicit unless `implicitDiff` is false.
 *
 * @example
 * const solver = new ArmijoSGD({ fun: loss, maxiter: 200 });
 * const { params, state } = solver.runIterator(init, batches);
 */
export class ArmijoSGD<
  F extends ObjectiveFunction = ObjectiveFunction,
  H extends boolean = false,
  V extends boolean = false,
> extends StochasticSolver<F, H, V, ArmijoSGDState<ParamsOf<F>, ObjectiveAux<F, H, V>>> {
  private readonly coefficient: number;
  private readonly decreaseFactor: number;
  private readonly increaseFactor: number;
  private readonly resetOption: ResetOption;
  private readonly momentum: number;
  private readonly maxStepsize: number;
  private readonly maxls: number;

  constructor(options: ArmijoSGDOptions<F, H, V>) {
    const name = 'ArmijoSGD';
    const numbers = ['aggressiveness', 'decreaseFactor', 'increaseFactor', 'momentum', 'maxStepsize', 'maxls'];
    super(name, options, [...numbers, 'resetOption']);
    checkNumbers(name, options, numbers);
    const { aggressiveness = 0.9, resetOption = 'increase' } = options;
    if (!(aggressiveness > 0 && aggressiveness < 1))
      throw new TraceError(`${name}: \`aggressiveness\` must be between 0 and 1, but it is ${aggressiveness}.`);
    checkChoice(name, '`resetOption`', resetOption, resetOptions);
    this.coefficient = 1 - aggressiveness;
    this.resetOption = resetOption;
    this.decreaseFactor = options.decreaseFactor ?? 0.8;
    this.increaseFactor = options.increaseFactor ?? 1.5;
    this.momentum = options.momentum ?? 0;
    this.maxStepsize = options.maxStepsize ?? 1;
    this.maxls = options.maxls ?? 15;
  }

  override initState(
    initParams: ArrayLikes<Parameters<F>[0]>,
    ...args: Given<RestOf<F>>
  ): ArmijoSGDState<ParamsOf<F>, ObjectiveAux<F, H, V>> {
    return atRest(initParams, this.objective.evaluate(initParams, args), this.maxStepsize, this.momentum);
  }

  override update(
    params: ArrayLikes<Parameters<F>[0]>,
    state: ArmijoSGDState<ParamsOf<F>, ObjectiveAux<F, H, V>>,
    ...args: Given<RestOf<F>>
  ): Step<ParamsOf<F>, ArmijoSGDState<ParamsOf<F>, ObjectiveAux<F, H, V>>> {
    const [at, before] = this.before(params, state, args as readonly unknown[]);
    const found = this.objective.evaluate(at, args);
    const longer = (stepsize: Value): Value => min(stepsize.mul(this.increaseFactor), this.maxStepsize);
    const start = this.resetOption === 'increase' ? longer(before.stepsize) : before.stepsize;
    const { next, value, stepsize } = this.lineSearch(at, found, start, longer, args as readonly unknown[]);
    const moved = this.momentum === 0 ? next : axpy(next, this.momentum, before.velocity);
    return {
      params: moved,
      state: {
        ...before,
        iterNum: before.iterNum.add(1),
        error: scalarOf(norm(found.gradient), before.error.dtype),
        value,
        aux: found.aux as ObjectiveAux<F, H, V>,
        stepsize,
        velocity: this.momentum === 0 ? null : minus(moved, at),
      },
    };
  }

  /** Shortens the step while f decreases too little; with Goldstein's condition lengthens it while f decreases too much. */
  private lineSearch(
    x: any,
    { value, gradient }: Evaluation,
    start: Value,
    longer: (stepsize: Value) => Value,
    args: readonly unknown[],
  ): { next: any; value: Value; stepsize: Value } {
    const epsilon = value.dtype === 'float64' ? 2 ** -52 : 2 ** -23;
    const squared = scalarOf(dot(gradient, gradient), value.dtype);
    const at = (stepsize: Value): any => {
      const next = axpy(x, neg(stepsize), gradient);
      return { next, value: this.objective.value(next, args), stepsize };
    };
    const expected = (stepsize: Value, part: number): Value => mul(scalarOf(stepsize, value.dtype), mul(squared, part));
    const tooLong = (step: any): Value =>
      not(le(expected(step.stepsize, this.coefficient), sub(value, step.value).add(epsilon)));
    const tooShort = (step: any): Value => lt(step.value, sub(value, expected(step.stepsize, 1 - this.coefficient)));
    const shorter = (stepsize: Value): Value => min(stepsize.mul(this.decreaseFactor), this.maxStepsize);
    const goldstein = this.resetOption === 'goldstein';
    const { step } = whileLoop(
      ({ step, k }: any) => and(lt(k, this.maxls), goldstein ? or(tooLong(step), tooShort(step)) : tooLong(step)),
      ({ step, k }: any) => {
        if (!goldstein) return { step: at(shorter(step.stepsize)), k: k.add(1) };
        const shortened = cond(
          tooLong(step),
          (s: any) => at(shorter(s.stepsize)),
          (s: any) => s,
          step,
        ) as any;
        const lengthened = cond(
          tooShort(shortened),
          (s: any) => at(longer(s.stepsize)),
          (s: any) => s,
          shortened,
        );
        return { step: lengthened as any, k: k.add(1) };
      },
      { step: at(start), k: scalar(0, 'int32') },
      this.implicitDiff ? {} : { maxSteps: this.maxls },
    ) as any;
    return step;
  }
}
