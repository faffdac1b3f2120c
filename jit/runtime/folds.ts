import type { DType } from '../../src/core/dtype.ts';
import { shortName } from '../../src/core/dtype.ts';
import { Inputs } from '../lower/expressions/streams.ts';
import type { Tree } from '../lower/expressions/tree.ts';
import { VectorEval } from '../lower/expressions/vector-eval.ts';
import { Accumulators } from '../lower/folds/accumulators.ts';
import { type Combine, combineScalars } from '../lower/folds/combine.ts';
import { elementBytes } from '../lower/kernels/kernel.ts';
import { Buffer, scalarType } from '../lower/storage.ts';
import { MathUses } from '../math/uses.ts';
import { type Expr, type Func, FunctionBuilder, i32c, op, type Target } from '../wasm/code.ts';
import { loadElement } from '../wasm/loop-nest.ts';

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

/** `fold(n, x)`: all elements of a contiguous array in one value, sixteen partial results at a time. */
export const foldFunctions = (target: Target): Func[] =>
  folds.flatMap(([combine, all]) => all.map((dtype) => fold(combine, dtype, target)));

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
