import type { DType } from '../../src/core/dtype.ts';
import { shortName } from '../../src/core/dtype.ts';
import { type Expr, type Func, FunctionBuilder, i32c, type Local, op, type Target } from '../code.ts';
import { loadElement } from '../loop-nest.ts';
import { type Combine, combineScalars, identityOf } from '../lower/combine.ts';
import { elementBytes } from '../lower/kernel.ts';
import { constant } from '../lower/scalar-code.ts';
import { Buffer, scalarType } from '../lower/storage.ts';
import { Inputs } from '../lower/streams.ts';
import type { Tree } from '../lower/tree.ts';
import { noMath, splatConstant, type Vector, vectorOp } from '../lower/vector-code.ts';
import { extractLane, VectorEval } from '../lower/vector-eval.ts';
import { MathUses } from '../math/uses.ts';

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
  const name = (e: Expr): Expr => f.let(e);
  const join = (a: Vector, b: Vector): Vector => vectorOp(combine, dtype, [a, b], dtype, name, noMath);
  const identity = identityOf(combine, dtype);
  const totals = Array.from({ length: unroll }, () => splatConstant(identity, dtype).map((part) => f.var(part)));
  const blocks = (count: number, until: Expr): void =>
    f.for(
      0,
      until,
      () => {
        for (let u = 0; u < count; u++) {
          join(totals[u]!, values.evaluate(leaf, pointers, 4 * u, 4)).forEach((part, i) => {
            f.set(totals[u]![i]!, part);
          });
        }
        f.set(x, op('i32.add', x, i32c(4 * count * elementBytes[dtype])));
      },
      4 * count,
    );
  blocks(unroll, op('i32.and', n, i32c(-4 * unroll)));
  blocks(1, op('i32.and', n, i32c(4 * unroll - 4)));
  let vectors: Vector[] = totals;
  while (vectors.length > 1)
    vectors = vectors.slice(0, vectors.length / 2).map((v, i) => join(v, vectors[i + vectors.length / 2]!).map(name));
  let lanes = [0, 1, 2, 3].map((i) => name(extractLane(dtype, vectors[0]!, i)));
  while (lanes.length > 1)
    lanes = lanes
      .slice(0, lanes.length / 2)
      .map((a, i) => name(combineScalars(combine, dtype, a, lanes[i + lanes.length / 2]!, name)));
  const total = f.var(lanes[0] ?? constant(identity, dtype)) as Local;
  f.for(0, op('i32.and', n, i32c(3)), () => {
    f.set(total, combineScalars(combine, dtype, total, loadElement(dtype, x), name));
    f.set(x, op('i32.add', x, i32c(elementBytes[dtype])));
  });
  f.return(total);
  return f.build(true);
}
