import { probes } from './generated/probes.ts';
import { environment } from './node.ts';
import type { Target } from './wasm/code.ts';

/** What the user may ask of the compiler; read when a program is first compiled. */
export interface Options {
  /** Do without fused multiply-add, so that every engine computes the same bits. */
  deterministic: boolean;
  /** Threads that kernels are dealt out to, this one among them. Fixed once the memory exists, which they share. */
  threads: number;
}

const options: Options = {
  deterministic: environment('COTANGENT_DETERMINISTIC') === '1',
  threads: Math.max(1, Math.floor(Number(environment('COTANGENT_THREADS'))) || 1),
};
let current: Target | undefined;

/** Targets are equal only where the options are. */
export function configure(changes: Partial<Options>): void {
  const { deterministic, threads } = options;
  Object.assign(options, changes);
  if (options.deterministic !== deterministic || options.threads !== threads) current = undefined;
}

let memoryIsMade = false;

/** Called with the memory, whose kind is part of the target and stays. */
export function fixThreads(): void {
  memoryIsMade = true;
}

/** Whether there may still be this number of threads. */
export const canHaveThreads = (count: number): boolean => !memoryIsMade || count === options.threads;

/** The features to compile for: what the engine validates, less what the options rule out. */
export function target(): Target {
  if (!current) {
    const engine = probe();
    if (!engine.simd) throw new Error('Cotangent needs WebAssembly SIMD, which this JavaScript engine lacks');
    current = { fma: engine.relaxed && !options.deterministic, shared: options.threads > 1 };
  }
  return current;
}

export const threadCount = (): number => options.threads;

/** Part of cache keys. */
export const targetName = (t: Target): string => `${t.fma ? 'fma' : 'plain'}${t.shared ? '-shared' : ''}`;

/** What programs are lowered for: with threads, their number is in scratch memory and in how work is dealt out. */
export const loweringName = (): string => `${targetName(target())}${options.threads > 1 ? `-${options.threads}` : ''}`;

let probed: { readonly simd: boolean; readonly relaxed: boolean } | undefined;

function probe(): { readonly simd: boolean; readonly relaxed: boolean } {
  const validates = (bytes: readonly number[]): boolean => WebAssembly.validate(new Uint8Array(bytes));
  return (probed ??= { simd: validates(probes.simd), relaxed: validates(probes.relaxed) });
}
