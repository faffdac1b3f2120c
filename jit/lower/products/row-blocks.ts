import { byteSize } from '../../../src/core/dtype.ts';
import { type Expr, type FunctionBuilder, i32c, type Local, op, select } from '../../wasm/code.ts';
import type { Driver } from '../driver.ts';
import type { ProductType } from '../expressions/lanes.ts';
import { Captures } from '../in-threads.ts';
import type { Kernel } from '../kernels/kernel.ts';
import { rowsAtOnce } from '../passes/epilogues.ts';
import { type Beginning, BlockProduct, plusRows, withRoom } from './block-product.ts';
import { ComputedPanels } from './computed-panels.ts';
import type { Product } from './dot-code.ts';
import type { HeldTile } from './held-tile.ts';
import { isDealtOut, partsOfRows } from './product-threads.ts';

/** A first operand whose rows are computed: the kernel takes ranges of its outermost axis and writes them at `base`. */
export interface ComputedRows {
  readonly kernel: Kernel;
  readonly base: Local;
  /** What it computes, for `lower()` to show. */
  readonly note?: string;
}

/** An address that moves on to the next product of a batch. */
interface Moving {
  readonly ptr: Local;
  readonly step: number;
}

/** Where the rows of a block go, and what is done with them there. Rows are counted over all products. */
interface BlockEnd {
  readonly into: () => Expr;
  readonly after?: WriteRows;
}

type WriteRows = (f: FunctionBuilder, from: Expr, to: Expr) => void;

/**
 * A product that is computed some rows at a time: after a kernel that computes these rows of A, and before one that reads
 * what they give. Both have them in the cache, and there is no place for more of them than that. B is packed once for all
 * rows. Threads take blocks, each with places of its own for rows.
 */
export class RowBlocks {
  private readonly d: Driver;
  private readonly product: Product;
  private readonly dtype: ProductType;
  private readonly bytes: number;
  private readonly a: Expr | ComputedRows;
  private readonly b: Expr | ComputedPanels;
  /** Whether threads share the rows of a product. */
  private readonly isShared: boolean;

  constructor(d: Driver, product: Product, dtype: ProductType, a: Expr | ComputedRows, b: Expr | ComputedPanels) {
    this.d = d;
    this.product = product;
    this.dtype = dtype;
    this.bytes = byteSize(dtype);
    this.a = a;
    this.b = b;
    this.isShared = d.target.shared && isDealtOut(product.m, product.n, product.k);
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
    const { m, n } = this.product;
    const rowBytes = n * this.bytes;
    const unit = this.rowsOfStep(behind.kernel);
    const height = this.height(unit);
    withRoom(this.d, this.isShared, Math.max(height, unit) * rowBytes, (block, perThread) => {
      if (unit <= m)
        this.blocks(height, (captures, { firstRow }) => {
          const into = captures.take(block, { perThread });
          const write = this.onRows(captures, behind, rowBytes);
          const first = captures.take(firstRow);
          return { into, after: (f, from, to) => write(f, into(), plus(first(), from), plus(first(), to)) };
        });
      else this.severalBefore(behind, block, height);
    });
  }

  /** A step of the kernel takes the rows of several products, each of which is a block. */
  private severalBefore(behind: ComputedRows, block: Expr, height: number): void {
    const { f } = this.d;
    const rowBytes = this.product.n * this.bytes;
    const unit = this.rowsOfStep(behind.kernel);
    const within = (rows: Expr): Expr => op('i32.rem_u', rows, i32c(unit));
    this.blocks(
      height,
      (captures, { firstRow }) => ({ into: captures.take(plusRows(block, within(firstRow), rowBytes)) }),
      undefined,
      (done) =>
        f.if(op('i32.eqz', within(done)), () => {
          const captures = new Captures();
          const write = this.onRows(captures, behind, rowBytes);
          captures.here(() => write(f, block, f.let(op('i32.sub', done, i32c(unit))), done));
        }),
    );
  }

  /** The same with the result in the expressions of a tile. */
  into(tile: HeldTile): void {
    this.blocks(this.height(1), () => ({ into: () => i32c(0) }), tile);
  }

  /** Rows that a step of a kernel's outermost axis takes. */
  private rowsOfStep(kernel: Kernel): number {
    return (this.product.m * extentOf(this.product)) / kernel.range!.extent;
  }

  /** Rows of a block, dealt out evenly: a multiple of those that a step of each kernel takes, or of a tile. */
  private height(unit: number): number {
    const { m, n, k } = this.product;
    const own = 'kernel' in this.a ? this.rowsOfStep(this.a.kernel) : unit;
    const most = rowsAtOnce(m, ('kernel' in this.a ? Math.max(n, k) : n) * this.bytes);
    const even = Math.ceil(m / Math.max(Math.ceil(m / most), this.isShared ? partsOfRows(m) : 1));
    const step = leastMultiple(own, unit, own === 1 && unit === 1 ? 12 : own === 1 || unit === 1 ? 4 : 1);
    return Math.min(m, Math.ceil(even / step) * step);
  }

  /** Calls of a kernel for rows of an array of which these are in a block. */
  private onRows(
    captures: Captures,
    { kernel, base, note }: ComputedRows,
    rowBytes: number,
  ): (f: FunctionBuilder, block: Expr, from: Expr, to: Expr) => void {
    const { d } = this;
    const name = d.declare(kernel);
    if (note && !d.notes.has(name)) d.notes.set(name, note);
    const unit = this.rowsOfStep(kernel);
    // What addresses are from the beginning of the whole array, wherever that is.
    d.f.set(base, i32c(0));
    const args = kernel.args.map((value, i) => ({
      value: captures.take(value, this.isShared && kernel.own?.args.includes(i) ? { perThread: kernel.own.bytes } : {}),
      isInArray: reads(value, base),
    }));
    return (f, block, from, to) => {
      const start = f.let(op('i32.sub', block, op('i32.mul', from, i32c(rowBytes))));
      const steps = [from, to].map((rows) => (unit === 1 ? rows : op('i32.div_u', rows, i32c(unit))));
      f.call(name, ...steps, ...args.map(({ value, isInArray }) => (isInArray ? plus(value(), start) : value())));
    };
  }

  /** Writes the blocks of all products. `then` is written behind each product, with the number of rows done. */
  private blocks(
    height: number,
    end: (captures: Captures, at: Beginning) => BlockEnd,
    tile?: HeldTile,
    then: (done: Expr) => void = () => {},
  ): void {
    const { d, product, bytes, a: rows } = this;
    const { m, k, lhs, batch } = product;
    const computed = 'kernel' in rows ? rows : undefined;
    const multiplier = new BlockProduct(d, product, this.dtype, computed !== undefined, this.b, this.isShared);
    withRoom(d, this.isShared, computed ? height * k * bytes : 0, (room, perThread) =>
      multiplier.withOperands(height, tile, (begin, prepare) => {
        const { f, locals } = d;
        const firstRow = batch.length > 0 ? locals.hold(i32c(0)) : i32c(0);
        const number = tile?.goesByProducts ? locals.hold(i32c(0)) : i32c(0);
        this.eachProduct(batch, computed ? i32c(0) : (rows as Expr), (a, b) => {
          begin(b);
          const captures = new Captures();
          const at = { firstRow, number };
          const from = computed
            ? captures.take(room, { perThread })
            : captures.take(a, { perStep: height * lhs.row * bytes });
          const compute = computed && this.onRows(captures, computed, k * bytes);
          const first = captures.take(firstRow);
          const { into, after } = end(captures, at);
          const multiply = prepare(captures, at);
          const work = { extent: Math.ceil(m / height), chunk: 1, threads: this.isShared };
          captures.run(d, work, (f, block) => {
            const row = height === m ? i32c(0) : f.let(op('i32.mul', block, i32c(height)));
            const left = op('i32.sub', i32c(m), row);
            const count =
              m % height === 0 ? i32c(height) : f.let(select(op('i32.lt_s', left, i32c(height)), left, i32c(height)));
            const next = plus(row, count);
            compute?.(f, from(), plus(first(), row), plus(first(), next));
            multiply(f, count, from(), into());
            after?.(f, row, next);
          });
          if (batch.length === 0) return;
          f.set(firstRow as Local, op('i32.add', firstRow, i32c(m)));
          then(firstRow);
          if (number.kind === 'local') f.set(number, op('i32.add', number, i32c(1)));
        });
        for (const local of [firstRow, number]) if (local.kind === 'local') locals.give(local);
      }),
    );
  }

  /** Loops over the products of a batch, with the addresses of their operands. */
  private eachProduct(batch: Product['batch'], first: Expr, body: (a: Expr, b: Expr) => void): void {
    const { f, locals } = this.d;
    const bytes = byteSize(this.dtype);
    const level = (depth: number, a: Expr, b: Expr): void => {
      const axis = batch[depth];
      if (!axis) {
        body(a, b);
        return;
      }
      const moving = [a, b].map((ptr, i): Moving => ({ ptr: locals.hold(ptr), step: axis.steps[i]! * bytes }));
      const left = locals.hold(i32c(axis.extent));
      f.doWhile(left, () => {
        level(depth + 1, moving[0]!.ptr, moving[1]!.ptr);
        for (const { ptr, step } of moving) if (step !== 0) f.set(ptr, op('i32.add', ptr, i32c(step)));
        f.set(left, op('i32.sub', left, i32c(1)));
      });
      for (const local of [left, ...moving.map(({ ptr }) => ptr)]) locals.give(local);
    };
    level(0, first, this.b instanceof ComputedPanels ? i32c(0) : this.b);
  }
}

const isZero = (e: Expr): boolean => e.kind === 'const' && e.type === 'i32' && e.value === 0;
const plus = (a: Expr, b: Expr): Expr => (isZero(b) ? a : isZero(a) ? b : op('i32.add', a, b));

/** Whether the value of an expression depends on a local. */
function reads(e: Expr, local: Local): boolean {
  if (e === local) return true;
  if (e.kind === 'op' || e.kind === 'call') return e.args.some((arg) => reads(arg, local));
  if (e.kind === 'load') return reads(e.ptr, local);
  return e.kind === 'select' && [e.cond, e.a, e.b].some((part) => reads(part, local));
}

const leastMultiple = (...of: readonly number[]): number =>
  of.reduce((a, b) => {
    let multiple = a;
    while (multiple % b !== 0) multiple += a;
    return multiple;
  });

const extentOf = ({ batch }: Pick<Product, 'batch'>): number => batch.reduce((n, { extent }) => n * extent, 1);
