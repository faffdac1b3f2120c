import {
  allocate,
  allocateFew,
  byteSize,
  copyFew,
  copyOf,
  type DType,
  numbersOf,
  type TypedArray,
  viewOf,
  writeNumbers,
} from '../../src/core/dtype.ts';
import { DisposedError, MemoryError } from '../../src/core/errors.ts';
import { FrameStack } from './frames.ts';
import { HostCopy } from './host-copy.ts';
import { maximumPages, PagedMemory, pageBytes } from './memory.ts';

/**
 * Arrays in WebAssembly memory without reference counts or finalizers. Cells (arrays) point to segments; no segment
 * knows its cells. When the heap is full, whole segments that were not used lately are copied out, each into a host
 * copy that its cells share from then on, and their pages are used again. What no cell points to any more is
 * then ordinary garbage, which the engine collects in synchronous code too; what is still wanted comes back when it is
 * used next.
 */
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
interface Holder {
  segment: Segment | undefined;
}

/** Arrays up to this size stay with JavaScript: they ride along in the frame of a call. */
export const smallBytes = 64;
/**
 * Floating arrays of up to so many elements that JavaScript's own operations have made are its own arrays of numbers: V8 makes a
 * typed array of more than 64 bytes outside of its heap, in ten times the time.
 */
export const mostFew = 32;
/** Room for so many. */
export const spareBytes: number = 8 * mostFew;
const registeredBytes = 2 ** 20;
/**
 * Arrays of that size begin 0, 4, … kilobytes behind where a page does, by turns. AMD's first-level cache looks for a line where a hash of bits
 * 12 to 27 of its address leads it, exclusive ors of pairs of them (Lipp et al., Take A Way: Exploring the
 * Security Implications of AMD's Cache Way Predictors, ASIACCS 2020). Lines of one place in their pages and of one hash drive each other out, and where
 * all arrays begin with a page of 64 kB many of them are of one hash: a kernel with two results then takes up to four times as long.
 */
const [shiftBytes, shifts] = [4096, 8];
/** Bytes of equal elements that are not written before they are read: whether more fit should be said where they are made. */
export const largestUnwritten: number = 2 ** 30;
/**
 * A small heap is quick: results that nobody wants any more are copied out of the processor's cache, not out of memory. One
 * smaller than what a program's first call reads and writes has that call copy its arguments out and in again. It
 * grows when arrays that it has copied out are wanted again, or disposed of, so that a program's working set stays inside.
 */
const firstBudget = 16 * 2 ** 20;
const largestBudget = 2 ** 30;

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

/** Every `step`-th element from `start` on, `count` of them. */
export interface Places {
  readonly start: number;
  readonly step: number;
  readonly count: number;
}

function writeOnes(elements: TypedArray, from: number, { start, step, count }: Places): void {
  for (let i = 0, at = from + start; i < count; i++, at += step) elements[at] = 1;
}

let theHeap: Heap | undefined;

/** The heap, made on first use. */
export function heap(): Heap {
  theHeap ??= new Heap();
  return theHeap;
}

/** How elements lie in another array: at `offset` plus steps along axes of the view. `copy` puts them in their order. */
export interface Walk {
  /** That of the view. Arrays of other shapes may share its storage. */
  readonly shape: readonly number[];
  readonly offset: number;
  readonly strides: readonly number[];
  readonly copy: (of: Cell, to: Cell) => void;
}

/** Elements of another array. */
interface Pending {
  readonly of: Cell;
  readonly walk: Walk;
}

/**
 * Storage of one array: a number that all elements are, a host typed array, a place in the heap, or, until it is read,
 * elements of another one.
 */
export class Cell {
  readonly dtype: DType;
  readonly length: number;
  /** The value of all elements where these have not been written yet, but for some that are 1. */
  number: number | undefined;
  ones: Places | undefined;
  host: TypedArray | undefined;
  /** A few floating elements, also beside one of the others, from which it was read. */
  few: number[] | undefined;
  segment: Segment | undefined;
  offset = 0;
  pending: Pending | undefined;
  /** How many arrays beyond the first have this storage. */
  private shares = 0;
  /** How the storage went, once it is disposed of. */
  private gone: string | undefined = undefined;

  private constructor(dtype: DType, length: number, host: TypedArray | undefined, number: number | undefined) {
    this.dtype = dtype;
    this.length = length;
    this.number = number;
    this.ones = undefined;
    this.host = host;
    this.few = undefined;
    this.segment = undefined;
    this.pending = undefined;
  }

  /** What an array has that has disposed of storage which others still share. */
  static withoutStorage({ dtype, length }: Cell): Cell {
    return new Cell(dtype, length, undefined, undefined);
  }

  /** Takes `data` over without copying it. */
  static fromHost(dtype: DType, data: TypedArray): Cell {
    return new Cell(dtype, data.length, data, undefined);
  }

  /** Takes floating elements over, already values of `dtype`. */
  static fromFew(dtype: DType, few: number[]): Cell {
    const cell = new Cell(dtype, few.length, undefined, undefined);
    cell.few = few;
    return cell;
  }

  /** One element, already a value of `dtype`. */
  static fromNumber(dtype: DType, value: number): Cell {
    return new Cell(dtype, 1, undefined, value);
  }

  /** Elements that are all the same, already a value of `dtype`. They are written where they are read. */
  static repeated(dtype: DType, length: number, value: number): Cell {
    return new Cell(dtype, length, undefined, value);
  }

  /** Zeros with ones among them, written where they are read. */
  static withOnes(dtype: DType, length: number, ones: Places): Cell {
    const cell = new Cell(dtype, length, undefined, 0);
    cell.ones = ones;
    return cell;
  }

  /** A view of `of`, which stays as long as this has not been read: its elements are copied then. */
  static view(dtype: DType, length: number, of: Cell, walk: Walk): Cell {
    if (of.disposed) of.peek();
    const cell = new Cell(dtype, length, undefined, undefined);
    cell.pending = { of: of.shared(), walk };
    return cell;
  }

  /** An array in the heap with arbitrary contents. */
  static inHeap(dtype: DType, length: number): Cell {
    const cell = new Cell(dtype, length, undefined, undefined);
    heap().place(cell);
    return cell;
  }

  get byteLength(): number {
    return this.length * byteSize(this.dtype);
  }

  /** Whether it has a place in the heap, and has not been copied out of it. */
  get isInMemory(): boolean {
    return this.segment !== undefined && this.segment.address >= 0;
  }

  get disposed(): boolean {
    return (
      this.host === undefined &&
      this.segment === undefined &&
      this.number === undefined &&
      this.few === undefined &&
      this.pending === undefined
    );
  }

  /** Whether it is all one number, and known without memory. */
  get isNumber(): boolean {
    return this.number !== undefined && this.ones === undefined;
  }

  /** The elements of a floating array of up to `mostFew`, which are kept; undefined of a view, or of nothing. Never write to it. */
  numbers(): number[] | undefined {
    if (this.few) return this.few;
    if (this.pending || this.disposed) return undefined;
    const { dtype, length, segment } = this;
    if (segment && segment.address >= 0) {
      const start = (segment.address + this.offset) / byteSize(dtype);
      this.few = numbersOf(dtype, heap().elements(dtype), start, length);
    } else this.few = numbersOf(dtype, this.peek(), 0, length);
    return this.few;
  }

  first(): number {
    return this.at(0);
  }

  /** One element. */
  at(i: number): number {
    const { number, segment } = this;
    if (number !== undefined && !this.ones) return number;
    if (this.few) return this.few[i]!;
    if (segment?.host) return segment.host.element(this.dtype, this.offset, i);
    if (segment === undefined) return this.peek()[i]!;
    // Without a view of its own.
    const elements = heap().elements(this.dtype);
    return elements[(segment.address + this.offset) / elements.BYTES_PER_ELEMENT + i]!;
  }

  /** Row-major data, valid until the next allocation or call. Never keep it: it may be a view of the heap. */
  peek(): TypedArray {
    if (this.host) return this.host;
    if (this.pending) this.settle();
    const { segment, number } = this;
    if (segment) {
      if (segment.host) return segment.host.view(this.dtype, this.offset, this.length);
      return viewOf(this.dtype, heap().memory.buffer, segment.address + this.offset, this.length);
    }
    if (this.few) return (this.host = hostOf(this.dtype, this.few));
    if (number === undefined) throw new DisposedError(this.gone ?? 'disposed of');
    this.host = allocate(this.dtype, this.length);
    // What is allocated is zero.
    if (number !== 0 || Object.is(number, -0)) this.host.fill(number);
    if (this.ones) writeOnes(this.host, 0, this.ones);
    return this.host;
  }

  /** Fills a place in the heap. */
  write(bytes: Uint8Array): void {
    heap().u8.set(bytes, this.segment!.address + this.offset);
  }

  /** The data as a host array that stays valid, taken out of the heap if it is there. Never write to it. */
  toHost(): TypedArray {
    if (this.pending) this.settle();
    if (this.segment) {
      const data = this.copyOut();
      heap().release(this);
      this.host = data;
    }
    return this.peek();
  }

  /** A copy that the caller owns. */
  copyOut(): TypedArray {
    if (this.pending) this.settle();
    if (this.few) return hostOf(this.dtype, this.few);
    const left = this.segment?.host;
    return left ? left.copy(this.dtype, this.offset, this.length) : copyOf(this.peek());
  }

  /** Gives a view elements of its own. */
  settle(): void {
    const pending = this.pending!;
    this.pending = undefined;
    const h = heap();
    h.place(this);
    try {
      pending.walk.copy(pending.of, this);
    } catch (error) {
      h.release(this);
      this.pending = pending;
      throw error;
    }
    pending.of.dispose();
  }

  /** The same storage for another array: it is freed when all of them have disposed of it. */
  shared(): Cell {
    this.shares++;
    return this;
  }

  /** Frees the storage at once. Reading afterwards is an error, which says `how` it went. */
  dispose(how?: string): void {
    if (this.shares > 0) {
      this.shares--;
      return;
    }
    this.gone = how;
    if (this.segment) heap().release(this);
    this.pending?.of.dispose();
    this.pending = undefined;
    this.segment = this.host = this.number = this.ones = this.few = undefined;
  }
}

function hostOf(dtype: DType, few: readonly number[]): TypedArray {
  const host = allocateFew(dtype, few.length);
  writeNumbers(few, dtype, host, 0);
  return host;
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
