/** The cyclic redundancy check of many bytes. */
import { checksumScratch, checksumTerms, checksumWindow } from '../runtime/checksum.ts';
import { runtimeExports } from '../runtime/instance.ts';
import type { Cell } from '../storage/cell.ts';
import { Workspace } from '../storage/workspace.ts';

type RuntimeFunction = (...args: number[]) => undefined;

/** Bytes at a time: what has just been copied is read again from the second-level cache. */
const piece = 2 ** 17;
/** Bytes from which this is worth a call. */
export const fewestCondensed: number = 2 ** 14;

/**
 * A few kilobytes whose CRC-32 from a register of 0 is that of `bytes` from the register that is given. Memory is read once if the bytes
 * go `into` an array as well.
 *
 * @param bytes {@link fewestCondensed} or more
 */
export function condensed(bytes: Uint8Array, register: number, into?: Cell): Uint8Array {
  const foldAll = runtimeExports().checksum_fold_all as RuntimeFunction;
  const fold = runtimeExports().checksum_fold as RuntimeFunction;
  const w = new Workspace();
  try {
    const target = into && w.address(into);
    const scratch = w.scratch(checksumScratch);
    const end = w.scratch(checksumWindow);
    const stage = target === undefined ? w.scratch(piece) : 0;
    const { u8, u32 } = w.heap;
    const [count] = checksumTerms;
    const folded = 16 * (Math.floor(bytes.length / 16) - count);
    const placeOf = (at: number): number => (target === undefined ? stage : target + at);
    u8.fill(0, scratch, scratch + checksumWindow);
    // What stands here is added to the first vector, and to no other.
    u32[scratch >>> 2] = register;
    for (let at = 0; at < folded; at += piece) {
      const next = Math.min(at + piece, folded);
      u8.set(bytes.subarray(at, next), placeOf(at));
      foldAll((next - at) / 16, placeOf(at), scratch);
    }
    const rest = bytes.subarray(folded);
    u8.set(rest, placeOf(folded));
    // The last vectors have nothing of each other.
    u8.fill(0, scratch + checksumWindow, scratch + 2 * checksumWindow);
    fold(count, placeOf(folded), scratch, end);
    const condensate = rest.slice();
    condensate.set(u8.subarray(end, end + checksumWindow));
    return condensate;
  } finally {
    w.close();
  }
}
