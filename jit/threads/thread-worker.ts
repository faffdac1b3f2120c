import { type MessagePort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { hostMath } from '../math/index.ts';
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
/** Programs by number: those that have been heard of, and those that have been needed. */
const heard = new Map<number, Message>();
const programs = new Map<number, Entry[]>();
let runtime: WebAssembly.Exports | undefined;

/** Takes the messages that are there; a program becomes an instance when it is needed. */
function listen(): void {
  for (let received = receiveMessageOnPort(port); received; received = receiveMessageOnPort(port)) {
    const message = received.message as Message;
    if (message.module) heard.set(message.program, message);
    else {
      heard.delete(message.program);
      programs.delete(message.program);
    }
  }
}

function instantiate({ module, runtime: code, prebuilt }: Message): Entry[] {
  // What only the driver calls.
  const [threads, host] = [{ run: () => {} }, { callback: () => 1 }];
  const imports: WebAssembly.Imports = { env: { memory }, math: hostMath, threads, host };
  if (code) imports.runtime = runtime ??= new WebAssembly.Instance(code, { env: { memory } }).exports;
  const { exports } = new WebAssembly.Instance(module!, imports);
  return prebuilt ? callsOf(exports, numbers) : entriesOf(exports);
}

let view = new Float64Array(memory.buffer);

/** The memory up to this many bytes at least. It may have grown, which a thread comes to know a little later. */
function numbers(bytes: number): Float64Array {
  while (view.byteLength < bytes) view = new Float64Array(memory.buffer);
  return view;
}

function entryOf(program: number, entry: number): Entry {
  let entries = programs.get(program);
  if (!entries) {
    while (!heard.has(program)) listen();
    programs.set(program, (entries = instantiate(heard.get(program)!)));
    heard.delete(program);
  }
  return entries[entry]!;
}

function part(program: number, entry: number, begin: number, end: number, args: number): void {
  try {
    entryOf(program, entry)(begin, end, args, thread);
  } catch (error) {
    port.postMessage(error instanceof Error ? error.message : String(error));
    Atomics.store(control, word.failed, 1);
  }
}

for (;;) {
  takeTickets(control, part);
  let turns = 0;
  while (!hasTickets(control) && turns < spins) turns++;
  if (turns < spins) continue;
  listen();
  Atomics.add(control, word.sleepers, 1);
  const wake = Atomics.load(control, word.wake);
  if (!hasTickets(control)) Atomics.wait(control, word.wake, wake);
  Atomics.sub(control, word.sleepers, 1);
}
