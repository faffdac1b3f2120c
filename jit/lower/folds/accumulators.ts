import { type DType, isFloating } from '../../../src/core/dtype.ts';
import {
  bitselect,
  type Expr,
  type FunctionBuilder,
  f32x4c,
  f64x2c,
  i32x4c,
  i32x4lanes,
  type Local,
  op,
} from '../../wasm/code.ts';
import { noMath, parts, splatConstant, type Vector, vectorOp } from '../expressions/vector-code.ts';
import { extractLane } from '../expressions/vector-memory.ts';
import { type Combine, combineScalars, identityOf } from './combine.ts';

/**
 * Partial results of one fold, in vectors of lanes. The largest and the smallest floating-point number are found by an
 * instruction that forgets NaNs and takes either of two zeros; two more vectors remember NaNs and signs until the end.
 * WebAssembly's `max`, which knows about both, is eight instructions of x86.
 */
export class Accumulators {
  private readonly f: FunctionBuilder;
  private readonly combine: Combine;
  private readonly dtype: DType;
  private readonly extreme: boolean;
  private readonly ignoresNaN: boolean;
  private locals: Local[][] = [];
  /** Of extremes: where a NaN has been, and the common sign bits of all (`max`) or the sign bits of any (`min`). */
  private nans: Local[][] = [];
  private signs: Local[][] = [];

  /** @param ignoresNaN of extremes: NaNs are as if they were not there */
  constructor(f: FunctionBuilder, combine: Combine, dtype: DType, ignoresNaN = false) {
    this.f = f;
    this.combine = combine;
    this.dtype = dtype;
    this.extreme = isExtreme(combine, dtype);
    this.ignoresNaN = ignoresNaN;
  }

  start(count: number): void {
    const vectors = (value: Vector): Local[][] =>
      Array.from({ length: count }, () => value.map((part) => this.f.var(part)));
    const bits = (value: number): Vector => Array.from({ length: parts(this.dtype) }, () => i32x4c(value));
    this.locals = vectors(splatConstant(identityOf(this.combine, this.dtype), this.dtype));
    if (!this.extreme) return;
    if (!this.ignoresNaN) this.nans = vectors(bits(0));
    this.signs = vectors(bits(this.combine === 'max' ? -1 : 0));
  }

  /** The results of lanes, one vector for each accumulator. */
  finish(): readonly Vector[] {
    return this.locals.map((_, u) => this.finished(u));
  }

  /** Takes `value` into accumulator `u`; of a vector at the end of a row only the first `lanes` elements. */
  add(u: number, value: Vector, lanes: number): void {
    const { f } = this;
    const part = lanes < 4 ? this.masked(value, lanes) : value;
    const locals = this.locals[u]!;
    if (!this.extreme) {
      this.join(locals, part).forEach((joined, i) => {
        f.set(locals[i]!, joined);
      });
      return;
    }
    const shape = this.dtype === 'float64' ? 'f64x2' : 'f32x4';
    part.forEach((element, i) => {
      const x = this.name(element);
      const sign = this.signs[u]![i]!;
      f.set(locals[i]!, op(`${shape}.p${this.combine}`, locals[i]!, x));
      const isNaN = op(`${shape}.ne`, x, x);
      const isMax = this.combine === 'max';
      let from = x;
      if (this.ignoresNaN) from = isMax ? op('v128.or', x, isNaN) : op('v128.andnot', x, isNaN);
      else f.set(this.nans[u]![i]!, op('v128.or', this.nans[u]![i]!, isNaN));
      f.set(sign, op(isMax ? 'v128.and' : 'v128.or', sign, from));
    });
  }

  /** Of `and` and `or`: whether nothing that follows can change the result. */
  isDecided(): Expr {
    const masks = this.locals.map(([mask]): Expr => mask!);
    const [join, test] =
      this.combine === 'and' ? (['v128.and', 'i32x4.all_true'] as const) : (['v128.or', 'v128.any_true'] as const);
    const decided = op(
      test,
      masks.reduce((a, b) => op(join, a, b)),
    );
    return this.combine === 'and' ? op('i32.eqz', decided) : decided;
  }

  /** All lanes of all accumulators in one, pair by pair. */
  horizontal(): Expr {
    const { f, dtype, combine } = this;
    let lanes: Expr[];
    if (this.extreme) {
      for (let u = 1; u < this.locals.length; u++) this.takeIn(u);
      const vector = this.finished(0);
      lanes = [0, 1, 2, 3].map((i) => this.name(extractLane(dtype, vector, i)));
    } else {
      let vectors: Vector[] = this.locals;
      while (vectors.length > 1) {
        const next: Vector[] = [];
        for (let i = 0; i < vectors.length; i += 2) next.push(this.join(vectors[i]!, vectors[i + 1]!).map(this.name));
        vectors = next;
      }
      const vector = vectors[0]!.map(this.name);
      lanes = [0, 1, 2, 3].map((i) => this.name(extractLane(dtype, vector, i)));
    }
    while (lanes.length > 1) {
      const half = lanes.length / 2;
      lanes = lanes
        .slice(0, half)
        .map((a, i) => this.name(combineScalars(combine, dtype, a, lanes[i + half]!, this.name)));
    }
    return f.let(lanes[0]!);
  }

  /** Accumulator `u` goes into the first one. */
  private takeIn(u: number): void {
    const { f } = this;
    const shape = this.dtype === 'float64' ? 'f64x2' : 'f32x4';
    const into = (to: readonly Local[], from: readonly Local[], name: string): void =>
      to.forEach((local, i) => {
        f.set(local, op(name, local, from[i]!));
      });
    into(this.locals[0]!, this.locals[u]!, `${shape}.p${this.combine}`);
    if (!this.ignoresNaN) into(this.nans[0]!, this.nans[u]!, 'v128.or');
    into(this.signs[0]!, this.signs[u]!, this.combine === 'max' ? 'v128.and' : 'v128.or');
  }

  /**
   * The result of an accumulator. If the largest number is 0, all are 0 or less: it is −0 only if every sign bit is set.
   * If the smallest is 0, it is −0 if any is set.
   */
  private finished(u: number): Vector {
    const locals = this.locals[u]!;
    if (!this.extreme) return locals;
    const wide = this.dtype === 'float64';
    const [shape, zero, nan] = wide
      ? (['f64x2', f64x2c(0), f64x2c(Number.NaN)] as const)
      : (['f32x4', f32x4c(0), f32x4c(Number.NaN)] as const);
    const signBit = wide ? f64x2c(-0) : f32x4c(-0);
    return locals.map((local, i) => {
      const signed = op('v128.and', this.signs[u]![i]!, signBit);
      const result = bitselect(op(`${shape}.eq`, local, zero), signed, local);
      return this.f.let(this.ignoresNaN ? result : bitselect(this.nans[u]![i]!, nan, result));
    });
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

/** Whether a fold keeps three vectors for each result instead of one. */
export const isExtreme = (combine: Combine, dtype: DType): boolean =>
  isFloating(dtype) && (combine === 'max' || combine === 'min');
