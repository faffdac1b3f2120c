/** Partial evaluation: what is known is computed, the rest recorded. */
import { evalJaxpr } from '../src/core/eval-jaxpr.ts';
import { deadCodeElimination, dropInputs, flagKey, type Jaxpr, memoPerJaxpr } from '../src/core/jaxpr.ts';
import type { Params, Primitive } from '../src/core/primitive.ts';
import { JaxprBuilder, type StagedTracer, stage } from '../src/core/stage.ts';
import { currentTrace, type Trace, type Value, withTrace } from '../src/core/trace.ts';
import { embedConstant } from '../src/lax/constant.ts';

/**
 * Splits a primitive with sub-jaxprs: binds what is known (under the current trace), emits what is not. Called with at
 * least one unknown operand.
 */
export type PartialEvalRule<P> = (
  trace: PartialEvalTrace,
  args: readonly Value[],
  unknown: readonly boolean[],
  params: P,
) => Value[];

/**
 * Computes what depends on known values only, under the parent trace, and records the rest. Known values that a
 * recorded equation needs become the residuals of the recorded jaxpr.
 */
export class PartialEvalTrace implements Trace {
  readonly name: string = 'linearize';
  readonly records: boolean = true;
  readonly parent: Trace;
  readonly builder: JaxprBuilder = new JaxprBuilder();

  constructor(parent: Trace) {
    this.parent = parent;
  }

  isUnknown(value: Value): value is StagedTracer {
    return this.builder.owns(value);
  }

  process(primitive: Primitive, args: readonly Value[], params: Params): Value[] {
    const unknown = args.map((arg) => this.isUnknown(arg));
    if (!unknown.includes(true)) return withTrace(this.parent, () => this.parent.process(primitive, args, params));
    if (primitive.partialEval) {
      const rule = primitive.partialEval;
      return withTrace(this.parent, () => rule(this, args, unknown, params));
    }
    return this.builder.emit(primitive, args, params);
  }
}

const unknownParts = new WeakSet<Jaxpr>();

/** Whether a jaxpr is what partial evaluation left: no equation of it has results that are known. */
export const isUnknownPart = (jaxpr: Jaxpr): boolean => unknownParts.has(jaxpr);

export interface PartialJaxpr {
  /** Known inputs → (known outs, residuals). */
  readonly known: Jaxpr;
  /** (residuals, unknown inputs) → unknown outs. */
  readonly unknown: Jaxpr;
  readonly residuals: number;
  readonly outUnknown: readonly boolean[];
}

/**
 * Splits a jaxpr by which inputs are unknown. Effects stay on the known side. Outputs flagged in `force` come out on
 * the unknown side even where they are known.
 */
export const partialEvalJaxpr: (
  jaxpr: Jaxpr,
  unknownIn: readonly boolean[],
  force?: readonly boolean[],
) => PartialJaxpr = memoPerJaxpr(
  (unknownIn: readonly boolean[], force?: readonly boolean[]) => `${flagKey(unknownIn)}|${force ? flagKey(force) : ''}`,
  (jaxpr, unknownIn, force) => {
    let unknown!: Jaxpr;
    let residuals = 0;
    let outUnknown: boolean[] = [];
    const staged = stage(
      (...knownArgs) => {
        const trace = new PartialEvalTrace(currentTrace());
        let next = 0;
        const args = unknownIn.map((u, i) => (u ? trace.builder.input(jaxpr.inAvals[i]!) : knownArgs[next++]!));
        const outs = withTrace(trace, () => evalJaxpr(jaxpr, args));
        outUnknown = outs.map((out, i) => trace.isUnknown(out) || (force?.[i] ?? false));
        const built = trace.builder.build(outs.filter((_, i) => outUnknown[i]));
        const { jaxpr: live, usedInputs } = deadCodeElimination(built.jaxpr);
        const used = built.consts.filter((_, i) => usedInputs[i]);
        residuals = used.length;
        unknown = dropInputs(
          live,
          usedInputs.map((u, i) => u || i >= built.consts.length),
        );
        return [...outs.filter((_, i) => !outUnknown[i]), ...used];
      },
      jaxpr.inAvals.filter((_, i) => !unknownIn[i]),
      [],
      embedConstant,
    );
    unknownParts.add(unknown);
    return { known: staged.jaxpr, unknown, residuals, outUnknown };
  },
);
