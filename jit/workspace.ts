import type { ShapedArray } from '../src/core/aval.ts';
import { byteSize, type DType, type TypedArray } from '../src/core/dtype.ts';
import { Cell, type Heap, heap, smallBytes } from './heap.ts';

/** Memory for one operation: operands pinned or copied in, the result, scratch. Everything is let go of at the end. */
export class Workspace {
  readonly heap: Heap = heap();
  private readonly top: number;
  private readonly depth: number;
  private readonly pins: number;

  constructor() {
    const { frames, pinned } = this.heap;
    this.top = frames.top;
    this.depth = frames.depth;
    this.pins = pinned.length;
    this.heap.clock++;
  }

  scratch(bytes: number): number {
    return this.heap.frames.push(Math.ceil(Math.max(bytes, 1) / 64) * 64);
  }

  /** Where the operand's elements are. Small arrays stay with JavaScript: they are copied. */
  operand(cell: Cell): number {
    if (cell.byteLength > smallBytes) return this.heap.pin(cell);
    const address = this.scratch(smallBytes);
    const data = cell.peek();
    const view = this.heap.elements(cell.dtype);
    const start = address / view.BYTES_PER_ELEMENT;
    // A few elements: quicker one by one than through `set`.
    for (let i = 0; i < data.length; i++) view[start + i] = data[i]!;
    return address;
  }

  view(dtype: DType, address: number, length: number): TypedArray {
    const view = this.heap.elements(dtype);
    const start = address / view.BYTES_PER_ELEMENT;
    return view.subarray(start, start + length);
  }

  /** Runs `compute` with the address for a result. */
  result(dtype: DType, length: number, compute: (address: number) => void): Cell {
    if (length * byteSize(dtype) <= smallBytes) {
      const address = this.scratch(smallBytes);
      compute(address);
      return Cell.fromHost(dtype, this.heap.copyOut(dtype, address, length));
    }
    const cell = Cell.inHeap(dtype, length);
    compute(this.heap.pin(cell));
    return cell;
  }

  /** Runs `compute` with an address for each result. */
  results(avals: readonly ShapedArray[], compute: (addresses: readonly number[]) => void): Cell[] {
    const cells: (Cell | undefined)[] = [];
    const places = avals.map(({ dtype, size }, i) => {
      if (size * byteSize(dtype) <= smallBytes) return this.scratch(smallBytes);
      return this.heap.pin((cells[i] = Cell.inHeap(dtype, size)));
    });
    compute(places);
    return avals.map(
      ({ dtype, size }, i) => cells[i] ?? Cell.fromHost(dtype, this.heap.copyOut(dtype, places[i]!, size)),
    );
  }

  close(): void {
    this.heap.unpin(this.pins);
    this.heap.frames.pop(this.top, this.depth);
  }
}

export function within<T>(use: (w: Workspace) => T): T {
  const workspace = new Workspace();
  try {
    return use(workspace);
  } finally {
    workspace.close();
  }
}
