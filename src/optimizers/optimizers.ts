/** The optimizers that have names. Formulas and defaults are optax's. */
import { optionsOf } from '../core/options.ts';
import {
  type AdamScalingOptions,
  type AdamState,
  adamAs,
  adamOptions,
  type Counted,
  type LionScalingOptions,
  type LionState,
  lionAs,
  lionOptions,
  type RmsScalingOptions,
  type RmsState,
  type RssScalingOptions,
  type RssState,
  rmsAs,
  rmsOptions,
  rssAs,
  rssOptions,
  type StddevState,
} from './moments.ts';
import type { Scalar } from './options.ts';
import { decayAs, type Mask } from './regularising.ts';
import {
  type LearningRate,
  learningRateAs,
  type RateState,
  type Schedule,
  type TraceState,
  traceAs,
} from './scaling.ts';
import { chainAs, type EmptyState, type GradientTransformation, type LikeParams } from './transformation.ts';

export interface MomentumOptions<M extends Scalar | undefined = Scalar | undefined> {
  /** μ: how much of the last step is taken again; none if left out. */
  momentum?: M;
  /** Nesterov's momentum. Default false. */
  nesterov?: boolean;
}

/** The state of momentum, where there is one. */
export type MomentumState<M> = M extends undefined ? EmptyState : TraceState<LikeParams>;

/** The state of `adam`: of its moments, and of its learning rate. */
export type AdamStates<L> = [AdamState<LikeParams>, RateState<L>];

/** The state of an optimizer whose weights decay. */
export type DecayedStates<S, D, L> = [S, RateState<D>, RateState<L>];

const momentumOptions = ['momentum', 'nesterov'];

/**
 * Stochastic gradient descent: the update is −η·g, or −η·t with momentum t = g + μ·t.
 * (Robbins & Monro, A stochastic approximation method, 1951; Sutskever et al., 2013.)
 *
 * @param learningRate η: a number, a rank-0 array (traced or not) or a schedule
 * @example
 * const optimizer = sgd(0.1, { momentum: 0.9 });
 * let params = { w: np.zeros([3]) };
 * let state = optimizer.init(params);
 * const [updates, next] = optimizer.update(grad(loss)(params), state);
 * params = applyUpdates(params, updates);
 */
export function sgd<L extends LearningRate, M extends Scalar | undefined = undefined>(
  learningRate: L,
  options: MomentumOptions<M> = {},
): GradientTransformation<[MomentumState<M>, RateState<L>]> {
  const { momentum, nesterov } = optionsOf('sgd', options, momentumOptions);
  return chainAs('sgd', traceAs('sgd', 'momentum', momentum, nesterov), learningRateAs('sgd', learningRate));
}

/**
 * Adam: −η·m̂ / (√(v̂ + ε̄) + ε), with means m̂ and v̂ of gradients and of their squares, freed of the bias of their start.
 * (Kingma & Ba, Adam: a method for stochastic optimization, 2014.)
 *
 * @param learningRate η: a number, a rank-0 array (traced or not) or a schedule
 * @example
 * const optimizer = adam(1e-3);
 */
export const adam = <L extends LearningRate>(
  learningRate: L,
  options: AdamScalingOptions = {},
): GradientTransformation<AdamStates<L>> => plainAdam('adam', learningRate, optionsOf('adam', options, adamOptions));

/** Adam with Nesterov's momentum. (Dozat, Incorporating Nesterov momentum into Adam, 2016.) */
export const nadam = <L extends LearningRate>(
  learningRate: L,
  options: Omit<AdamScalingOptions, 'nesterov'> = {},
): GradientTransformation<AdamStates<L>> =>
  plainAdam('nadam', learningRate, { ...optionsOf('nadam', options, adamOptions.slice(0, -1)), nesterov: true });

const plainAdam = <L extends LearningRate>(
  name: string,
  learningRate: L,
  options: AdamScalingOptions,
): GradientTransformation<AdamStates<L>> => chainAs(name, adamAs(name, options), learningRateAs(name, learningRate));

export interface AdamwOptions<D extends Scalar | Schedule = Scalar | Schedule> extends AdamScalingOptions {
  /** λ, or a schedule of it. Default 1e-4. */
  weightDecay?: D;
  /** Which leaves decay; all if left out. */
  mask?: Mask;
}

const adamwOptions = [...adamOptions, 'weightDecay', 'mask'];

/**
 * Adam with decoupled weight decay: −η·(m̂ / (√(v̂ + ε̄) + ε) + λ·params). `update` needs the parameters.
 * (Loshchilov & Hutter, Decoupled weight decay regularization, 2017.)
 *
 * @example
 * const optimizer = adamw(1e-3, { weightDecay: 0.01 });
 * const [updates, next] = optimizer.update(gradients, state, params);
 */
export const adamw = <L extends LearningRate, D extends Scalar | Schedule = number>(
  learningRate: L,
  options: AdamwOptions<D> = {},
): GradientTransformation<DecayedStates<AdamState<LikeParams>, D, L>> =>
  decayedAdam('adamw', learningRate, optionsOf('adamw', options, adamwOptions));

/** `adamw` with Nesterov's momentum. */
export const nadamw = <L extends LearningRate, D extends Scalar | Schedule = number>(
  learningRate: L,
  options: Omit<AdamwOptions<D>, 'nesterov'> = {},
): GradientTransformation<DecayedStates<AdamState<LikeParams>, D, L>> => {
  const known = adamwOptions.filter((key) => key !== 'nesterov');
  return decayedAdam('nadamw', learningRate, { ...optionsOf('nadamw', options, known), nesterov: true });
};

const decayedAdam = <L extends LearningRate, D extends Scalar | Schedule>(
  name: string,
  learningRate: L,
  options: AdamwOptions<D>,
): GradientTransformation<DecayedStates<AdamState<LikeParams>, D, L>> =>
  chainAs(
    name,
    adamAs(name, options),
    decayAs(name, options.weightDecay ?? 1e-4, options.mask),
    learningRateAs(name, learningRate),
  );

export interface RmspropOptions<
  B extends boolean = boolean,
  C extends boolean = boolean,
  M extends Scalar | undefined = Scalar | undefined,
> extends RmsScalingOptions<B>,
    MomentumOptions<M> {
  /** Divide by the standard deviation in place of the root mean square. Default false. */
  centered?: C;
}

/** The state of `rmsprop`. */
export type RmspropStates<L, B, C, M> = [
  Counted<C extends true ? StddevState<LikeParams> : RmsState<LikeParams>, B>,
  RateState<L>,
  MomentumState<M>,
];

/**
 * RMSProp: −η·g / √(v + ε) with v = decay·v + (1 − decay)·g²; momentum, if any, comes after the learning rate.
 * (Hinton, Neural networks for machine learning, lecture 6e, 2012; centered: Graves, Generating sequences with recurrent
 * neural networks, 2013.)
 */
export function rmsprop<
  L extends LearningRate,
  B extends boolean = false,
  C extends boolean = false,
  M extends Scalar | undefined = undefined,
>(learningRate: L, options: RmspropOptions<B, C, M> = {}): GradientTransformation<RmspropStates<L, B, C, M>> {
  optionsOf('rmsprop', options, [...rmsOptions, 'centered', ...momentumOptions]);
  return chainAs(
    'rmsprop',
    rmsAs('rmsprop', options, options.centered ?? false),
    learningRateAs('rmsprop', learningRate),
    traceAs('rmsprop', 'momentum', options.momentum, options.nesterov),
  );
}

/**
 * AdaGrad: −η·g / √(s + ε) with s the sum of all g².
 * (Duchi, Hazan & Singer, Adaptive subgradient methods for online learning and stochastic optimization, 2011.)
 */
export const adagrad = <L extends LearningRate>(
  learningRate: L,
  options: RssScalingOptions = {},
): GradientTransformation<[RssState<LikeParams>, RateState<L>]> =>
  chainAs(
    'adagrad',
    rssAs('adagrad', optionsOf('adagrad', options, rssOptions)),
    learningRateAs('adagrad', learningRate),
  );

export interface LionOptions<D extends Scalar | Schedule = Scalar | Schedule> extends LionScalingOptions {
  /** Default 1e-3. */
  weightDecay?: D;
  /** Which leaves decay; all if left out. */
  mask?: Mask;
}

/**
 * Lion: −η·(sign((1 − β₁)g + β₁m) + λ·params), then m = β₂m + (1 − β₂)g. `update` needs the parameters.
 * (Chen et al., Symbolic discovery of optimization algorithms, 2023.)
 */
export function lion<L extends LearningRate, D extends Scalar | Schedule = number>(
  learningRate: L,
  options: LionOptions<D> = {},
): GradientTransformation<DecayedStates<LionState<LikeParams>, D, L>> {
  optionsOf('lion', options, [...lionOptions, 'weightDecay', 'mask']);
  return chainAs(
    'lion',
    lionAs('lion', options),
    decayAs('lion', options.weightDecay ?? 1e-3, options.mask),
    learningRateAs('lion', learningRate),
  );
}
