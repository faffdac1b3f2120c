import type { DType } from '../../src/core/dtype.ts';
import { bitselect, type Expr, type FunctionBuilder, i32x4lanes, type Local } from '../code.ts';
import { type Combine, combineScalars, identityOf } from './combine.ts';
import { noMath, splatConstant, type Vector, vectorOp } from './vector-code.ts';
import { extractLane } from './vector-eval.ts';

/** Partial results of one fold, in vectors of lanes. */
export class Accumulators {
  private readonly f: FunctionBuilder;
  private readonly combine: Combine;
  private readonly dtype: DType;
  private locals: Local[][] = [];

  constructor(f: FunctionBuilder, combine: Combine, dtype: DType) {
    this.f = f;
    this.combine = combine;
    this.dtype = dtype;
  }

  start(count: number): void {
    const identity = splatConstant(identityOf(this.combine, this.dtype), this.dtype);
    this.locals = Array.from({ length: count }, () => identity.map((part) => this.f.var(part)));
  }

  get vectors(): readonly Vector[] {
    return this.locals;
  }

  /** Takes `value` into accumulator `u`; of a vector at the end of a row only the first `lanes` elements. */
  add(u: number, value: Vector, lanes: number): void {
    const part = lanes < 4 ? this.masked(value, lanes) : value;
    this.join(this.locals[u]!, part).forEach((joined, i) => {
      this.f.set(this.locals[u]![i]!, joined);
    });
  }

  /** All lanes of all accumulators in one, pair by pair. */
  horizontal(): Expr {
    const { f, dtype, combine } = this;
    let vectors: Vector[] = this.locals;
    while (vectors.length > 1) {
      const next: Vector[] = [];
      for (let i = 0; i < vectors.length; i += 2) next.push(this.join(vectors[i]!, vectors[i + 1]!).map(this.name));
      vectors = next;
    }
    const vector = vectors[0]!.map(this.name);
    let lanes = [0, 1, 2, 3].map((i) => this.name(extractLane(dtype, vector, i)));
    while (lanes.length > 1) {
      const half = lanes.length / 2;
      lanes = lanes
        .slice(0, half)
        .map((a, i) => this.name(combineScalars(combine, dtype, a, lanes[i + half]!, this.name)));
    }
    return f.let(lanes[0]!);
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
