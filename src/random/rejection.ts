/** Rejection with the numbers of one element, for samplers that are not JAX's. */

import type { ArrayLike } from '../array.ts';
import { whileLoop } from '../control/loops.ts';
import type { Shape } from '../core/shape.ts';
import { sizeOf } from '../core/shape.ts';
import type { Value } from '../core/trace.ts';
import { select } from '../lax/compare.ts';
import { convert } from '../lax/convert.ts';
import { broadcastedIota, scalar } from '../lax/creation.ts';
import { and, not, or } from '../lax/logic.ts';
import { reshape } from '../lax/movement.ts';
import { threefry2x32 } from '../lax/threefry.ts';
import { unit64 } from './continuous.ts';
import { keyWords } from './keys.ts';

/** Where an element's numbers come from: the words of a key that all share, and its position, the first word of its counters. */
export type Stream = readonly [k0: Value, k1: Value, position: Value];

export const streamOf = (operation: string, k: ArrayLike, shape: Shape): Stream => [
  ...keyWords(operation, k),
  reshape(broadcastedIota('uint32', [sizeOf(shape)], 0), shape),
];

const wordsOf = ([k0, k1, position]: Stream, i: Value): [Value, Value] => threefry2x32(k0, k1, position, i);
const start = (): Value => scalar(0, 'uint32');

/** The uniform number in [0, 1) of the first draw. */
export const firstOf = (stream: Stream): Value => unit64(wordsOf(stream, start()));

/** Bits of a hash that its 52-bit uniform number leaves. */
const spare = 12;

export interface Rejection<P extends readonly Value[]> {
  /** A proposal, made from a uniform number in [0, 1). */
  readonly propose: (u: Value) => P;
  /** Whether a proposal is accepted whatever its second uniform number, which is below `bound`: a test that costs little. */
  readonly surely: (proposal: P, bound: Value) => Value;
  /** Whether it is accepted with its second uniform number v. */
  readonly accepts: (proposal: P, v: Value) => Value;
}

/**
 * The first proposal that is accepted; any where not `active`. One hash gives a uniform number of 52 bits and the upper 12 of another,
 * which are enough for most decisions. The first proposals and these decisions are computed of all elements at once. Those that are
 * not decided enter a loop, a step of which adds 52 bits to the 12, decides, and proposes again: hashes that do not wait for each other.
 */
export function rejection<P extends readonly Value[]>(
  stream: Stream,
  { propose, surely, accepts }: Rejection<P>,
  active: Value,
): P {
  const draw = (i: Value): { coarse: Value; proposal: P; done: Value } => {
    const [high, low] = wordsOf(stream, i);
    const coarse = convert(and(low, 2 ** spare - 1), 'float64');
    const proposal = propose(unit64([high, low]));
    return { coarse, proposal, done: surely(proposal, coarse.add(1).mul(2 ** -spare)) };
  };
  const first = draw(start());
  const [, , , ...last] = whileLoop(
    ([, waiting]) => waiting,
    ([i, , coarse, ...current]) => {
      const proposal = current as unknown as P;
      const v = coarse!.add(unit64(wordsOf(stream, i!.add(1)))).mul(2 ** -spare);
      const accepted = accepts(proposal, v);
      const next = draw(i!.add(2));
      const kept = proposal.map((x, n) => select(accepted, x, next.proposal[n]!));
      return [i!.add(2), not(or(accepted, next.done)), next.coarse, ...kept];
    },
    [start(), and(active, not(first.done)), first.coarse, ...first.proposal] as Value[],
  );
  return last as unknown as P;
}
