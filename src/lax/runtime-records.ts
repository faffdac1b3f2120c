import type { ElementwiseRecord } from '../../jit/runtime/elementwise.ts';
import { isPrebuilt } from '../../jit/runtime/elementwise.ts';
import { shapedArray } from '../core/aval.ts';
import { allPrimitives } from './primitives.ts';

/** The elementwise operations that the runtime module holds, with every combination of dtypes that samples show. */
export function elementwiseRecords(): ElementwiseRecord[] {
  const records = new Map<string, ElementwiseRecord>();
  for (const { name, lower, samples, type } of allPrimitives()) {
    if (lower.kind !== 'elementwise') continue;
    for (const { inputs, params = {} } of samples?.() ?? []) {
      if (inputs.length === 0 || !isPrebuilt(params)) continue;
      const dtypes = inputs.map((x) => x.dtype);
      const avals = dtypes.map((dtype) => shapedArray([1], dtype));
      const key = `${name} ${dtypes} ${JSON.stringify(params)}`;
      if (!records.has(key))
        records.set(key, { name, rule: lower, params, inputs: dtypes, output: type(avals, params)[0]! });
    }
  }
  return [...records.values()];
}
