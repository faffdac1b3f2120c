import type { Target } from './code.ts';
import type { Answer, Request } from './compile-worker.ts';
import type { BinaryenModule } from './emit.ts';
import { builtin, environment, ownFile } from './node.ts';
import { decode } from './wire.ts';

/**
 * Who turns code into bytes: binaryen in a worker thread, which the calling thread waits for, or, where a thread may
 * not wait, binaryen loaded beforehand onto this one.
 */
interface Compiler {
  bytes(code: Uint8Array, target: Target): Uint8Array;
  text(code: Uint8Array, target: Target): string;
}

let compiler: Compiler | undefined;
const validate = environment('COTANGENT_VALIDATE') === '1';

/** Bytes of the module that `code` encodes. */
export function produce(code: Uint8Array, target: Target): Uint8Array {
  return loaded().bytes(code, target);
}

/** The same module in WebAssembly's text format. */
export const disassemble = (code: Uint8Array, target: Target): string => loaded().text(code, target);

function loaded(): Compiler {
  compiler ??= startWorker();
  if (!compiler) throw new Error('the compiler is not loaded; call `await init()` once before `jit`');
  return compiler;
}

let workerFile: URL | undefined | null = null;

/** The file of the compiler's thread, where there are threads and files. */
function findWorker(): URL | undefined {
  if (workerFile === null)
    workerFile = builtin('worker_threads') ? ownFile('./compile-worker.js', import.meta.url) : undefined;
  return workerFile;
}

/** Whether programs can be compiled now: always where there are threads and their files, elsewhere once `init` is done. */
export const canCompile = (): boolean => compiler !== undefined || findWorker() !== undefined;

/** Starts the compiler's thread, if there can be one, without waiting for it. */
export function prepareCompiler(): void {
  compiler ??= startWorker();
}

/** Loads binaryen onto this thread where no worker can answer. Where one can, starts it. */
export async function loadCompiler(): Promise<void> {
  prepareCompiler();
  if (compiler) return;
  const [{ default: binaryen }, { emit, emitText }] = await Promise.all([
    import('binaryen') as Promise<{ default: BinaryenModule }>,
    import('./emit.ts'),
  ]);
  compiler = {
    bytes: (code, target) => emit(binaryen, decode(code), target, validate),
    text: (code, target) => emitText(binaryen, decode(code), target),
  };
}

function startWorker(): Compiler | undefined {
  const file = findWorker();
  if (!file) return undefined;
  const threads = builtin('worker_threads')!;
  const { Worker, receiveMessageOnPort } = threads;
  /** The number of the last request that has been answered. */
  const answered = new Int32Array(new SharedArrayBuffer(4));
  let requests = 0;
  // A port of our own: the worker's built-in one cannot be read synchronously.
  const { port1, port2 } = new threads.MessageChannel();
  const worker = new Worker(file, {
    workerData: { answered, port: port2 },
    transferList: [port2],
    execArgv: [],
  });
  worker.unref();
  port1.unref();
  const ask = (request: Omit<Request, 'number'>): Answer => {
    const number = ++requests;
    port1.postMessage({ ...request, number } satisfies Request);
    // The notice of an answer may come when that one has been taken already, and wake whoever waits for the next.
    for (let last = Atomics.load(answered, 0); last !== number; last = Atomics.load(answered, 0))
      if (Atomics.wait(answered, 0, last, 60_000) === 'timed-out') throw new Error('the compiler does not answer');
    let answer: Answer;
    do answer = receiveMessageOnPort(port1)!.message as Answer;
    while (answer.number !== number);
    if ('error' in answer) throw new Error(`compiling failed: ${answer.error}`);
    return answer;
  };
  return {
    bytes: (code, target) => (ask({ code, target, validate }) as { wasm: Uint8Array }).wasm,
    text: (code, target) => (ask({ code, target, validate, text: true }) as { text: string }).text,
  };
}
