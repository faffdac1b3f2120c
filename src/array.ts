import { type ShapedArray, shapedArray } from './core/aval.ts';
import { allocate, castNumber, type DType, type TypedArray } from './core/dtype.ts';
import { TraceError } from './core/errors.ts';
import type { Shape } from './core/shape.ts';
import type { Source } from './core/source.ts';

/** What operations accept for an array: numbers and booleans stand for rank-0 arrays. */
export type ArrayLike = NDArray | number | boolean;

export interface TracerOrigin {
  readonly transformation: string;
  readonly source?: Source | undefined;
}

/**
 * An n-dimensional array: concrete, or a tracer that stands for one while a function is traced.
 * Immutable; freed by the garbage collector.
 */
export class NDArray {
  readonly aval: ShapedArray;
  private storage: TypedArray | undefined;
  /** The value of a rank-0 constant that came from a JavaScript number: written into programs rather than captured. */
  readonly literal: number | undefined;

  /** Use `np.array` and its kin. */
  constructor(aval: ShapedArray, storage?: TypedArray, literal?: number) {
    this.aval = aval;
    this.storage = storage;
    this.literal = literal;
  }

  /** Takes ownership of row-major `data`. */
  static fromHost(data: TypedArray, aval: ShapedArray): NDArray {
    return new NDArray(aval, data);
  }

  static ofLiteral(value: number, aval: ShapedArray): NDArray {
    const data = allocate(aval.dtype, 1);
    data[0] = value;
    return new NDArray(aval, data, value);
  }

  static weakNumber(value: number): NDArray {
    return NDArray.ofLiteral(value, shapedArray([], 'float64', true));
  }

  static ofBoolean(value: boolean): NDArray {
    return NDArray.ofLiteral(value ? 1 : 0, shapedArray([], 'bool'));
  }

  get isTracer(): boolean {
    return this.storage === undefined;
  }

  /** The concrete array behind this value, where one may be read while tracing; undefined otherwise. */
  get concrete(): NDArray | undefined {
    return this.storage ? this : undefined;
  }

  /** False once the function that traced this value has returned. */
  get live(): boolean {
    return true;
  }

  /** The transformation that a tracer belongs to, and where it was made. */
  get origin(): TracerOrigin | undefined {
    return undefined;
  }

  get shape(): Shape {
    return this.aval.shape;
  }

  get dtype(): DType {
    return this.aval.weakType ? 'float32' : this.aval.dtype;
  }

  get ndim(): number {
    return this.aval.shape.length;
  }

  get size(): number {
    return this.aval.size;
  }

  /** Row-major elements in the held dtype (float64 for weak numbers). Not a copy: never write to it. */
  hostData(): TypedArray {
    const { concrete } = this;
    if (!concrete?.storage) throw new TraceError(`${this.describe()} has no value while its function is traced.`);
    return concrete.storage;
  }

  /** As an error message names it. */
  describe(): string {
    return this.isTracer ? `Traced<${this.aval}>` : `${this.aval}`;
  }

  /** The single element of an array of size 1. */
  item(): number | boolean {
    const value = this.hostData()[0]!;
    return this.aval.dtype === 'bool' ? value !== 0 : castNumber(value, this.dtype);
  }
}
