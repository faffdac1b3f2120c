/** Where in rows those elements are of which something is true. */
import { addLanes } from '../../transforms/vmap.ts';
import { allocate } from '../core/dtype.ts';
import { DtypeError } from '../core/errors.ts';
import { exact, type Primitive, primitive } from '../core/primitive.ts';
import { bind, type Value } from '../core/trace.ts';
import { reshape } from './movement.ts';

/** Operand bool[…, n]; results int32[…, n], the places in each row in order, then n for what is not true, and int32[…, 1], how many there are. */
export const truePlacesP: Primitive = primitive({
  name: 'true_places',
  type: ([x]) => {
    if (x!.dtype !== 'bool' || x!.ndim === 0) throw new DtypeError(`truePlaces: needs rows of bools, but got ${x}.`);
    return [x!.withDType('int32'), x!.withDType('int32').withShape([...x!.shape.slice(0, -1), 1])];
  },
  run: ([x], _, [places, counts]) => {
    const n = x!.aval.shape.at(-1)!;
    const [to, found] = [allocate('int32', places!.size).fill(n), allocate('int32', counts!.size)];
    x!.data.forEach((is, i) => {
      const row = Math.floor(i / n);
      if (is) to[row * n + found[row]!++] = i % n;
    });
    return [to, found];
  },
  accuracy: exact,
  jvp: 'zero',
  batch: (size, [x], [batched]) => ({
    outs: bind(truePlacesP, [batched ? x! : addLanes(x!, size)]),
    batched: [true, true],
  }),
  lower: {
    kind: 'runtime',
    calls: (_, [x], [, counts]) => ({
      scratch: 0,
      calls: [
        {
          name: 'true_places',
          args: [counts!.size, x!.shape.at(-1)!, { input: 0 }, { output: 0 }, { output: 1 }],
        },
      ],
    }),
  },
  samples: () =>
    [[0], [1], [37], [5000], [3, 7], [2, 2, 20], [2, 0], [0, 3]].map((shape) => ({
      inputs: [{ shape, dtype: 'bool' as const }],
    })),
});

/** Of a vector: places in order, then its length for each that is none, and how many there are. */
export function truePlaces(flags: Value): { places: Value; count: Value } {
  const [places, count] = bind(truePlacesP, [flags]) as [Value, Value];
  return { places, count: reshape(count, []) };
}
