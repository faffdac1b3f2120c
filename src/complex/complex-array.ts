import type { NDArray } from '../array.ts';
import type { Shape } from '../core/shape.ts';
import * as tree from '../tree.ts';

/**
 * An array of complex numbers: its real and its imaginary parts, two arrays of one shape and floating-point dtype. Every
 * transformation sees a tree of these two, and programs compute with planes of real numbers, which fill vector registers
 * without shuffles.
 */
export class ComplexArray {
  readonly real: NDArray;
  readonly imag: NDArray;

  /** Use `lax.complex` and its kin. */
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

  get dtype(): 'complex64' | 'complex128' {
    return this.real.dtype === 'float64' ? 'complex128' : 'complex64';
  }
}

tree.register(
  ComplexArray,
  ({ real, imag }) => ({ children: [real, imag] as const }),
  ([real, imag]) => new ComplexArray(real, imag),
);
