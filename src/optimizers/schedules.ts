/**
 * Hyperparameters as functions of the number of updates so far. They compute in float64, whatever the dtype of what they
 * scale, and are differentiable in their values.
 */
import type { ArrayLike, NDArray } from '../array.ts';
import { CotangentError } from '../core/errors.ts';
import { checkList, naming, optionsOf } from '../core/options.ts';
import type { Value } from '../core/trace.ts';
import { add, clamp, div, floor, integerPow, max, min, mul, pow, sub } from '../lax/arithmetic.ts';
import { le, lt, select } from '../lax/compare.ts';
import { cos } from '../lax/transcendental.ts';
import { toValue } from '../promote.ts';
import { checkScalar, type Scalar, wide } from './options.ts';
import type { Schedule } from './scaling.ts';

/** A schedule of this library: takes a number as well as an array, and returns a float64 scalar. */
export type CountFunction = (count: ArrayLike) => NDArray;

function checkSteps(operation: string, name: string, steps: unknown): number {
  if (typeof steps === 'number' && Number.isFinite(steps)) return steps;
  throw new CotangentError(`${operation}: ${name} must be a number of steps, but is ${naming(steps)}.`);
}

/**
 * Always `value`.
 *
 * @example
 * constantSchedule(0.1)(7); // 0.1
 */
export function constantSchedule(value: Scalar): CountFunction {
  checkScalar('constantSchedule', 'value', value);
  return () => wide(value, 'constantSchedule');
}

export interface TransitionOptions {
  /** T: steps from the first to the last value; not positive: the initial value for ever. */
  transitionSteps: number;
  /** B: steps before it begins. Default 0. */
  transitionBegin?: number;
}

export interface PolynomialOptions extends TransitionOptions {
  /** P. */
  power: Scalar;
}

/**
 * (I − E)·(1 − (t − B) / T)ᴾ + E between steps B and B + T; I, `initValue`, before and E, `endValue`, after.
 *
 * @example
 * polynomialSchedule(1, 0.01, { power: 2, transitionSteps: 100 });
 */
export function polynomialSchedule(initValue: Scalar, endValue: Scalar, options: PolynomialOptions): CountFunction {
  const name = 'polynomialSchedule';
  optionsOf(name, options, ['power', 'transitionSteps', 'transitionBegin'], ['power', 'transitionSteps']);
  checkScalar(name, 'power', options.power);
  return polynomial(name, initValue, endValue, options);
}

/**
 * From `initValue` to `endValue` along a line: `polynomialSchedule` of power 1.
 *
 * @example
 * linearSchedule(0, 0.1, { transitionSteps: 100 });
 */
export function linearSchedule(initValue: Scalar, endValue: Scalar, options: TransitionOptions): CountFunction {
  optionsOf('linearSchedule', options, ['transitionSteps', 'transitionBegin'], ['transitionSteps']);
  return polynomial('linearSchedule', initValue, endValue, { ...options, power: 1 });
}

function polynomial(
  name: string,
  initValue: Scalar,
  endValue: Scalar,
  { power, transitionSteps, transitionBegin = 0 }: PolynomialOptions,
): CountFunction {
  checkScalar(name, 'initValue', initValue);
  checkScalar(name, 'endValue', endValue);
  const steps = checkSteps(name, 'transitionSteps', transitionSteps);
  const begin = Math.max(0, checkSteps(name, 'transitionBegin', transitionBegin));
  if (steps <= 0) return () => wide(initValue, name);
  return (count) => {
    const from = wide(initValue, name);
    const to = wide(endValue, name);
    const left = sub(1, div(clamp(0, sub(wide(count, name), begin), steps), steps));
    return add(mul(sub(from, to), raise(left, power, name)), to);
  };
}

/** Small integral powers are products: exact derivatives at 0, and no logarithm. */
const raise = (x: Value, p: Scalar, name: string): Value =>
  typeof p === 'number' && Number.isInteger(p) ? integerPow(x, p) : pow(x, wide(p, name));

/**
 * `initValue` times every factor whose step has been reached.
 *
 * @example
 * piecewiseConstantSchedule(1, { 100: 0.1, 200: 0.01 }); // 1, from step 100 on 0.1, from step 200 on 0.001
 */
export function piecewiseConstantSchedule(
  initValue: Scalar,
  boundariesAndScales: Readonly<Record<number, Scalar>> = {},
): CountFunction {
  const name = 'piecewiseConstantSchedule';
  checkScalar(name, 'initValue', initValue);
  if (typeof boundariesAndScales !== 'object')
    throw new CotangentError(
      `${name}: the scales must be an object from steps to factors, but they are ${naming(boundariesAndScales)}.`,
    );
  const jumps = Object.entries(boundariesAndScales).map(([boundary, factor]) => {
    const at = Number(boundary);
    if (!Number.isFinite(at)) throw new CotangentError(`${name}: the boundary \`${boundary}\` is not a step number.`);
    checkScalar(name, `the scale at step ${boundary}`, factor, { holds: (x) => x >= 0, text: 'at least 0' });
    return [at, factor] as const;
  });
  jumps.sort(([a], [b]) => a - b);
  return (count) =>
    jumps.reduce(
      (value, [at, factor]) => select(lt(wide(count, name), at), value, mul(wide(factor, name), value)),
      wide(initValue, name),
    );
}

export interface ExponentialDecayOptions extends TransitionOptions {
  /** By what the value is multiplied every `transitionSteps`. */
  decayRate: Scalar;
  /** Decay in jumps. Default false. */
  staircase?: boolean;
  /** Where decay, or growth, ends. */
  endValue?: Scalar;
}

const exponentialOptions = ['transitionSteps', 'decayRate', 'transitionBegin', 'staircase', 'endValue'];

/**
 * initValue·decayRate^((t − transitionBegin) / transitionSteps).
 *
 * @example
 * exponentialDecay(0.1, { transitionSteps: 1000, decayRate: 0.5 });
 */
export function exponentialDecay(initValue: Scalar, options: ExponentialDecayOptions): CountFunction {
  const name = 'exponentialDecay';
  optionsOf(name, options, exponentialOptions, ['transitionSteps', 'decayRate']);
  const { decayRate, staircase = false, endValue } = options;
  checkScalar(name, 'initValue', initValue);
  checkScalar(name, 'decayRate', decayRate, { holds: (x) => x >= 0, text: 'at least 0' });
  if (endValue !== undefined) checkScalar(name, 'endValue', endValue);
  const steps = checkSteps(name, 'transitionSteps', options.transitionSteps);
  const begin = Math.max(0, checkSteps(name, 'transitionBegin', options.transitionBegin ?? 0));
  if (steps <= 0 || decayRate === 0) return () => wide(initValue, name);
  return (count) => {
    const since = sub(wide(count, name), begin);
    const periods = div(max(since, 0), steps);
    const from = wide(initValue, name);
    const rate = wide(decayRate, name);
    const decayed = mul(from, pow(rate, staircase ? floor(periods) : periods));
    const value = select(le(since, 0), from, decayed);
    if (endValue === undefined) return value;
    const end = wide(endValue, name);
    return select(lt(rate, 1), max(value, end), min(value, end));
  };
}

export interface CosineDecayOptions {
  /** T, positive: steps until the end. */
  decaySteps: number;
  /** α: what remains of the initial value. Default 0. */
  alpha?: Scalar;
  /** p. Default 1. */
  exponent?: Scalar;
}

/**
 * I·((1 − α)·(½(1 + cos(πt / T)))ᵖ + α), which stays at its end from step T on.
 * (Loshchilov & Hutter, SGDR: stochastic gradient descent with warm restarts, 2016.)
 *
 * @example
 * cosineDecaySchedule(0.1, { decaySteps: 1000 });
 */
export function cosineDecaySchedule(initValue: Scalar, options: CosineDecayOptions): CountFunction {
  const name = 'cosineDecaySchedule';
  const {
    decaySteps,
    alpha = 0,
    exponent = 1,
  } = optionsOf(name, options, ['decaySteps', 'alpha', 'exponent'], ['decaySteps']);
  checkScalar(name, 'initValue', initValue);
  checkScalar(name, 'alpha', alpha);
  checkScalar(name, 'exponent', exponent);
  if (checkSteps(name, 'decaySteps', decaySteps) <= 0)
    throw new CotangentError(`${name}: decaySteps is ${decaySteps}, but must be more than 0.`);
  return (count) => {
    const share = raise(cosine(wide(count, name), decaySteps), exponent, name);
    const rest = wide(alpha, name);
    return mul(wide(initValue, name), add(mul(sub(1, rest), share), rest));
  };
}

/** ½(1 + cos(π·min(t, T) / T)). */
const cosine = (count: Value, steps: number): Value =>
  mul(0.5, add(1, cos(div(mul(Math.PI, min(count, steps)), steps))));

export interface WarmupCosineOptions {
  /** Steps of the linear warm-up. */
  warmupSteps: number;
  /** Steps until the end, the warm-up among them. */
  decaySteps: number;
  /** The last value. Default 0. */
  endValue?: Scalar;
  /** Of the cosine. Default 1. */
  exponent?: Scalar;
}

/**
 * A line from `initValue` to `peakValue`, then a cosine down to `endValue`.
 *
 * @example
 * warmupCosineDecaySchedule(0, 1e-3, { warmupSteps: 100, decaySteps: 1000 });
 */
export function warmupCosineDecaySchedule(
  initValue: Scalar,
  peakValue: Scalar,
  options: WarmupCosineOptions,
): CountFunction {
  const name = 'warmupCosineDecaySchedule';
  const known = ['warmupSteps', 'decaySteps', 'endValue', 'exponent'];
  const { warmupSteps, decaySteps, endValue = 0, exponent = 1 } = optionsOf(name, options, known, known.slice(0, 2));
  checkScalar(name, 'endValue', endValue);
  checkScalar(name, 'exponent', exponent);
  const warmup = checkSteps(name, 'warmupSteps', warmupSteps);
  const rest = checkSteps(name, 'decaySteps', decaySteps) - warmup;
  if (rest <= 0)
    throw new CotangentError(`${name}: decaySteps is ${decaySteps}, but must be more than warmupSteps, ${warmup}.`);
  const down = (count: ArrayLike): Value => {
    const to = wide(endValue, name);
    const share = raise(cosine(wide(count, name), rest), exponent, name);
    return add(mul(sub(wide(peakValue, name), to), share), to);
  };
  const up = polynomial(name, initValue, peakValue, { power: 1, transitionSteps: warmup });
  return joinSchedules([up, down], [warmup]);
}

/**
 * Schedules one after the other: schedule i + 1 begins, at its own step 0, at `boundaries[i]`.
 *
 * @example
 * joinSchedules([linearSchedule(0, 0.1, { transitionSteps: 10 }), constantSchedule(0.1)], [10]);
 */
export function joinSchedules(
  schedules: readonly (Schedule | CountFunction)[],
  boundaries: readonly number[],
): CountFunction {
  const name = 'joinSchedules';
  checkList(name, 'the schedules', schedules);
  checkList(name, 'the boundaries', boundaries);
  for (const schedule of schedules)
    if (typeof schedule !== 'function')
      throw new CotangentError(`${name}: a schedule must be a function, but it is ${naming(schedule)}.`);
  if (schedules.length !== boundaries.length + 1) {
    throw new CotangentError(
      `${name}: ${schedules.length} schedules meet at ${schedules.length - 1} boundaries, but ${boundaries.length} are given.`,
    );
  }
  return (count) => {
    const step = toValue(count, name);
    return schedules.slice(1).reduce(
      (value: Value, schedule, i) => {
        const boundary = checkSteps(name, `boundary ${i}`, boundaries[i]);
        return select(lt(step, boundary), value, wide(schedule(sub(step, boundary)), name));
      },
      wide(schedules[0]!(step), name),
    );
  };
}
