/** Special functions beyond the elementary ones, as SciPy names them. */
import '../numpy/methods.ts';

export * from './elementary.ts';
export * from './functions.ts';
export { type LogSumExpOptions, logsumexp } from './logsumexp.ts';
