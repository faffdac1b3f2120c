import {
  allocate,
  allocateFew,
  byteSize,
  copyOf,
  type DType,
  numbersOf,
  type TypedArray,
  viewOf,
  writeNumbers,
} from '../../src/core/dtype.ts';
import { DisposedError } from '../../src/core/errors.ts';
import { heap } from './heap.ts';
import { type Places, writeOnes } from './ones.ts';
import type { Segment } from './segment.ts';

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
