import { eager } from '../../jit/eager.ts';
import type { Cell } from '../../jit/heap.ts';
import { execute, interpretOnly } from '../../jit/run.ts';
import { NDArray } from '../array.ts';
import type { ShapedArray } from './aval.ts';
import { Jaxpr, subJaxprs, Var } from './jaxpr.ts';
import { leakError } from './leak.ts';
import type { Params, Primitive } from './primitive.ts';
import type { Trace, Value } from './trace.ts';

/** Looks at what has been computed: results of one operation, or of a program. */
export interface Watch {
  operation(primitive: Primitive, args: readonly Value[], results: readonly Value[]): void;
  program(jaxpr: Jaxpr, args: readonly Value[], results: readonly Value[]): void;
}

/** Set while results are looked at, which leaves no way past `run`. */
export let watch: Watch | undefined;
export const setWatch = (by: Watch | undefined): void => {
  watch = by;
};

/** The bottom of every stack: computes now, on concrete arrays. What contains a program is compiled. */
export const evaluatingTrace: Trace = {
  name: 'eval',
  records: false,
  process(primitive: Primitive, args: readonly Value[], params: Params): Value[] {
    for (const arg of args) if (arg.isTracer) throw leakError(arg, primitive.name);
    if (primitive.hot || subJaxprs(params).length > 0) {
      const program =
        primitive.name === 'jit' ? (params as { jaxpr: Jaxpr }).jaxpr : singleEquation(primitive, args, params);
      return run(program, args);
    }
    const avals = args.map((arg) => arg.aval);
    const outputs = primitive.type(avals, params);
    if (outputs.length === 1 && !interpretOnly) {
      const operands = args.map((arg) => ({ aval: arg.aval, cell: arg.cell() }));
      const cell = eager(primitive, operands, params, outputs[0]!);
      if (cell) return watched(primitive, args, [new NDArray(outputs[0]!, cell)]);
    }
    const results = primitive.run(
      args.map((arg) => ({ aval: arg.aval, data: arg.hostData() })),
      params,
      outputs,
    );
    return watched(
      primitive,
      args,
      outputs.map((aval, i) => NDArray.fromHost(results[i]!, aval)),
    );
  },
};

function watched(primitive: Primitive, args: readonly Value[], results: Value[]): Value[] {
  watch?.operation(primitive, args, results);
  return results;
}

/** Values for callbacks, from storage. */
export const wrap = (cells: readonly Cell[], avals: readonly ShapedArray[]): NDArray[] =>
  cells.map((cell, i) => new NDArray(avals[i]!, cell));

/** Executes a program on concrete arrays. */
export function run(jaxpr: Jaxpr, args: readonly Value[], donate?: readonly boolean[]): Value[] {
  const results = execute(
    jaxpr,
    args.map((arg) => arg.cell()),
    wrap,
    watch ? undefined : donate,
  );
  const values = results.map((cell, i) => new NDArray(jaxpr.outs[i]!.aval, cell));
  watch?.program(jaxpr, args, values);
  return values;
}

const programs = new WeakMap<Params, Map<string, Jaxpr>>();

/** An equation outside of any program, as a program of its own: a loop that runs eagerly. */
function singleEquation(primitive: Primitive, args: readonly Value[], params: Params): Jaxpr {
  let known = programs.get(params);
  if (!known) programs.set(params, (known = new Map()));
  const key = `${primitive.name} ${args.map(({ aval }) => `${aval}${aval.weakType ? '*' : ''}`).join()}`;
  let jaxpr = known.get(key);
  if (!jaxpr) {
    const inputs = args.map((arg) => new Var(arg.aval));
    const outputs = primitive
      .type(
        args.map((arg) => arg.aval),
        params,
      )
      .map((aval) => new Var(aval));
    jaxpr = new Jaxpr(inputs, [{ primitive, inputs, outputs, params }], outputs);
    known.set(key, jaxpr);
  }
  return jaxpr;
}
