import { builtin, ownFile } from '../node.ts';

/** The file of a thread that helps with kernels. */
export const threadFile = (): URL | undefined => ownFile('./thread-worker.js', import.meta.url);

/** Whether there can be threads: a page's main one may not wait for others. */
export const hasThreads = (): boolean =>
  builtin('worker_threads') !== undefined && typeof SharedArrayBuffer !== 'undefined' && threadFile() !== undefined;
