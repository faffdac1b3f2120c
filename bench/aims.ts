/** What the rows of `npm run bench -- --peers` should show at least. */

export interface Aim {
  /** Cases by name. */
  readonly work: readonly string[];
  /** How many times ours others should take, or what fraction of the machine's limit ours should reach. */
  readonly against: Readonly<Record<string, number>>;
}

export const limit = 'limit';

export const aims: readonly Aim[] = [
  { work: ['ridge 100×10'], against: { 'jax-js': 100, PyTorch: 50, JAX: 5 } },
  { work: ['ridge 1000×100'], against: { 'jax-js': 10, PyTorch: 6, JAX: 1 } },
  { work: ['hypergradient'], against: { JAX: 5 } },
  { work: ['mlp step'], against: { 'jax-js': 1.6, 'TensorFlow.js wasm': 12 } },
  { work: ['matmul 480', 'matmul 1024'], against: { 'jax-js': 1.6, 'TensorFlow.js wasm': 1.6, [limit]: 0.85 } },
  { work: ['matmul 8', 'matmul 16'], against: { 'jax-js': 8 } },
  { work: ['matmul 32'], against: { 'jax-js': 6 } },
  { work: ['matmul 64'], against: { 'jax-js': 2.5 } },
  { work: ['x·tanh(2x+1), 10⁶'], against: { 'jax-js': 4, NumPy: 0.3 } },
  { work: ['softmax 1024²'], against: { 'jax-js': 6 } },
  { work: ['layer norm 1024²'], against: { 'jax-js': 5 } },
  { work: ['logsumexp, 10⁶'], against: { 'jax-js': 4 } },
  { work: ['mean of all, 10⁶'], against: { 'jax-js': 8 } },
  { work: ['variance over axis 0, 10⁶'], against: { 'jax-js': 2 } },
  { work: ['mean over axis 0, 10⁶', 'mean over axis 1, 10⁶'], against: { [limit]: 0.8 } },
  { work: ['call on 8 elements, read'], against: { 'jax-js': 30 } },
  { work: ['Newton root, 10⁵ lanes'], against: { NumPy: 3, JAX: 1 } },
];
