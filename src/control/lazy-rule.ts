/**
 * Rules of custom derivatives are traced when the function is called, so that whatever they capture becomes an operand.
 *
 * A rule may call its own function (`f` in the rule of `f`), directly or through other functions with rules. Such an
 * inner call cannot trace the rule it is part of: it traces it only when it is itself differentiated. By then the values
 * that the rule captures may be those of traces that have ended. But they are the ones that the outer call captured, since
 * it is the same closure: they are operands of the inner call too, and the rule is traced with its inputs in their place.
 * To know them, a rule in which there are such calls is traced twice.
 */
import { NDArray } from '../array.ts';
import { withSource } from '../core/source.ts';
import type { Embed } from '../core/stage.ts';
import type { Value } from '../core/trace.ts';
import { embedConstant } from '../lax/constant.ts';

export interface TracedRule<T> {
  readonly rule: T;
  /** What the rule captured: its leading inputs. */
  readonly consts: readonly Value[];
}

/**
 * Traces a rule whose first captured values are `known`, even where these belong to traces that have ended. With `embed`
 * it captures nothing else: it is traced within a transformation of a program, which has the inputs that it has.
 */
type TraceRule<T> = (known: readonly Value[], embed?: Embed) => TracedRule<T>;

/** A rule of (operands of the call, …) that is traced when it is needed. */
export class LazyRule<T> {
  private readonly compute: () => T;
  private cached: T | undefined;

  constructor(compute: () => T) {
    this.compute = compute;
  }

  resolve(): T {
    this.cached ??= withSource(null, () => this.compute());
    return this.cached;
  }

  /** The rule of a transformed call. */
  map<R>(change: (rule: T) => R): LazyRule<R> {
    return new LazyRule(() => change(this.resolve()));
  }
}

export const resolveRule = <T>(rule: T | LazyRule<T>): T => (rule instanceof LazyRule ? rule.resolve() : rule);

/** A rule that is being traced. */
interface Frame {
  readonly tracer: RuleTracer;
  readonly known: readonly Value[];
  /** Whether a call inside left this rule for later. */
  deferred: boolean;
}

const frames: Frame[] = [];

/** Functions that make a new function with a rule each time they are called may call themselves in the rule. */
const deepest = 6;

/** Traces the rules of one function: at the call, or later if the call is in a rule of the same function. */
export class RuleTracer {
  /** `local`: values that the rule may capture and that need not be known to the rule around it. */
  trace<T>(
    trace: TraceRule<T>,
    local: readonly unknown[],
  ): { readonly rule: T | LazyRule<T>; readonly consts: readonly Value[] } {
    const within = frames.filter((frame) => frame.tracer === this);
    if (within.length === 0 && frames.length < deepest) {
      const { traced, deferred } = this.run(() => trace([]), []);
      const { consts } = traced;
      return deferred && consts.length > 0 ? this.run(() => trace(consts), consts).traced : traced;
    }
    for (const frame of within.length > 0 ? within : frames) frame.deferred = true;
    const values = [...frames.flatMap((frame) => frame.known), ...local];
    const known = [...new Set(values)].filter((x): x is Value => x instanceof NDArray && x.literal === undefined);
    const later = () => this.run(() => trace(known, embedConstant), known).traced.rule;
    return { rule: new LazyRule(later), consts: known };
  }

  private run<T>(trace: () => TracedRule<T>, known: readonly Value[]): { traced: TracedRule<T>; deferred: boolean } {
    const frame: Frame = { tracer: this, known, deferred: false };
    frames.push(frame);
    try {
      return { traced: trace(), deferred: frame.deferred };
    } finally {
      frames.pop();
    }
  }
}
