/** Figures of a run. */
import type { Primitive } from '../../src/core/primitive.ts';
import type { Outcome } from './properties.ts';
import type { Sample } from './sample.ts';

export class Statistics {
  programs = 0;
  held = 0;
  ambiguous = 0;
  compiled = 0;
  eager = 0;
  readonly primitives: Map<string, number> = new Map();
  readonly operations: Map<string, number> = new Map();
  readonly transformations: Map<string, number> = new Map();
  readonly depths: number[] = [0, 0, 0, 0, 0];
  readonly looseness: number[] = [];

  readonly count = (primitive: Primitive): void => {
    this.primitives.set(primitive.name, (this.primitives.get(primitive.name) ?? 0) + 1);
  };

  add(sample: Sample, outcome: Outcome): void {
    this.programs++;
    this[outcome.kind]++;
    if (outcome.compiled) this.compiled++;
    if (outcome.eager) this.eager++;
    this.depths[sample.stack.length]!++;
    for (const { name } of sample.stack) this.transformations.set(name, (this.transformations.get(name) ?? 0) + 1);
    for (const { op } of sample.program.steps) this.operations.set(op, (this.operations.get(op) ?? 0) + 1);
    if (outcome.kind === 'held') this.looseness.push(outcome.looseness);
  }

  /** Primitives that no program had. */
  missing(all: readonly string[]): string[] {
    return all.filter((name) => !this.primitives.has(name));
  }

  summary(all: readonly string[]): string {
    const sorted = [...this.looseness].sort((a, b) => a - b);
    const quantile = (q: number): string => (sorted[Math.floor(q * (sorted.length - 1))] ?? 0).toExponential(1);
    const list = (counts: ReadonlyMap<string, number>): string =>
      [...counts]
        .sort((a, b) => b[1] - a[1])
        .map(([name, n]) => `${name} ${n}`)
        .join(', ');
    const missing = this.missing(all);
    return [
      `${this.programs} programs: ${this.held} held, ${this.ambiguous} discarded (order or branch within rounding)`,
      `${this.compiled} compiled, ${this.eager} run eagerly`,
      `transformations: ${list(this.transformations)}`,
      `stacks of depth 0 to 4: ${this.depths.join(', ')}`,
      `${this.primitives.size} primitives in programs; missing: ${missing.join(', ') || 'none'}`,
      `bounds relative to results: median ${quantile(0.5)}, 90 % ${quantile(0.9)}, 99 % ${quantile(0.99)}`,
    ].join('\n');
  }
}
