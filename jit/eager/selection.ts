/** Sorts of which only some elements are read. */
import { isFloating } from '../../src/core/dtype.ts';
import type { Eqn, Jaxpr } from '../../src/core/jaxpr.ts';
import { selectCalls, selectPositions } from '../runtime/sort-calls.ts';
import { eagerCalls } from './calls.ts';
import type { EagerFunction } from './memory-function.ts';

/** Elements from which it takes less time to select some than to sort all. */
const fewest = 200;

/** The sort of a vector of whose result only some elements are read, as a selection of these; undefined for others. */
export function eagerSelection({ primitive, inputs, outputs }: Eqn, { eqns, outs }: Jaxpr): EagerFunction | undefined {
  const sorted = outputs[0]!;
  const { aval } = sorted;
  if (primitive.name !== 'sort' || inputs.length !== 1 || aval.ndim !== 1) return undefined;
  if (!isFloating(aval.dtype) || aval.size < fewest || outs.includes(sorted)) return undefined;
  const positions = new Set<number>();
  for (const { primitive, params, inputs, outputs } of eqns) {
    if (!inputs.includes(sorted)) continue;
    const { lower } = primitive;
    if (lower.kind !== 'view' || outputs[0]!.aval.size !== 1) return undefined;
    positions.add(lower.view(params, aval, outputs[0]!.aval).offset);
  }
  if (positions.size > selectPositions) return undefined;
  const increasing = [...positions].sort((a, b) => a - b);
  return eagerCalls(selectCalls(aval.dtype, aval.size, increasing), [aval], [aval]);
}
