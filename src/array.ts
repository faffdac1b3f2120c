/// <reference lib="esnext.disposable" preserve="true" />
import { Cell } from '../jit/storage/cell.ts';
import { checkTarget, operatorError, readingError, refuseExtra, refuseListAccess } from './array-errors.ts';
import { formatArray } from './array-print.ts';
import { elementReader, type NestedList, nested, offsetOf, type ReadonlyNestedList } from './array-read.ts';
import type { ComplexArray, ComplexDType, ComplexLike } from './complex/complex-array.ts';
import { type ShapedArray, shapedArray } from './core/aval.ts';
import { allocateFew, castNumber, copyOf, type DType, shortName, type TypedArray, writeNumbers } from './core/dtype.ts';
import { DisposedError, ShapeError } from './core/errors.ts';
import { disposedError, leakError } from './core/leak.ts';
import type { Shape } from './core/shape.ts';
import type { Source } from './core/source.ts';
import type { Subject } from './core/trace.ts';
import type { Index } from './lax/index-plan.ts';
import type { MeanOptions, VarOptions } from './numpy/averages.ts';
import type { TakeOptions } from './numpy/indexing.ts';
import type { ArrayMethods } from './numpy/methods.ts';
import type { ScanOptions } from './numpy/numeric.ts';
import type { ArgReduceOptions, ExtremumOptions, MaskedOptions, SumOptions } from './numpy/reductions.ts';

/** What operations accept for an array: numbers and booleans stand for rank-0 arrays. */
export type ArrayLike = NDArray | number | boolean;

export type { Index };

export interface TracerOrigin {
  readonly subject: Subject | undefined;
  readonly source?: Source | undefined;
}

/** `x.at(…)`: the places of an array, to be given new values in a copy of it. */
export interface IndexedPlaces {
  set(values: ArrayLike): NDArray;
  add(values: ArrayLike): NDArray;
  mul(values: ArrayLike): NDArray;
  min(values: ArrayLike): NDArray;
  max(values: ArrayLike): NDArray;
}

/**
 * Methods compute with the functions of `numpy`, which compute with arrays: a cycle of modules, and of classes, since
 * tracers extend `NDArray`. It is closed at run time, when the library is loaded.
 */
let ops: ArrayMethods;
export const provideMethods = (methods: ArrayMethods): void => {
  ops = methods;
};

/**
 * An n-dimensional array: concrete, or a tracer that stands for one while a function is traced.
 * Immutable; freed by the garbage collector.
 */
export class NDArray {
  // Made by the thousand before an engine has optimised anything: fields are set once, by the constructor.
  declare readonly aval: ShapedArray;
  declare private storage: Cell | undefined;
  /** The value of a rank-0 constant that came from a JavaScript number: written into programs rather than captured. */
  declare readonly literal: number | undefined;

  /** Use `np.array` and its kin. */
  constructor(aval: ShapedArray, storage?: Cell, literal?: number) {
    this.aval = aval;
    this.storage = storage;
    this.literal = literal;
  }

  /** Takes ownership of row-major `data`. */
  static fromHost(data: TypedArray, aval: ShapedArray): NDArray {
    return new NDArray(aval, Cell.fromHost(aval.dtype, data));
  }

  static ofLiteral(value: number, aval: ShapedArray): NDArray {
    return new NDArray(aval, Cell.fromNumber(aval.dtype, value), value);
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

  /** Where the elements are, of a concrete array. */
  get stored(): Cell | undefined {
    return this.storage;
  }

  /** The concrete array behind this value, where one may be read while tracing; undefined otherwise. */
  get concrete(): NDArray | undefined {
    return this.storage ? this : undefined;
  }

  /** False once the function that traced this value has returned. */
  get live(): boolean {
    return true;
  }

  /** What is being traced with a tracer, and where it was made. */
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
    return this.cell().toHost();
  }

  /** Where the elements are. */
  cell(): Cell {
    return this.known('hostData').storage!;
  }

  /** The same for reading at once: the memory may be another array's after the next operation. */
  read(operation: string): TypedArray {
    try {
      return this.known(operation).storage!.peek();
    } catch (error) {
      throw error instanceof DisposedError ? disposedError(operation, [this], error) : error;
    }
  }

  /** The elements where they are a few numbers of JavaScript's. Never write to it. */
  private get few(): number[] | undefined {
    return this.storage?.few;
  }

  /**
   * Frees the memory now instead of when the garbage collector comes by. Reading the array afterwards is an error.
   * Optional: for large arrays in long synchronous code. Also called at the end of the scope of a `using` declaration.
   * Slices, transposes and other views that have not been read yet keep the memory of the array behind them.
   * Operations that change nothing, as `x.reshape(x.shape)`, give the array itself, which is then disposed of with it.
   */
  dispose(): void {
    const { storage } = this;
    if (!storage) return;
    storage.dispose();
    if (!storage.disposed) this.storage = Cell.withoutStorage(storage);
  }

  /** Whether the memory was freed: by `dispose`, or by a call that this was donated to. */
  get disposed(): boolean {
    return this.storage?.disposed ?? false;
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  /** The concrete array to read, or the reason why there is none. */
  private known(operation: string): NDArray {
    const { concrete } = this;
    if (concrete) return concrete;
    throw this.live ? readingError(this, operation) : leakError(this, operation);
  }

  /** As an error message names it. */
  describe(): string {
    const type = `${shortName(this.dtype)}[${this.shape.join(',')}]`;
    return this.isTracer ? `Traced<${type}>` : type;
  }

  /**
   * The element of an array of size 1, or the one at a position, as a JavaScript number; of a bool array a boolean, for
   * TypeScript `item<boolean>()`. Negative positions count from the end.
   *
   * @example
   * np.sum(np.array([1, 2])).item(); // 3
   * np.array([[1, 2], [3, 4]]).item(1, 0); // 3
   * @throws ShapeError on other sizes without a position, and where that is none in the array
   * @throws TraceError where the value is not known because its function is being traced
   */
  item<T extends number | boolean = number>(...index: number[]): T {
    const { storage } = this.known('item');
    if (index.length === 0 && this.size !== 1) {
      throw new ShapeError(
        `item: ${this.aval} has ${this.size} elements, but only an array of one element is a number.`,
        {
          hint: 'read all elements with `tolist()` or `data()`, or one by its position: `x.item(0, 2)`',
        },
      );
    }
    return elementReader(this.aval)(storage!.at(index.length === 0 ? 0 : offsetOf(this.aval, index))) as T;
  }

  /**
   * The elements in nested JavaScript arrays; a number or boolean for rank 0.
   *
   * @example
   * np.array([[1, 2], [3, 4]]).tolist(); // [[1, 2], [3, 4]]
   * const [[a]] = np.array([[1, 2], [3, 4]]).tolist<[number, number][]>(); // the type, where it is known
   */
  tolist<T extends ReadonlyNestedList = NestedList>(): T {
    return nested(this.few ?? this.read('tolist'), this.shape, elementReader(this.aval)) as T;
  }

  /**
   * A copy of the elements, row-major, in the typed array of the dtype; bools as a `Uint8Array` of 0 and 1. With `into` they
   * are copied there and it is returned: nothing is allocated, which for large arrays takes longer than the copy.
   *
   * @throws ShapeError if `into` is of another type or length
   *
   * @example
   * const image = new Float32Array(4);
   * np.array([1, 2, 3, 4]).mul(2).data(image); // Float32Array [2, 4, 6, 8], which is `image`
   */
  data(): TypedArray;
  data<T extends TypedArray>(into: T): T;
  data(into?: TypedArray): TypedArray {
    const { few } = this;
    if (few) {
      if (into !== undefined) checkTarget(this, into);
      const target = into ?? allocateFew(this.dtype, few.length);
      writeNumbers(few, this.dtype, target, 0);
      return target;
    }
    const data = this.read('data');
    if (into === undefined) return this.aval.weakType ? Float32Array.from(data) : copyOf(data);
    checkTarget(this, into);
    into.set(data);
    return into;
  }

  /** As NumPy prints it; `Traced<f32[3]>` where the value is not known. */
  toString(): string {
    const { concrete } = this;
    if (!concrete) return this.describe();
    const data = concrete.read('toString');
    return formatArray(this.aval.weakType ? data.map((x) => castNumber(x, this.dtype)) : data, this.shape, this.dtype);
  }

  toJSON(): NestedList {
    this.known('toJSON');
    return this.tolist();
  }

  /** Text for template literals; an error for JavaScript's operators, which cannot compute with arrays. */
  [Symbol.toPrimitive](hint: string): string {
    if (hint === 'string') return this.toString();
    throw this.live ? operatorError(this) : leakError(this, 'operator');
  }

  /** Rows: the arrays along the first axis. Allows `const [a, b] = x`. */
  *[Symbol.iterator](): Generator<NDArray> {
    if (this.ndim === 0) throw new ShapeError(`iteration: ${this.aval} has no axis to iterate over.`);
    for (let i = 0; i < this.shape[0]!; i++) yield ops.slice(this, i);
  }

  /** The transpose: axes reversed. */
  get T(): NDArray {
    return ops.transpose(this);
  }

  /** this + y, broadcast together. */
  add(y: ArrayLike): NDArray;
  add(y: ComplexArray): ComplexArray;
  add(y: any): any {
    return ops.add(this, y);
  }

  /** this − y. */
  sub(y: ArrayLike): NDArray;
  sub(y: ComplexArray): ComplexArray;
  sub(y: any): any {
    return ops.sub(this, y);
  }

  /** this · y. */
  mul(y: ArrayLike): NDArray;
  mul(y: ComplexArray): ComplexArray;
  mul(y: any): any {
    return ops.mul(this, y);
  }

  /** this / y; integers give floats. */
  div(y: ArrayLike): NDArray;
  div(y: ComplexArray): ComplexArray;
  div(y: any): any {
    return ops.div(this, y);
  }

  /** Remainder with the sign of y. */
  mod(y: ArrayLike): NDArray {
    return ops.mod(this, y);
  }

  /** this to the power y. */
  pow(y: ArrayLike): NDArray;
  pow(y: ComplexArray): ComplexArray;
  pow(y: any): any {
    return ops.pow(this, y);
  }

  /** −this. */
  neg(): NDArray {
    return ops.neg(this);
  }

  /** Magnitudes. */
  abs(): NDArray {
    return ops.abs(this);
  }

  /** −1, 0 or 1. */
  sign(): NDArray {
    return ops.sign(this);
  }

  /** Square roots. */
  sqrt(): NDArray {
    return ops.sqrt(this);
  }

  /** e to the power of each element. */
  exp(): NDArray {
    return ops.exp(this);
  }

  /** Natural logarithms. */
  log(): NDArray {
    return ops.log(this);
  }

  /** Sines. */
  sin(): NDArray {
    return ops.sin(this);
  }

  /** Cosines. */
  cos(): NDArray {
    return ops.cos(this);
  }

  /** Tangents. */
  tan(): NDArray {
    return ops.tan(this);
  }

  /** Hyperbolic tangents. */
  tanh(): NDArray {
    return ops.tanh(this);
  }

  /** Squares. */
  square(): NDArray {
    return ops.square(this);
  }

  /** 1 / this. */
  reciprocal(): NDArray {
    return ops.reciprocal(this);
  }

  /** The integers below. */
  floor(): NDArray {
    return ops.floor(this);
  }

  /** The integers above. */
  ceil(): NDArray {
    return ops.ceil(this);
  }

  /** Rounded to `decimals` places (0), halves to even. */
  round(options?: { decimals?: number }): NDArray {
    return ops.round(this, options);
  }

  /** this > y. */
  gt(y: ArrayLike): NDArray {
    return ops.gt(this, y);
  }

  /** this ≥ y. */
  ge(y: ArrayLike): NDArray {
    return ops.ge(this, y);
  }

  /** this < y. */
  lt(y: ArrayLike): NDArray {
    return ops.lt(this, y);
  }

  /** this ≤ y. */
  le(y: ArrayLike): NDArray {
    return ops.le(this, y);
  }

  /** this = y. */
  eq(y: ComplexLike): NDArray {
    return ops.eq(this, y as ArrayLike);
  }

  /** this ≠ y. */
  ne(y: ComplexLike): NDArray {
    return ops.ne(this, y as ArrayLike);
  }

  /** Both: logical on bools, bitwise on integers. */
  and(y: ArrayLike): NDArray {
    return ops.and(this, y);
  }

  /** Either: logical on bools, bitwise on integers. */
  or(y: ArrayLike): NDArray {
    return ops.or(this, y);
  }

  /** One but not both: logical on bools, bitwise on integers. */
  xor(y: ArrayLike): NDArray {
    return ops.xor(this, y);
  }

  /** Logical not on bools, bitwise on integers. */
  not(): NDArray {
    return ops.not(this);
  }

  /** Sum over axes. */
  sum(options?: SumOptions): NDArray {
    return ops.sum(this, options);
  }

  /** Product over axes. */
  prod(options?: SumOptions): NDArray {
    return ops.prod(this, options);
  }

  /** Mean over axes. */
  mean(options?: MeanOptions): NDArray {
    return ops.mean(this, options);
  }

  /** Largest element over axes. */
  max(options?: ExtremumOptions): NDArray {
    return ops.max(this, options);
  }

  /** Smallest element over axes. */
  min(options?: ExtremumOptions): NDArray {
    return ops.min(this, options);
  }

  /** Whether any element is true, over axes. */
  any(options?: MaskedOptions): NDArray {
    return ops.any(this, options);
  }

  /** Whether all elements are true, over axes. */
  all(options?: MaskedOptions): NDArray {
    return ops.all(this, options);
  }

  /** Variance over axes. */
  var(options?: VarOptions): NDArray {
    return ops.var(this, options);
  }

  /** Standard deviation over axes. */
  std(options?: VarOptions): NDArray {
    return ops.std(this, options);
  }

  /** Index of the first largest element. */
  argmax(options?: ArgReduceOptions): NDArray {
    return ops.argmax(this, options);
  }

  /** Index of the first smallest element. */
  argmin(options?: ArgReduceOptions): NDArray {
    return ops.argmin(this, options);
  }

  /** Running sums. */
  cumsum(options?: ScanOptions): NDArray {
    return ops.cumsum(this, options);
  }

  /** Running products. */
  cumprod(options?: ScanOptions): NDArray {
    return ops.cumprod(this, options);
  }

  /** Dot product as `np.dot`. */
  dot(y: ArrayLike): NDArray;
  dot(y: ComplexArray): ComplexArray;
  dot(y: any): any {
    return ops.dot(this, y);
  }

  /** Matrix product. */
  matmul(y: ArrayLike): NDArray;
  matmul(y: ComplexArray): ComplexArray;
  matmul(y: any): any {
    return ops.matmul(this, y);
  }

  /** The same elements in another shape; one length may be −1. `x.reshape(2, 3)` or `x.reshape([2, 3])`. */
  reshape(...shape: number[] | [Shape]): NDArray {
    return ops.reshape(this, shape.length === 1 && Array.isArray(shape[0]) ? shape[0] : (shape as number[]));
  }

  /** The elements as a vector. */
  ravel(): NDArray {
    return ops.ravel(this);
  }

  /** The elements as a vector. */
  flatten(): NDArray {
    return ops.ravel(this);
  }

  /** Axes in another order; reversed when none are given. */
  transpose(...axes: number[] | [Shape]): NDArray {
    return ops.transpose(
      this,
      axes.length === 0 ? undefined : typeof axes[0] === 'object' ? axes[0] : (axes as number[]),
    );
  }

  /** Two axes exchanged. */
  swapaxes(a: number, b: number): NDArray {
    return ops.swapaxes(this, a, b);
  }

  /** Without axes of length 1. */
  squeeze(options?: { axis?: number | readonly number[] }): NDArray {
    return ops.squeeze(this, options);
  }

  /** With new axes of length 1. */
  expandDims(axis: number | readonly number[]): NDArray {
    return ops.expandDims(this, axis);
  }

  /** Converted to another dtype; to a complex one, with zeros as imaginary parts. */
  astype(dtype: DType): NDArray;
  astype(dtype: ComplexDType): ComplexArray;
  astype(dtype: any): any {
    return ops.astype(this, dtype);
  }

  /** Limited to [low, high]; null leaves a side open. */
  clip(low: ArrayLike | null, high?: ArrayLike | null): NDArray {
    return ops.clip(this, low, high);
  }

  /** Elements, or slices along an axis, at given positions; see `np.take`. */
  take(indices: ArrayLike | readonly number[], options?: TakeOptions): NDArray {
    return ops.take(this, indices, options);
  }

  /** Each element repeated. */
  repeat(repeats: number, options?: { axis?: number | null }): NDArray {
    return ops.repeat(this, repeats, options);
  }

  /** Sorted along an axis, the last by default. */
  sort(options?: { axis?: number | null }): NDArray {
    return ops.sort(this, options);
  }

  /** The positions that sort along an axis. */
  argsort(options?: { axis?: number | null }): NDArray {
    return ops.argsort(this, options);
  }

  /** Elements of a diagonal. */
  diagonal(options?: { offset?: number }): NDArray {
    return ops.diagonal(this, options);
  }

  /**
   * Part of the array. Entries are, axis by axis: a number, `[start, stop, step?]` (null leaves a bound open), `[]` for
   * all, `null` for a new axis, `'...'` for the axes in between, or an array of integers or bools.
   *
   * @example
   * x.slice([1, 3], -1); // x[1:3, -1] in Python
   */
  slice(...index: Index[]): NDArray {
    return ops.slice(this, ...index);
  }

  /**
   * Places of the array, as `slice` names them, to update in a copy.
   *
   * @example
   * x.at(0).set(5); // x with 5 in its first row
   */
  at(...index: Index[]): IndexedPlaces {
    return ops.at(this, ...index);
  }
}

refuseListAccess(NDArray.prototype);
refuseExtra(NDArray.prototype);

Object.defineProperty(NDArray.prototype, Symbol.for('nodejs.util.inspect.custom'), {
  value(this: NDArray): string {
    return this.toString();
  },
});
