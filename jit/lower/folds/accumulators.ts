import { type DType, isFloating } from '../../../src/core/dtype.ts';
import { range } from '../../../src/core/shape.ts';
import {
  bitselect,
  type Expr,
  type FunctionBuilder,
  f32x4c,
  f64x2c,
  i32x4c,
  i32x4lanes,
  type Local,
  lane,
  op,
} from '../../wasm/code.ts';
import { noMath, parts, splatConstant, type Vector, vectorOp } from '../expressions/vector-code.ts';
import { extractLane } from '../expressions/vector-memory.ts';
import type { Addend } from './addends.ts';
import { type Combine, combineScalars, identityOf } from './combine.ts';

/**
 * Partial results of one fold, in vectors of lanes. The largest and the smallest floating-point number are found by an
 * instruction that forgets NaNs and takes either of two zeros; two more vectors remember NaNs and signs until the end.
 * WebAssembly's `max`, which knows about both, is nine instructions of x86. Every other accumulator of one result has
 * these two in common: four with two each would be twelve vectors, of which x86 has sixteen, with what is read. With one
 * for all, each step would wait for the one before, and engines that make one instruction of two would have none to join.
 *
 * Of float32 three extremes of integers do, one instruction less. Its bits, read as integers, are in the order of the numbers where these have no
 * sign; those with a sign are below them as signed integers and above them as unsigned ones, in reverse order. So the largest signed
 * integer is the largest number without a sign if there is one, the largest unsigned integer the smallest number with a sign if there is one,
 * and the smallest unsigned integer the smallest number without a sign, or the largest with one where all have it. −0 is below 0, and
 * NaNs are beyond ∞ and −∞, where the two largest find them.
 */
export class Accumulators {
  private readonly f: FunctionBuilder;
  private readonly combine: Combine;
  private readonly dtype: DType;
  private readonly extreme: boolean;
  private readonly ignoresNaN: boolean;
  /** Extremes of float32 are found in its bits. */
  private readonly ofBits: boolean;
  /** Of extremes in bits, the largest signed integers. */
  private locals: Local[][] = [];
  /**
   * Of extremes: where a NaN has been, and the common sign bits of all (`max`) or the sign bits of any (`min`); in bits, the largest and
   * the smallest unsigned integers. A vector for each of `locals`, or two in turn.
   */
  private nans: Local[][] = [];
  private signs: Local[][] = [];

  /** @param ignoresNaN of extremes: NaNs are as if they were not there */
  constructor(f: FunctionBuilder, combine: Combine, dtype: DType, ignoresNaN = false) {
    this.f = f;
    this.combine = combine;
    this.dtype = dtype;
    this.extreme = isExtreme(combine, dtype);
    this.ignoresNaN = ignoresNaN;
    this.ofBits = this.extreme && dtype === 'float32' && !ignoresNaN;
  }

  /** Begins `count` vectors of results, which `finish` gives. */
  start(count: number): void {
    this.begin(count, (value) => this.vectors(count, () => this.f.var(value)));
  }

  /** Begins one result in `count` vectors, which `horizontal` joins. */
  startOne(count: number): void {
    this.begin(count, (value) => {
      const common = range(Math.min(2, count * parts(this.dtype))).map(() => this.f.var(value));
      let next = 0;
      return this.vectors(count, () => common[next++ % common.length]!);
    });
  }

  /** All that it knows so far, by vector of results. */
  state(): readonly (readonly Local[])[] {
    return this.locals.map((vectors, u) => [...vectors, ...(this.nans[u] ?? []), ...(this.signs[u] ?? [])]);
  }

  /** As if nothing had been added to results that are no extremes. */
  restart(): void {
    const identity = splatConstant(identityOf(this.combine, this.dtype), this.dtype);
    for (const vectors of this.locals)
      vectors.forEach((local, part) => {
        this.f.set(local, identity[part]!);
      });
  }

  /** Begins one vector of results with the first that is added, of which no NaN is ignored. */
  startWith(addend: Addend): void {
    this.locals = [this.valueOf(addend).map((part) => this.f.var(part))];
    if (!this.extreme) return;
    const locals = this.locals[0]!;
    this.nans = [locals.map((x) => this.f.var(this.ofBits ? x : op(`${this.shape}.ne`, x, x)))];
    this.signs = [locals.map((x) => this.f.var(x))];
  }

  private begin(count: number, beside: (value: Expr) => Local[][]): void {
    const identity = splatConstant(identityOf(this.combine, this.dtype), this.dtype);
    this.locals = this.vectors(count, (part) => this.f.var(identity[part]!));
    if (!this.extreme) return;
    if (!this.ignoresNaN) this.nans = beside(this.ofBits ? identity[0]! : i32x4c(0));
    this.signs = beside(this.ofBits ? identity[0]! : i32x4c(this.combine === 'max' ? -1 : 0));
  }

  private valueOf([value, factor]: Addend): Vector {
    return factor ? value.map((part, i) => op(`${this.shape}.mul`, part, factor[i]!)) : value;
  }

  private vectors(count: number, make: (part: number) => Local): Local[][] {
    return range(count).map(() => range(parts(this.dtype)).map(make));
  }

  /** The results of lanes, one vector for each accumulator. */
  finish(): readonly Vector[] {
    return this.locals.map((vectors, u) =>
      this.extreme ? vectors.map((local, i) => this.finished(local, this.signs[u]![i]!, this.nans[u]?.[i])) : vectors,
    );
  }

  /** Takes a value, or the product of two, into accumulator `u`; of a vector at the end of a row only the first `lanes` elements. */
  add(u: number, addend: Addend, lanes: number): void {
    const { f } = this;
    const locals = this.locals[u]!;
    const [first, factor] = addend;
    if (factor && lanes === 4) {
      locals.forEach((local, i) => {
        f.set(local, op(`${this.shape}.relaxed_madd`, first[i]!, factor[i]!, local));
      });
      return;
    }
    const value = this.valueOf(addend);
    const part = lanes < 4 ? this.masked(value, lanes) : value;
    if (!this.extreme) {
      this.join(locals, part).forEach((joined, i) => {
        f.set(locals[i]!, joined);
      });
      return;
    }
    const { shape } = this;
    part.forEach((element, i) => {
      const x = this.name(element);
      const sign = this.signs[u]![i]!;
      if (this.ofBits) {
        const nan = this.nans[u]![i]!;
        f.set(locals[i]!, op(inBits.locals, locals[i]!, x));
        f.set(nan, op(inBits.nans, nan, x));
        f.set(sign, op(inBits.signs, sign, x));
        return;
      }
      f.set(locals[i]!, op(`${shape}.p${this.combine}`, locals[i]!, x));
      const isNaN = op(`${shape}.ne`, x, x);
      const isMax = this.combine === 'max';
      let from = x;
      if (this.ignoresNaN) from = isMax ? op('v128.or', x, isNaN) : op('v128.andnot', x, isNaN);
      else f.set(this.nans[u]![i]!, op('v128.or', this.nans[u]![i]!, isNaN));
      f.set(sign, op(isMax ? 'v128.and' : 'v128.or', sign, from));
    });
  }

  /** Of `and` and `or`, and the `min` of uint32 that is 0 in the end: whether nothing that follows can change the result. */
  isDecided(): Expr {
    const vectors: readonly Vector[] = this.locals;
    const [joined] = vectors.reduce((a, b) => this.join(a, b));
    return this.combine === 'or' ? op('v128.any_true', joined!) : op('i32.eqz', op('i32x4.all_true', joined!));
  }

  /** All lanes of all accumulators in one, pair by pair. */
  horizontal(): Expr {
    const { f, dtype, combine } = this;
    let lanes = this.extreme
      ? this.extremeLanes()
      : this.lanesOf(this.joinedPairs(this.locals, (a, b) => this.join(a, b)));
    while (lanes.length > 1) {
      const half = lanes.length / 2;
      lanes = lanes
        .slice(0, half)
        .map((a, i) => this.name(combineScalars(combine, dtype, a, lanes[i + half]!, this.name)));
    }
    return f.let(lanes[0]!);
  }

  /** The lanes of one vector: what is known of NaNs and signs is common to the parts of float64. */
  private extremeLanes(): Expr[] {
    const joined = (vectors: readonly Local[][], name: string): Expr => {
      const all = [...new Set(vectors.flat())].map((local): Vector => [local]);
      return this.joinedPairs(all, ([a], [b]) => [op(name, a!, b!)])[0]!;
    };
    const names = this.ofBits
      ? inBits
      : {
          locals: `${this.shape}.p${this.combine}`,
          nans: 'v128.or',
          signs: this.combine === 'max' ? 'v128.and' : 'v128.or',
        };
    const value = joined(this.locals, names.locals);
    const signs = joined(this.signs, names.signs);
    const result = this.finished(value, signs, this.ignoresNaN ? undefined : joined(this.nans, names.nans));
    return this.dtype === 'float64'
      ? [0, 1].map((i) => this.name(lane('f64x2.extract_lane', i, result)))
      : this.lanesOf([result]);
  }

  private lanesOf(vector: Vector): Expr[] {
    return range(4).map((i) => this.name(extractLane(this.dtype, vector, i)));
  }

  private joinedPairs(all: readonly Vector[], join: (a: Vector, b: Vector) => Vector): Vector {
    let vectors = all;
    while (vectors.length > 1) {
      const next: Vector[] = [];
      for (let i = 0; i < vectors.length; i += 2) next.push(join(vectors[i]!, vectors[i + 1]!).map(this.name));
      vectors = next;
    }
    return vectors[0]!.map(this.name);
  }

  /**
   * The result of an accumulator. If the largest number is 0, all are 0 or less: it is −0 only if every sign bit is set.
   * If the smallest is 0, it is −0 if any is set.
   */
  private finished(value: Expr, signs: Expr, nans: Expr | undefined): Expr {
    if (this.ofBits) return this.finishedBits(value, nans!, signs);
    const wide = this.dtype === 'float64';
    const [zero, nan] = wide ? [f64x2c(0), f64x2c(Number.NaN)] : [f32x4c(0), f32x4c(Number.NaN)];
    const signBit = wide ? f64x2c(-0) : f32x4c(-0);
    const result = bitselect(op(`${this.shape}.eq`, value, zero), op('v128.and', signs, signBit), value);
    return this.f.let(nans ? bitselect(nans, nan, result) : result);
  }

  /** Of the largest signed, the largest unsigned and the smallest unsigned integer. NaNs are found as numbers; all bits set are one. */
  private finishedBits(signed: Expr, largest: Expr, smallest: Expr): Expr {
    const isNaN = op('v128.or', op('f32x4.ne', signed, signed), op('f32x4.ne', largest, largest));
    const hasSign = (x: Expr): Expr => op('i32x4.lt_s', x, i32x4c(0));
    const result =
      this.combine === 'max'
        ? bitselect(hasSign(signed), smallest, signed)
        : bitselect(hasSign(largest), largest, smallest);
    return this.f.let(op('v128.or', result, isNaN));
  }

  private get shape(): 'f32x4' | 'f64x2' {
    return this.dtype === 'float64' ? 'f64x2' : 'f32x4';
  }

  private readonly name = (e: Expr): Expr => (e.kind === 'local' ? e : this.f.let(e));

  private join(a: Vector, b: Vector): Vector {
    return vectorOp(this.combine, this.dtype, [a, b], this.dtype, this.name, noMath);
  }

  /** The first `lanes` elements, and the identity after them. */
  private masked(value: Vector, lanes: number): Vector {
    const identity = splatConstant(identityOf(this.combine, this.dtype), this.dtype);
    const on = (i: number): number => (i < lanes ? -1 : 0);
    if (value.length === 1) return [bitselect(i32x4lanes(on(0), on(1), on(2), on(3)), value[0]!, identity[0]!)];
    return value.map((part, i) => {
      const [first, second] = [on(2 * i), on(2 * i + 1)];
      return bitselect(i32x4lanes(first, first, second, second), part, identity[i]!);
    });
  }
}

/** The instructions that find extremes in bits. */
const inBits = { locals: 'i32x4.max_s', nans: 'i32x4.max_u', signs: 'i32x4.min_u' } as const;

/** Whether a fold keeps three vectors for each result instead of one. */
export const isExtreme = (combine: Combine, dtype: DType): boolean =>
  isFloating(dtype) && (combine === 'max' || combine === 'min');
