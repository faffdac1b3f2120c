/** Functions on four float32 lanes, within 1.5 ulp over the whole range. */
import type { VectorFunction } from '../vector-function.ts';
import { exp, expm1, logistic, tanh } from './exponential.ts';
import { largeRemainder } from './large-angle.ts';
import { log, log1p, log2 } from './logarithm.ts';
import { cos, sin, tan } from './trigonometric.ts';

export const f32Functions: Readonly<Record<string, VectorFunction>> = {
  cos,
  exp,
  expm1,
  log,
  log1p,
  log2,
  logistic,
  sin,
  tan,
  tanh,
  /** Not a function of the library: the others call it. */
  largeRemainder,
};
