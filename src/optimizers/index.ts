/** Optimizers for training by gradients, in the manner of optax: small transformations of gradients, chained. */
export {
  type AdamScalingOptions,
  type AdamState,
  type LionScalingOptions,
  type LionState,
  type RmsScalingOptions,
  type RssScalingOptions,
  scaleByAdam,
  scaleByLion,
  scaleByRms,
  scaleByRss,
  scaleByStddev,
} from './moments.ts';
export {
  type AdamwOptions,
  adagrad,
  adam,
  adamw,
  type LionOptions,
  lion,
  type MomentumOptions,
  nadam,
  nadamw,
  type RmspropOptions,
  rmsprop,
  sgd,
} from './optimizers.ts';
export type { Scalar } from './options.ts';
export {
  addDecayedWeights,
  clip,
  clipByGlobalNorm,
  globalNorm,
  type Mask,
  type WeightDecayOptions,
} from './regularising.ts';
export {
  type CountState,
  type LearningRate,
  type Schedule,
  scale,
  scaleByLearningRate,
  scaleBySchedule,
  type TraceOptions,
  type TraceState,
  trace,
} from './scaling.ts';
export {
  type CosineDecayOptions,
  type CountFunction,
  constantSchedule,
  cosineDecaySchedule,
  type ExponentialDecayOptions,
  exponentialDecay,
  joinSchedules,
  linearSchedule,
  type PolynomialOptions,
  piecewiseConstantSchedule,
  polynomialSchedule,
  type TransitionOptions,
  type WarmupCosineOptions,
  warmupCosineDecaySchedule,
} from './schedules.ts';
export {
  applyUpdates,
  chain,
  type EmptyState,
  type GradientTransformation,
  identity,
  type StateOf,
} from './transformation.ts';
