/// <reference lib="esnext.disposable" preserve="true" />
import type { ArrayLike, Index, NDArray } from '../array.ts';
import { refuseExtra, refuseListAccess } from '../array-errors.ts';
import { formatComplexArray } from '../array-print.ts';
import { castNumber, type DType, type TypedArray } from '../core/dtype.ts';
import { ControlFlowError, ShapeError } from '../core/errors.ts';
import type { Shape } from '../core/shape.ts';
import type { TakeOptions } from '../numpy/indexing.ts';
import type { ScanOptions } from '../numpy/numeric.ts';
import type { ComplexMethods } from './methods.ts';
import type { ComplexMeanOptions, ComplexSumOptions, ComplexVarOptions } from './reductions.ts';

/** A complex number in plain data: what `item` and `tolist` give, and `np.array` takes. */
export interface Complex {
  readonly real: number;
  readonly imag: number;
}

/** Complex numbers in lists nested as deep as the rank. */
export type ComplexNestedList = Complex | ComplexNestedList[];

export type ComplexDType = 'complex64' | 'complex128';

/** What operations on complex arrays accept: real operands, too, which are not made complex first. */
export type ComplexLike = ArrayLike | ComplexArray;

/** `z.at(…)`: the places of an array, to be given new values in a copy of it. */
export interface ComplexPlaces {
  set(values: ComplexLike): ComplexArray;
  add(values: ComplexLike): ComplexArray;
}

/** Methods compute with functions on complex arrays: see `provideMethods` of real ones. */
let ops: ComplexMethods;
export const provideComplexMethods = (methods: ComplexMethods): void => {
  ops = methods;
};

/**
 * An array of complex numbers: its real and its imaginary parts, two arrays of one shape and floating-point dtype. Every
 * transformation sees a tree of these two, and programs compute with planes of real numbers, which fill vector registers
 * without shuffles. Immutable, as the two are.
 *
 * The gradient of a real function is `∂f/∂real + i ∂f/∂imag`: the direction of steepest ascent.
 *
 * @example
 * const z = np.array([{ real: 3, imag: 4 }, { real: 0, imag: 1 }]); // c64[2]
 * z.mul(np.j).add(1); // [-3.+3.j  0.+0.j]
 * z.abs(); // [5. 1.]
 */
export class ComplexArray {
  readonly real: NDArray;
  readonly imag: NDArray;

  /** Use `np.complex`, `np.array` and their kin: nothing is checked here. */
  constructor(real: NDArray, imag: NDArray) {
    this.real = real;
    this.imag = imag;
  }

  get shape(): Shape {
    return this.real.shape;
  }

  get ndim(): number {
    return this.real.ndim;
  }

  get size(): number {
    return this.real.size;
  }

  get dtype(): ComplexDType {
    return this.real.dtype === 'float64' ? 'complex128' : 'complex64';
  }

  /** Whether it stands for an array while a function is traced. */
  get isTracer(): boolean {
    return this.real.isTracer || this.imag.isTracer;
  }

  /** As an error message names it. */
  describe(): string {
    const type = `${this.dtype === 'complex128' ? 'c128' : 'c64'}[${this.shape.join(',')}]`;
    return this.isTracer ? `Traced<${type}>` : type;
  }

  /** Frees the memory of both parts now. Optional, as for real arrays. */
  dispose(): void {
    this.real.dispose();
    this.imag.dispose();
  }

  get disposed(): boolean {
    return this.real.disposed || this.imag.disposed;
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  /**
   * The element of an array of size 1, or the one at a position. Negative positions count from the end.
   *
   * @example
   * np.complex(np.array([1, 2]), 3).item(1); // { real: 2, imag: 3 }
   * @throws ShapeError on other sizes without a position, and where that is none in the array
   * @throws TraceError where the value is not known because its function is being traced
   */
  item(...index: number[]): Complex {
    if (index.length === 0 && this.size !== 1) {
      throw new ShapeError(
        `item: ${this.describe()} has ${this.size} elements, but only an array of one element is a number.`,
        { hint: 'read all elements with `tolist()` or `data()`' },
      );
    }
    return { real: this.real.item(...index), imag: this.imag.item(...index) };
  }

  /**
   * The elements in nested JavaScript arrays; one for rank 0.
   *
   * @example
   * np.complex(np.array([1, 2]), 3).tolist(); // [{ real: 1, imag: 3 }, { real: 2, imag: 3 }]
   */
  tolist(): ComplexNestedList {
    const zip = (re: any, im: any): ComplexNestedList =>
      Array.isArray(re) ? re.map((x, i) => zip(x, im[i])) : { real: re, imag: im };
    return zip(this.real.tolist(), this.imag.tolist());
  }

  /** Copies of the parts, row-major. */
  data(): { real: TypedArray; imag: TypedArray } {
    return { real: this.real.data(), imag: this.imag.data() };
  }

  /** As NumPy prints it; `Traced<c64[3]>` where the value is not known. */
  toString(): string {
    const [re, im] = [this.real.concrete, this.imag.concrete];
    if (!re || !im) return this.describe();
    const dtype: DType = this.real.dtype;
    const read = (part: NDArray): TypedArray => {
      const data = part.read('toString');
      return part.aval.weakType ? data.map((x) => castNumber(x, dtype)) : data;
    };
    return formatComplexArray(read(re), read(im), this.shape, dtype);
  }

  toJSON(): ComplexNestedList {
    return this.tolist();
  }

  /** Text for template literals; an error for JavaScript's operators, which cannot compute with arrays. */
  [Symbol.toPrimitive](hint: string): string {
    if (hint === 'string') return this.toString();
    throw new ControlFlowError(`A JavaScript operator or Math function was applied to an array, ${this.describe()}.`, {
      hint: 'compute with its methods, as in `z.add(1)`',
    });
  }

  /** Rows: the arrays along the first axis. Allows `const [a, b] = z`. */
  *[Symbol.iterator](): Generator<ComplexArray> {
    if (this.ndim === 0) throw new ShapeError(`iteration: ${this.describe()} has no axis to iterate over.`);
    for (let i = 0; i < this.shape[0]!; i++) yield this.slice(i);
  }

  /** The transpose: axes reversed. */
  get T(): ComplexArray {
    return ops.transpose(this);
  }

  /** The conjugate transpose of a matrix or a stack of matrices: the last two axes exchanged. */
  get H(): ComplexArray {
    return ops.conj(ops.matrixTranspose(this));
  }

  /** this + y, broadcast together. */
  add(y: ComplexLike): ComplexArray {
    return ops.add(this, y);
  }

  /** this − y. */
  sub(y: ComplexLike): ComplexArray {
    return ops.sub(this, y);
  }

  /** this · y. */
  mul(y: ComplexLike): ComplexArray {
    return ops.mul(this, y);
  }

  /** this / y. */
  div(y: ComplexLike): ComplexArray {
    return ops.div(this, y);
  }

  /** this to the power y, by multiplication where y is an integer number. */
  pow(y: ComplexLike): ComplexArray {
    return ops.pow(this, y);
  }

  /** −this. */
  neg(): ComplexArray {
    return ops.neg(this);
  }

  /** The conjugate: imaginary parts negated. */
  conj(): ComplexArray {
    return ops.conj(this);
  }

  /** Magnitudes, which are real. The derivative at 0 is 0. */
  abs(): NDArray {
    return ops.abs(this);
  }

  /** Angles in (−π, π]. */
  angle(): NDArray {
    return ops.angle(this);
  }

  /** this / |this|, and 0 at 0. */
  sign(): ComplexArray {
    return ops.sign(this);
  }

  /** Square roots with a real part that is not negative. */
  sqrt(): ComplexArray {
    return ops.sqrt(this);
  }

  /** e to the power of each element. */
  exp(): ComplexArray {
    return ops.exp(this);
  }

  /** Natural logarithms, with angles in (−π, π]. */
  log(): ComplexArray {
    return ops.log(this);
  }

  /** Sines. */
  sin(): ComplexArray {
    return ops.sin(this);
  }

  /** Cosines. */
  cos(): ComplexArray {
    return ops.cos(this);
  }

  /** Tangents. */
  tan(): ComplexArray {
    return ops.tan(this);
  }

  /** Hyperbolic tangents. */
  tanh(): ComplexArray {
    return ops.tanh(this);
  }

  /** Squares. */
  square(): ComplexArray {
    return ops.square(this);
  }

  /** 1 / this. */
  reciprocal(): ComplexArray {
    return ops.reciprocal(this);
  }

  /** this = y. */
  eq(y: ComplexLike): NDArray {
    return ops.eq(this, y);
  }

  /** this ≠ y. */
  ne(y: ComplexLike): NDArray {
    return ops.ne(this, y);
  }

  /** Sum over axes. */
  sum(options?: ComplexSumOptions): ComplexArray {
    return ops.sum(this, options);
  }

  /** Product over axes. */
  prod(options?: ComplexSumOptions): ComplexArray {
    return ops.prod(this, options);
  }

  /** Mean over axes. */
  mean(options?: ComplexMeanOptions): ComplexArray {
    return ops.mean(this, options);
  }

  /** Variance over axes: the mean of |this − mean|², which is real. */
  var(options?: ComplexVarOptions): NDArray {
    return ops.var(this, options);
  }

  /** Standard deviation over axes. */
  std(options?: ComplexVarOptions): NDArray {
    return ops.std(this, options);
  }

  /** Running sums. */
  cumsum(options?: ScanOptions): ComplexArray {
    return ops.cumsum(this, options);
  }

  /** Running products. */
  cumprod(options?: ScanOptions): ComplexArray {
    return ops.cumprod(this, options);
  }

  /** Dot product as `np.dot`, which conjugates nothing. */
  dot(y: ComplexLike): ComplexArray {
    return ops.dot(this, y);
  }

  /** Matrix product. */
  matmul(y: ComplexLike): ComplexArray {
    return ops.matmul(this, y);
  }

  /** The same elements in another shape; one length may be −1. */
  reshape(...shape: number[] | [Shape]): ComplexArray {
    return ops.reshape(this, shape.length === 1 && Array.isArray(shape[0]) ? shape[0] : (shape as number[]));
  }

  /** The elements as a vector. */
  ravel(): ComplexArray {
    return ops.ravel(this);
  }

  /** The elements as a vector. */
  flatten(): ComplexArray {
    return ops.ravel(this);
  }

  /** Axes in another order; reversed when none are given. */
  transpose(...axes: number[] | [Shape]): ComplexArray {
    return ops.transpose(
      this,
      axes.length === 0 ? undefined : typeof axes[0] === 'object' ? axes[0] : (axes as number[]),
    );
  }

  /** Two axes exchanged. */
  swapaxes(a: number, b: number): ComplexArray {
    return ops.swapaxes(this, a, b);
  }

  /** Without axes of length 1. */
  squeeze(options?: { axis?: number | readonly number[] }): ComplexArray {
    return ops.squeeze(this, options);
  }

  /** With new axes of length 1. */
  expandDims(axis: number | readonly number[]): ComplexArray {
    return ops.expandDims(this, axis);
  }

  /** Of the other precision. */
  astype(dtype: ComplexDType): ComplexArray {
    return ops.astype(this, dtype);
  }

  /** Elements, or slices along an axis, at given positions; see `np.take`. */
  take(indices: ArrayLike | readonly number[], options?: TakeOptions): ComplexArray {
    return ops.take(this, indices, options);
  }

  /** Each element repeated. */
  repeat(repeats: number, options?: { axis?: number | null }): ComplexArray {
    return ops.repeat(this, repeats, options);
  }

  /** Elements of a diagonal. */
  diagonal(options?: { offset?: number }): ComplexArray {
    return ops.diagonal(this, options);
  }

  /** Part of the array, as of a real one. */
  slice(...index: Index[]): ComplexArray {
    return ops.slice(this, ...index);
  }

  /**
   * Places of the array, as `slice` names them, to update in a copy.
   *
   * @example
   * np.zeros([2], { dtype: 'complex64' }).at(0).set(np.j); // [0.+1.j 0.+0.j]
   */
  at(...index: Index[]): ComplexPlaces {
    return ops.at(this, ...index);
  }
}

refuseListAccess(ComplexArray.prototype);
refuseExtra(ComplexArray.prototype);

Object.defineProperty(ComplexArray.prototype, Symbol.for('nodejs.util.inspect.custom'), {
  value(this: ComplexArray): string {
    return this.toString();
  },
});
