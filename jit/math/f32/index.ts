/** Functions on four float32 lanes, within 1.5 ulp over the whole range. */
import type { VectorFunction } from '../vector-function.ts';
import { exp, expm1, logistic, tanh } from './exponential.ts';
import { log, log1p, log2 } from './logarithm.ts';

export const f32Functions: Readonly<Record<string, VectorFunction>> = {
  exp,
  expm1,
  log,
  log1p,
  log2,
  logistic,
  tanh,
};
