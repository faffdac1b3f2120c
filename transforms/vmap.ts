/** Vectorisation: values with an axis of lanes in front, and jaxprs of them. */
import { NDArray, type TracerOrigin } from '../src/array.ts';
import { shapedArray } from '../src/core/aval.ts';
import { evalJaxpr } from '../src/core/eval-jaxpr.ts';
import { flagKey, type Jaxpr, memoPerJaxpr } from '../src/core/jaxpr.ts';
import type { Params, Primitive } from '../src/core/primitive.ts';
import { atUserLine } from '../src/core/source.ts';
import { stage } from '../src/core/stage.ts';
import { currentTrace, type Subject, type Trace, type Value, withTrace } from '../src/core/trace.ts';
import { embedConstant } from '../src/lax/constant.ts';
import { broadcastTo } from '../src/lax/movement.ts';

/**
 * Results of a primitive on operands some of which carry a leading batch axis of length `size`. Batch axes are always
 * the leading ones: `vmap` moves axes at its boundary, so that no rule has to.
 */
export type BatchRule<P> = (
  size: number,
  args: readonly Value[],
  batched: readonly boolean[],
  params: P,
) => { readonly outs: readonly Value[]; readonly batched: readonly boolean[] };

/** A value of which each lane of a `vmap` has its own: `value` has the batch axis in front. */
export class BatchTracer extends NDArray {
  readonly trace: BatchTrace;
  readonly value: Value;

  constructor(trace: BatchTrace, value: Value) {
    super(shapedArray(value.aval.shape.slice(1), value.aval.dtype, value.aval.weakType));
    this.trace = trace;
    this.value = value;
  }

  override get isTracer(): boolean {
    return true;
  }

  override get live(): boolean {
    return this.trace.open;
  }

  override get origin(): TracerOrigin {
    return { subject: this.trace.subject };
  }
}

export class BatchTrace implements Trace {
  readonly name: string = 'vmap';
  readonly records: boolean;
  readonly parent: Trace;
  subject: Subject | undefined;
  open: boolean = true;
  readonly size: number;

  constructor(parent: Trace, size: number) {
    this.parent = parent;
    this.records = parent.records;
    this.size = size;
  }

  process(primitive: Primitive, args: readonly Value[], params: Params): Value[] {
    const batched = args.map((arg) => arg instanceof BatchTracer && arg.trace === this);
    const values = args.map((arg, i) => (batched[i] ? (arg as BatchTracer).value : arg));
    return withTrace(this.parent, () => {
      if (!batched.includes(true)) return this.parent.process(primitive, values, params);
      const result = atUserLine(this.records, () => primitive.batch(this.size, values, batched, params));
      return result.outs.map((out, i) => (result.batched[i] ? new BatchTracer(this, out) : out));
    });
  }
}

/** Applies `f` on lanes of the batched leaves; results say whether they depend on the lane. */
export function vmapValues(
  f: (...args: Value[]) => readonly Value[],
  size: number,
  args: readonly Value[],
  batched: readonly boolean[],
): { outs: Value[]; batched: boolean[] } {
  const trace = new BatchTrace(currentTrace(), size);
  let outs: readonly Value[];
  try {
    outs = withTrace(trace, () => f(...args.map((arg, i) => (batched[i] ? new BatchTracer(trace, arg) : arg))));
  } finally {
    trace.open = false;
  }
  const flags = outs.map((out) => out instanceof BatchTracer && out.trace === trace);
  return { outs: outs.map((out, i) => (flags[i] ? (out as BatchTracer).value : out)), batched: flags };
}

/** Gives `value` a leading axis of length `size` by repetition. */
export const addLanes = (value: Value, size: number): Value => broadcastTo(value, [size, ...value.aval.shape]);

export interface BatchedJaxpr {
  readonly jaxpr: Jaxpr;
  readonly batched: readonly boolean[];
}

/** The jaxpr on batches, given which inputs carry a leading axis; outputs flagged in `force` always carry it. */
export const batchJaxpr: (
  jaxpr: Jaxpr,
  size: number,
  inBatched: readonly boolean[],
  force?: readonly boolean[],
) => BatchedJaxpr = memoPerJaxpr(
  (size: number, inBatched: readonly boolean[], force?: readonly boolean[]) =>
    `${size}|${flagKey(inBatched)}|${force ? flagKey(force) : ''}`,
  (jaxpr, size, inBatched, force) => {
    let flags: boolean[] = [];
    const avals = jaxpr.inAvals.map((aval, i) => (inBatched[i] ? aval.withShape([size, ...aval.shape]) : aval));
    const staged = stage(
      (...args) => {
        const result = vmapValues((...xs) => evalJaxpr(jaxpr, xs), size, args, inBatched);
        flags = result.batched.map((b, i) => b || (force?.[i] ?? false));
        return result.outs.map((out, i) => (flags[i] && !result.batched[i] ? addLanes(out, size) : out));
      },
      avals,
      [],
      embedConstant,
    );
    return { jaxpr: staged.jaxpr, batched: flags };
  },
);
