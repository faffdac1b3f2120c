/** Functions on two float64 lanes, within 2 ulp over the whole range. */
import type { VectorFunction } from '../vector-function.ts';
import { cos, cosLarge, sin, sinLarge, tan, tanLarge } from './circular.ts';
import { erf, erfc, erfInv, erfInvTail } from './error-function.ts';
import { cosh, exp, exp2, expm1, logistic, sinh, tanh } from './exponential.ts';
import { digamma, lgamma } from './gamma.ts';
import { acos, asin, atan, atan2 } from './inverse-circular.ts';
import { acosh, asinh, atanh, log, log1p, log2 } from './logarithm.ts';
import { cbrt, hypot, pow } from './power.ts';
import { floorDivide, rem } from './remainder.ts';
import { exponent, scalb, significand } from './scale.ts';

export const f64Functions: Readonly<Record<string, VectorFunction>> = {
  ...{ exp, exp2, expm1, log, log1p, log2, logistic },
  ...{ sinh, cosh, tanh, asinh, acosh, atanh },
  ...{ sin, cos, tan, sinLarge, cosLarge, tanLarge },
  ...{ cbrt, hypot, pow, rem, floorDivide },
  ...{ erf, erfc, erfInv, erfInvTail, lgamma, digamma },
  ...{ exponent, significand, scalb },
  ...{ asin, acos, atan, atan2 },
};
