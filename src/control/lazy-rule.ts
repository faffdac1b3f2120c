/**
 * Rules of custom derivatives are traced when the function is called, so that whatever they capture becomes an operand.
 * A rule may call its own function (`f` in the rule of `f`): such an inner call cannot trace the rule it is part of, and
 * traces it only when it is itself differentiated.
 */
import { withSource } from '../core/source.ts';
import type { Value } from '../core/trace.ts';

export class LazyRule<T> {
  private readonly compute: () => { rule: T; consts: readonly Value[] };
  private cached: { rule: T; consts: readonly Value[] } | undefined;

  constructor(compute: () => { rule: T; consts: readonly Value[] }) {
    this.compute = compute;
  }

  resolve(): { rule: T; consts: readonly Value[] } {
    this.cached ??= withSource(null, () => this.compute());
    return this.cached;
  }
}

/** The rule and the values it captured: operands when it was traced at the call. */
export const resolveRule = <T>(
  rule: T | LazyRule<T>,
  operands: readonly Value[],
): { rule: T; consts: readonly Value[] } => (rule instanceof LazyRule ? rule.resolve() : { rule, consts: operands });

/** Runs `trace` now, or later when a trace of the same function's rule is under way. */
export class RuleTracer {
  private depth = 0;

  trace<T>(trace: () => { rule: T; consts: readonly Value[] }): { rule: T | LazyRule<T>; consts: readonly Value[] } {
    if (this.depth > 0) return { rule: new LazyRule(() => this.run(trace)), consts: [] };
    return this.run(trace);
  }

  private run<T>(trace: () => T): T {
    this.depth++;
    try {
      return trace();
    } finally {
      this.depth--;
    }
  }
}
