import type { NDArray } from '../array.ts';
import { evaluatingTrace } from './evaluate.ts';
import { noParams, type Params, type Primitive } from './primitive.ts';

/** A value of the language: a concrete array or a tracer. Values of outer traces are plain values to inner ones. */
export type Value = NDArray;

/** What a trace traces, for messages. */
export interface Subject {
  /** The transformation as the user called it. */
  readonly operation: string;
  readonly f: Function;
  /** The leaves of its arguments, and their paths in the list of arguments. */
  readonly inputs: readonly Value[];
  readonly paths: () => string[];
}

/** An interpretation of primitives: evaluation, staging, jvp, partial evaluation, batching. */
export interface Trace {
  readonly name: string;
  subject?: Subject | undefined;
  /** Whether operations become equations, here or further out: then the user's line is taken once for all of them. */
  readonly records: boolean;
  process(primitive: Primitive, args: readonly Value[], params: Params): Value[];
}

let current: Trace | undefined;

/** The innermost trace; the evaluating one at the bottom. */
export const currentTrace = (): Trace => current ?? evaluatingTrace;

/** Runs `f` with `trace` interpreting every primitive. */
export function withTrace<T>(trace: Trace, f: () => T): T {
  const outer = current;
  current = trace;
  try {
    return f();
  } finally {
    current = outer;
  }
}

/** Applies a primitive under the current trace. */
export const bind = (primitive: Primitive, args: readonly Value[], params: Params = noParams): Value[] =>
  currentTrace().process(primitive, args, params);

/** Applies a primitive of one result. */
export const bind1 = (primitive: Primitive, args: readonly Value[], params: Params = noParams): Value =>
  currentTrace().process(primitive, args, params)[0]!;
