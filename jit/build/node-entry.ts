/** Part of the build: the library as Node loads it. Entry points re-export the parts of `core` under their names. */

import { loadScript } from '../caches/code-cache.ts';
import type { compileStats } from '../compile.ts';

interface Core {
  readonly compileStats: typeof compileStats;
  readonly [name: string]: unknown;
}

/** Set by the build: a hash of the script's text. */
declare const scriptId: string;

const { exports, keepAtExit } = loadScript<Core>(new URL('../core.cjs', import.meta.url), scriptId);
// A program that was not compiled before has called functions that were not called before.
keepAtExit(() => exports.compileStats().compiled > 0);

export const core: Core = exports;
