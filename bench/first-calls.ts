/**
 * First calls against later ones, in fresh processes: of programs that earlier processes have run, whose code is on disk, and of
 * programs that are new, whose code is not. V8's own cache of the library's code is there for both.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const script = fileURLToPath(new URL('first-call.js', import.meta.url));

export interface FirstCall {
  readonly name: string;
  readonly isKnown: boolean;
  /** Medians over the processes, milliseconds: of the first calls, and of each process' median later call. */
  readonly first: number;
  readonly later: number;
  /** The median of the processes' ratios. */
  readonly ratio: number;
}

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1]!;

function run(cache: string, ...args: string[]): string {
  const { stdout, stderr } = spawnSync(process.execPath, [script, ...args], {
    env: { ...process.env, COTANGENT_CACHE_DIR: cache },
    encoding: 'utf8',
  });
  if (!stdout) throw new Error(stderr);
  return stdout;
}

/** Whatever a program left behind but V8's code of the library. */
function forgetPrograms(cache: string): void {
  for (const file of readdirSync(cache))
    if (!file.startsWith('code-')) rmSync(path.join(cache, file), { recursive: true });
}

/** Known and new programs by turns, so that both meet the same machine. */
export function firstCalls(processes: number, only: readonly string[] = []): FirstCall[] {
  const cache = mkdtempSync(path.join(os.tmpdir(), 'cotangent-bench-'));
  try {
    const names = (JSON.parse(run(cache)) as string[]).filter((name) => only.length === 0 || only.includes(name));
    return names.flatMap((name) => {
      for (let i = 0; i < 3; i++) run(cache, name);
      const results = [true, false].map(() => [] as { first: number; later: number }[]);
      for (let i = 0; i < processes; i++) {
        for (const kind of results) {
          if (kind === results[1]) forgetPrograms(cache);
          const { first, later } = JSON.parse(run(cache, name)) as { first: number; later: number[] };
          kind.push({ first, later: median(later) });
        }
        run(cache, name);
      }
      return results.map((times, i) => ({
        name,
        isKnown: i === 0,
        first: median(times.map((t) => t.first)),
        later: median(times.map((t) => t.later)),
        ratio: median(times.map((t) => t.first / t.later)),
      }));
    });
  } finally {
    rmSync(cache, { recursive: true, force: true });
  }
}

export function formatFirstCalls(rows: readonly FirstCall[]): string {
  const lines = rows.map(
    ({ name, isKnown, first, later, ratio }) =>
      `${name.padEnd(10)} ${(isKnown ? 'known' : 'new').padEnd(6)} ${first.toFixed(1).padStart(8)} ms ${later.toFixed(1).padStart(8)} ms ${ratio.toFixed(2).padStart(6)}`,
  );
  return ['program             first call   later call  ratio', ...lines].join('\n');
}
