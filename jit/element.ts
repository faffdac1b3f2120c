import type { DType } from '../src/core/dtype.ts';

/**
 * What an elementwise primitive computes for one element: an expression over its operands as plain data. The scheduler
 * emits it on scalars (rank-0 values of the driver) and on four lanes at a time (kernels), with the same bits.
 */
export interface Element {
  readonly op: ElementOp;
  readonly dtype: DType;
  readonly args: readonly Element[];
  /** `const`: the value. `input`: the operand's number. `index`: the output axis. `call`: see `fn`. */
  readonly value?: number;
  readonly fn?: string;
}

export type ElementOp =
  | 'input'
  | 'const'
  | 'index' // int32 coordinate of the element along output axis `value`
  | 'add'
  | 'sub'
  | 'mul'
  | 'div' // integers wrap; integer division truncates, x / 0 = -1 and INT_MIN / -1 = INT_MIN as JAX
  | 'neg'
  | 'abs'
  | 'sqrt'
  | 'floor'
  | 'ceil'
  | 'trunc'
  | 'nearest' // nearest: ties to even
  | 'min'
  | 'max' // NaN if either is NaN
  | 'copysign' // on floats: |x| with the sign of y, which NaN has not
  | 'rem' // integer remainder, sign of the dividend, x rem 0 = x; floats: call('rem', …)
  | 'and'
  | 'or'
  | 'xor'
  | 'not' // on integers bitwise, on bools logical
  | 'shl'
  | 'shrArithmetic'
  | 'shrLogical' // amounts ≥ 32 shift everything out
  | 'eq'
  | 'ne'
  | 'lt'
  | 'le'
  | 'gt'
  | 'ge' // to bool
  | 'select' // (bool, whenTrue, whenFalse)
  | 'convert' // numeric conversion to `dtype`, saturating from floats, wrapping between integers
  | 'bitcast' // float32 ↔ int32 / uint32, same bits
  | 'mulHigh' // upper 32 bits of the 64-bit product of two uint32
  | 'call'; // a function of jit/math by name, on float32 or float64

/** Builds {@link Element}s; operands of a binary operation have one dtype. */
export class ElementBuilder {
  input(index: number, dtype: DType): Element {
    return { op: 'input', dtype, args: [], value: index };
  }
  const(value: number, dtype: DType): Element {
    return { op: 'const', dtype, args: [], value };
  }
  /** int32 coordinate of the element along output axis `axis`. */
  index(axis: number): Element {
    return { op: 'index', dtype: 'int32', args: [], value: axis };
  }
  unary(op: ElementOp, x: Element): Element {
    return { op, dtype: x.dtype, args: [x] };
  }
  binary(op: ElementOp, x: Element, y: Element): Element {
    return { op, dtype: x.dtype, args: [x, y] };
  }
  compare(op: 'eq' | 'ne' | 'lt' | 'le' | 'gt' | 'ge', x: Element, y: Element): Element {
    return { op, dtype: 'bool', args: [x, y] };
  }
  add(x: Element, y: Element): Element {
    return this.binary('add', x, y);
  }
  sub(x: Element, y: Element): Element {
    return this.binary('sub', x, y);
  }
  mul(x: Element, y: Element): Element {
    return this.binary('mul', x, y);
  }
  div(x: Element, y: Element): Element {
    return this.binary('div', x, y);
  }
  select(cond: Element, whenTrue: Element, whenFalse: Element): Element {
    return { op: 'select', dtype: whenTrue.dtype, args: [cond, whenTrue, whenFalse] };
  }
  convert(x: Element, dtype: DType): Element {
    return x.dtype === dtype ? x : { op: 'convert', dtype, args: [x] };
  }
  bitcast(x: Element, dtype: DType): Element {
    return x.dtype === dtype ? x : { op: 'bitcast', dtype, args: [x] };
  }
  /** A function of jit/math: 'exp', 'sin', 'pow', … */
  call(fn: string, ...args: Element[]): Element {
    return { op: 'call', dtype: args[0]!.dtype, args, fn };
  }
}
