import { byteSize, type DType } from '../../src/core/dtype.ts';
import type { Expr, WasmType } from '../wasm/code.ts';

/** What holds a value while a program runs; given back when the last value that reads it has died. */
export abstract class Storage {
  private users = 0;
  private readonly free: (() => void) | undefined;

  constructor(free?: () => void) {
    this.free = free;
  }

  /** Whether it belongs to one value alone, and goes with it. */
  get isOwn(): boolean {
    return this.users === 1 && this.free !== undefined;
  }

  retain(): void {
    this.users++;
  }

  release(): void {
    if (--this.users === 0) this.free?.();
  }
}

/** A contiguous row-major array in memory. `ptr` is a local, or the frame plus a constant: cheap to repeat. */
export class Buffer extends Storage {
  readonly dtype: DType;
  readonly length: number;
  readonly ptr: Expr;
  constructor(dtype: DType, length: number, ptr: Expr, free?: () => void) {
    super(free);
    this.dtype = dtype;
    this.length = length;
    this.ptr = ptr;
  }

  get bytes(): number {
    return this.length * byteSize(this.dtype);
  }

  /** Gives a place to an array that was described before it had one. */
  moveTo(ptr: Expr): void {
    (this as { ptr: Expr }).ptr = ptr;
  }
}

/** A rank-0 value in a local, or a constant. Bools are 0 or 1. */
export class Scalar extends Storage {
  readonly dtype: DType;
  readonly expr: Expr;
  constructor(dtype: DType, expr: Expr, free?: () => void) {
    super(free);
    this.dtype = dtype;
    this.expr = expr;
  }
}

/** How a rank-0 value of `dtype` is held. */
export const scalarType = (dtype: DType): WasmType =>
  dtype === 'float32' ? 'f32' : dtype === 'float64' ? 'f64' : 'i32';
