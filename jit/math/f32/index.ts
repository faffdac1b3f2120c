/** Functions on four float32 lanes, within 1.5 ulp over the whole range. */
import type { VectorFunction } from '../vector-function.ts';
import { exp } from './exponential.ts';

export const f32Functions: Readonly<Record<string, VectorFunction>> = { exp };
