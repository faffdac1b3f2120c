import { builtin, ownFile } from '../node.ts';
import type { Answer, Request } from './binaryen-worker.ts';
import type { Target } from './code.ts';

/**
 * binaryen, in a thread of its own, since it takes half a second to load. Nothing waits for it in order to run: it lowers
 * what is hot anew, checks what was assembled, and writes WebAssembly's text format.
 */
class BinaryenThread {
  /** The number of the last request that has been answered. */
  private readonly answered = new Int32Array(new SharedArrayBuffer(4));
  private requests = 0;
  private readonly worker: import('node:worker_threads').Worker;
  private readonly port: import('node:worker_threads').MessagePort;
  private readonly waiting = new Map<number, (answer: Answer) => void>();

  constructor(file: URL) {
    const { MessageChannel, Worker } = builtin('worker_threads')!;
    // A port of our own: the worker's built-in one cannot be read synchronously.
    const { port1, port2 } = new MessageChannel();
    this.worker = new Worker(file, {
      workerData: { answered: this.answered, port: port2 },
      transferList: [port2],
      execArgv: [],
    });
    this.port = port1;
    port1.on('message', (answer: Answer) => this.take(answer));
    this.worker.unref();
    port1.unref();
  }

  /** Asks and waits. */
  ask(request: Omit<Request, 'number'>): Uint8Array | string {
    const { answered } = this;
    const number = this.send(request);
    let result: Answer | undefined;
    this.waiting.set(number, (answer) => {
      result = answer;
    });
    // The notice of an answer may come when that one has been taken already, and wake whoever waits for the next.
    for (let last = Atomics.load(answered, 0); last !== number; last = Atomics.load(answered, 0))
      if (Atomics.wait(answered, 0, last, 60_000) === 'timed-out') throw new Error('binaryen does not answer');
    const { receiveMessageOnPort } = builtin('worker_threads')!;
    while (!result) this.take(receiveMessageOnPort(this.port)!.message as Answer);
    return resultOf(result);
  }

  /** Asks without waiting. */
  later(request: Omit<Request, 'number'>): Promise<Uint8Array | string> {
    const number = this.send(request);
    return new Promise((resolve, reject) => {
      this.waiting.set(number, (answer) => {
        try {
          resolve(resultOf(answer));
        } catch (error) {
          reject(error);
        }
      });
    });
  }

  /** Gives its memory back. */
  end(): void {
    void this.worker.terminate();
    this.port.close();
  }

  private send(request: Omit<Request, 'number'>): number {
    const number = ++this.requests;
    this.port.postMessage({ ...request, number } satisfies Request);
    return number;
  }

  private take(answer: Answer): void {
    this.waiting.get(answer.number)?.(answer);
    this.waiting.delete(answer.number);
  }
}

function resultOf(answer: Answer): Uint8Array | string {
  if ('error' in answer) throw new Error(answer.error);
  return answer.result;
}

let thread: BinaryenThread | undefined;
const workerFile = (): URL | undefined => builtin('worker_threads') && ownFile('./binaryen-worker.js', import.meta.url);

/** Whether there are threads, and the files of this library: not in browsers, nor in applications bundled into one file. */
export const hasBinaryen = (): boolean => thread !== undefined || workerFile() !== undefined;

const binaryen = (): BinaryenThread => (thread ??= new BinaryenThread(workerFile()!));

/** A module in WebAssembly's text format. */
export const disassemble = (code: Uint8Array, target: Target): string =>
  binaryen().ask({ bytes: code, target, want: 'text' }) as string;

/** An error if `assembled` is not, byte for byte, what binaryen makes of the same code, or if it is not valid. */
export function verifyAssembled(code: Uint8Array, target: Target, assembled: Uint8Array): void {
  binaryen().ask({ bytes: code, target, want: 'wasm', assembled });
}

/** What binaryen makes of assembled modules, optimised, as they become ready; then its thread ends. */
export async function* optimized(
  modules: Iterable<readonly [wasm: Uint8Array, target: Target]>,
): AsyncGenerator<Uint8Array> {
  const own = binaryen();
  thread = undefined;
  try {
    for (const [bytes, target] of modules) yield (await own.later({ bytes, target, want: 'optimized' })) as Uint8Array;
  } finally {
    own.end();
  }
}
