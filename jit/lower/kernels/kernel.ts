import type { DType } from '../../../src/core/dtype.ts';
import { MathUses } from '../../math/uses.ts';
import { target } from '../../target.ts';
import { type Expr, type Func, FunctionBuilder, i32c, type Local, op, type WasmType } from '../../wasm/code.ts';
import { hoistConstants } from '../../wasm/hoist-constants.ts';
import { coalesce, type NestAxis, offsetBy } from '../../wasm/loop-nest.ts';
import { Inputs, type Stream, startOf } from '../expressions/streams.ts';
import type { ArrayLeaf, Tree } from '../expressions/tree.ts';
import { type Scalar, scalarType } from '../storage.ts';
import { knownKernel } from './known-kernels.ts';

/** Steps of one of a kernel's axes, and how many of them a call does at most. */
export interface KernelRange {
  readonly extent: number;
  readonly chunk: number;
  /** Calls begin at multiples of it. */
  readonly unit: number;
  /** Whether the steps are those of all elements' outermost axis, each taken once. */
  readonly isOutermost: boolean;
}

/** A kernel and what the driver passes to it, in order. */
export interface Kernel {
  readonly func: Func;
  readonly args: readonly Expr[];
  /** Names of the functions of jit/math that it calls. */
  readonly math: ReadonlySet<string>;
  /**
   * Present where the work is long: the kernel takes two leading arguments, the range of this many steps to do. Shorter
   * calls let the engine move from its baseline to its optimising compiler between them.
   */
  readonly range?: KernelRange;
  /** Set where parts of the range must be done one after the other. */
  readonly inOrder?: boolean;
  /** Arguments that are addresses in memory of a thread's own, so far apart. */
  readonly own?: OwnMemory;
  /** Bytes that addresses among the arguments move with a step of the outermost axis; the other arguments come behind them. */
  readonly steps?: readonly number[];
  /** The argument that is the address to which it writes what it has of its range. */
  readonly parts?: number;
}

export interface OwnMemory {
  readonly args: readonly number[];
  readonly bytes: number;
}

/** Elements that one call of a kernel treats at most, where its loops can be cut. */
export const elementsPerCall = 16384;

/** An axis of a kernel's loops; folded ones do not merge with others. */
export interface KernelAxis extends NestAxis {
  readonly folded: boolean;
}

export interface KernelOptions {
  /** Which axes of the shape are folded. */
  readonly folded?: readonly boolean[];
  /** The axis that may be done in ranges, given the merged axes. */
  readonly range: (axes: readonly KernelAxis[], streams: readonly Stream[]) => number | undefined;
  /** Steps of that axis that are done together; 1 when left out. */
  readonly together?: (axes: readonly KernelAxis[], streams: readonly Stream[]) => number;
  /** How far the innermost axis is walked, which the kernel is told. */
  readonly limit?: Expr;
  /** This many leading axes are rows: the kernel takes a range of the outermost one, and whoever calls it chooses which. */
  readonly rowAxes?: number;
}

/** The loops of a kernel: axes with the steps of every stream and every output, and the parameters that start them. */
export class KernelFrame {
  readonly f: FunctionBuilder;
  readonly inputs: Inputs;
  /** Pointers that others serve for do not move. */
  axes: readonly KernelAxis[];
  readonly streams: readonly Stream[];
  readonly scalars: Map<object, Expr> = new Map();
  readonly starts: readonly Local[];
  readonly range: (KernelRange & { readonly axis: number }) | undefined;
  readonly math: MathUses = new MathUses(target());
  /** The parameter of that. */
  readonly limit: Local | undefined;
  /** Equal for kernels of one kind that are the same but for their arguments; undefined where that is not known. */
  private readonly structure: string | undefined;
  private readonly args: readonly Expr[];
  /** By index of a stream: one whose pointer serves for it as well, and the bytes from there to its own elements. */
  private readonly follows = new Map<number, { readonly index: number; readonly bytes: number }>();

  /** @param outputs addresses and byte steps along each axis of `shape` (0 along folded ones) */
  constructor(
    roots: readonly Tree[],
    shape: readonly number[],
    outputs: readonly { readonly ptr: Expr; readonly steps: readonly number[] }[],
    options: KernelOptions,
  ) {
    const inputs = new Inputs(roots);
    const all = shape.map((extent, axis) => ({
      extent,
      folded: options.folded?.[axis] ?? false,
      steps: [...inputs.streams.map((s) => s.steps[axis]!), ...outputs.map((o) => o.steps[axis]!)],
    }));
    const { rowAxes = 0 } = options;
    const axes = [...merged(all.slice(0, rowAxes)), ...merged(all.slice(rowAxes))];
    if (axes.length === 0)
      axes.push({ extent: 1, folded: false, steps: new Array(inputs.streams.length + outputs.length).fill(0) });
    this.inputs = inputs;
    this.axes = axes;
    this.streams = inputs.streams.map(({ leaf }, i) => ({ leaf, steps: axes.map((axis) => axis.steps[i]!) }));
    const total = axes.reduce((n, { extent }) => n * extent, 1);
    const work = Math.max(1, ...inputs.loops.map(({ count }) => Math.min(count ?? 16, 64)));
    const axis = total * work > 2 * elementsPerCall ? options.range(axes, this.streams) : undefined;
    if (rowAxes > 0) {
      const { extent } = axes[0]!;
      this.range = { axis: 0, extent, chunk: extent, unit: 1, isOutermost: true };
    } else if (axis !== undefined) {
      const { extent } = axes[axis]!;
      // Along the innermost axis in whole blocks of vectors.
      const unit = axis === axes.length - 1 ? 64 : (options.together?.(axes, this.streams) ?? 1);
      const most = Math.floor((elementsPerCall * extent) / (total * work));
      const chunk = Math.max(unit, most - (most % unit));
      this.range = { axis, extent, chunk, unit, isOutermost: axis === 0 };
    }
    const lead = this.range ? 2 : 0;
    const count = inputs.streams.length + outputs.length;
    const types: WasmType[] = [
      ...new Array<WasmType>(lead + count).fill('i32'),
      ...inputs.scalars.map((s) => scalarType(s.dtype)),
      ...(options.limit ? ['i32' as const] : []),
    ];
    this.f = new FunctionBuilder('', types);
    this.starts = Array.from({ length: count }, (_, i) => this.f.param(lead + i));
    inputs.scalars.forEach((s, i) => {
      this.scalars.set(s, this.f.param(lead + count + i));
    });
    this.args = [
      ...inputs.streams.map(startOf),
      ...outputs.map((o) => o.ptr),
      ...inputs.scalars.map((s: Scalar) => s.expr),
      ...(options.limit ? [options.limit] : []),
    ];
    this.limit = options.limit && this.f.param(types.length - 1);
    const trees = inputs.structure();
    this.structure = trees && `${trees} over ${JSON.stringify([all, rowAxes, options.limit !== undefined])}`;
  }

  /** What `write` makes of it, once for equal kernels: `kind` says what the code depends on beside trees and axes. */
  once(kind: string, write: () => Kernel): Kernel {
    return knownKernel(this.structure && `${kind} ${this.structure}`, this.args, write);
  }

  /** What the innermost merged axis adds to a stream. */
  readonly innerStep = (stream: Stream): number => this.stepOf(stream, this.axes.length - 1);

  stepOf(stream: Stream, axis: number): number {
    return this.streams.find((s) => s.leaf === stream.leaf)!.steps[axis]!;
  }

  /** Has streams that go through one array side by side, as slices of it do, share a pointer, of which only one moves. */
  sharePointers(): void {
    const buffers = [...new Set(this.streams.map(({ leaf }) => (leaf.kind === 'array' ? leaf.buffer : undefined)))];
    const first = new Map<string, number>();
    const keys = this.streams.map(({ leaf, steps }) =>
      leaf.kind === 'array' ? `${buffers.indexOf(leaf.buffer)}:${steps}` : undefined,
    );
    const offsetOf = (index: number): number => (this.streams[index]!.leaf as ArrayLeaf).offset;
    keys.forEach((key, i) => {
      const known = key === undefined ? undefined : first.get(key);
      if (key !== undefined && (known === undefined || offsetOf(i) < offsetOf(known))) first.set(key, i);
    });
    keys.forEach((key, i) => {
      const index = key === undefined ? i : first.get(key)!;
      if (index === i) return;
      const { dtype } = this.streams[i]!.leaf;
      this.follows.set(i, { index, bytes: (offsetOf(i) - offsetOf(index)) * elementBytes[dtype] });
    });
    if (this.follows.size === 0) return;
    this.axes = this.axes.map((axis) => ({
      ...axis,
      steps: axis.steps.map((step, i) => (this.follows.has(i) ? 0 : step)),
    }));
  }

  /** The streams' pointers by leaf. */
  pointers(all: readonly Expr[]): Map<Tree, Expr> {
    return new Map(
      this.inputs.streams.map(({ leaf }, i) => {
        const { index, bytes } = this.follows.get(i) ?? { index: i, bytes: 0 };
        return [leaf, offsetBy(all[index]!, bytes)];
      }),
    );
  }

  /** The outputs' pointers. */
  outputs(all: readonly Expr[]): readonly Expr[] {
    return all.slice(this.inputs.streams.length);
  }

  /**
   * Loops over `axes` (indices into this.axes), outermost first; `body` gets the pointers where they stand. The axis
   * with the kernel's range runs over that.
   */
  loops(axes: readonly number[], from: readonly Expr[], body: (pointers: readonly Expr[]) => void): void {
    const [first, ...rest] = axes;
    if (first === undefined) {
      body(from);
      return;
    }
    const { f } = this;
    const { extent, steps } = this.axes[first]!;
    const here = from.map((ptr, i) => (steps[i] === 0 ? ptr : f.var(ptr)));
    let [begin, end]: [Expr, Expr] = [i32c(0), i32c(extent)];
    if (first === this.range?.axis) {
      [begin, end] = [f.param(0), f.param(1)];
      this.skip(here as Local[], begin, steps);
    }
    f.for(begin, end, () => {
      this.loops(rest, here, body);
      this.advance(here, steps, 1);
    });
  }

  /**
   * Walks the innermost axis, or the kernel's range of it: `together` vectors at a time, then one, then what is left. The
   * pointers `here` move along.
   */
  vectors(here: readonly Expr[], together: number, body: (count: number, lanes: number) => void): void {
    const { f } = this;
    const { extent, steps } = this.axes.at(-1)!;
    const tail = extent % 4;
    const repeat = (from: Expr | number, to: Expr | number, count: number): void =>
      f.for(
        from,
        to,
        () => {
          body(count, 4);
          this.advance(here, steps, 4 * count);
        },
        4 * count,
      );
    if (this.range?.axis === this.axes.length - 1) {
      // A range begins at a multiple of the block; only the last one has a tail.
      const [begin, end] = [f.param(0), f.param(1)];
      this.skip(here, begin, steps);
      const whole = f.let(op('i32.and', end, i32c(-4 * together)));
      repeat(begin, whole, together);
      if (together > 1) repeat(whole, op('i32.and', end, i32c(-4)), 1);
      if (tail > 0) f.if(op('i32.eq', end, i32c(extent)), () => body(1, tail));
      return;
    }
    const whole = extent - tail;
    if (whole > 4 && whole <= 4 * together) {
      body(whole / 4, 4);
      if (tail > 0) {
        this.advance(here, steps, whole);
        body(1, tail);
      }
      return;
    }
    const blocks = together > 1 ? whole - (whole % (4 * together)) : 0;
    if (blocks > 0) repeat(0, blocks, together);
    if (whole - blocks === 4) {
      body(1, 4);
      if (tail > 0) this.advance(here, steps, 4);
    } else if (whole > blocks) repeat(blocks, whole, 1);
    if (tail > 0) body(1, tail);
  }

  /** Pointers of its own that the innermost axis can move, for a walk from `start`. */
  movable(start: readonly Expr[]): readonly Expr[] {
    const { steps } = this.axes.at(-1)!;
    return start.map((ptr, i) => (steps[i] === 0 ? ptr : this.f.var(ptr)));
  }

  /** Moves pointers over `count` steps. */
  advance(pointers: readonly Expr[], steps: readonly number[], count: number): void {
    pointers.forEach((ptr, i) => {
      if (steps[i] !== 0) this.f.set(ptr as Local, offsetBy(ptr, steps[i]! * count));
    });
  }

  /** Moves pointers over a number of steps known at run time. */
  skip(pointers: readonly Expr[], count: Expr, steps: readonly number[]): void {
    pointers.forEach((ptr, i) => {
      if (steps[i] === 0) return;
      const bytes = op('i32.mul', count, i32c(steps[i]!));
      this.f.set(ptr as Local, op('i32.add', ptr, bytes));
    });
  }

  finish(): Kernel {
    const { steps } = this.axes[0]!;
    const base = { func: hoistConstants(this.f.build()), args: this.args, math: this.math.names, steps };
    return this.range ? { ...base, range: this.range } : base;
  }
}

/** Bytes from one element to the next in memory. */
export const elementBytes: Record<DType, number> = { float32: 4, float64: 8, int32: 4, uint32: 4, bool: 1 };

/** Axes merged where all streams allow it, kept and folded ones apart. */
function merged(axes: readonly KernelAxis[]): KernelAxis[] {
  const out: KernelAxis[] = [];
  for (let i = 0; i < axes.length; ) {
    const { folded } = axes[i]!;
    let end = i;
    while (end < axes.length && axes[end]!.folded === folded) end++;
    for (const axis of coalesce(axes.slice(i, end))) out.push({ ...axis, folded });
    i = end;
  }
  return out;
}
