import type { OutputSource, ProgramLayout, Wiring } from '../program.ts';
import { loweringName } from '../target.ts';
import { builtAs } from './build-id.ts';
import { readCached, writeCached } from './disk-cache.ts';

/** What is left of lowering once the engine has the module. */
export interface KeptProgram extends Wiring {
  readonly layout: ProgramLayout;
  /** What the module is kept under. */
  readonly module: string;
  /** The functions behind its callbacks, by their places among those of the jaxpr. */
  readonly callbacks: readonly number[];
}

/**
 * Lowered programs kept between runs, by what they compute: the next process has one as soon as it has traced its function. A
 * library that was not built for release, which changes, keeps none.
 */
const nameOf = (fingerprint: string): string | undefined => {
  const build = builtAs();
  return build && `program-${fingerprint}-${build}-${loweringName()}`;
};

export function readProgram(fingerprint: string): KeptProgram | undefined {
  const name = nameOf(fingerprint);
  const bytes = name && readCached(name);
  if (!bytes) return undefined;
  return JSON.parse(new TextDecoder().decode(bytes), (key, value) => (key === 'value' ? Number(value) : value));
}

export function writeProgram(fingerprint: string, kept: KeptProgram): void {
  const name = nameOf(fingerprint);
  if (!name) return;
  const { module, layout, inputs, outputs, callbacks } = kept;
  const text = JSON.stringify({ module, layout, inputs, outputs: outputs.map(written), callbacks });
  writeCached(name, new TextEncoder().encode(text));
}

/** JSON has neither NaN nor infinities nor -0. */
const written = (source: OutputSource): object =>
  source.kind === 'constant' ? { ...source, value: Object.is(source.value, -0) ? '-0' : String(source.value) } : source;
