import { byteSize, copyFew, writeNumbers } from '../../src/core/dtype.ts';
import { MemoryError } from '../../src/core/errors.ts';
import type { Cell } from './cell.ts';
import { FrameStack } from './frames.ts';
import { HostCopy } from './host-copy.ts';
import { maximumPages, PagedMemory, pageBytes } from './memory.ts';
import { writeOnes } from './ones.ts';
import { type Holder, Segment } from './segment.ts';
import { spareBytes } from './sizes.ts';

const registeredBytes = 2 ** 20;
/**
 * Arrays of that size begin 0, 4, … kilobytes behind where a page does, by turns. AMD's first-level cache looks for a line where a hash of bits
 * 12 to 27 of its address leads it, exclusive ors of pairs of them (Lipp et al., Take A Way: Exploring the
 * Security Implications of AMD's Cache Way Predictors, ASIACCS 2020). Lines of one place in their pages and of one hash drive each other out, and where
 * all arrays begin with a page of 64 kB many of them are of one hash: a kernel with two results then takes up to four times as long.
 */
const [shiftBytes, shifts] = [4096, 8];
/**
 * A small heap is quick: results that nobody wants any more are copied out of the processor's cache, not out of memory. One
 * smaller than what a program's first call reads and writes has that call copy its arguments out and in again. It
 * grows when arrays that it has copied out are wanted again, or disposed of, so that a program's working set stays inside.
 */
const firstBudget = 16 * 2 ** 20;
const largestBudget = 2 ** 30;

/**
 * Arrays in WebAssembly memory without reference counts or finalizers. Cells (arrays) point to segments; no segment
 * knows its cells. When the heap is full, whole segments that were not used lately are copied out, each into a host
 * copy that its cells share from then on, and their pages are used again. What no cell points to any more is
 * then ordinary garbage, which the engine collects in synchronous code too; what is still wanted comes back when it is
 * used next.
 */
export class Heap extends PagedMemory {
  readonly frames: FrameStack;
  /** Room for three arrays of few elements, `spareBytes` each, for an operation during which nothing else runs. */
  readonly spare: number;
  /** Counts calls: the time of "recently used". */
  clock = 1;
  /** What the calls under way have pinned, in order. */
  readonly pinned: Segment[] = [];
  budgetPages: number = firstBudget / pageBytes;
  /** Pages that left, and pages' worth of arrays that came back or were disposed of, since the budget was last reconsidered. */
  private left = 0;
  private returned = 0;
  /** By how many steps the next large array begins behind its page. */
  private shift = 0;
  spilledSegments = 0;
  /** Segments in memory, the ones queued first first. */
  private readonly resident = new Set<Segment>();
  /** By multiples of 64 bytes in a slot, the segment that is being filled. */
  private readonly filling: (Segment | undefined)[] = new Array(pageBytes / 128 + 1).fill(undefined);
  /** By bytes in a slot, segments with slots given back. */
  private readonly reusable = new Map<number, Set<Segment>>();
  private readonly registry = new FinalizationRegistry<Holder>(({ segment }) => segment && this.freeSegment(segment));

  constructor() {
    super();
    this.frames = new FrameStack(this, (pages) => this.pagesFor(pages));
    this.spare = this.frames.push(3 * spareBytes);
  }

  /** Gives `cell` a place of its own in memory. Its contents are whatever was there. */
  place(cell: Cell): void {
    const bytes = cell.byteLength;
    if (bytes > pageBytes / 2) {
      const isLarge = bytes >= registeredBytes;
      const pages = Math.ceil((isLarge ? bytes + (shifts - 1) * shiftBytes : bytes) / pageBytes);
      const segment = this.newSegment(pages, pages * pageBytes);
      if (isLarge) segment.address += shiftBytes * (this.shift++ % shifts);
      segment.top = bytes;
      segment.live = 1;
      cell.segment = segment;
      cell.offset = 0;
      if (isLarge) {
        segment.holder = { segment };
        this.registry.register(cell, segment.holder, cell);
      }
      return;
    }
    const slot = slotBytes(bytes);
    const segment = this.segmentWithRoom(slot);
    segment.used = this.clock;
    segment.live++;
    cell.segment = segment;
    if (segment.free?.length) {
      cell.offset = segment.free.pop()!;
    } else {
      cell.offset = segment.top;
      segment.top += slot;
    }
  }

  /** Gives back the place of `cell` at once. */
  release(cell: Cell): void {
    const { segment } = cell;
    if (!segment) return;
    cell.segment = undefined;
    if (cell.byteLength >= registeredBytes) this.registry.unregister(cell);
    if (segment.address < 0) {
      // It was copied out for nothing, as what comes back is.
      this.returned += cell.byteLength / pageBytes;
      return;
    }
    // A call under way may still read there; the slot then waits until the segment leaves.
    if (segment.pins > 0) return;
    segment.live--;
    if (segment.live === 0) {
      if (segment !== this.filling[segment.slotBytes >> 6]) this.freeSegment(segment);
      else {
        // Begun again: a segment for each array that is disposed of at once would take longer than the array.
        segment.top = 0;
        segment.free = undefined;
      }
      return;
    }
    if (cell.offset + segment.slotBytes === segment.top) {
      segment.top = cell.offset;
      return;
    }
    if (segment.free?.length) {
      segment.free.push(cell.offset);
      return;
    }
    segment.free = [cell.offset];
    let reusable = this.reusable.get(segment.slotBytes);
    if (!reusable) this.reusable.set(segment.slotBytes, (reusable = new Set()));
    reusable.add(segment);
  }

  /** Address of `cell`, brought into memory if need be and kept there until `unpin`. */
  pin(cell: Cell): number {
    if (cell.pending) cell.settle();
    let { segment } = cell;
    if (segment === undefined || segment.address < 0) {
      if (segment) this.returned += cell.byteLength / pageBytes;
      const { number, ones, few, host, offset } = cell;
      const left = segment?.host;
      const isFew = !left && !host && few !== undefined;
      const data = left || isFew || number !== undefined ? undefined : cell.peek();
      this.place(cell);
      segment = cell.segment!;
      const address = segment.address + cell.offset;
      cell.host = cell.number = cell.ones = undefined;
      if (left) left.copyTo(this.u8, address, offset, cell.byteLength);
      else if (isFew) writeNumbers(few, cell.dtype, this.elements(cell.dtype), address / byteSize(cell.dtype));
      else if (data) this.u8.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), address);
      else {
        this.fill(cell.dtype, address, cell.length, number!);
        if (ones) {
          const elements = this.elements(cell.dtype);
          writeOnes(elements, address / elements.BYTES_PER_ELEMENT, ones);
        }
      }
    }
    segment.used = this.clock;
    segment.pins++;
    this.pinned.push(segment);
    return segment.address + cell.offset;
  }

  /** Copies the elements of a small array to `address`. */
  copyIn(cell: Cell, address: number): void {
    const { dtype, length, few } = cell;
    const view = this.elements(dtype);
    const start = address / byteSize(dtype);
    if (length === 1) view[start] = cell.first();
    else if (few) writeNumbers(few, dtype, view, start);
    else copyFew(dtype, cell.peek(), 0, view, start, length);
  }

  /** Lets go of everything pinned since the list was `mark` long. */
  unpin(mark: number): void {
    const { pinned } = this;
    while (pinned.length > mark) pinned.pop()!.pins--;
  }

  private segmentWithRoom(slot: number): Segment {
    const filling = this.filling[slot >> 6];
    if (filling && filling.top + slot <= pageBytes) return filling;
    for (const segment of this.reusable.get(slot) ?? []) {
      if (segment.address >= 0 && segment.free?.length) return segment;
      this.reusable.get(slot)!.delete(segment);
    }
    const fresh = this.newSegment(1, slot);
    this.filling[slot >> 6] = fresh;
    return fresh;
  }

  private newSegment(pages: number, slot: number): Segment {
    const segment = new Segment(this.pagesFor(pages), pages, slot);
    segment.used = segment.queued = this.clock;
    this.resident.add(segment);
    return segment;
  }

  /** Pages within the budget where that is possible at all, else beyond it. */
  private pagesFor(count: number): number {
    if (this.used + count > this.budgetPages) this.makeRoom(count);
    const address = this.allocatePages(count);
    if (address !== undefined) return address;
    this.spill(count, count);
    const last = this.allocatePages(count);
    if (last !== undefined) return last;
    throw new MemoryError(
      `out of memory: ${gigabytes(count * pageBytes)} do not fit beside ${gigabytes(this.used * pageBytes)} in use; WebAssembly memory ends at ${gigabytes(maximumPages * pageBytes)}.`,
      { hint: 'work on parts, or free arrays earlier: `dispose`, `using`, `donate`.' },
    );
  }

  /** Frees a sixteenth of the budget at a time, so that the search for cold segments is paid once for many. */
  private makeRoom(count: number): void {
    this.frames?.trim();
    const excess = this.used + count - this.budgetPages;
    this.reconsider();
    if (excess > 0) this.spill(Math.max(excess, this.budgetPages >> 4), count);
  }

  /** Doubles the budget when more than a quarter of what left came back. */
  private reconsider(): void {
    if (this.left < this.budgetPages) return;
    if (this.returned > this.left / 4)
      this.budgetPages = Math.max(this.budgetPages, Math.min(2 * this.budgetPages, largestBudget / pageBytes));
    this.left = this.returned = 0;
  }

  /**
   * Copies segments out until `pages` pages are free and `run` of them lie in a row. Second chance: a segment that was
   * used since it was queued goes to the end of the queue instead.
   */
  private spill(pages: number, run: number): void {
    let freed = 0;
    let chances = 2 * this.resident.size;
    for (const segment of this.resident) {
      if ((freed >= pages && this.hasRun(run)) || chances-- === 0) return;
      if (segment.pins > 0 || segment.used > segment.queued) {
        segment.queued = segment.used;
        this.resident.delete(segment);
        this.resident.add(segment);
        continue;
      }
      this.spillSegment(segment);
      freed += segment.pages;
    }
  }

  private spillSegment(segment: Segment): void {
    const end = segment.address + segment.top;
    segment.host = new HostCopy(this.u8.subarray(segment.address, end));
    this.spilledSegments++;
    this.left += segment.pages;
    this.vacate(segment);
  }

  private freeSegment(segment: Segment): void {
    if (segment.address >= 0 && segment.pins === 0) this.vacate(segment);
  }

  private vacate(segment: Segment): void {
    this.freePages(segment.address, segment.pages);
    segment.address = -1;
    if (segment.holder) segment.holder.segment = undefined;
    segment.free = undefined;
    this.resident.delete(segment);
    this.reusable.get(segment.slotBytes)?.delete(segment);
    if (this.filling[segment.slotBytes >> 6] === segment) this.filling[segment.slotBytes >> 6] = undefined;
  }
}

/** Sizes of slots: powers of two and their halves between, in multiples of 64; waste is at most a third. */
function slotBytes(bytes: number): number {
  if (bytes <= 64) return 64;
  // Powers of numbers that are not known are calls.
  const power = 1 << (31 - Math.clz32(bytes - 1));
  const between = 1.5 * power;
  return power >= 128 && bytes <= between ? between : 2 * power;
}

let theHeap: Heap | undefined;

/** The heap, made on first use. */
export function heap(): Heap {
  theHeap ??= new Heap();
  return theHeap;
}

export interface HeapStats {
  readonly memoryBytes: number;
  readonly usedBytes: number;
  readonly spilledSegments: number;
}

export function heapStats(): HeapStats {
  const { memory, used, spilledSegments } = heap();
  return { memoryBytes: memory.buffer.byteLength, usedBytes: used * pageBytes, spilledSegments };
}

/** Sets how many bytes of arrays the heap keeps before it copies the coldest ones out. */
export function setHeapBudget(bytes: number): void {
  heap().budgetPages = Math.max(1, Math.floor(bytes / pageBytes));
}

const gigabytes = (bytes: number): string => `${(bytes / 1e9).toFixed(2)} GB`;
