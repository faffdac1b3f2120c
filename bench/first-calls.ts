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
  /** The medians of the processes' ratios: of whole calls, and of what the compiled program takes in them. */
  readonly ratio: number;
  readonly runRatio: number;
}

interface Times {
  readonly call: number;
  readonly run: number;
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
      const results = [true, false].map(() => [] as { first: Times; later: Times }[]);
      for (let i = 0; i < processes; i++) {
        for (const kind of results) {
          if (kind === results[1]) forgetPrograms(cache);
          const { first, later } = JSON.parse(run(cache, name)) as { first: Times; later: Times[] };
          kind.push({ first, later: { call: median(later.map((t) => t.call)), run: median(later.map((t) => t.run)) } });
        }
        run(cache, name);
      }
      return results.map((times, i) => ({
        name,
        isKnown: i === 0,
        first: median(times.map((t) => t.first.call)),
        later: median(times.map((t) => t.later.call)),
        ratio: median(times.map((t) => t.first.call / t.later.call)),
        runRatio: median(times.map((t) => t.first.run / t.later.run)),
      }));
    });
  } finally {
    rmSync(cache, { recursive: true, force: true });
  }
}

export function formatFirstCalls(rows: readonly FirstCall[]): string {
  const lines = rows.map(({ name, isKnown, first, later, ratio, runRatio }) => {
    const milliseconds = [first, later].map((time) => `${time.toFixed(1).padStart(8)} ms`).join(' ');
    const ratios = [ratio, runRatio].map((r) => r.toFixed(2).padStart(6)).join(' ');
    return `${name.padEnd(10)} ${(isKnown ? 'known' : 'new').padEnd(6)} ${milliseconds} ${ratios}`;
  });
  return ['program             first call   later call  ratio, of the program alone', ...lines].join('\n');
}
