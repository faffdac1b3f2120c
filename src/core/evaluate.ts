import { NDArray } from '../array.ts';
import { LeakError } from './errors.ts';
import type { Params, Primitive } from './primitive.ts';
import type { Trace, Value } from './trace.ts';

/** The bottom of every stack: computes now, on concrete arrays. */
export const evaluatingTrace: Trace = {
  name: 'eval',
  process(primitive: Primitive, args: readonly Value[], params: Params): Value[] {
    for (const arg of args) if (arg.isTracer) throw new LeakError(leakMessage(arg, primitive.name));
    const avals = args.map((arg) => arg.aval);
    const outputs = primitive.type(avals, params);
    const results = primitive.run(
      args.map((arg) => ({ aval: arg.aval, data: arg.hostData() })),
      params,
      outputs,
    );
    return outputs.map((aval, i) => NDArray.fromHost(results[i]!, aval));
  },
};

export const leakMessage = (value: Value, operation: string): string =>
  `${operation}: ${value.describe()} was used after the function that traced it returned.`;
