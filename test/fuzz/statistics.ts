/** Figures of a run. */
import type { Primitive } from '../../src/core/primitive.ts';
import type { Outcome } from './properties.ts';
import type { Sample } from './sample.ts';

/** What is counted. */
export interface Figures {
  readonly programs: number;
  readonly held: number;
  readonly ambiguous: number;
  readonly compiled: number;
  readonly eager: number;
  readonly primitives: ReadonlyMap<string, number>;
  readonly operations: ReadonlyMap<string, number>;
  readonly transformations: ReadonlyMap<string, number>;
  readonly depths: readonly number[];
  readonly looseness: readonly number[];
}

const addTo = (counts: Map<string, number>, name: string, n = 1): void => {
  counts.set(name, (counts.get(name) ?? 0) + n);
};

export class Statistics implements Figures {
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

  readonly count = (primitive: Primitive): void => addTo(this.primitives, primitive.name);

  record(sample: Sample, outcome: Outcome): void {
    this.programs++;
    this[outcome.kind]++;
    if (outcome.compiled) this.compiled++;
    if (outcome.eager) this.eager++;
    this.depths[sample.stack.length]!++;
    for (const { name } of sample.stack) addTo(this.transformations, name);
    for (const { op } of sample.program.steps) addTo(this.operations, op);
    if (outcome.kind === 'held') this.looseness.push(outcome.looseness);
  }

  /** As plain data, for another process. */
  figures(): Figures {
    const { count, ...figures } = this;
    return figures;
  }

  add(other: Figures): void {
    for (const key of ['programs', 'held', 'ambiguous', 'compiled', 'eager'] as const) this[key] += other[key];
    for (const key of ['primitives', 'operations', 'transformations'] as const)
      for (const [name, n] of other[key]) addTo(this[key], name, n);
    other.depths.forEach((n, i) => {
      this.depths[i]! += n;
    });
    this.looseness.push(...other.looseness);
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
