import type { DType } from '../../src/core/dtype.ts';
import { shortName } from '../../src/core/dtype.ts';
import { range } from '../../src/core/shape.ts';
import { Inputs } from '../lower/expressions/streams.ts';
import type { Tree } from '../lower/expressions/tree.ts';
import { noMath, type Vector, vectorOp } from '../lower/expressions/vector-code.ts';
import { VectorEval } from '../lower/expressions/vector-eval.ts';
import { Accumulators, isExtreme } from '../lower/folds/accumulators.ts';
import { type Combine, combineScalars } from '../lower/folds/combine.ts';
import { elementBytes } from '../lower/kernels/kernel.ts';
import { Buffer, scalarType } from '../lower/storage.ts';
import { MathUses } from '../math/uses.ts';
import { type Expr, type Func, FunctionBuilder, i32c, load, op, type Target } from '../wasm/code.ts';
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

/** Lines that `fold_rows_max_f32(n, step, to, from)` combines at once with that at `to`; they are `step` bytes apart. */
export const linesAtOnce = 4;

export const lineFoldName = (combine: Combine, dtype: DType): string => `fold_rows_${combine}_${shortName(dtype)}`;

/** One after the other, so that the line at `to` is read and written once for all of them. */
function lines(combine: Combine, dtype: DType): Func {
  const f = new FunctionBuilder(lineFoldName(combine, dtype), new Array(4).fill('i32'));
  const [n, step, to, from] = f.parameters;
  const bytes = elementBytes[dtype];
  const sources = [f.var(from)];
  while (sources.length < linesAtOnce) sources.push(f.var(op('i32.add', sources.at(-1)!, step)));
  const each = (count: number, until: Expr, body: () => void): void =>
    f.for(
      0,
      until,
      () => {
        body();
        for (const ptr of [to, ...sources]) f.set(ptr, op('i32.add', ptr, i32c(count * bytes)));
      },
      count,
    );
  // An instruction for what is known about NaN and signs at the end takes less time than one that knows at every step.
  const extremes = isExtreme(combine, dtype) ? new Accumulators(f, combine, dtype) : undefined;
  const name = (e: Expr): Expr => (e.kind === 'local' ? e : f.let(e));
  const vector = (ptr: Expr): Vector => range(bytes / 4).map((part) => f.let(load('v128.load', ptr, 16 * part)));
  each(4, op('i32.and', n, i32c(-4)), () => {
    const values = [to, ...sources].map(vector);
    if (extremes) {
      extremes.start(1);
      for (const value of values) extremes.add(0, value, 4);
    }
    const total =
      extremes?.finish()[0] ??
      values.reduce((sum, value) => vectorOp(combine, dtype, [sum, value], dtype, name, noMath).map(name));
    total.forEach((part, i) => {
      f.store('v128.store', to, part, 16 * i);
    });
  });
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
    all.flatMap((dtype) => [fold(combine, dtype, target), ...(dtype === 'bool' ? [] : [lines(combine, dtype)])]),
  );

function fold(combine: Combine, dtype: DType, target: Target): Func {
  const f = new FunctionBuilder(foldName(combine, dtype), ['i32', 'i32'], scalarType(dtype));
  const [n, x] = [f.param(0), f.param(1)];
  const unroll = dtype === 'float64' ? 2 : 4;
  const leaf: Tree = { kind: 'array', dtype, buffer: new Buffer(dtype, 0, x), offset: 0, strides: [1] };
  const values = new VectorEval(f, new Inputs([leaf]), new Map(), () => elementBytes[dtype], new MathUses(target));
  const pointers = new Map<Tree, Expr>([[leaf, x]]);
  const totals = new Accumulators(f, combine, dtype);
  totals.start(unroll);
  const blocks = (count: number, until: Expr): void =>
    f.for(
      0,
      until,
      () => {
        for (let u = 0; u < count; u++) totals.add(u, values.evaluate(leaf, pointers, 4 * u, 4), 4);
        f.set(x, op('i32.add', x, i32c(4 * count * elementBytes[dtype])));
      },
      4 * count,
    );
  blocks(unroll, op('i32.and', n, i32c(-4 * unroll)));
  blocks(1, op('i32.and', n, i32c(4 * unroll - 4)));
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
