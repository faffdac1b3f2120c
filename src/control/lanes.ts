/** Lanes of control flow whose predicate differs among them. */
import { bind1, type Value } from '../core/trace.ts';
import { selectP } from '../lax/compare.ts';
import { broadcastInDim } from '../lax/movement.ts';

/** One of two values of one type in each lane. Weak numbers stay what they are, where `select` would make them float32. */
export const ofLanes = (mask: Value, whereTrue: Value, whereFalse: Value): Value =>
  bind1(selectP, [broadcastInDim(mask, whereTrue.shape, [0]), whereTrue, whereFalse]);
