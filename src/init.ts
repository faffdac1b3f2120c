/** Preparing the compiler. */

import { loadCompiler } from '../jit/compiler.ts';
import { loadPrebuilt } from '../jit/runtime/prebuilt.ts';
import { configure } from '../jit/target.ts';
import { optionsOf } from './core/options.ts';
import { loadParser, setParser } from './syntax/parse.ts';

export interface InitOptions {
  /** Do without fused multiply-add, so that every machine and engine computes the same bits. */
  deterministic?: boolean;
}

/** acorn, for the checks of traced functions, where it cannot be required when needed. */
async function provideParser(): Promise<void> {
  if (loadParser() === null) setParser((await import('acorn')).parse);
}

/**
 * Loads the compiler ahead of its first use. Needed once in browsers, whose main thread may not wait for it: until then
 * programs are interpreted, and traced functions are not checked for tests of arrays. Elsewhere it only saves the first `jit` call the wait.
 *
 * @example
 * await init();
 */
export async function init(options: InitOptions = {}): Promise<void> {
  optionsOf('init', options, ['deterministic']);
  if (options.deterministic !== undefined) configure({ deterministic: options.deterministic });
  await Promise.all([loadCompiler(), loadPrebuilt(), provideParser()]);
}
