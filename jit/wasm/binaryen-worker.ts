import { type MessagePort, workerData } from 'node:worker_threads';
import type { Target } from './code.ts';
import { type BinaryenModule, emit, emitText, optimize } from './emit.ts';
import { decode } from './wire.ts';

/**
 * The thread that holds binaryen. It answers each request on its port and then writes the request's number where the main
 * thread may sleep, so that the answer is there to be taken when it wakes.
 */
export interface Request {
  readonly number: number;
  /** A code module, encoded; an assembled one, if it is to be optimised. */
  readonly bytes: Uint8Array;
  readonly target: Target;
  readonly want: 'wasm' | 'optimized' | 'text';
  /** To be compared with `wasm`. */
  readonly assembled?: Uint8Array;
}

export type Result = { readonly result: Uint8Array | string } | { readonly error: string };
export type Answer = Result & { readonly number: number };

const { answered, port } = workerData as { answered: Int32Array; port: MessagePort };
const loading = import('binaryen');
// Reported with the first answer, not as an unhandled rejection that ends the thread unheard.
loading.catch(() => {});

function answer(binaryen: BinaryenModule, { bytes, target, want, assembled }: Request): Uint8Array | string {
  if (want === 'optimized') return optimize(binaryen, bytes, target);
  const module = decode(bytes);
  if (want === 'text') return emitText(binaryen, module, target);
  const wasm = emit(binaryen, module, target, assembled !== undefined);
  if (assembled && !isSameModule(binaryen, wasm, assembled))
    throw new Error(`binaryen makes another module:\n${emitText(binaryen, module, target).slice(0, 4000)}`);
  return wasm;
}

/** Nearly always what binaryen has made is what it reads and writes again, and need not be. */
function isSameModule(binaryen: BinaryenModule, wasm: Uint8Array, assembled: Uint8Array): boolean {
  const written = rewritten(binaryen, assembled);
  return sameBytes(wasm, written) || sameBytes(rewritten(binaryen, wasm), written);
}

/** What binaryen reads, as it writes it: locals are sorted, lengths as short as they can be, and unused imports left out. */
function rewritten(binaryen: BinaryenModule, wasm: Uint8Array): Uint8Array {
  const module = binaryen.readBinary(wasm);
  try {
    // Features that are used, but not declared, in what was read.
    module.setFeatures(binaryen.Features.All);
    return module.emitBinary();
  } finally {
    module.dispose();
  }
}

const sameBytes = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;

port.on('message', async (request: Request) => {
  const { number } = request;
  let result: Result;
  try {
    const { default: binaryen } = await loading;
    result = { result: answer(binaryen, request) };
  } catch (error) {
    result = { error: error instanceof Error ? error.message : String(error) };
  }
  port.postMessage({ ...result, number } satisfies Answer);
  Atomics.store(answered, 0, number);
  Atomics.notify(answered, 0);
});
