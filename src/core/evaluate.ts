import { execute } from '../../jit/run.ts';
import { isPrebuiltReady } from '../../jit/runtime/prebuilt.ts';
import { NDArray } from '../array.ts';
import type { ShapedArray } from './aval.ts';
import { DisposedError } from './errors.ts';
import { Jaxpr, subJaxprs, Var } from './jaxpr.ts';
import { knownOperation } from './known-operations.ts';
import { disposedError, leakError } from './leak.ts';
import { makePlan, type Plan, wrap } from './plan.ts';
import { areShared, type Params, type Primitive } from './primitive.ts';
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
    for (let i = 0; i < args.length; i++) if (args[i]!.isTracer) throw leakError(args[i]!, primitive.name);
    if (primitive.hot || (!areShared(params) && subJaxprs(params).length > 0)) {
      const program =
        primitive.name === 'jit' ? (params as { jaxpr: Jaxpr }).jaxpr : singleEquation(primitive, args, params);
      return run(program, args);
    }
    let results: Value[];
    try {
      results = planFor(primitive, args, params)(args);
    } catch (error) {
      throw error instanceof DisposedError ? disposedError(primitive.name, args, error) : error;
    }
    watch?.operation(primitive, args, results);
    return results;
  },
};

function planFor(primitive: Primitive, args: readonly Value[], params: Params): Plan {
  const known = isPrebuiltReady() ? knownOperation(primitive, args, params) : undefined;
  if (!known) return makePlan(primitive, avalsOf(args), params);
  known.plan ??= makePlan(primitive, avalsOf(args), params);
  return known.plan;
}

const avalsOf = (args: readonly Value[]): ShapedArray[] => args.map((arg) => arg.aval);

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
