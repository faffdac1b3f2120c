import { type MessagePort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { hostMath } from './math/index.ts';
import { callsOf } from './thread-calls.ts';
import { type Entry, entriesOf, hasTickets, type Message, spins, takeTickets, word } from './thread-control.ts';

/**
 * A thread that does parts of what the main one computes. It never returns to its event loop: it asks for work, sleeps when
 * there has been none for a while, and takes messages when it meets a program that it does not know.
 */
export interface WorkerData {
  readonly control: Int32Array;
  readonly memory: WebAssembly.Memory;
  readonly port: MessagePort;
  /** Its number among the threads; the main one is 0. */
  readonly thread: number;
}

const { control, memory, port, thread } = workerData as WorkerData;
const programs = new Map<number, Entry[]>();
let runtime: WebAssembly.Exports | undefined;

function receive({ program, module, runtime: code, prebuilt }: Message): void {
  if (!module) {
    programs.delete(program);
    return;
  }
  // Whatever happens, it is not waited for again.
  programs.set(program, []);
  // What only the driver calls.
  const [threads, host] = [{ run: () => {} }, { callback: () => 1 }];
  const imports: WebAssembly.Imports = { env: { memory }, math: hostMath, threads, host };
  if (code) imports.runtime = runtime ??= new WebAssembly.Instance(code, { env: { memory } }).exports;
  const { exports } = new WebAssembly.Instance(module, imports);
  programs.set(program, prebuilt ? callsOf(exports, numbers) : entriesOf(exports));
}

let view = new Float64Array(memory.buffer);

/** The memory, which may have grown. */
function numbers(): Float64Array {
  if (view.buffer !== memory.buffer) view = new Float64Array(memory.buffer);
  return view;
}

function entryOf(program: number, entry: number): Entry {
  while (!programs.has(program)) {
    const received = receiveMessageOnPort(port);
    if (received) receive(received.message);
  }
  return programs.get(program)![entry]!;
}

function part(program: number, entry: number, begin: number, end: number, args: number): void {
  try {
    entryOf(program, entry)(begin, end, args, thread);
  } catch {
    Atomics.store(control, word.failed, 1);
  }
}

for (;;) {
  takeTickets(control, part);
  let turns = 0;
  while (!hasTickets(control) && turns < spins) turns++;
  if (turns < spins) continue;
  Atomics.add(control, word.sleepers, 1);
  const wake = Atomics.load(control, word.wake);
  if (!hasTickets(control)) Atomics.wait(control, word.wake, wake);
  Atomics.sub(control, word.sleepers, 1);
}
