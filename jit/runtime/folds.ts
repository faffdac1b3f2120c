import type { DType } from '../../src/core/dtype.ts';
import { shortName } from '../../src/core/dtype.ts';
import { range } from '../../src/core/shape.ts';
import { Inputs } from '../lower/expressions/streams.ts';
import type { Tree } from '../lower/expressions/tree.ts';
import type { Vector } from '../lower/expressions/vector-code.ts';
import { VectorEval } from '../lower/expressions/vector-eval.ts';
import { Accumulators, isExtreme } from '../lower/folds/accumulators.ts';
import { type Combine, combineScalars } from '../lower/folds/combine.ts';
import { forBlocks, laneBlocks } from '../lower/folds/lane-blocks.ts';
import { isOrdered, rowsPerTurn } from '../lower/folds/turns.ts';
import { elementBytes } from '../lower/kernels/kernel.ts';
import { Buffer, scalarType } from '../lower/storage.ts';
import { MathUses } from '../math/uses.ts';
import { call, type Expr, type Func, FunctionBuilder, i32c, type Local, load, op, type Target } from '../wasm/code.ts';
import { loadElement, storeElement } from '../wasm/loop-nest.ts';

const numeric: readonly DType[] = ['float32', 'float64', 'int32', 'uint32'];
const folds: readonly (readonly [Combine, readonly DType[]])[] = [
  ['add', numeric],
  ['mul', numeric],
  ['max', numeric],
  ['min', numeric],
  ['and', ['bool']],
  ['or', ['bool']],
];

export const foldName = (combine: Combine, dtype: DType): string => `fold_${combine}_${shortName(dtype)}`;

export const rowsFoldName = (combine: Combine, dtype: DType): string => `fold_rows_${combine}_${shortName(dtype)}`;

/** Lines that `fold_4_rows_max_f32(n, step, to, from)` combines with that at `to`, one after the other; they are `step` bytes apart. */
export const linesAtOnce = 4;

export const lineFoldName = (combine: Combine, dtype: DType): string =>
  `fold_${linesAtOnce}_rows_${combine}_${shortName(dtype)}`;

/** `fold_turns_max_f32(n, step, to, from, turns)`: so many [turns](../lower/folds/turns.ts), whose streams are `step` bytes apart. */
export const turnFoldName = (combine: Combine, dtype: DType): string => `fold_turns_${combine}_${shortName(dtype)}`;

/** Lines of n elements that are folded into that at `to`, which is read and written once for all of them. */
class LineFold {
  private readonly f: FunctionBuilder;
  private readonly combine: Combine;
  private readonly dtype: DType;
  private readonly bytes: number;
  private readonly to: Local;
  private readonly sources: readonly Local[];
  /** Whether lines are combined with each other first. */
  private readonly isTurn: boolean;

  constructor(
    f: FunctionBuilder,
    combine: Combine,
    dtype: DType,
    lines: { readonly to: Local; readonly sources: readonly Local[]; readonly isTurn: boolean },
  ) {
    this.f = f;
    this.combine = combine;
    this.dtype = dtype;
    this.bytes = elementBytes[dtype];
    this.to = lines.to;
    this.sources = lines.sources;
    this.isTurn = lines.isTurn && isOrdered(combine, dtype);
  }

  write(n: Expr): void {
    // Pointers go on by several vectors: they are more instructions than what is done with one.
    const most = (this.isTurn ? 8 : 16) / this.bytes;
    this.each(4 * most, op('i32.and', n, i32c(-4 * most)), () => {
      const offsets = range(most).map((u) => 4 * u * this.bytes);
      // Line after line, if registers hold what is known of so many vectors.
      if (isExtreme(this.combine, this.dtype)) for (const offset of offsets) this.take([offset]);
      else this.take(offsets);
    });
    if (most > 1) this.each(4, op('i32.and', n, i32c(4 * most - 4)), () => this.take([0]));
    this.each(1, op('i32.and', n, i32c(3)), () => this.takeOne());
  }

  /** Goes over n elements, `count` at a time. Without a counter, which would be one register too many. */
  private each(count: number, n: Expr, body: () => void): void {
    const { f, to } = this;
    const end = f.let(op('i32.add', to, op('i32.mul', n, i32c(this.bytes))));
    f.while(op('i32.lt_u', to, end), () => {
      body();
      for (const ptr of [to, ...this.sources]) f.set(ptr, op('i32.add', ptr, i32c(count * this.bytes)));
    });
  }

  private take(offsets: readonly number[]): void {
    const { f, combine, dtype, sources, to, isTurn } = this;
    const values = (ptr: Expr, offset: number): Vector =>
      range(this.bytes / 4).map((part) => load('v128.load', ptr, offset + 16 * part));
    const [first, ...others] = isTurn ? sources : [to, ...sources];
    const totals = offsets.map((offset) => {
      const total = new Accumulators(f, combine, dtype);
      total.startWith([values(first!, offset)]);
      return total;
    });
    for (const ptr of isTurn ? [...others, to] : others)
      totals.forEach((total, u) => {
        total.add(0, [values(ptr, offsets[u]!)], 4);
      });
    totals.forEach((total, u) => {
      total.finish()[0]!.forEach((part, i) => {
        f.store('v128.store', to, part, offsets[u]! + 16 * i);
      });
    });
  }

  private takeOne(): void {
    const { f, combine, dtype, sources, to, isTurn } = this;
    const name = (e: Expr): Expr => (e.kind === 'local' ? e : f.let(e));
    const total = (isTurn ? [...sources, to] : [to, ...sources])
      .map((ptr): Expr => f.let(loadElement(dtype, ptr)))
      .reduce((sum, value) => name(combineScalars(combine, dtype, sum, value, name)));
    storeElement(f, dtype, to, total);
  }
}

function lines(combine: Combine, dtype: DType): Func {
  const f = new FunctionBuilder(lineFoldName(combine, dtype), new Array(4).fill('i32'));
  const [n, step, to, from] = f.parameters as [Local, Local, Local, Local];
  const sources = [f.var(from)];
  while (sources.length < linesAtOnce) sources.push(f.var(op('i32.add', sources.at(-1)!, step)));
  new LineFold(f, combine, dtype, { to, sources, isTurn: false }).write(n);
  return f.build(true);
}

function turns(combine: Combine, dtype: DType): Func {
  const f = new FunctionBuilder(turnFoldName(combine, dtype), new Array(5).fill('i32'));
  const [n, step, start, from, count] = f.parameters as [Local, Local, Local, Local, Local];
  const sources = [f.var(from)];
  while (sources.length < rowsPerTurn) sources.push(f.var(op('i32.add', sources.at(-1)!, step)));
  const to = f.var(start);
  const fold = new LineFold(f, combine, dtype, { to, sources, isTurn: true });
  // At the end of a line, each stream is at its next one.
  f.for(0, count, () => {
    f.set(to, start);
    fold.write(n);
  });
  return f.build(true);
}

/** `fold(n, x)`: all elements of a contiguous array in one value, sixteen partial results at a time. */
export const foldFunctions = (target: Target): Func[] =>
  folds.flatMap(([combine, all]) =>
    all.flatMap((dtype) => [
      fold(combine, dtype, target),
      rows(combine, dtype),
      ...(dtype === 'bool' ? [] : [lines(combine, dtype), turns(combine, dtype)]),
    ]),
  );

/** fold_rows_add_f32(n, to, rows, x): the fold of each of so many rows of n elements that lie one after the other. */
function rows(combine: Combine, dtype: DType): Func {
  const f = new FunctionBuilder(rowsFoldName(combine, dtype), new Array(4).fill('i32'));
  const [n, to, count, x] = f.parameters;
  const bytes = i32c(elementBytes[dtype]);
  const rowBytes = f.let(op('i32.mul', n, bytes));
  f.for(0, count, () => {
    storeElement(f, dtype, to, call(foldName(combine, dtype), scalarType(dtype), n, x));
    f.set(to, op('i32.add', to, bytes));
    f.set(x, op('i32.add', x, rowBytes));
  });
  return f.build(true);
}

function fold(combine: Combine, dtype: DType, target: Target): Func {
  const f = new FunctionBuilder(foldName(combine, dtype), ['i32', 'i32'], scalarType(dtype));
  const [n, x] = [f.param(0), f.param(1)];
  const leaf: Tree = { kind: 'array', dtype, buffer: new Buffer(dtype, 0, x), offset: 0, strides: [1] };
  const values = new VectorEval(f, new Inputs([leaf]), new Map(), () => elementBytes[dtype], new MathUses(target));
  const pointers = new Map<Tree, Expr>([[leaf, x]]);
  const totals = new Accumulators(f, combine, dtype);
  const blocks = laneBlocks([{ combine, root: leaf }]);
  totals.startOne(blocks[0]!);
  forBlocks(f, n, blocks, (count) => {
    for (let u = 0; u < count; u++) totals.add(u, [values.evaluate(leaf, pointers, 4 * u, 4)], 4);
    f.set(x, op('i32.add', x, i32c(4 * count * elementBytes[dtype])));
  });
  const total = f.var(totals.horizontal());
  f.for(0, op('i32.and', n, i32c(3)), () => {
    f.set(
      total,
      combineScalars(combine, dtype, total, loadElement(dtype, x), (e) => f.let(e)),
    );
    f.set(x, op('i32.add', x, i32c(elementBytes[dtype])));
  });
  f.return(total);
  return f.build(true);
}
