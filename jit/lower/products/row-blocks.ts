import { byteSize } from '../../../src/core/dtype.ts';
import { type Expr, type FunctionBuilder, i32c, type Local, op, select } from '../../wasm/code.ts';
import { commonMultiple } from '../common-multiple.ts';
import type { Driver } from '../driver.ts';
import type { ProductType } from '../expressions/lanes.ts';
import { Captures } from '../in-threads.ts';
import { rowsAtOnce } from '../passes/epilogues.ts';
import { type BatchAxis, joinedBatch } from './batch-axes.ts';
import { type Beginning, BlockProduct, plusRows, withRoom } from './block-product.ts';
import {
  type BlockWork,
  type ComputedRows,
  callsOnRows,
  plus,
  type RowOperand,
  type RowSource,
  rowSource,
  rowsOfStep,
} from './block-rows.ts';
import { ComputedPanels } from './computed-panels.ts';
import type { Product } from './dot-code.ts';
import type { HeldTile } from './held-tile.ts';
import { isDealtOut, partsOfRows } from './product-threads.ts';
import { columnsBefore } from './triangles.ts';

/** Where the rows of a block go, and what is done with them there. Rows are counted over all products. */
interface BlockEnd {
  readonly into: () => Expr;
  readonly after?: (f: FunctionBuilder, from: Expr, to: Expr) => void;
  /** How many columns are needed of the rows before one; undefined for all. */
  readonly columns?: (next: Expr) => Expr | undefined;
}

/**
 * A product that is computed some rows at a time: after what computes these rows of A, and before a kernel that reads
 * what they give. Both have them in the cache, and there is no place for more of them than that. B is packed once for all
 * rows. Threads take blocks, each with places of its own for rows.
 */
export class RowBlocks {
  private readonly d: Driver;
  private readonly product: Product;
  private readonly dtype: ProductType;
  private readonly bytes: number;
  private readonly rows: RowSource;
  private readonly b: Expr | ComputedPanels;
  /** Whether threads share the rows of a product. */
  private readonly work: BlockWork;

  constructor(d: Driver, product: Product, dtype: ProductType, a: RowOperand, b: Expr | ComputedPanels) {
    this.d = d;
    this.product = product;
    this.dtype = dtype;
    this.bytes = byteSize(dtype);
    this.b = b;
    this.work = { dtype, isShared: d.target.shared && isDealtOut(product.m, product.n, product.k) };
    this.rows = rowSource(d, product, a, this.work);
  }

  /** Writes the result to `c`, with nothing behind it. */
  store(c: Expr): void {
    const rowBytes = this.product.n * this.bytes;
    const height = this.height(1);
    this.blocks(height, (captures, { firstRow }) => ({
      into: captures.take(plusRows(c, firstRow, rowBytes), { perStep: height * rowBytes }),
    }));
  }

  /**
   * The same with a kernel that goes over rows of the result, in ranges of its outermost axis. It reads them at `base`, as
   * if all of them were there.
   */
  before(behind: ComputedRows): void {
    const { product, work } = this;
    const rowBytes = product.n * this.bytes;
    const unit = rowsOfStep(product, behind);
    const height = this.height(unit);
    withRoom(this.d, work.isShared, Math.max(height, unit) * rowBytes, (block, perThread) => {
      if (unit > product.m) {
        this.severalBefore(behind, block, height);
        return;
      }
      this.blocks(height, (captures, at) => {
        const into = captures.take(block, { perThread });
        const write = callsOnRows(this.d, product, behind, [{ base: behind.base, rowBytes }], captures, at, work);
        return {
          into,
          after: (f, from, to) => write(f, from, to, [into()]),
          columns: (next) => columnsBefore(next, behind.share?.furthest ?? Number.POSITIVE_INFINITY, product.n),
        };
      });
    });
    behind.share?.release();
  }

  /** A step of the kernel takes the rows of several products, each of which is a block. */
  private severalBefore(behind: ComputedRows, block: Expr, height: number): void {
    const { d, product, work } = this;
    const { f } = d;
    const rowBytes = product.n * this.bytes;
    const unit = rowsOfStep(product, behind);
    const within = (rows: Expr): Expr => op('i32.rem_u', rows, i32c(unit));
    this.blocks(
      height,
      (captures, { firstRow }) => ({ into: captures.take(plusRows(block, within(firstRow), rowBytes)) }),
      undefined,
      (done) =>
        f.if(op('i32.eqz', within(done)), () => {
          const captures = new Captures();
          const places = [{ base: behind.base, rowBytes }];
          const none = { firstRow: i32c(0), number: i32c(0) };
          const write = callsOnRows(d, product, behind, places, captures, none, work);
          captures.here(() => write(f, f.let(op('i32.sub', done, i32c(unit))), done, [block]));
        }),
    );
  }

  /** The same with the result in the expressions of a tile. */
  into(tile: HeldTile): void {
    this.blocks(this.height(1), () => ({ into: () => i32c(0) }), tile);
  }

  /** Rows of a block, dealt out evenly: a multiple of those that a step of each kernel takes, or of a tile. */
  private height(unit: number): number {
    const { m, n } = this.product;
    const { unit: own = unit, widest } = this.rows;
    const most = rowsAtOnce(m, Math.max(n, widest) * this.bytes);
    const even = Math.ceil(m / Math.max(Math.ceil(m / most), this.work.isShared ? partsOfRows(m) : 1));
    const tiles = own === 1 && unit === 1 ? 12 : own === 1 || unit === 1 ? 4 : 1;
    const step = [unit, tiles].reduce(commonMultiple, own);
    return Math.min(m, Math.ceil(even / step) * step);
  }

  /** Writes the blocks of all products. `then` is written behind each product, with the number of rows done. */
  private blocks(
    height: number,
    end: (captures: Captures, at: Beginning) => BlockEnd,
    tile?: HeldTile,
    then: (done: Expr) => void = () => {},
  ): void {
    const { d, product, rows, b, work } = this;
    const { m, batch } = product;
    const multiplier = new BlockProduct(d, product, this.dtype, b, {
      computesRows: rows.isComputed,
      endsInZeros: rows.endsInZeros,
      isShared: work.isShared,
    });
    const own = batch.map(({ extent, steps }) => ({ extent, steps: [steps[1]] }));
    const starts = [...rows.starts, b instanceof ComputedPanels ? i32c(0) : b];
    rows.open(height, (prepareRows) =>
      multiplier.withOperands(height, tile, ({ begin, prepare, isFinite }) => {
        const { f, locals } = d;
        const isBatch = batch.length > 0;
        const zero = (): Expr => (isBatch ? locals.hold(i32c(0)) : i32c(0));
        const [firstRow, number] = [zero(), zero()];
        this.eachProduct(joinedBatch(rows.batch, own)!, starts, (pointers) => {
          begin(pointers.at(-1)!);
          const captures = new Captures();
          const at = { firstRow, number };
          const { from, write } = prepareRows(captures, at, pointers, isFinite);
          const { into, after, columns } = end(captures, at);
          const multiply = prepare(captures, at);
          captures.run(d, { extent: Math.ceil(m / height), chunk: 1, threads: work.isShared }, (f, block) => {
            const row = height === m ? i32c(0) : f.let(op('i32.mul', block, i32c(height)));
            const left = op('i32.sub', i32c(m), row);
            const count =
              m % height === 0 ? i32c(height) : f.let(select(op('i32.lt_s', left, i32c(height)), left, i32c(height)));
            const next = plus(row, count);
            const limits = write?.(f, row, count, next);
            multiply(f, count, from(), into(), { ...limits, columns: columns?.(next) });
            after?.(f, row, next);
          });
          if (!isBatch) return;
          f.set(firstRow as Local, op('i32.add', firstRow, i32c(m)));
          f.set(number as Local, op('i32.add', number, i32c(1)));
          then(firstRow);
        });
        if (isBatch) for (const local of [firstRow, number]) locals.give(local as Local);
      }),
    );
  }

  /** Loops over the products of a batch, with the addresses of their operands. */
  private eachProduct(batch: readonly BatchAxis[], starts: readonly Expr[], body: (at: readonly Expr[]) => void): void {
    const { f, locals } = this.d;
    const level = (depth: number, from: readonly Expr[]): void => {
      const axis = batch[depth];
      if (!axis) {
        body(from);
        return;
      }
      const at = from.map((ptr, i) => (axis.steps[i] === 0 ? ptr : locals.hold(ptr)));
      const left = locals.hold(i32c(axis.extent));
      f.doWhile(left, () => {
        level(depth + 1, at);
        at.forEach((ptr, i) => {
          const step = axis.steps[i]! * this.bytes;
          if (step !== 0) f.set(ptr as Local, op('i32.add', ptr, i32c(step)));
        });
        f.set(left, op('i32.sub', left, i32c(1)));
      });
      locals.give(left);
      at.forEach((ptr, i) => {
        if (axis.steps[i] !== 0) locals.give(ptr as Local);
      });
    };
    level(0, starts);
  }
}
