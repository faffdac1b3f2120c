import type { ShapedArray } from '../src/core/aval.ts';
import { inspectPrograms, type Jaxpr } from '../src/core/jaxpr.ts';
import { verifyJaxpr } from '../src/core/verify.ts';
import { interpret } from './interpret.ts';
import { type LoweredCode, lowerToCode } from './lower/lower.ts';
import { environment } from './node.ts';
import { ready } from './ready.ts';
import { isPrebuiltReady } from './runtime/prebuilt.ts';
import { Cell } from './storage/cell.ts';

/** What a callback of a running program gets: storage with its type. */
export type CallbackArguments = (cells: readonly Cell[], avals: readonly ShapedArray[]) => readonly unknown[];

/** The verifier sees every program that any pass makes, on the way to code and before. */
if (environment('COTANGENT_VALIDATE') === '1') inspectPrograms(verifyJaxpr);

/** Whether to compute with the reference semantics alone. */
export const interpretOnly: boolean = environment('COTANGENT_INTERPRET') === '1';

/** A program ready to run: from storage of its inputs to storage of its results. */
export type Prepared = (inputs: readonly Cell[], present: CallbackArguments) => Cell[];

const prepared = new WeakMap<Jaxpr, Prepared>();

/** Compiles a program, once, if it can be compiled now. */
export function prepare(jaxpr: Jaxpr): Prepared {
  let result = prepared.get(jaxpr);
  if (result) return result;
  if (interpretOnly) return (inputs) => interpreted(jaxpr, inputs);
  if (!isPrebuiltReady()) {
    // Until `init` is done, and no longer.
    return (inputs, present) => (isPrebuiltReady() ? prepare(jaxpr)(inputs, present) : interpreted(jaxpr, inputs));
  }
  const { executable, inputs: used, outputs, handlers } = ready(jaxpr);
  const count = jaxpr.inVars.length;
  const direct = outputs.every((source, i) => source.kind === 'output' && source.index === i);
  result = (inputs, present) => {
    const options = handlers.length
      ? {
          callbacks: handlers.map(
            ({ handler, avals }) =>
              (args: readonly Cell[]) =>
                handler(...present(args, avals)),
          ),
        }
      : undefined;
    const results = executable.run(used.length === count ? inputs : used.map((i) => inputs[i]!), options);
    if (direct) return results;
    return outputs.map((source, i) => {
      if (source.kind === 'output') return results[source.index]!;
      return source.kind === 'input' ? inputs[source.index]! : Cell.fromNumber(jaxpr.outs[i]!.aval.dtype, source.value);
    });
  };
  prepared.set(jaxpr, result);
  return result;
}

/**
 * Executes a program, compiled: one call into WebAssembly. With COTANGENT_INTERPRET=1 the reference semantics of the
 * primitives are used instead, as they are in a browser until `init` has loaded the compiler.
 *
 * @param donate inputs whose memory is free afterwards
 * @param present makes values for callbacks from storage
 */
export function execute(
  jaxpr: Jaxpr,
  inputs: readonly Cell[],
  present: CallbackArguments,
  donate?: readonly boolean[],
): Cell[] {
  const out = prepare(jaxpr)(inputs, present);
  if (donate) release(inputs, donate, out);
  return out;
}

/** Frees donated inputs, except those that are results. */
function release(inputs: readonly Cell[], donate: readonly boolean[], results: readonly Cell[]): void {
  inputs.forEach((cell, i) => {
    if (donate[i] && !results.includes(cell)) cell.dispose();
  });
}

function interpreted(jaxpr: Jaxpr, inputs: readonly Cell[]): Cell[] {
  const results = interpret(
    jaxpr,
    inputs.map((cell, i) => ({ aval: jaxpr.inVars[i]!.aval, data: cell.toHost() })),
  );
  return results.map((data, i) => Cell.fromHost(jaxpr.outs[i]!.aval.dtype, data));
}

/** The program that `execute` runs, for inspection. */
export const inspect = (jaxpr: Jaxpr): LoweredCode => lowerToCode(jaxpr);
