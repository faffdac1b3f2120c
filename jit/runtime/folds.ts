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
import { elementBytes } from '../lower/kernels/kernel.ts';
import { Buffer, scalarType } from '../lower/storage.ts';
import { MathUses } from '../math/uses.ts';
import { call, type Expr, type Func, FunctionBuilder, i32c, load, op, type Target } from '../wasm/code.ts';
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

/** Numbers of lines that `fold_8_rows_max_f32(n, step, to, from)` combines at once with that at `to`; they are `step` bytes apart. */
export const linesAtOnce: readonly number[] = [8, 4];

export const lineFoldName = (combine: Combine, dtype: DType, height: number): string =>
  `fold_${height}_rows_${combine}_${shortName(dtype)}`;

/** One after the other, so that the line at `to` is read and written once for all of them. */
function lines(combine: Combine, dtype: DType, height: number): Func {
  const f = new FunctionBuilder(lineFoldName(combine, dtype, height), new Array(4).fill('i32'));
  const [n, step, to, from] = f.parameters;
  const bytes = elementBytes[dtype];
  const sources = [f.var(from)];
  while (sources.length < height) sources.push(f.var(op('i32.add', sources.at(-1)!, step)));
  /** Goes over n elements, `count` at a time. Without a counter, which would be one register too many. */
  const each = (count: number, n: Expr, body: () => void): void => {
    const end = f.let(op('i32.add', to, op('i32.mul', n, i32c(bytes))));
    f.while(op('i32.lt_u', to, end), () => {
      body();
      for (const ptr of [to, ...sources]) f.set(ptr, op('i32.add', ptr, i32c(count * bytes)));
    });
  };
  const name = (e: Expr): Expr => (e.kind === 'local' ? e : f.let(e));
  const take = (offsets: readonly number[]): void => {
    const values = (ptr: Expr, offset: number): Vector =>
      range(bytes / 4).map((part) => load('v128.load', ptr, offset + 16 * part));
    const totals = offsets.map((offset) => {
      const total = new Accumulators(f, combine, dtype);
      total.startWith(values(to, offset));
      return total;
    });
    for (const ptr of sources)
      totals.forEach((total, u) => {
        total.add(0, values(ptr, offsets[u]!), 4);
      });
    totals.forEach((total, u) => {
      total.finish()[0]!.forEach((part, i) => {
        f.store('v128.store', to, part, offsets[u]! + 16 * i);
      });
    });
  };
  // Pointers go on by a line of the cache: they are more instructions than what is done with a vector.
  const fours = 16 / bytes;
  each(4 * fours, op('i32.and', n, i32c(-4 * fours)), () => {
    const offsets = range(fours).map((u) => 4 * u * bytes);
    // Line after line, if registers hold what is known of so many vectors.
    if (isExtreme(combine, dtype)) for (const offset of offsets) take([offset]);
    else take(offsets);
  });
  each(4, op('i32.and', n, i32c(4 * fours - 4)), () => take([0]));
  each(1, op('i32.and', n, i32c(3)), () => {
    const total = sources.reduce(
      (sum, ptr) => name(combineScalars(combine, dtype, sum, f.let(loadElement(dtype, ptr)), name)),
      f.let(loadElement(dtype, to)),
    );
    storeElement(f, dtype, to, total);
  });
  return f.build(true);
}

/** `fold(n, x)`: all elements of a contiguous array in one value, sixteen partial results at a time. */
export const foldFunctions = (target: Target): Func[] =>
  folds.flatMap(([combine, all]) =>
    all.flatMap((dtype) => [
      fold(combine, dtype, target),
      rows(combine, dtype),
      ...(dtype === 'bool' ? [] : linesAtOnce.map((height) => lines(combine, dtype, height))),
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
    for (let u = 0; u < count; u++) totals.add(u, values.evaluate(leaf, pointers, 4 * u, 4), 4);
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
