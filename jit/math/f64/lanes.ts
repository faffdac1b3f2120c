import { type Expr, type FunctionBuilder, f64x2c, i32c, i64x2c, type Local, op, type Target } from '../../wasm/code.ts';

/** A vector, or a number that stands for two equal lanes. */
export type Operand = Expr | number;

/** An unevaluated sum of two vectors, the second at most about half a last place of the first. Both are locals. */
export interface Pair {
  readonly high: Expr;
  readonly low: Expr;
}

const arithmetic = (name: string, a: Operand, b: Operand): Expr => op(`f64x2.${name}`, vector(a), vector(b));
const vector = (x: Operand): Expr => (typeof x === 'number' ? f64x2c(x) : x);

/** 64 bits in both lanes. */
export const bits = (value: bigint): Expr => i64x2c(BigInt.asIntN(64, value));

export const signBit: Expr = bits(1n << 63n);
const magnitudeBits = bits((1n << 63n) - 1n);
/** The upper 26 of 53 bits: what is left of them is exact in 27. */
export const upperBits: Expr = bits(-(1n << 27n));
/** Its last bits are those of the integer below 2⁵² that is or-ed into it. */
export const twoTo52: Expr = f64x2c(2 ** 52);
/** Bit 52, where the exponent starts. */
const exponentAt = 52;
/** 1.5·2⁵². Added to a number below 2⁵¹ it leaves the nearest integer in the last bits. */
export const roundingShift: number = 1.5 * 2 ** 52;

/**
 * Arithmetic on two float64 lanes, with the names of the instructions. Results are trees: what is read twice is named
 * with `let`. Where an argument is read twice inside, its documentation says "named".
 */
export class Lanes {
  readonly f: FunctionBuilder;
  readonly target: Target;

  constructor(f: FunctionBuilder, target: Target) {
    this.f = f;
    this.target = target;
  }

  let = (x: Expr): Expr => (x.kind === 'local' ? x : this.f.let(x));
  var = (x: Expr): Local => this.f.var(x);

  add = (a: Operand, b: Operand): Expr => arithmetic('add', a, b);
  sub = (a: Operand, b: Operand): Expr => arithmetic('sub', a, b);
  mul = (a: Operand, b: Operand): Expr => arithmetic('mul', a, b);
  div = (a: Operand, b: Operand): Expr => arithmetic('div', a, b);
  sqrt = (a: Expr): Expr => op('f64x2.sqrt', a);
  neg = (a: Expr): Expr => op('f64x2.neg', a);
  abs = (a: Expr): Expr => op('v128.and', a, magnitudeBits);
  nearest = (a: Expr): Expr => op('f64x2.nearest', a);
  /** The smaller; `a` where it is NaN. */
  min = (a: Operand, b: Operand): Expr => arithmetic('pmin', a, b);
  /** The larger; `a` where it is NaN. */
  max = (a: Operand, b: Operand): Expr => arithmetic('pmax', a, b);
  /** a·b + c, rounded once or twice: only where either will do. */
  madd = (a: Operand, b: Operand, c: Operand): Expr =>
    this.target.fma
      ? op('f64x2.relaxed_madd', vector(a), vector(b), vector(c))
      : this.add(this.mul(vector(a), vector(b)), c);

  // Masks: all bits of a lane set, or none.
  eq = (a: Operand, b: Operand): Expr => arithmetic('eq', a, b);
  lt = (a: Operand, b: Operand): Expr => arithmetic('lt', a, b);
  le = (a: Operand, b: Operand): Expr => arithmetic('le', a, b);
  gt = (a: Operand, b: Operand): Expr => arithmetic('gt', a, b);
  ge = (a: Operand, b: Operand): Expr => arithmetic('ge', a, b);
  isNaN = (a: Expr): Expr => arithmetic('ne', a, a);
  and = (a: Expr, b: Expr): Expr => op('v128.and', a, b);
  /** a and not b. */
  andnot = (a: Expr, b: Expr): Expr => op('v128.andnot', a, b);
  or = (a: Expr, b: Expr): Expr => op('v128.or', a, b);
  xor = (a: Expr, b: Expr): Expr => op('v128.xor', a, b);
  not = (a: Expr): Expr => op('v128.not', a);
  /** `mask ? a : b`, bit by bit. */
  select = (mask: Expr, a: Operand, b: Operand): Expr => op('v128.bitselect', vector(a), vector(b), mask);
  /** Runs `write` if the mask is set in any lane. Only `Local`s assigned with `merge` in there are seen outside. */
  ifAny = (mask: Expr, write: () => void): void => this.f.if(op('v128.any_true', mask), write);
  /** The same unless it is set in both lanes. */
  unlessAll = (mask: Expr, write: () => void): void => this.f.if(op('i32.eqz', op('i64x2.all_true', mask)), write);
  /** In the lanes of the mask, `local` becomes `x`. */
  merge = (local: Local, mask: Expr, x: Operand): void => this.f.set(local, this.select(mask, x, local));
  set = (local: Local, x: Expr): void => this.f.set(local, x);

  // Bits
  iadd = (a: Expr, b: Expr): Expr => op('i64x2.add', a, b);
  isub = (a: Expr, b: Expr): Expr => op('i64x2.sub', a, b);
  shl = (a: Expr, n: number): Expr => op('i64x2.shl', a, i32c(n));
  shr = (a: Expr, n: number): Expr => op('i64x2.shr_u', a, i32c(n));
  /** |x| with the sign of `sign`. */
  copysign = (x: Operand, sign: Expr): Expr => op('v128.bitselect', sign, vector(x), signBit);
  /** x, negated where `sign` is negative. */
  flip = (x: Expr, sign: Expr): Expr => this.xor(x, this.and(sign, signBit));
  /** Where all 64 bits agree. */
  ieq = (a: Expr, b: Expr): Expr => op('i64x2.eq', a, b);
  /** ⌊log₂ a⌋ for positive normal a. */
  exponent = (a: Expr): Expr => this.sub(this.or(this.shr(a, exponentAt), twoTo52), 2 ** 52 + 1023);
  /** The upper half of the bits of a positive number, as a number. */
  upperHalf = (a: Expr): Expr => this.sub(this.or(this.shr(a, 32), twoTo52), 2 ** 52);
  floor = (a: Expr): Expr => op('f64x2.floor', a);
  /** 2^n for n in the last bits of `integer`, which a rounding shift left there; −1022 ≤ n ≤ 1023. */
  powerOf2 = (integer: Expr): Expr => this.iadd(this.shl(integer, exponentAt), f64x2c(1));

  /**
   * Σ cᵢ·xⁱ in Estrin's order: pairs, pairs of pairs, … `x` is a local. Rounding errors are a few of the first
   * coefficient's, so the sum should be a small part of the result.
   */
  polynomial(coefficients: readonly number[], x: Expr): Expr {
    let terms: Operand[] = [...coefficients];
    let power = x;
    while (terms.length > 1) {
      const next: Operand[] = [];
      for (let i = 0; i + 1 < terms.length; i += 2) next.push(this.madd(terms[i + 1]!, power, terms[i]!));
      if (terms.length % 2 === 1) next.push(terms.at(-1)!);
      terms = next;
      if (terms.length > 1) power = this.let(this.mul(power, power));
    }
    return vector(terms[0]!);
  }

  /** Σ cᵢ·xⁱ by Horner's rule: fewer roundings in a longer chain. */
  horner(coefficients: readonly Operand[], x: Expr): Expr {
    return coefficients.slice(0, -1).reduceRight<Expr>((sum, c) => this.madd(sum, x, c), vector(coefficients.at(-1)!));
  }

  // Pairs. All locals are named here; every step but the marked ones is exact.

  /** a + b for |a| ≥ |b| or a = 0 (Dekker). */
  quickSum(a: Operand, b: Operand): Pair {
    const [x, y] = [this.let(vector(a)), this.let(vector(b))];
    const high = this.let(this.add(x, y));
    return { high, low: this.let(this.sub(y, this.sub(high, x))) };
  }

  /** a + b (Knuth). */
  sum(a: Operand, b: Operand): Pair {
    const [x, y] = [this.let(vector(a)), this.let(vector(b))];
    const high = this.let(this.add(x, y));
    const part = this.let(this.sub(high, x));
    return { high, low: this.let(this.add(this.sub(x, this.sub(high, part)), this.sub(y, part))) };
  }

  /** a in 26 and 27 bits; a is finite. */
  split(a: Expr): Pair {
    const high = this.let(this.and(a, upperBits));
    return { high, low: this.let(this.sub(a, high)) };
  }

  /**
   * a·b to 2⁻¹⁰⁶ (Dekker), where neither product nor parts underflow. The engine may or may not fuse a relaxed
   * multiply-add, so it is of no use here.
   */
  product(a: Operand, b: Operand): Pair {
    const [x, y] = [this.let(vector(a)), this.let(vector(b))];
    const high = this.let(this.mul(x, y));
    return { high, low: this.let(this.productTail(x, y, high)) };
  }

  /** a·b − high, for |high − a·b| a few last places. `a` and `b` are locals. */
  productTail(a: Expr, b: Expr, high: Expr): Expr {
    const x = this.split(a);
    const y = a === b ? x : this.split(b);
    const cross = this.add(this.sub(this.mul(x.high, y.high), high), this.mul(x.high, y.low));
    return this.add(this.add(cross, this.mul(x.low, y.high)), this.mul(x.low, y.low));
  }

  /** (a.high + a.low)·(b.high + b.low) to about 2⁻¹⁰³. */
  pairProduct(a: Pair, b: Pair): Pair {
    const p = this.product(a.high, b.high);
    return this.quickSum(p.high, this.add(p.low, this.madd(a.high, b.low, this.mul(a.low, b.high))));
  }

  /** n/d for pairs, in one vector: at most 1.01 last places, for quotients that neither overflow nor underflow. */
  quotient(n: Pair, d: Pair): Expr {
    const q = this.let(this.div(n.high, d.high));
    return this.add(q, this.div(this.sub(n.low, this.mul(q, d.low)), d.high));
  }

  /** n/d for pairs to about 2⁻¹⁰². */
  pairQuotient(n: Pair, d: Pair): Pair {
    const q = this.let(this.div(n.high, d.high));
    const p = this.product(q, d.high);
    const rest = this.sub(this.add(this.sub(this.sub(n.high, p.high), p.low), n.low), this.mul(q, d.low));
    return this.quickSum(q, this.div(rest, d.high));
  }
}
