import { invoke } from '../invoke.ts';
import type { Entry } from './thread-control.ts';

/**
 * Functions of the prebuilt modules over a range, in threads: outside of `jit` no program is there that deals them out. What
 * an argument is for a part of the range lies in memory as numbers of 64 bits.
 */
export interface Calls {
  readonly extent: number;
  readonly chunk: number;
  /** Which argument is the length of the part. */
  readonly countAt: number;
  /** The arguments, and what is added to each for every step of the range and for every thread. */
  readonly args: readonly number[];
  readonly steps: readonly number[];
  readonly perThread?: readonly number[];
}

type Callee = (...args: number[]) => number | undefined;

/** How many arguments, elements of a piece, the argument that counts them; where results go, and where all of it ends. */
const header = 5;

/** Bytes that the calls take, with a number for each part. */
export const callsBytes = ({ args, extent, chunk }: Calls): number =>
  8 * (header + 3 * args.length + Math.ceil(extent / chunk));

/** Writes them at an address that is a multiple of 8. */
export function writeCalls(f64: Float64Array, address: number, calls: Calls): void {
  const { args, steps, perThread, chunk, countAt } = calls;
  const at = address / 8;
  f64.set([args.length, chunk, countAt, at + header + 3 * args.length, address + callsBytes(calls)], at);
  args.forEach((value, i) => {
    f64.set([value, steps[i] ?? 0, perThread?.[i] ?? 0], at + header + 3 * i);
  });
}

/** What the functions returned for the parts, in their order. */
export function resultsOf(f64: Float64Array, address: number, { args, extent, chunk }: Calls): Float64Array {
  const at = address / 8 + header + 3 * args.length;
  return f64.slice(at, at + Math.ceil(extent / chunk));
}

/** The functions of a prebuilt module as entries of the pool, in the order of their names. `numbers` is so much of the memory at least. */
export const callsOf = (exports: WebAssembly.Exports, numbers: (bytes: number) => Float64Array): Entry[] =>
  Object.values(exports).map(
    (f) => (begin, end, args, thread) => callPart(f as Callee, numbers, begin, end, args >>> 0, thread),
  );

function callPart(
  f: Callee,
  numbers: (bytes: number) => Float64Array,
  begin: number,
  end: number,
  address: number,
  thread: number,
): void {
  const at = address / 8;
  const [count, chunk, countAt, results, last] = numbers(address + 8 * header).subarray(at, at + header) as unknown as [
    number,
    number,
    number,
    number,
    number,
  ];
  const f64 = numbers(last);
  const args = new Array<number>(count);
  for (let from = begin; from < end; from += chunk) {
    for (let i = 0, k = at + header; i < count; i++, k += 3) {
      const moved = from * f64[k + 1]! + thread * f64[k + 2]!;
      // A number by value stays what it is, −0 too.
      args[i] = moved === 0 ? f64[k]! : f64[k]! + moved;
    }
    args[countAt] = Math.min(chunk, end - from);
    const result = invoke(f, args);
    if (result !== undefined) f64[results + from / chunk] = result;
  }
}
