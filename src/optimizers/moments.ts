/** Updates scaled by running moments of the gradients: Adam, RMSProp, AdaGrad, Lion. */
import type { NDArray } from '../array.ts';
import { optionsOf } from '../core/options.ts';
import type { Value } from '../core/trace.ts';
import { add, div, mul, pow, rsqrt, sign, sqrt, square, sub } from '../lax/arithmetic.ts';
import { gt, select } from '../lax/compare.ts';
import { convert } from '../lax/convert.ts';
import { full, zerosLike } from '../lax/creation.ts';
import { broadcastTo } from '../lax/movement.ts';
import { checkScalar, like, ranges, type Scalar, wide } from './options.ts';
import type { CountState } from './scaling.ts';
import {
  type GradientTransformation,
  increment,
  type LikeParams,
  mapLeaves,
  momentsLike,
  nextMoments,
  part,
  zeroCount,
} from './transformation.ts';

const zeros = (p: Value): Value => zerosLike(p.aval);
const filled =
  (x: Scalar) =>
  (p: Value): Value =>
    typeof x === 'number' ? full(p.shape, x, p.dtype) : broadcastTo(convert(x, p.dtype), p.shape);

/** (1 − β)·x + β·m. */
const blend = (decay: Scalar, x: Value, m: Value): Value =>
  add(mul(like(complement(decay), m), x), mul(like(decay, m), m));
const complement = (x: Scalar): Scalar => (typeof x === 'number' ? 1 - x : sub(1, x));

/**
 * m / (1 − βᵗ), which undoes the bias of moments that began at 0 (Kingma & Ba, section 3). The factor is computed in
 * float64: for β near 1, float32 would keep few digits of the difference. Its rounding to float32 costs no more than that of
 * the divisor, and a division of every element took as long as the rest of an update.
 */
function unbiased(operation: string, decay: Scalar, count: Value): (m: Value) => Value {
  const factor = div(1, sub(1, pow(wide(decay, operation), convert(count, 'float64'))));
  return (m) => mul(m, convert(factor, m.dtype));
}

export interface AdamScalingOptions {
  /** β₁ in [0, 1): decay of the mean of gradients. Default 0.9. */
  b1?: Scalar;
  /** β₂ in [0, 1): decay of the mean of squared gradients. Default 0.999. */
  b2?: Scalar;
  /** ε, added to the root. Default 1e-8. */
  eps?: Scalar;
  /** Added under the root: not 0 where updates are differentiated, since √ has no derivative at 0. Default 0. */
  epsRoot?: Scalar;
  /** Nesterov's look-ahead of the mean. Default false. */
  nesterov?: boolean;
}

export const adamOptions: readonly string[] = ['b1', 'b2', 'eps', 'epsRoot', 'nesterov'];

export interface AdamState<P = any> {
  /** int32, rank 0: updates made, at most 2³¹ − 1. */
  readonly count: NDArray;
  /** m: the running mean of gradients, a tree of the shapes and dtypes of the parameters. */
  readonly mu: P;
  /** v: the running mean of squared gradients, likewise. */
  readonly nu: P;
}

/**
 * Adam's update without the learning rate: m̂ / (√(v̂ + ε̄) + ε), with m = β₁m + (1 − β₁)g, v = β₂v + (1 − β₂)g²,
 * m̂ = m / (1 − β₁ᵗ) and v̂ = v / (1 − β₂ᵗ).
 * (Kingma & Ba, Adam: a method for stochastic optimization, 2014; with `nesterov`, Dozat, Incorporating Nesterov
 * momentum into Adam, 2016.)
 */
export const scaleByAdam = (options: AdamScalingOptions = {}): GradientTransformation<AdamState<LikeParams>> =>
  adamAs('scaleByAdam', optionsOf('scaleByAdam', options, adamOptions));

/** `scaleByAdam` inside an optimizer of that name. */
export function adamAs(name: string, options: AdamScalingOptions): GradientTransformation<AdamState<LikeParams>> {
  const b1 = checkScalar(name, 'b1', options.b1 ?? 0.9, ranges.decay);
  const b2 = checkScalar(name, 'b2', options.b2 ?? 0.999, ranges.decay);
  const eps = checkScalar(name, 'eps', options.eps ?? 1e-8, ranges.nonnegative);
  const epsRoot = checkScalar(name, 'epsRoot', options.epsRoot ?? 0, ranges.nonnegative);
  return {
    init: (params) => ({
      count: zeroCount(),
      mu: momentsLike(`${name}.init`, params, zeros),
      nu: momentsLike(`${name}.init`, params, zeros),
    }),
    update: (gradients, state) => {
      const operation = `${name}.update`;
      const mu = nextMoments(operation, (g, m) => blend(b1, g, m), gradients, part(operation, state, 'mu'));
      const nu = nextMoments(operation, (g, v) => blend(b2, square(g), v), gradients, part(operation, state, 'nu'));
      const count = increment(part(operation, state, 'count'));
      const mean = unbiased(operation, b1, count);
      const meanSquare = unbiased(operation, b2, count);
      const ahead = options.nesterov ? unbiased(operation, b1, increment(count)) : undefined;
      const step = (g: Value, m: Value, v: Value): Value => {
        const top = ahead ? blend(b1, mean(g), ahead(m)) : mean(m);
        return div(top, add(sqrt(add(meanSquare(v), like(epsRoot, v))), like(eps, v)));
      };
      return [
        mapLeaves(operation, step, ['the gradients', gradients], ['the moments', mu], ['the moments', nu]),
        { count, mu, nu },
      ];
    },
  };
}

export interface RmsScalingOptions<B extends boolean = boolean> {
  /** Decay of the mean of squared gradients, in [0, 1). Default 0.9. */
  decay?: Scalar;
  /** Default 1e-8. */
  eps?: Scalar;
  /** The mean square before the first update. Default 0. */
  initialScale?: Scalar;
  /** g / √(v + ε), else g / (√v + ε). Default true. */
  epsInSqrt?: boolean;
  /** Divide the means by 1 − decayᵗ. Default false. */
  biasCorrection?: B;
}

export interface RmsState<P = any> {
  /** v: the running mean of squared gradients, a tree of the shapes and dtypes of the parameters. */
  readonly nu: P;
}

export interface StddevState<P = any> extends RmsState<P> {
  /** m: the running mean of gradients, likewise. */
  readonly mu: P;
}

/** With `biasCorrection`, a state has the number of updates as well. */
export type Counted<S, B> = B extends true ? S & CountState : S;

export const rmsOptions: readonly string[] = ['decay', 'eps', 'initialScale', 'epsInSqrt', 'biasCorrection'];

/**
 * g / √(v + ε), where v = decay·v + (1 − decay)·g².
 * (Hinton, Neural networks for machine learning, lecture 6e, 2012.)
 */
export const scaleByRms = <B extends boolean = false>(
  options: RmsScalingOptions<B> = {},
): GradientTransformation<Counted<RmsState<LikeParams>, B>> =>
  rmsAs('scaleByRms', optionsOf('scaleByRms', options, rmsOptions), false);

/**
 * g / √(v − m² + ε): as `scaleByRms`, with the variance of the gradients in place of their mean square.
 * (Graves, Generating sequences with recurrent neural networks, 2013.)
 */
export const scaleByStddev = <B extends boolean = false>(
  options: RmsScalingOptions<B> = {},
): GradientTransformation<Counted<StddevState<LikeParams>, B>> =>
  rmsAs('scaleByStddev', optionsOf('scaleByStddev', options, rmsOptions), true);

/** `scaleByRms` or `scaleByStddev` inside an optimizer of that name. */
export function rmsAs(name: string, options: RmsScalingOptions, centered: boolean): GradientTransformation<any> {
  const decay = checkScalar(name, 'decay', options.decay ?? 0.9, ranges.decay);
  const eps = checkScalar(name, 'eps', options.eps ?? 1e-8, ranges.nonnegative);
  const initial = checkScalar(name, 'initialScale', options.initialScale ?? 0, ranges.nonnegative);
  const { epsInSqrt = true, biasCorrection = false } = options;
  const factor = (v: Value): Value => (epsInSqrt ? rsqrt(add(v, like(eps, v))) : div(1, add(sqrt(v), like(eps, v))));
  return {
    init: (params) => ({
      ...(biasCorrection ? { count: zeroCount() } : {}),
      ...(centered ? { mu: momentsLike(`${name}.init`, params, zeros) } : {}),
      nu: momentsLike(`${name}.init`, params, filled(initial)),
    }),
    update: (gradients, state) => {
      const operation = `${name}.update`;
      const nu = nextMoments(operation, (g, v) => blend(decay, square(g), v), gradients, part(operation, state, 'nu'));
      const count = biasCorrection ? increment(part(operation, state, 'count')) : undefined;
      const hat = count ? unbiased(operation, decay, count) : (m: Value): Value => m;
      const counted = count ? { count } : {};
      const named = [['the gradients', gradients] as const, ['the moments', nu] as const];
      if (!centered) {
        const step = (g: Value, v: Value): Value => mul(factor(hat(v)), g);
        return [mapLeaves(operation, step, ...named), { ...counted, nu }];
      }
      const mu = nextMoments(operation, (g, m) => blend(decay, g, m), gradients, part(operation, state, 'mu'));
      const step = (g: Value, v: Value, m: Value): Value => mul(factor(sub(hat(v), square(hat(m)))), g);
      return [mapLeaves(operation, step, ...named, ['the moments', mu]), { ...counted, mu, nu }];
    },
  };
}

export interface RssScalingOptions {
  /** The sum of squares before the first update. Default 0.1. */
  initialAccumulatorValue?: Scalar;
  /** Default 1e-7. */
  eps?: Scalar;
}

export interface RssState<P = any> {
  /** s: the sum of squared gradients, a tree of the shapes and dtypes of the parameters. */
  readonly sumOfSquares: P;
}

export const rssOptions: readonly string[] = ['initialAccumulatorValue', 'eps'];

/**
 * g / √(s + ε), where s is the sum of all g² so far; 0 where s is 0.
 * (Duchi, Hazan & Singer, Adaptive subgradient methods for online learning and stochastic optimization, 2011.)
 */
export const scaleByRss = (options: RssScalingOptions = {}): GradientTransformation<RssState<LikeParams>> =>
  rssAs('scaleByRss', optionsOf('scaleByRss', options, rssOptions));

/** `scaleByRss` inside an optimizer of that name. */
export function rssAs(name: string, options: RssScalingOptions): GradientTransformation<RssState<LikeParams>> {
  const key = 'initialAccumulatorValue';
  const initial = checkScalar(name, key, options[key] ?? 0.1, ranges.nonnegative);
  const eps = checkScalar(name, 'eps', options.eps ?? 1e-7, ranges.nonnegative);
  const step = (g: Value, s: Value): Value => mul(select(gt(s, 0), rsqrt(add(s, like(eps, s))), 0), g);
  return {
    init: (params) => ({ sumOfSquares: momentsLike(`${name}.init`, params, filled(initial)) }),
    update: (gradients, state) => {
      const operation = `${name}.update`;
      const last = part(operation, state, 'sumOfSquares');
      const sumOfSquares = nextMoments(operation, (g, s) => add(square(g), s), gradients, last);
      return [
        mapLeaves(operation, step, ['the gradients', gradients], ['the moments', sumOfSquares]),
        { sumOfSquares },
      ];
    },
  };
}

export interface LionScalingOptions {
  /** Weight of the mean in the update, in [0, 1). Default 0.9. */
  b1?: Scalar;
  /** Decay of the mean, in [0, 1). Default 0.99. */
  b2?: Scalar;
}

export const lionOptions: readonly string[] = ['b1', 'b2'];

export interface LionState<P = any> {
  /** int32, rank 0: updates made, at most 2³¹ − 1. */
  readonly count: NDArray;
  /** m: the running mean of gradients, a tree of the shapes and dtypes of the parameters. */
  readonly mu: P;
}

/**
 * sign((1 − β₁)g + β₁m), then m = β₂m + (1 − β₂)g.
 * (Chen et al., Symbolic discovery of optimization algorithms, 2023.)
 */
export const scaleByLion = (options: LionScalingOptions = {}): GradientTransformation<LionState<LikeParams>> =>
  lionAs('scaleByLion', optionsOf('scaleByLion', options, lionOptions));

/** `scaleByLion` inside an optimizer of that name. */
export function lionAs(name: string, options: LionScalingOptions): GradientTransformation<LionState<LikeParams>> {
  const b1 = checkScalar(name, 'b1', options.b1 ?? 0.9, ranges.decay);
  const b2 = checkScalar(name, 'b2', options.b2 ?? 0.99, ranges.decay);
  return {
    init: (params) => ({ count: zeroCount(), mu: momentsLike(`${name}.init`, params, zeros) }),
    update: (gradients, state) => {
      const operation = `${name}.update`;
      const last = part(operation, state, 'mu');
      const updates = mapLeaves(
        operation,
        (g: Value, m: Value) => sign(blend(b1, g, m)),
        ['the gradients', gradients],
        ['the moments in the state', last],
      );
      const mu = nextMoments(operation, (g, m) => blend(b2, g, m), gradients, last);
      return [updates, { count: increment(part(operation, state, 'count')), mu }];
    },
  };
}
