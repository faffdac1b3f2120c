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
import type { SpecialFunction } from '../special/function.ts';
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

/** What `rejection` has drawn of the second uniform number, 12 bits, the proposal, and whether these decide. */
interface Draw<P> {
  readonly coarse: Value;
  readonly proposal: P;
  readonly done: Value;
}

function draw<P extends readonly Value[]>(stream: Stream, { propose, surely }: Rejection<P>, i: Value): Draw<P> {
  const [high, low] = wordsOf(stream, i);
  const coarse = convert(and(low, 2 ** spare - 1), 'float64');
  const proposal = propose(unit64([high, low]));
  return { coarse, proposal, done: surely(proposal, coarse.add(1).mul(2 ** -spare)) };
}

/**
 * The first proposal that is accepted. A step adds 52 bits to the 12, decides, and proposes again: hashes that do not wait for each other.
 *
 * @param waiting whether the first one is not decided
 */
function from<P extends readonly Value[]>(
  stream: Stream,
  given: Rejection<P>,
  first: Pick<Draw<P>, 'coarse' | 'proposal'>,
  waiting: Value,
): P {
  const [, , , ...last] = whileLoop(
    ([, waiting]) => waiting,
    ([i, , coarse, ...current]) => {
      const proposal = current as unknown as P;
      const v = coarse!.add(unit64(wordsOf(stream, i!.add(1)))).mul(2 ** -spare);
      const accepted = given.accepts(proposal, v);
      const next = draw(stream, given, i!.add(2));
      const kept = proposal.map((x, n) => select(accepted, x, next.proposal[n]!));
      return [i!.add(2), not(or(accepted, next.done)), next.coarse, ...kept];
    },
    [start(), waiting, first.coarse, ...first.proposal] as Value[],
  );
  return last as unknown as P;
}

/** The first proposal that is accepted; any where not `active`. */
export type Rejecting = <P extends readonly Value[]>(stream: Stream, given: Rejection<P>, active: Value) => P;

/**
 * A sampler that calls `rejection` once. One hash gives a uniform number of 52 bits and the upper 12 of another, which are enough for
 * most decisions. The first proposals and these decisions are computed of all elements at once, and those that are not decided enter a loop,
 * many elements' as a stage of their own.
 */
export function byRejection(
  sampler: (rejection: Rejecting, ...xs: Value[]) => Value,
): Pick<SpecialFunction, 'scalar' | 'staged'> {
  return {
    scalar: (...xs) =>
      sampler(
        (stream, given, active) => {
          const first = draw(stream, given, start());
          return from(stream, given, first, and(active, not(first.done)));
        },
        ...xs,
      ),
    staged: {
      stages: [
        (...xs) => {
          let drawn: readonly Value[] = [];
          const value = sampler(
            (stream, given, active) => {
              const { coarse, proposal, done } = draw(stream, given, start());
              drawn = [and(active, not(done)), coarse, ...proposal];
              return proposal;
            },
            ...xs,
          );
          return [value, ...drawn];
        },
        (...xs) => {
          const operands = xs.slice(0, sampler.length - 1);
          const [coarse, ...proposal] = xs.slice(operands.length) as [Value, ...Value[]];
          const value = sampler(
            (stream, given, active) => from(stream, given, { coarse, proposal: proposal as never }, active),
            ...operands,
          );
          return [value];
        },
      ],
    },
  };
}
