/** Updates times numbers: step sizes, schedules, momentum. */
import type { ArrayLike, NDArray } from '../array.ts';
import { CotangentError } from '../core/errors.ts';
import { naming, optionsOf } from '../core/options.ts';
import type { Value } from '../core/trace.ts';
import { add, mul, neg } from '../lax/arithmetic.ts';
import { convert } from '../lax/convert.ts';
import { zerosLike } from '../lax/creation.ts';
import { toValue } from '../promote.ts';
import { checkScalar, like, type Scalar } from './options.ts';
import {
  type EmptyState,
  type GradientTransformation,
  identity,
  increment,
  type LikeParams,
  mapLeaves,
  momentsLike,
  nextMoments,
  part,
  stateless,
  zeroCount,
} from './transformation.ts';

/** A hyperparameter as a function of the number of updates before this one, an int32 scalar that may be traced. */
export type Schedule = (count: NDArray) => ArrayLike;

/** A learning rate: a number, a rank-0 array, traced or not, or a schedule. */
export type LearningRate = Scalar | Schedule;

/** Updates times `factor`. */
export function scale(factor: Scalar): GradientTransformation<EmptyState> {
  const by = checkScalar('scale', 'the factor', factor);
  return stateless('scale', (g) => mul(like(by, g), g));
}

export interface CountState {
  /** int32, rank 0: updates made, at most 2³¹ − 1. */
  readonly count: NDArray;
}

/** The state of a factor: with a schedule the number of updates, else nothing. */
export type RateState<L> = L extends (...args: never[]) => unknown ? CountState : EmptyState;

/** The value of a schedule as a scalar. */
export const scheduled = (operation: string, schedule: Schedule, count: Value): Scalar =>
  checkScalar(operation, 'the value of the schedule', toValue(schedule(count), operation));

function scaleByScheduleAs(name: string, schedule: Schedule, sign: 1 | -1): GradientTransformation<CountState> {
  if (typeof schedule !== 'function')
    throw new CotangentError(`${name}: the schedule must be a function of the step count, but is ${naming(schedule)}.`);
  return {
    init: () => ({ count: zeroCount() }),
    update: (gradients, state) => {
      const operation = `${name}.update`;
      const count = part(operation, state, 'count');
      const value = scheduled(operation, schedule, count) as Value;
      const factor = sign < 0 ? neg(value) : value;
      const by = (g: Value): Value => mul(convert(factor, g.dtype), g);
      return [mapLeaves(operation, by, ['the gradients', gradients]), { count: increment(count) }];
    },
  };
}

/**
 * Updates times schedule(count), where `count` is 0 at the first update.
 *
 * @example
 * chain(scaleByAdam(), scaleBySchedule(cosineDecaySchedule(-1e-3, { decaySteps: 1000 })));
 */
export const scaleBySchedule = (schedule: Schedule): GradientTransformation<CountState> =>
  scaleByScheduleAs('scaleBySchedule', schedule, 1);

/**
 * Updates times −learningRate, so that adding them descends. With `{ flipSign: false }`, times learningRate.
 *
 * @param learningRate a number, a rank-0 array (traced or not) or a schedule
 */
export function scaleByLearningRate<L extends LearningRate>(
  learningRate: L,
  options: { flipSign?: boolean } = {},
): GradientTransformation<RateState<L>> {
  const { flipSign = true } = optionsOf('scaleByLearningRate', options, ['flipSign']);
  return learningRateAs('scaleByLearningRate', learningRate, flipSign ? -1 : 1);
}

/** `scaleByLearningRate` inside an optimizer of that name. */
export function learningRateAs(
  name: string,
  learningRate: LearningRate,
  sign: 1 | -1 = -1,
): GradientTransformation<any> {
  if (learningRate === undefined) throw new CotangentError(`${name}: the learning rate is missing.`);
  if (typeof learningRate === 'function') return scaleByScheduleAs(name, learningRate, sign);
  const rate = checkScalar(name, 'the learning rate', learningRate);
  const factor = sign > 0 ? rate : typeof rate === 'number' ? -rate : neg(rate);
  return stateless(name, (g) => mul(like(factor, g), g));
}

export interface TraceOptions {
  /** μ in [0, 1): how much of the last momentum remains. */
  decay: Scalar;
  /** Look ahead: g + μ·(the new momentum). Default false. */
  nesterov?: boolean;
}

export interface TraceState<P = any> {
  /** t: the momentum, a tree of the shapes and dtypes of the parameters. */
  readonly trace: P;
}

/**
 * Momentum: tₙ = gₙ + μ·tₙ₋₁, and the update is tₙ, or gₙ + μ·tₙ with `nesterov`.
 * (Polyak, Some methods of speeding up the convergence of iteration methods, 1964; Sutskever et al., On the importance of
 * initialization and momentum in deep learning, 2013.)
 */
export const trace = (options: TraceOptions): GradientTransformation<TraceState<LikeParams>> => {
  const { decay, nesterov } = optionsOf('trace', options, ['decay', 'nesterov'], ['decay']);
  return traceAs('trace', 'decay', decay, nesterov);
};

/** `trace` inside an optimizer of that name, where the decay is called `option`; the identity without a decay. */
export function traceAs(
  name: string,
  option: string,
  decay: Scalar | null | undefined,
  nesterov = false,
): GradientTransformation<any> {
  if (decay === undefined || decay === null) return identity();
  const mu = checkScalar(name, option, decay);
  const push = (g: Value, t: Value): Value => add(g, mul(like(mu, t), t));
  return {
    init: (params) => ({ trace: momentsLike(`${name}.init`, params, (p) => zerosLike(p.aval)) }),
    update: (gradients, state) => {
      const operation = `${name}.update`;
      const next = nextMoments(operation, push, gradients, part(operation, state, 'trace'));
      const updates = nesterov ? mapLeaves(operation, push, ['the gradients', gradients], ['the moments', next]) : next;
      return [updates, { trace: next }];
    },
  };
}
