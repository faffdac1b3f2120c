/**
 * The words that threads share besides the memory, and how a piece of work is dealt out. A job is a function of a program
 * over a range, cut into tickets of equal length. Whoever takes a ticket does its part; the thread that has the job takes
 * some itself and needs nobody: a thread that wakes late finds none left.
 */
export type Control = Int32Array;

/** Positions in the block; what is written often has a line of the cache (64 bytes) to itself. */
export const word = {
  /** Number of the job in its upper bits, tickets that are left in the lower ones. */
  tickets: 0,
  /** Tickets of the job that are done. */
  done: 16,
  /** Changes to wake threads; how many sleep. */
  wake: 32,
  sleepers: 33,
  /** Set by a thread whose part failed. */
  failed: 34,
  /** The job. Written while no ticket is out, and valid for whoever then gets one. */
  program: 48,
  entry: 49,
  count: 50,
  extent: 51,
  step: 52,
  args: 53,
} as const;

export const controlBytes = 256;

/** Tickets of a job at most: the lower bits of the word. */
export const mostTickets = 4095;
const ticketBits = 12;

/** Turns of a loop that asks for work, about 30 µs, before a thread goes to sleep: waking one takes as long. */
export const spins = 20_000;

export const hasTickets = (control: Control): boolean => (Atomics.load(control, word.tickets) & mostTickets) !== 0;

/** Puts out the tickets of a job whose words are written. */
export function publish(control: Control, count: number): void {
  Atomics.store(control, word.done, 0);
  const job = (Atomics.load(control, word.tickets) >>> ticketBits) + 1;
  Atomics.store(control, word.tickets, (job << ticketBits) | count);
}

/** Does tickets of the job that is out until there are none. `part` gets the range of each. */
export function takeTickets(
  control: Control,
  part: (program: number, entry: number, begin: number, end: number, args: number) => void,
): void {
  for (;;) {
    const tickets = Atomics.load(control, word.tickets);
    const left = tickets & mostTickets;
    if (left === 0) return;
    // Read before the ticket is taken, and right if it is: the job has not changed in between.
    const count = Atomics.load(control, word.count);
    const program = Atomics.load(control, word.program);
    const entry = Atomics.load(control, word.entry);
    const extent = Atomics.load(control, word.extent);
    const step = Atomics.load(control, word.step);
    const args = Atomics.load(control, word.args);
    if (Atomics.compareExchange(control, word.tickets, tickets, tickets - 1) !== tickets) continue;
    const begin = (count - left) * step;
    try {
      part(program, entry, begin, Math.min(begin + step, extent), args);
    } finally {
      if (Atomics.add(control, word.done, 1) + 1 === count) Atomics.notify(control, word.done);
    }
  }
}

/** A program to know from now on, or to forget. */
export interface Message {
  readonly program: number;
  readonly module?: WebAssembly.Module;
  /** The runtime module, for programs that import from it. */
  readonly runtime?: WebAssembly.Module;
  /** Set for a prebuilt module: all of its functions are entries, called as `thread-calls` says. */
  readonly prebuilt?: boolean;
}

/** A function of a program's over a range, with the address of its arguments and the number of the thread. */
export type Entry = (begin: number, end: number, args: number, thread: number) => void;

/** The functions of an instance that threads call. */
export function entriesOf(exports: WebAssembly.Exports): Entry[] {
  const entries: Entry[] = [];
  for (let i = 0; `t${i}` in exports; i++) entries.push(exports[`t${i}`] as Entry);
  return entries;
}
