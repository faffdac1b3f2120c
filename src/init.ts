import { loadPrebuilt } from '../jit/runtime/prebuilt.ts';
import { canHaveThreads, configure } from '../jit/target.ts';
import { hasThreads } from '../jit/threads/thread-file.ts';
import { CotangentError } from './core/errors.ts';
import { naming, optionsOf } from './core/options.ts';
import { loadParser, setParser } from './syntax/parse.ts';

export interface InitOptions {
  /** Do without fused multiply-add, so that every machine and engine computes the same bits. */
  deterministic?: boolean;
  /**
   * Threads that share the work of large kernels, products and folds, the calling one among them; 1 when left out. Results are
   * the same to the last bit for any number of them. Set before the first array is computed, or by the environment variable
   * `COTANGENT_THREADS`; on Node, Deno and Bun, since a page's main thread may not wait for others.
   */
  threads?: number;
}

/** acorn, for the checks of traced functions, where it cannot be required when needed. */
async function provideParser(): Promise<void> {
  if (loadParser() === null) setParser((await import('acorn')).parse);
}

function setThreads(threads: number): void {
  if (!Number.isInteger(threads) || threads < 1)
    throw new CotangentError(`init: \`threads\` must be an integer of at least 1, but it is ${naming(threads)}.`);
  if (threads > 1 && !hasThreads())
    throw new CotangentError('init: this JavaScript engine has no threads that its main one may wait for.');
  if (!canHaveThreads(threads))
    throw new CotangentError('init: the number of threads is fixed once arrays have been computed.', {
      hint: 'call `init` first, or set the environment variable COTANGENT_THREADS',
    });
  configure({ threads });
}

/**
 * Sets options, and loads what the package has in files: in browsers, and in applications bundled into one file, programs are
 * interpreted until then, and traced functions not checked for tests of arrays. Elsewhere files are read when they are needed.
 *
 * @throws CotangentError when the number of threads is none, or comes too late
 * @example
 * await init({ threads: 4 });
 */
export async function init(options: InitOptions = {}): Promise<void> {
  optionsOf('init', options, ['deterministic', 'threads']);
  if (options.threads !== undefined) setThreads(options.threads);
  if (options.deterministic !== undefined) configure({ deterministic: options.deterministic });
  await Promise.all([loadPrebuilt(), provideParser()]);
}
