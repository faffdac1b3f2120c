/** Activation functions and other pieces of neural networks. */

export { logsumexp } from '../special/index.ts';
export {
  celu,
  elu,
  gelu,
  glu,
  hardSigmoid,
  hardSilu,
  hardTanh,
  leakyRelu,
  logSigmoid,
  mish,
  relu,
  relu6,
  selu,
  sigmoid,
  silu,
  softplus,
  softSign,
  sparsePlus,
  sparseSigmoid,
  squareplus,
  swish,
  tanh,
} from './activations.ts';
export { type AttentionOptions, dotProductAttention } from './attention.ts';
export * as initializers from './initializers.ts';
export { logSoftmax, oneHot, softmax, standardize } from './normalise.ts';
export { type AvgPoolOptions, avgPool, maxPool, minPool, type PoolOptions } from './pool.ts';
