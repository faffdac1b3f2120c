import type { ShapedArray } from '../src/core/aval.ts';
import type { TypedArray } from '../src/core/dtype.ts';
import type { Jaxpr } from '../src/core/jaxpr.ts';
import type { Shape } from '../src/core/shape.ts';
import type { Element, ElementBuilder } from './element.ts';
import type { Expr, FunctionBuilder, Target } from './wasm/code.ts';

/** How a primitive becomes machine code, as plain data; one of the kinds below. */
export type LowerRule<P> =
  /** One output of the iteration's shape; operands have that shape or rank 0 (a scalar stands for every element). */
  | {
      readonly kind: 'elementwise';
      readonly build: (b: ElementBuilder, args: readonly Element[], params: P, output: ShapedArray) => Element;
    }
  /** The output is another indexing of operand 0: no data moves unless it has to. */
  | { readonly kind: 'view'; readonly view: (params: P, input: ShapedArray, output: ShapedArray) => View }
  /** Same elements in the same row-major order. */
  | { readonly kind: 'reshape' }
  /**
   * The output reads operand 0 at positions that the other operands, of int32, say. Where one of these is a concatenation
   * along its last axis, its parts may take its place.
   */
  | { readonly kind: 'gather'; readonly access: (params: P, inputs: readonly ShapedArray[]) => Access }
  /** Operand 0 with the elements of another operand written to it, or combined with what is there. */
  | {
      readonly kind: 'scatter';
      readonly combine: 'set' | 'add' | 'mul' | 'max' | 'min';
      readonly access: (params: P, inputs: readonly ShapedArray[]) => ScatterAccess;
    }
  /** Folds operand 0 over `axes`. The identity starts the fold; `and`/`or` work on bools. */
  | {
      readonly kind: 'reduce';
      readonly combine: 'add' | 'mul' | 'max' | 'min' | 'and' | 'or';
      readonly axes: (params: P) => readonly number[];
    }
  /** Contraction with batch dimensions: out[batch…, lhs free…, rhs free…]. */
  | { readonly kind: 'dot'; readonly dimensions: (params: P) => DotDimensions }
  /** A hand-written kernel: one function over contiguous row-major buffers. */
  | {
      readonly kind: 'kernel';
      readonly build: (k: KernelContext, inputs: readonly Operand[], outputs: readonly Operand[], params: P) => void;
    }
  /** Boxes of operands put together; operands that are views are read where their arrays lie. */
  | {
      readonly kind: 'regions';
      readonly regions: (params: P, inputs: readonly ShapedArray[], output: ShapedArray) => Regions;
    }
  /** Calls of functions of the runtime module, in order: the same ones in compiled programs and without `jit`. Operands have rank 1 or more. */
  | {
      readonly kind: 'runtime';
      readonly calls: (params: P, inputs: readonly ShapedArray[], outputs: readonly ShapedArray[]) => RuntimeCalls;
    }
  /**
   * Evaluates a jaxpr in place. `operands` picks the equation's operands that are its inputs, in order. With `separate`,
   * what it computes is computed anew, even where an equal value exists. `derived`: the jaxpr is none of the parameters, but
   * made of them here. `elementwise`: it computes each element alone, so that the bits are the same whatever it is compiled with.
   */
  | {
      readonly kind: 'inline';
      readonly separate?: boolean;
      readonly derived?: boolean;
      readonly elementwise?: boolean;
      readonly jaxpr: (params: P, inputs: readonly ShapedArray[]) => { jaxpr: Jaxpr; operands?: readonly number[] };
    }
  /** Operand 0 is an int32 index (clamped) or a bool; the others go to the chosen branch. */
  | { readonly kind: 'cond'; readonly branches: (params: P) => readonly Jaxpr[] }
  /** Operands: cond constants, body constants, carry. */
  | { readonly kind: 'while'; readonly loop: (params: P) => WhileLoop }
  /** Operands: constants, carry, xs (leading axis = length). Results: carry, stacked ys. */
  | { readonly kind: 'scan'; readonly loop: (params: P) => ScanLoop }
  /** Calls back into JavaScript with the operands. What it returns are the data of the results, where there are any. */
  | { readonly kind: 'callback'; readonly handler: (params: P) => CallbackHandler }
  /** The result is operand 0, unchanged. */
  | { readonly kind: 'identity' };

/** Where there are results, it returns their data. */
export type CallbackHandler = ((...args: unknown[]) => readonly TypedArray[]) | ((...args: unknown[]) => void);

/** Parts of operands with their places in the output. */
export interface Regions {
  /** The rank-0 operand that stands where no part does. */
  readonly fill?: number;
  readonly parts: readonly Region[];
}

export interface Region {
  readonly operand: number;
  /** Per axis `count` elements of the operand from `first` on, which stand in the output from `at` on, `step` apart. */
  readonly axes: readonly {
    readonly first: number;
    readonly count: number;
    readonly at: number;
    readonly step: number;
  }[];
}

/** Output element (i₀ … iₖ) reads input element offset + Σ stridesⱼ·iⱼ of the contiguous operand. */
export interface View {
  readonly offset: number;
  readonly strides: readonly number[];
}

export interface RuntimeCalls {
  /** Bytes of scratch memory that the calls share. */
  readonly scratch: number;
  readonly calls: readonly RuntimeCall[];
}

export interface RuntimeCall {
  readonly name: string;
  readonly args: readonly RuntimeArgument[];
}

/** A number, or an address: of an operand, of a result, or so many bytes into the scratch memory. */
export type RuntimeArgument =
  | number
  | { readonly input: number }
  | { readonly output: number }
  | { readonly scratch: number };

/** Element i of a gather's output is read at a place of operand 0 that i and computed positions together determine. */
export interface Access {
  /** The axis of operand 0 along which each axis of the output moves, element by element; undefined for none. */
  readonly axes: readonly (number | undefined)[];
  /** A position along `axis` of operand 0, from 0 to `room`: what is outside is moved to the edge. */
  readonly positions: readonly {
    readonly axis: number;
    readonly room: number;
    /** Which operand holds it, and at which of its elements. */
    readonly operand: number;
    readonly view: View;
  }[];
  /** What is read instead where a position lies outside. */
  readonly fill?: number;
}

/** Where element i of the updates goes. With `fill`, those whose positions lie outside are left out. */
export interface ScatterAccess extends Access {
  /** Which operand holds the updates. */
  readonly updates: number;
  /** Axes of the updates whose elements go to different places; along the others they are taken in order. */
  readonly windowAxes: readonly number[];
}

export interface DotDimensions {
  readonly lhsContract: readonly number[];
  readonly rhsContract: readonly number[];
  readonly lhsBatch: readonly number[];
  readonly rhsBatch: readonly number[];
}

export interface WhileLoop {
  readonly cond: Jaxpr;
  readonly body: Jaxpr;
  readonly condConsts: number;
  readonly bodyConsts: number;
}

export interface ScanLoop {
  readonly body: Jaxpr;
  readonly length: number;
  readonly reverse: boolean;
  /** Steps per turn of the loop. */
  readonly unroll: number;
  readonly consts: number;
  readonly carry: number;
}

/** An operand of a hand-written kernel. Inputs of rank 0 come by value (`value`; a bool as i32 0 or 1), arrays by address. */
export interface Operand {
  readonly aval: ShapedArray;
  readonly shape: Shape;
  /** i32 address of row-major data. Outputs of rank 0 have an address too. */
  readonly ptr: Expr;
  readonly value?: Expr;
}

/** What a hand-written kernel writes itself with. */
export interface KernelContext {
  readonly f: FunctionBuilder;
  readonly target: Target;
  /** Address of `bytes` of scratch memory, 16-byte aligned, not cleared. */
  scratch(bytes: number): Expr;
  /** Name to call a function of jit/math by, e.g. `k.math('exp', 'f64')`; it is added to the module. */
  math(fn: string, type: 'f32' | 'f64' | 'f32x4' | 'f64x2'): string;
}
