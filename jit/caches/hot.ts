import { builtin, environment } from '../node.ts';
import { hasBinaryen, optimized } from '../wasm/binaryen-thread.ts';
import type { Target } from '../wasm/code.ts';
import { cacheFolder } from './cache-folder.ts';
import { writeCached } from './disk-cache.ts';

/**
 * Programs are assembled as they stand, which takes a millisecond. Those of a process that is still there after some seconds are
 * hot: binaryen optimises them, on a thread of its own, and its code replaces the assembled one on disk, for the processes
 * that come. The engine's optimising compiler makes the same of both; but until it has, its baseline compiler runs what it is
 * given, and loops of binaryen's take down to two thirds of the time. Once in a process: one that goes on making
 * programs would have binaryen at work for ever.
 */
const patience = 5000;

let waiting: Map<string, readonly [wasm: Uint8Array, target: Target]> | undefined;
let isOver = environment('COTANGENT_VALIDATE') === '1';

/** Takes a program that was assembled just now. Only where there is a disk, and a thread for binaryen. */
export function noteForBinaryen(key: string, wasm: Uint8Array, target: Target): void {
  if (isOver || !builtin('worker_threads')?.isMainThread || !cacheFolder() || !hasBinaryen()) return;
  if (!waiting) {
    waiting = new Map();
    // Node's own, since a global one may be a number.
    builtin('timers')!
      .setTimeout(() => void lowerHot(), patience)
      .unref();
  }
  waiting.set(key, [wasm, target]);
}

/** Lowers what has been noted, now; done when its code is on disk. */
export async function lowerHot(): Promise<void> {
  const programs = waiting;
  isOver = true;
  waiting = undefined;
  if (!programs) return;
  const keys = programs.keys();
  try {
    for await (const wasm of optimized(programs.values())) writeCached(keys.next().value!, wasm);
  } catch {
    // What was assembled stays.
  }
}
