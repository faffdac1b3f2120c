import { type DType, isFloating } from '../../src/core/dtype.ts';
import { type Shape, stridesOf } from '../../src/core/shape.ts';
import { bitselect, type Expr, i32c, i32x4lanes, type Local, op } from '../code.ts';
import { elementBytes, type Kernel, KernelFrame } from './kernel.ts';
import { constant, scalarOp } from './scalar-code.ts';
import { scalarType } from './storage.ts';
import type { Tree } from './tree.ts';
import { noMath, splatConstant, type Vector, vectorOp } from './vector-code.ts';
import { extractLane, storeVector, VectorEval } from './vector-eval.ts';

export type Combine = 'add' | 'mul' | 'max' | 'min' | 'and' | 'or';

/** What a fold of no elements is. */
export function identityOf(combine: Combine, dtype: DType): number {
  switch (combine) {
    case 'add':
    case 'or':
      return 0;
    case 'mul':
    case 'and':
      return 1;
    case 'max':
      return isFloating(dtype) ? Number.NEGATIVE_INFINITY : dtype === 'int32' ? -(2 ** 31) : 0;
    case 'min':
      return isFloating(dtype) ? Number.POSITIVE_INFINITY : dtype === 'int32' ? 2 ** 31 - 1 : 2 ** 32 - 1;
  }
}

/** `combine` on rank-0 values. */
export const combineScalars = (combine: Combine, dtype: DType, a: Expr, b: Expr, name: (e: Expr) => Expr): Expr =>
  scalarOp(combine, dtype, [a, b], dtype, name, noMath);

/**
 * Folds `root` over `axes`. Without other axes the kernel returns the result as a rank-0 value, otherwise it writes a
 * contiguous array at `ptr`.
 *
 * Where the innermost axis is folded, lanes hold partial results that are combined at the end; where it is kept, lanes
 * are neighbouring results. Sixteen elements are under way at a time, enough to hide the latency of an addition.
 */
export function reduceKernel(root: Tree, shape: Shape, axes: readonly number[], combine: Combine, ptr?: Expr): Kernel {
  const { dtype } = root;
  const kept = shape.map((_, axis) => axis).filter((axis) => !axes.includes(axis));
  const own = stridesOf(kept.map((axis) => shape[axis]!));
  const steps = shape.map((_, axis) => {
    const i = kept.indexOf(axis);
    return i < 0 ? 0 : own[i]! * elementBytes[dtype];
  });
  // Without kept axes the range of one call is folded to one value; otherwise the outermost axis must be a kept one.
  const output = ptr ? [{ ptr, steps }] : [];
  const isKept = (axis: { readonly steps: readonly number[] }): boolean => ptr !== undefined && axis.steps.at(-1) !== 0;
  const frame = new KernelFrame(
    [root],
    shape,
    output,
    (merged) => (ptr ? merged.length > 1 && isKept(merged[0]!) : true),
    ptr ? undefined : scalarType(dtype),
  );
  const reduce = new Reduce(frame, dtype, combine, isKept);
  if (isKept(frame.axes.at(-1)!)) reduce.intoLanes();
  else reduce.acrossLanes(ptr !== undefined);
  return frame.finish();
}

class Reduce {
  private readonly frame: KernelFrame;
  private readonly dtype: DType;
  private readonly combine: Combine;
  private readonly values: VectorEval;
  private readonly root: Tree;
  private readonly keptAxes: readonly number[];
  private readonly foldedAxes: readonly number[];
  private readonly unroll: number;

  constructor(
    frame: KernelFrame,
    dtype: DType,
    combine: Combine,
    isKept: (axis: { readonly steps: readonly number[] }) => boolean,
  ) {
    this.frame = frame;
    this.dtype = dtype;
    this.combine = combine;
    this.values = new VectorEval(frame.f, frame.inputs, frame.scalars, frame.innerStep, frame.math);
    this.root = frame.inputs.roots[0]!;
    const all = frame.axes.map((_, i) => i);
    this.keptAxes = all.filter((i) => isKept(frame.axes[i]!));
    this.foldedAxes = all.filter((i) => !isKept(frame.axes[i]!));
    this.unroll = dtype === 'float64' ? 2 : 4;
  }

  /** The innermost axis is folded. */
  acrossLanes(store: boolean): void {
    const { frame, values, dtype, unroll } = this;
    const { f } = frame;
    const inner = frame.axes.at(-1)!;
    const ranged = frame.axes.length === 1 && frame.range !== undefined;
    const wide = inner.extent >= 8 * unroll;
    frame.loops(this.keptAxes, frame.starts, (start) => {
      const accumulators = Array.from({ length: wide ? unroll : 1 }, () => this.fresh());
      frame.loops(this.foldedAxes.slice(0, -1), start, (row) => {
        values.hoist(frame.pointers(row));
        const here = row.map((p, i) => (inner.steps[i] === 0 ? p : f.var(p)));
        const pointers = frame.pointers(here);
        const block = (count: number): void => {
          for (let u = 0; u < count; u++) this.fold(accumulators[u]!, values.evaluate(this.root, pointers, 4 * u, 4));
          frame.advance(here, inner.steps, 4 * count);
        };
        const tail = inner.extent % 4;
        const doTail = (): void =>
          this.fold(accumulators[0]!, this.masked(values.evaluate(this.root, pointers, 0, tail), tail));
        if (ranged) {
          const [begin, end] = [f.param(0), f.param(1)];
          frame.skip(here as Local[], begin, inner.steps);
          const length = f.let(op('i32.sub', end, begin));
          f.for(0, op('i32.and', length, i32c(-4 * unroll)), () => block(unroll), 4 * unroll);
          f.for(0, op('i32.and', length, i32c(4 * unroll - 4)), () => block(1), 4);
          if (tail > 0) f.if(op('i32.eq', end, i32c(inner.extent)), doTail);
          return;
        }
        const whole = inner.extent - tail;
        const blocks = wide ? whole - (whole % (4 * unroll)) : 0;
        if (blocks > 0) f.for(0, blocks, () => block(unroll), 4 * unroll);
        if (whole - blocks === 4) block(1);
        else if (whole > blocks) f.for(blocks, whole, () => block(1), 4);
        if (tail > 0) doTail();
      });
      const result = this.horizontal(accumulators);
      if (!store) f.return(result);
      else {
        const storing = dtype === 'bool' ? 'i32.store8' : `${scalarType(dtype)}.store`;
        f.store(storing, frame.outputs(start)[0]!, result);
      }
    });
  }

  /** The innermost axis is kept: blocks of neighbouring results, each over all folded axes. */
  intoLanes(): void {
    const { frame, unroll } = this;
    const { f } = frame;
    const inner = frame.axes.at(-1)!;
    frame.loops(this.keptAxes.slice(0, -1), frame.starts, (start) => {
      const here = start.map((p, i) => (inner.steps[i] === 0 ? p : f.var(p)));
      const { extent } = inner;
      const blocks = extent - (extent % (4 * unroll));
      const vectors = extent - (extent % 4);
      const advance = (count: number): void => frame.advance(here, inner.steps, count);
      const repeat = (from: number, to: number, count: number): void => {
        if (to - from === 4 * count) {
          this.block(here, count, 4);
          advance(4 * count);
        } else if (to > from)
          f.for(
            from,
            to,
            () => {
              this.block(here, count, 4);
              advance(4 * count);
            },
            4 * count,
          );
      };
      repeat(0, blocks, unroll);
      repeat(blocks, vectors, 1);
      if (extent > vectors) this.block(here, 1, extent - vectors);
    });
  }

  private block(here: readonly Expr[], count: number, lanes: number): void {
    const { frame, values, dtype } = this;
    const accumulators = Array.from({ length: count }, () => this.fresh());
    frame.loops(this.foldedAxes, here, (at) => {
      const pointers = frame.pointers(at);
      values.hoist(pointers);
      accumulators.forEach((accumulator, u) => {
        this.fold(accumulator, values.evaluate(this.root, pointers, 4 * u, lanes));
      });
    });
    const target = frame.outputs(here)[0]!;
    accumulators.forEach((accumulator, u) => {
      storeVector(frame.f, dtype, target, accumulator, 4 * u * elementBytes[dtype], lanes);
    });
  }

  private fresh(): Local[] {
    return splatConstant(identityOf(this.combine, this.dtype), this.dtype).map((part) => this.frame.f.var(part));
  }

  private readonly name = (e: Expr): Expr => (e.kind === 'local' ? e : this.frame.f.let(e));

  private vectors(a: Vector, b: Vector): Vector {
    return vectorOp(this.combine, this.dtype, [a, b], this.dtype, this.name, noMath);
  }

  private fold(accumulator: readonly Local[], value: Vector): void {
    this.vectors(accumulator, value).forEach((part, i) => {
      this.frame.f.set(accumulator[i]!, part);
    });
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

  /** All lanes of all accumulators, in pairs. */
  private horizontal(accumulators: readonly Vector[]): Expr {
    const { dtype, combine } = this;
    const { f } = this.frame;
    let vectors: Vector[] = [...accumulators];
    while (vectors.length > 1) {
      const next: Vector[] = [];
      for (let i = 0; i < vectors.length; i += 2) next.push(this.vectors(vectors[i]!, vectors[i + 1]!).map(this.name));
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
    return f.let(lanes[0] ?? constant(identityOf(combine, dtype), dtype));
  }
}
