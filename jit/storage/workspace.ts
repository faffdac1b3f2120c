import type { ShapedArray } from '../../src/core/aval.ts';
import { byteSize, type DType, type TypedArray } from '../../src/core/dtype.ts';
import { Cell } from './cell.ts';
import { type Heap, heap } from './heap.ts';
import { smallBytes } from './sizes.ts';

/** Memory for one operation: operands pinned or copied in, results, scratch. `close` lets go of everything. */
export class Workspace {
  readonly heap: Heap;
  private readonly top: number;
  private readonly depth: number;
  private readonly pins: number;

  constructor() {
    const h = heap();
    this.heap = h;
    this.top = h.frames.top;
    this.depth = h.frames.depth;
    this.pins = h.pinned.length;
    h.clock++;
  }

  scratch(bytes: number): number {
    return this.heap.frames.push((bytes + 63) & -64);
  }

  /** Where the operand's elements are. Small arrays, and few numbers, stay with JavaScript: they are copied. */
  operand(cell: Cell): number {
    const { dtype, length, few, segment } = cell;
    const bytes = length * byteSize(dtype);
    if (bytes > smallBytes && (!few || segment)) return this.heap.pin(cell);
    const address = this.scratch(bytes);
    this.heap.copyIn(cell, address);
    return address;
  }

  view(dtype: DType, address: number, length: number): TypedArray {
    const view = this.heap.elements(dtype);
    const start = address / view.BYTES_PER_ELEMENT;
    return view.subarray(start, start + length);
  }

  /** A place in the heap for a result, pinned; undefined for a small one, which goes to scratch memory and `taken` from there. */
  place({ dtype, size }: ShapedArray): Cell | undefined {
    return size * byteSize(dtype) <= smallBytes ? undefined : Cell.inHeap(dtype, size);
  }

  /** The address for a result with this place. */
  address(place: Cell | undefined): number {
    return place ? this.heap.pin(place) : this.heap.frames.push(smallBytes);
  }

  /** The result that has been written to `address`. */
  taken(place: Cell | undefined, { dtype, size }: ShapedArray, address: number): Cell {
    if (place) return place;
    if (size !== 1) return Cell.fromHost(dtype, this.heap.copyOut(dtype, address, size));
    const view = this.heap.elements(dtype);
    return Cell.fromNumber(dtype, view[address / view.BYTES_PER_ELEMENT]!);
  }

  close(): void {
    const { heap: h, pins } = this;
    if (h.pinned.length > pins) h.unpin(pins);
    h.frames.pop(this.top, this.depth);
  }
}
