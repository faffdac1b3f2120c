import { NDArray } from '../array.ts';
import { LeakError } from './errors.ts';
import type { Params, Primitive } from './primitive.ts';
import type { Trace, Value } from './trace.ts';

/** The bottom of every stack: computes now, on concrete arrays. */
export const evaluatingTrace: Trace = {
  name: 'eval',
  process(primitive: Primitive, args: readonly Value[], params: Params): Value[] {
    for (const arg of args) if (arg.isTracer) throw leakError(arg, primitive.name);
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

/** A traced value that outlived its function; names the line that made it. */
export function leakError(value: Value, operation: string): LeakError {
  const { origin } = value;
  const made = origin?.source?.position;
  return new LeakError(
    `${operation}: a value of type ${value.aval}, traced by ${origin?.transformation ?? 'a transformation'}, was used after its function returned${
      made ? ` (made at ${made})` : ''
    }.`,
    { hint: 'return it from the function instead of keeping it in an outer variable' },
  );
}
