/** Elementwise operations on few elements, by the shortest way. */
import type { ShapedArray } from '../../src/core/aval.ts';
import { byteSize, type DType } from '../../src/core/dtype.ts';
import { Cell } from '../storage/cell.ts';
import { type Heap, heap } from '../storage/heap.ts';
import { smallBytes, spareBytes } from '../storage/sizes.ts';

/** An operation on one or two operands. Undefined where these have to be brought into memory first, or were disposed of. */
export interface DirectFunction {
  one(x: Cell): Cell | undefined;
  two(x: Cell, y: Cell): Cell | undefined;
  /** Numbers are of the array's dtype already. */
  withNumber(x: Cell, y: number): Cell | undefined;
  numberWith(x: number, y: Cell): Cell | undefined;
}

type Kernel = (...args: number[]) => number;

/**
 * A map over one or two arrays that is one call of a kernel. Of operations on few elements most is what leads to the kernel:
 * here nothing is pinned and no frame is pushed, since between the addresses and the call no memory is allocated.
 */
export class ShortMap implements DirectFunction {
  private readonly run: Kernel;
  private readonly dtype: DType;
  private readonly operandType: DType;
  private readonly size: number;
  /** Whether the result, and the operands, stay with JavaScript: see `smallBytes`. */
  private readonly isSmall: boolean;
  private readonly isSmallOperand: boolean;
  private readonly isNumberX: boolean;
  private readonly isNumberY: boolean;

  /** @param byValue operands that the kernel takes as numbers */
  constructor(run: Kernel, inputs: readonly ShapedArray[], byValue: readonly boolean[], output: ShapedArray) {
    this.run = run;
    this.operandType = inputs[0]!.dtype;
    this.dtype = output.dtype;
    this.size = output.size;
    this.isSmall = output.size * byteSize(output.dtype) <= smallBytes;
    this.isSmallOperand = output.size * byteSize(inputs[0]!.dtype) <= smallBytes;
    this.isNumberX = byValue[0] === true;
    this.isNumberY = byValue[1] === true;
  }

  one(x: Cell): Cell | undefined {
    const h = heap();
    const result = this.place(h);
    const from = this.addressOf(h, x, h.spare);
    if (from < 0) return this.refused(h, result);
    const to = this.target(h, result);
    this.run(this.size, to, from);
    return result ?? this.taken(h, to);
  }

  two(x: Cell, y: Cell): Cell | undefined {
    if (this.isNumberX) return x.isNumber ? this.numberWith(x.number!, y) : undefined;
    if (this.isNumberY) return y.isNumber ? this.withNumber(x, y.number!) : undefined;
    const h = heap();
    const result = this.place(h);
    const a = this.addressOf(h, x, h.spare);
    const b = this.addressOf(h, y, h.spare + spareBytes);
    if (a < 0 || b < 0) return this.refused(h, result);
    const to = this.target(h, result);
    this.run(this.size, to, a, b);
    return result ?? this.taken(h, to);
  }

  withNumber(x: Cell, y: number): Cell | undefined {
    if (!this.isNumberY) return this.two(x, Cell.fromNumber(this.operandType, y));
    const h = heap();
    const result = this.place(h);
    const from = this.addressOf(h, x, h.spare);
    if (from < 0) return this.refused(h, result);
    const to = this.target(h, result);
    this.run(this.size, to, from, y);
    return result ?? this.taken(h, to);
  }

  numberWith(x: number, y: Cell): Cell | undefined {
    if (!this.isNumberX) return this.two(Cell.fromNumber(this.operandType, x), y);
    const h = heap();
    const result = this.place(h);
    const from = this.addressOf(h, y, h.spare);
    if (from < 0) return this.refused(h, result);
    const to = this.target(h, result);
    this.run(this.size, to, x, from);
    return result ?? this.taken(h, to);
  }

  /** A place in the heap for the result. What makes room for it may move operands out, so that it comes first. */
  private place(h: Heap): Cell | undefined {
    h.clock++;
    return this.isSmall ? undefined : Cell.inHeap(this.dtype, this.size);
  }

  private target(h: Heap, result: Cell | undefined): number {
    return result ? result.segment!.address + result.offset : h.spare + 2 * spareBytes;
  }

  /** Negative where the elements are not at hand. */
  private addressOf(h: Heap, cell: Cell, spare: number): number {
    const { segment } = cell;
    if (segment) {
      segment.used = h.clock;
      return segment.address < 0 ? -1 : segment.address + cell.offset;
    }
    if (cell.few === undefined && (!this.isSmallOperand || (cell.host === undefined && cell.number === undefined)))
      return -1;
    h.copyIn(cell, spare);
    return spare;
  }

  private refused(h: Heap, result: Cell | undefined): undefined {
    if (result) h.release(result);
  }

  private taken(h: Heap, to: number): Cell {
    const { dtype, size } = this;
    if (size > 1) return Cell.fromHost(dtype, h.copyOut(dtype, to, size));
    return Cell.fromNumber(dtype, h.elements(dtype)[to / byteSize(dtype)]!);
  }
}

/** A function of numbers. */
export class OneElement implements DirectFunction {
  private readonly dtype: DType;
  private readonly f: (x: number, y: number) => number;

  constructor(dtype: DType, f: (x: number, y: number) => number) {
    this.dtype = dtype;
    this.f = f;
  }

  one(x: Cell): Cell | undefined {
    return x.isNumber ? this.withNumber(x, 0) : undefined;
  }

  two(x: Cell, y: Cell): Cell | undefined {
    return y.isNumber ? this.withNumber(x, y.number!) : undefined;
  }

  withNumber(x: Cell, y: number): Cell | undefined {
    return x.isNumber ? Cell.fromNumber(this.dtype, this.f(x.number!, y)) : undefined;
  }

  numberWith(x: number, y: Cell): Cell | undefined {
    return y.isNumber ? Cell.fromNumber(this.dtype, this.f(x, y.number!)) : undefined;
  }
}
