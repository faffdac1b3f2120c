import { type MessagePort, workerData } from 'node:worker_threads';
import type { Target } from './code.ts';
import { emit, emitText } from './emit.ts';
import { decode } from './wire.ts';

/**
 * The thread that holds binaryen. It answers each request on its port and then writes the request's number where the main
 * thread sleeps, so that the answer is there to be taken when it wakes.
 */
export interface Request {
  readonly number: number;
  readonly code: Uint8Array;
  readonly target: Target;
  readonly validate: boolean;
  /** For WebAssembly's text format instead of bytes. */
  readonly text?: boolean;
}

export type Result = { readonly wasm: Uint8Array } | { readonly text: string } | { readonly error: string };
export type Answer = Result & { readonly number: number };

const { answered, port } = workerData as { answered: Int32Array; port: MessagePort };
const loading = import('binaryen');
// Reported with the first answer, not as an unhandled rejection that ends the thread unheard.
loading.catch(() => {});

port.on('message', async ({ number, code, target, validate, text }: Request) => {
  let result: Result;
  try {
    const { default: binaryen } = await loading;
    const module = decode(code);
    result = text ? { text: emitText(binaryen, module, target) } : { wasm: emit(binaryen, module, target, validate) };
  } catch (error) {
    result = { error: error instanceof Error ? error.message : String(error) };
  }
  port.postMessage({ ...result, number } satisfies Answer);
  Atomics.store(answered, 0, number);
  Atomics.notify(answered, 0);
});
