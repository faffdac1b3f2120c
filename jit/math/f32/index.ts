/** Functions on four float32 lanes, within 1.5 ulp over the whole range. */
import type { VectorFunction } from '../vector-function.ts';
import { erf, erfc, erfInv } from './error-function.ts';
import { exp, exp2, expm1, logistic, tanh } from './exponential.ts';
import { digamma, lgamma } from './gamma.ts';
import { acosh, asinh, atanh, cosh, sinh } from './hyperbolic.ts';
import { acos, asin, atan, atan2 } from './inverse-trigonometric.ts';
import { largeRemainder } from './large-angle.ts';
import { log, log1p, log2 } from './logarithm.ts';
import { cbrt, hypot, pow } from './power.ts';
import { floorDivide, rem } from './remainder.ts';
import { exponent, scalb, significand } from './scale.ts';
import { cos, sin, tan } from './trigonometric.ts';

export const f32Functions: Readonly<Record<string, VectorFunction>> = {
  ...{ exp, exp2, expm1, log, log1p, log2, logistic, pow, cbrt, hypot, rem, floorDivide },
  ...{ sin, cos, tan, asin, acos, atan, atan2 },
  ...{ sinh, cosh, tanh, asinh, acosh, atanh },
  ...{ erf, erfc, erfInv, lgamma, digamma },
  ...{ exponent, significand, scalb },
  /** Not a function of the library: sin, cos and tan call it. */
  largeRemainder,
};
