import { NDArray, type TracerOrigin } from '../array.ts';
import type { ShapedArray } from './aval.ts';
import { type Atom, type Eqn, Jaxpr, Literal, Var } from './jaxpr.ts';
import { outputTypes } from './known-operations.ts';
import { leakError } from './leak.ts';
import type { Params, Primitive } from './primitive.ts';
import { equationSource, recordingFrom, type Source } from './source.ts';
import { type Subject, type Trace, type Value, withTrace } from './trace.ts';

/** A value that stands for a variable of a jaxpr under construction. */
export class StagedTracer extends NDArray {
  declare readonly builder: JaxprBuilder;
  declare readonly variable: Var;
  declare readonly source: Source | undefined;

  constructor(builder: JaxprBuilder, variable: Var, source?: Source) {
    super(variable.aval);
    this.builder = builder;
    this.variable = variable;
    this.source = source;
  }

  override get isTracer(): boolean {
    return true;
  }

  override get live(): boolean {
    return this.builder.open;
  }

  override get origin(): TracerOrigin {
    return { subject: this.builder.subject, source: this.source };
  }
}

/** Values, perhaps of traces that have ended, for which a program under way has inputs. */
let standingFor: ReadonlySet<Value> = new Set();

/** An equation whose result is a concrete array; its operands, if any, are literals. */
export type Embed = (value: Value) => {
  readonly primitive: Primitive;
  readonly args: readonly Value[];
  readonly params: Params;
};

/** Collects equations, and the outer values that they capture, into a jaxpr. */
export class JaxprBuilder {
  readonly inVars: Var[] = [];
  readonly eqns: Eqn[] = [];
  /** Captured outer values, each with the variable that stands for it: leading inputs of the jaxpr. */
  readonly captured: Map<Value, Var> = new Map();
  open: boolean = true;
  /** How concrete arrays are written into the program, if they are not to be captured. */
  embed: Embed | undefined;
  private readonly embedded: Map<Value, Var> = new Map();
  subject: Subject | undefined;

  input(aval: ShapedArray): StagedTracer {
    const variable = new Var(aval);
    this.inVars.push(variable);
    return new StagedTracer(this, variable);
  }

  owns(value: Value): value is StagedTracer {
    return value instanceof StagedTracer && value.builder === this;
  }

  atom(value: Value, operation: string): Atom {
    if (value instanceof StagedTracer && value.builder === this) return value.variable;
    if (!value.live && !standingFor.has(value)) throw leakError(value, operation);
    if (value.literal !== undefined) return new Literal(value.literal, value.aval);
    let variable = this.captured.get(value);
    if (!variable && this.embed) {
      if (value.isTracer) throw leakError(value, operation);
      variable = this.embedded.get(value);
      if (!variable) {
        const { primitive, args, params } = this.embed(value);
        variable = this.emit(primitive, args, params)[0]!.variable;
        this.embedded.set(value, variable);
      }
      return variable;
    }
    if (!variable) this.captured.set(value, (variable = new Var(value.aval)));
    return variable;
  }

  emit(primitive: Primitive, args: readonly Value[], params: Params): StagedTracer[] {
    const outputs = outputTypes(primitive, args, params).map((aval) => new Var(aval));
    const source = equationSource();
    this.eqns.push({ primitive, inputs: args.map((arg) => this.atom(arg, primitive.name)), outputs, params, source });
    return outputs.map((variable) => new StagedTracer(this, variable, source));
  }

  /** Ends the trace. The jaxpr's inputs are the captured values, then the inputs. */
  build(outs: readonly Value[]): { jaxpr: Jaxpr; consts: Value[] } {
    const atoms = outs.map((out) => this.atom(out, 'return'));
    this.open = false;
    return {
      jaxpr: new Jaxpr([...this.captured.values(), ...this.inVars], this.eqns, atoms),
      consts: [...this.captured.keys()],
    };
  }
}

/** Records every primitive as an equation. */
export class StagingTrace implements Trace {
  readonly name: string = 'stage';
  readonly records: boolean = true;
  readonly builder: JaxprBuilder = new JaxprBuilder();

  get subject(): Subject | undefined {
    return this.builder.subject;
  }

  set subject(subject: Subject | undefined) {
    this.builder.subject = subject;
  }

  process(primitive: Primitive, args: readonly Value[], params: Params): Value[] {
    return this.builder.emit(primitive, args, params);
  }
}

/**
 * Traces `f`, called with one tracer per aval, to a jaxpr. `consts` are the outer values it captured, concrete arrays
 * and tracers alike: they are the first inputs of the jaxpr. The first of them are `known`, captured or not; these may be
 * tracers of traces that have ended. With `embed` other arrays become part of
 * the program, which captures nothing else.
 */
export function stage(
  f: (...args: Value[]) => readonly Value[],
  inAvals: readonly ShapedArray[],
  known: readonly Value[] = [],
  embed?: Embed,
): { jaxpr: Jaxpr; consts: Value[] } {
  const trace = new StagingTrace();
  const outer = standingFor;
  if (known.length > 0) standingFor = new Set([...outer, ...known]);
  trace.builder.embed = embed;
  for (const value of known) trace.builder.captured.set(value, new Var(value.aval));
  try {
    const args = inAvals.map((aval) => trace.builder.input(aval));
    const outs = recordingFrom(() => withTrace(trace, () => f(...args)));
    return trace.builder.build(outs);
  } finally {
    trace.builder.open = false;
    standingFor = outer;
  }
}
