import {
  bitselect,
  type Expr,
  type FunctionBuilder,
  f32x4c,
  i32c,
  i32x4c,
  type Local,
  madd,
  op,
  type Target,
} from '../../wasm/code.ts';
import type { VectorFunction } from '../vector-function.ts';

/** Four float32 lanes: instructions by short names. Operands that stand in several places must be named (`let`). */
export class Lanes {
  readonly f: FunctionBuilder;
  readonly target: Target;

  constructor(f: FunctionBuilder, target: Target) {
    this.f = f;
    this.target = target;
  }

  let(x: Expr): Expr {
    return this.f.let(x);
  }
  var(x: Expr): Local {
    return this.f.var(x);
  }

  /** a·b + c, fused where the target can. */
  madd(a: Expr, b: Expr, c: Expr): Expr {
    return madd(this.target, 'f32x4', a, b, c);
  }

  /** Σ cₖ xᵏ by Horner's rule. */
  polynomial(coefficients: readonly number[], x: Expr): Expr {
    return coefficients
      .slice(0, -1)
      .reduceRight<Expr>((sum, c) => this.madd(sum, x, f32x4c(c)), f32x4c(coefficients.at(-1)!));
  }

  /** Statements for vectors in which the mask is not set in every lane. */
  unlessAll(mask: Expr, write: () => void): void {
    this.f.if(op('i32.ne', op('i32x4.bitmask', mask), i32c(15)), write);
  }
}

export const add = (a: Expr, b: Expr): Expr => op('f32x4.add', a, b);
export const sub = (a: Expr, b: Expr): Expr => op('f32x4.sub', a, b);
export const mul = (a: Expr, b: Expr): Expr => op('f32x4.mul', a, b);
export const div = (a: Expr, b: Expr): Expr => op('f32x4.div', a, b);
export const abs = (a: Expr): Expr => op('f32x4.abs', a);
export const neg = (a: Expr): Expr => op('f32x4.neg', a);
export const lt = (a: Expr, b: Expr): Expr => op('f32x4.lt', a, b);
export const ge = (a: Expr, b: Expr): Expr => op('f32x4.ge', a, b);
export const eq = (a: Expr, b: Expr): Expr => op('f32x4.eq', a, b);
/** The smaller; the first where one is NaN or both are zeros. A single instruction, unlike f32x4.min. */
export const min = (a: Expr, b: Expr): Expr => op('f32x4.pmin', a, b);
export const max = (a: Expr, b: Expr): Expr => op('f32x4.pmax', a, b);
export const and = (a: Expr, b: Expr): Expr => op('v128.and', a, b);
export const or = (a: Expr, b: Expr): Expr => op('v128.or', a, b);
export const xor = (a: Expr, b: Expr): Expr => op('v128.xor', a, b);
export const not = (a: Expr): Expr => op('v128.not', a);
export const iadd = (a: Expr, b: Expr): Expr => op('i32x4.add', a, b);
export const isub = (a: Expr, b: Expr): Expr => op('i32x4.sub', a, b);
export const shl = (a: Expr, n: number): Expr => op('i32x4.shl', a, i32c(n));
export const sra = (a: Expr, n: number): Expr => op('i32x4.shr_s', a, i32c(n));
export const c: (value: number) => Expr = f32x4c;
export const bits: (value: number) => Expr = i32x4c;
export const choose: (mask: Expr, a: Expr, b: Expr) => Expr = bitselect;

export const signBit: Expr = i32x4c(-0x80000000);
/** x with the sign of `from`; x must not be negative. */
export const withSign = (x: Expr, from: Expr): Expr => or(x, and(from, signBit));

/** A vector function from what it does with its operands. */
export const onLanes =
  (write: (v: Lanes, ...operands: readonly [Expr, Expr]) => Expr): VectorFunction =>
  (f, target, ...operands) =>
    write(new Lanes(f, target), ...(operands as unknown as [Expr, Expr]));
