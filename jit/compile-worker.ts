import { type MessagePort, workerData } from 'node:worker_threads';
import type { Target } from './code.ts';
import { emit, emitText } from './emit.ts';
import { decode } from './wire.ts';

/**
 * The thread that holds binaryen. It answers each request on its port and then raises the flag that the main thread
 * sleeps on, so that the answer is there to be taken when it wakes.
 */
export interface Request {
  readonly code: Uint8Array;
  readonly target: Target;
  readonly validate: boolean;
  /** For WebAssembly's text format instead of bytes. */
  readonly text?: boolean;
}

export type Answer = { readonly wasm: Uint8Array } | { readonly text: string } | { readonly error: string };

const { flag, port } = workerData as { flag: Int32Array; port: MessagePort };
const loading = import('binaryen');
// Reported with the first answer, not as an unhandled rejection that ends the thread unheard.
loading.catch(() => {});

port.on('message', async ({ code, target, validate, text }: Request) => {
  let answer: Answer;
  try {
    const { default: binaryen } = await loading;
    const module = decode(code);
    answer = text ? { text: emitText(binaryen, module, target) } : { wasm: emit(binaryen, module, target, validate) };
  } catch (error) {
    answer = { error: error instanceof Error ? error.message : String(error) };
  }
  port.postMessage(answer);
  Atomics.store(flag, 0, 1);
  Atomics.notify(flag, 0);
});
