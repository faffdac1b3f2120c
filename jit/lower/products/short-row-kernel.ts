import { MathUses } from '../../math/uses.ts';
import {
  type Expr,
  FunctionBuilder,
  f32x4c,
  f64x2c,
  i32c,
  type Local,
  load,
  madd,
  op,
  type Target,
} from '../../wasm/code.ts';
import { hoistConstants } from '../../wasm/hoist-constants.ts';
import { lanesOf, loadVector, storeVector } from '../expressions/lanes.ts';
import type { Kernel } from '../kernels/kernel.ts';
import { horizontalSums, inFours } from './gemv-code.ts';
import type { HeldExpression } from './held-expression.ts';

/** r = X·w, p from r element by element, g = Xᵀ·p, and what follows from g: for matrices with few columns, one kernel. */
export interface ShortRows {
  readonly rows: number;
  readonly columns: number;
  /** From one row to the next, in elements. */
  readonly rowStride: number;
  readonly dtype: 'float32' | 'float64';
}

/** Bytes of scratch memory that the kernel needs: four elements of p. */
export const shortRowScratch = 32;

/** Vectors of w and of g, which stay in registers. */
const mostVectors = 5;
/** One call does not take longer than this many elements. */
const mostElements = 2 ** 16;

export const isShort = ({ rows, columns, dtype }: Omit<ShortRows, 'rowStride'>): boolean =>
  rows >= 4 && columns <= mostVectors * lanesOf(dtype).count && rows * columns <= mostElements;

/** Sums that take turns at each element of g, as many as registers hold: an addition waits four cycles for another. */
const turnsFor = (vectors: number): number => [4, 3, 2, 1, 1][vectors - 1]!;

/**
 * Four rows at a time: their products with w become one vector of r, p is computed from it where it is, and its lanes
 * multiply the same rows, which are in the first-level cache.
 *
 * @param between the expression of p
 * @param behind what is computed from g; without it g is stored at `places.g`
 */
export function shortRowKernel(
  { rows, columns, rowStride, dtype }: ShortRows,
  target: Target,
  places: { readonly x: Expr; readonly w: Expr; readonly g: Expr; readonly scratch: Expr },
  between: HeldExpression,
  behind: HeldExpression | undefined,
): Kernel {
  const e = lanesOf(dtype);
  const f = new FunctionBuilder('', ['i32', 'i32', 'i32', 'i32', ...between.params, ...(behind?.params ?? [])]);
  const math = new MathUses(target);
  const [x, w, g, scratch] = [f.var(f.param(0)), f.param(1), f.param(2), f.param(3)];
  const vectors = Array.from({ length: Math.ceil(columns / e.count) }, (_, v) => ({
    offset: 16 * v,
    elements: Math.min(e.count, columns - v * e.count),
  }));
  const zero = e.bytes === 4 ? f32x4c(0) : f64x2c(0);
  const factors = vectors.map(({ offset, elements }) => f.var(loadVector(e, w, offset, elements)));
  const turns = turnsFor(vectors.length);
  const sums = Array.from({ length: turns }, () => vectors.map(() => f.var(zero)));
  between.enter(f, 4, math);
  const factor = f.local('v128');
  const dots = Array.from({ length: 4 }, () => f.local('v128'));

  const rowsAtOnce = (count: number): void => {
    const at = (r: number, v: number): Expr => {
      const { offset, elements } = vectors[v]!;
      return loadVector(e, x, r * rowStride * e.bytes + offset, elements);
    };
    for (let v = 0; v < vectors.length; v++)
      for (let r = 0; r < count; r++) {
        const product = v === 0 ? op(`${e.shape}.mul`, at(r, v), factors[v]!) : undefined;
        f.set(dots[r]!, product ?? madd(target, e.shape, at(r, v), factors[v]!, dots[r]!));
      }
    const products = horizontalSums(
      f,
      e,
      dots.map((dot, r) => (r < count ? dot : f.var(zero))),
    );
    // Through memory: beyond a store the engine does not take the rows for known, which would cost it more registers
    // than there are.
    between.apply([products], count)[0]![0]!.forEach((part, i) => {
      f.store('v128.store', scratch, part, 16 * i);
    });
    for (let r = 0; r < count; r++) {
      f.set(factor, load(e.splat, scratch, r * e.bytes));
      sums[r % turns]!.forEach((sum, v) => {
        f.set(sum, madd(target, e.shape, at(r, v), factor, sum));
      });
    }
  };
  const left = f.var(i32c(rows >> 2));
  f.doWhile(left, () => {
    rowsAtOnce(4);
    f.set(x, op('i32.add', x, i32c(4 * rowStride * e.bytes)));
    between.advance(4);
    f.set(left, op('i32.sub', left, i32c(1)));
  });
  if (rows % 4 > 0) rowsAtOnce(rows % 4);

  const [total, ...others] = sums as [Local[], ...Local[][]];
  for (const other of others)
    total.forEach((sum, v) => {
      f.set(sum, op(`${e.shape}.add`, sum, other[v]!));
    });
  if (behind) {
    behind.enter(f, 4 + between.params.length, math);
    behind.apply(inFours(e, total), columns % 4 || 4);
  } else
    vectors.forEach(({ offset, elements }, v) => {
      storeVector(f, e, g, offset, total[v]!, elements);
    });
  const args = [places.x, places.w, places.g, places.scratch, ...between.args, ...(behind?.args ?? [])];
  return { func: hoistConstants(f.build()), args, math: math.names };
}
