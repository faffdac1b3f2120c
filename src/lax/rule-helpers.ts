/** What rules of several primitives need. */
import type { Value } from '../core/trace.ts';
import { isZero, type Zero } from '../core/zero.ts';
import { zerosLike } from './creation.ts';
import { broadcastTo } from './movement.ts';

/** A tangent as an array: symbolic zeros become zeros. */
export const materialize = (tangent: Value | Zero): Value => (isZero(tangent) ? zerosLike(tangent.aval) : tangent);

/** The same array for every lane of a batch. */
export const repeatLanes = (x: Value, size: number): Value => broadcastTo(x, [size, ...x.aval.shape]);
