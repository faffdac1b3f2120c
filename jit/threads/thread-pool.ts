import type { MessagePort, WorkerOptions } from 'node:worker_threads';
import { builtin } from '../node.ts';
import { elementwiseExports, fusedExports, runtimeExports } from '../runtime/instance.ts';
import { type PrebuiltName, prebuiltModule } from '../runtime/prebuilt.ts';
import { heap } from '../storage/heap.ts';
import { threadCount } from '../target.ts';
import { type Calls, callsBytes, callsOf, resultsOf, writeCalls } from './thread-calls.ts';
import {
  controlBytes,
  type Entry,
  entriesOf,
  type Message,
  mostTickets,
  publish,
  spins,
  takeTickets,
  word,
} from './thread-control.ts';
import { threadFile } from './thread-file.ts';
import type { WorkerData } from './thread-worker.ts';

interface Prebuilt {
  readonly program: number;
  readonly entries: ReadonlyMap<string, number>;
  readonly functions: readonly Entry[];
}

const prebuiltExports = { runtime: runtimeExports, elementwise: elementwiseExports, fused: fusedExports };

/** Programs and the threads that help with their kernels. Made with the memory, and like it there for good. */
export class ThreadPool {
  private readonly control = new Int32Array(new SharedArrayBuffer(controlBytes));
  private readonly ports: MessagePort[] = [];
  private programs = 0;
  private readonly prebuilt = new Map<PrebuiltName, Prebuilt>();
  private readonly dropped = new FinalizationRegistry<number>((program) => this.tell({ program }));

  constructor(threads: number, memory: WebAssembly.Memory) {
    const { Worker, MessageChannel } = builtin('worker_threads')!;
    for (let thread = 1; thread < threads; thread++) {
      const { port1, port2 } = new MessageChannel();
      const workerData: WorkerData = { control: this.control, memory, port: port2, thread };
      const options: WorkerOptions = { workerData, transferList: [port2], execArgv: [] };
      const worker = new Worker(threadFile()!, options);
      // Without it there is one thread less.
      worker.on('error', (error) => {
        process.emitWarning(`a thread of Cotangent's ended: ${error instanceof Error ? error.message : error}`);
      });
      worker.unref();
      port1.unref();
      this.ports.push(port1);
    }
  }

  private tell(message: Message): void {
    for (const port of this.ports) port.postMessage(message);
  }

  /** What a program imports to have its kernels done by all threads; `bind` gets its exports, before it runs. */
  join(module: WebAssembly.Module, runtime?: WebAssembly.Module): ThreadedProgram {
    const program = ++this.programs;
    this.tell(runtime ? { program, module, runtime } : { program, module });
    const threaded = new ThreadedProgram(this, program);
    this.dropped.register(threaded, program);
    return threaded;
  }

  /** Calls a function of a prebuilt module over a range, and gives what it returned for each part. */
  call(name: PrebuiltName, f: string, calls: Calls): Float64Array {
    const { program, entries, functions } = this.prebuiltOf(name);
    const h = heap();
    const { top, depth } = h.frames;
    const address = h.frames.push((callsBytes(calls) + 63) & -64);
    try {
      writeCalls(h.f64, address, calls);
      this.run(functions, program, entries.get(f)!, calls.extent, calls.chunk, address);
      return resultsOf(h.f64, address, calls);
    } finally {
      h.frames.pop(top, depth);
    }
  }

  private prebuiltOf(name: PrebuiltName): Prebuilt {
    let module = this.prebuilt.get(name);
    if (!module) {
      const program = ++this.programs;
      const exports = prebuiltExports[name]();
      const entries = new Map(Object.keys(exports).map((key, i) => [key, i]));
      module = { program, entries, functions: callsOf(exports, () => heap().f64) };
      this.prebuilt.set(name, module);
      this.tell({ program, module: prebuiltModule(name)!, prebuilt: true });
    }
    return module;
  }

  /** What threads say of their failures. */
  private complaints(): string[] {
    const { receiveMessageOnPort } = builtin('worker_threads')!;
    return this.ports.flatMap((port) => receiveMessageOnPort(port)?.message ?? []);
  }

  run(entries: readonly Entry[], program: number, entry: number, extent: number, chunk: number, args: number): void {
    const { control } = this;
    const chunks = Math.ceil(extent / chunk);
    const step = chunk * Math.ceil(chunks / mostTickets);
    const count = Math.ceil(extent / step);
    Atomics.store(control, word.program, program);
    Atomics.store(control, word.entry, entry);
    Atomics.store(control, word.count, count);
    Atomics.store(control, word.extent, extent);
    Atomics.store(control, word.step, step);
    Atomics.store(control, word.args, args);
    publish(control, count);
    if (Atomics.load(control, word.sleepers) > 0) {
      Atomics.add(control, word.wake, 1);
      Atomics.notify(control, word.wake, count - 1);
    }
    let failure: { readonly error: unknown } | undefined;
    takeTickets(control, (_, __, begin, end) => {
      try {
        entries[entry]!(begin, end, args, 0);
      } catch (error) {
        failure = { error };
      }
    });
    for (let turns = 0; Atomics.load(control, word.done) < count; ) {
      if (++turns < spins) continue;
      const done = Atomics.load(control, word.done);
      if (done < count) Atomics.wait(control, word.done, done);
    }
    // Whatever is thrown, the next job starts without it.
    const failed = Atomics.exchange(control, word.failed, 0);
    if (failure) throw failure.error;
    if (failed) throw new Error(`a thread failed: ${this.complaints().join('; ')}`);
  }
}

/** A program's side of the pool. */
export class ThreadedProgram {
  private readonly pool: ThreadPool;
  private readonly program: number;
  private entries: readonly Entry[] = [];

  constructor(pool: ThreadPool, program: number) {
    this.pool = pool;
    this.program = program;
  }

  bind(exports: WebAssembly.Exports): void {
    this.entries = entriesOf(exports);
  }

  readonly run = (entry: number, extent: number, chunk: number, args: number): void =>
    this.pool.run(this.entries, this.program, entry, extent, chunk, args);
}

let pool: ThreadPool | undefined;

/** The threads over the heap's memory, started on first use. */
export const threadPool = (): ThreadPool => (pool ??= new ThreadPool(threadCount(), heap().memory));
