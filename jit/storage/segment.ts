import type { HostCopy } from './host-copy.ts';

/** Some pages of memory with arrays of one size in them, or with one large array. Cells point to it; it knows none of them. */
export class Segment {
  /** In wasm memory; negative once the segment has left it. */
  address: number;
  /** The contents after that. */
  host: HostCopy | undefined;
  /** Bytes of each slot, and the slots that were given back. */
  readonly slotBytes: number;
  readonly pages: number;
  top = 0;
  live = 0;
  free: number[] | undefined;
  /** Calls under way that hold an address in the segment. */
  pins = 0;
  /** The heap's clock at the last use, and when the segment last went to the end of the queue. */
  used = 0;
  queued = 0;
  holder: Holder | undefined;

  constructor(address: number, pages: number, slotBytes: number) {
    this.address = address;
    this.pages = pages;
    this.slotBytes = slotBytes;
  }
}

/**
 * What the registry keeps for a large array. It lets go of a segment that has left the memory: finalizers wait for the
 * end of the job, and until then the registry would keep the host copy of every array that a loop has dropped.
 */
export interface Holder {
  segment: Segment | undefined;
}
