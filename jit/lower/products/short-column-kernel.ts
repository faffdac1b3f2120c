import { MathUses } from '../../math/uses.ts';
import {
  type Expr,
  FunctionBuilder,
  f32x4c,
  f64x2c,
  i32c,
  i32x4lanes,
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

/** r = X·w, p from r element by element, g = Xᵀ·p, and what follows from g, for few columns that lie one after the other. */
export interface ShortColumns {
  readonly rows: number;
  readonly columns: number;
  /** From one column to the next, in elements. */
  readonly columnStride: number;
  readonly dtype: 'float32' | 'float64';
}

/** The code is written out for each column. */
const mostColumns = 64;
/** One call does not take longer than this many elements. */
const mostElements = 2 ** 18;

export const hasShortColumns = ({ rows, columns }: Pick<ShortColumns, 'rows' | 'columns'>): boolean =>
  rows >= 4 && columns <= mostColumns && rows * columns <= mostElements;

/** Columns under way at a time: a register for the element of w or for the sum of each, of fifteen. */
const mostTogether = 12;
/** Of X, which is read twice, the second time from the first-level cache. */
const blockBytes = 24576;

/** Rows that go through r, p and g together. */
function rowsPerBlock({ rows, columns, dtype }: ShortColumns): number {
  const rowBytes = columns * lanesOf(dtype).bytes;
  return rows * rowBytes <= (4 * blockBytes) / 3 ? rows : Math.max(4, Math.floor(blockBytes / rowBytes) & -4);
}

/** Bytes of scratch memory that the kernel needs: p of a block. */
export const shortColumnScratch = (size: ShortColumns): number =>
  Math.ceil(rowsPerBlock(size) / 4) * 4 * lanesOf(size.dtype).bytes;

/**
 * Lanes are rows: four at a time, r is a sum over columns, and g has a vector of partial sums for each column, which are
 * added up once, at the end. Compared with rows that lie together (shortRowKernel) no sum across lanes and no element
 * that becomes a vector comes between the multiply-adds.
 *
 * @param between the expression of p
 * @param behind what is computed from g; without it g is stored at `places.g`
 */
export function shortColumnKernel(
  size: ShortColumns,
  target: Target,
  places: { readonly x: Expr; readonly w: Expr; readonly g: Expr; readonly scratch: Expr },
  between: HeldExpression,
  behind: HeldExpression | undefined,
): Kernel {
  const { rows, columns, columnStride, dtype } = size;
  const e = lanesOf(dtype);
  const f = new FunctionBuilder('', ['i32', 'i32', 'i32', 'i32', ...between.params, ...(behind?.params ?? [])]);
  const math = new MathUses(target);
  const [x, w, g, scratch] = [f.var(f.param(0)), f.param(1), f.param(2), f.param(3)];
  const zero = e.bytes === 4 ? f32x4c(0) : f64x2c(0);
  const groups = columnGroups(columns);
  between.enter(f, 4, math);
  const sums = Array.from({ length: columns }, () => f.var(zero));

  /** Walks along a block, four rows at a time, with a pointer into the first column and one into p. */
  const walk = (count: number, four: (at: Local, p: Local, lanes: number) => void): void => {
    const [at, p] = [f.var(x), f.var(scratch)];
    if (count >= 4) {
      const left = f.var(i32c(count >> 2));
      f.doWhile(left, () => {
        four(at, p, 4);
        f.set(at, op('i32.add', at, i32c(4 * e.bytes)));
        f.set(p, op('i32.add', p, i32c(4 * e.bytes)));
        f.set(left, op('i32.sub', left, i32c(1)));
      });
    }
    if (count % 4 > 0) four(at, p, count % 4);
  };
  const vectorsOf = (lanes: number) =>
    Array.from({ length: Math.ceil(lanes / e.count) }, (_, u) => ({
      offset: 16 * u,
      elements: Math.min(e.count, lanes - u * e.count),
    }));
  const element = (at: Expr, column: number, offset: number, elements: number): Expr =>
    loadVector(e, at, column * columnStride * e.bytes + offset, elements);

  const products = (count: number): void => {
    groups.forEach((group, i) => {
      const factors = group.map((column) => f.let(load(e.splat, w, column * e.bytes)));
      // Two sums take turns, so that half of the additions need not wait for each other.
      const dot = (at: Local, p: Local, offset: number, elements: number): Local => {
        const chains: Local[] = [];
        group.forEach((column, k) => {
          const [value, factor] = [element(at, column, offset, elements), factors[k]!];
          if (k >= 2) f.set(chains[k % 2]!, madd(target, e.shape, value, factor, chains[k % 2]!));
          else if (k === 0 && i > 0)
            chains.push(f.var(madd(target, e.shape, value, factor, load('v128.load', p, offset))));
          else chains.push(f.var(op(`${e.shape}.mul`, value, factor)));
        });
        return chains.length === 1 ? chains[0]! : f.var(op(`${e.shape}.add`, chains[0]!, chains[1]!));
      };
      walk(count, (at, p, lanes) => {
        const vectors = vectorsOf(lanes);
        const dots = vectors.map(({ offset, elements }) => dot(at, p, offset, elements));
        const store = (u: number, value: Expr): void => f.store('v128.store', p, value, vectors[u]!.offset);
        if (i < groups.length - 1) {
          dots.forEach((sum, u) => {
            store(u, sum);
          });
          return;
        }
        const [four] = inFours(e, dots) as [Expr[]];
        const [[results]] = between.apply([four], lanes) as [[Expr[]]];
        vectors.forEach(({ elements }, u) => {
          // What is computed behind the last row need not be a number.
          store(u, elements < e.count ? op('v128.and', results[u]!, firstLanes(elements * e.bytes)) : results[u]!);
        });
        between.advance(4);
      });
    });
  };
  const transposed = (count: number): void => {
    for (const group of groups)
      walk(count, (at, p, lanes) => {
        for (const { offset, elements } of vectorsOf(lanes)) {
          const factor = f.let(load('v128.load', p, offset));
          for (const column of group)
            f.set(sums[column]!, madd(target, e.shape, element(at, column, offset, elements), factor, sums[column]!));
        }
      });
  };
  const block = (count: number): void => {
    products(count);
    transposed(count);
  };
  const together = rowsPerBlock(size);
  const blocks = Math.floor(rows / together);
  const one = (): void => {
    block(together);
    if (together < rows) f.set(x, op('i32.add', x, i32c(together * e.bytes)));
  };
  if (blocks === 1) one();
  else {
    const left = f.var(i32c(blocks));
    f.doWhile(left, () => {
      one();
      f.set(left, op('i32.sub', left, i32c(1)));
    });
  }
  if (rows % together > 0) block(rows % together);

  const total: Local[] = [];
  for (let column = 0; column < columns; column += 4) {
    const four = Array.from({ length: 4 }, (_, i) => sums[column + i] ?? f.var(zero));
    total.push(...horizontalSums(f, e, four));
  }
  total.length = Math.ceil(columns / e.count);
  if (behind) {
    behind.enter(f, 4 + between.params.length, math);
    behind.apply(inFours(e, total), columns % 4 || 4);
  } else
    total.forEach((sum, v) => {
      storeVector(f, e, g, 16 * v, sum, Math.min(e.count, columns - v * e.count));
    });
  const args = [places.x, places.w, places.g, places.scratch, ...between.args, ...(behind?.args ?? [])];
  return { func: hoistConstants(f.build()), args, math: math.names };
}

/** The columns, as evenly as possible in groups that registers hold. */
function columnGroups(columns: number): number[][] {
  const count = Math.ceil(columns / mostTogether);
  const groups = Array.from({ length: count }, (): number[] => []);
  for (let column = 0; column < columns; column++) groups[Math.floor((column * count) / columns)]!.push(column);
  return groups;
}

/** A mask of the first bytes of a vector. */
function firstLanes(bytes: number): Expr {
  const on = (i: number): number => (4 * i < bytes ? -1 : 0);
  return i32x4lanes(on(0), on(1), on(2), on(3));
}
