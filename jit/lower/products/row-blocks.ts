import { byteSize } from '../../../src/core/dtype.ts';
import { type Expr, i32c, type Local, op } from '../../code.ts';
import { gemmPanelBytes, gemmRowsScratchBytes, packParameters, rowsParameters } from '../../runtime/gemm-rows.ts';
import { panelStride } from '../../runtime/pack.ts';
import type { Driver } from '../driver.ts';
import type { Kernel } from '../kernel.ts';
import type { ProductType } from '../lanes.ts';
import { rowsAtOnce } from '../passes/epilogues.ts';
import { ComputedPanels } from './computed-panels.ts';
import type { Product } from './dot-code.ts';
import type { HeldTile } from './held-tile.ts';
import { isSmallProduct, productInto, productKernel, productScratchBytes } from './product-code.ts';
import type { Packed } from './product-tiles.ts';

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

/**
 * A product that is computed some rows at a time: after a kernel that computes these rows of A, and before one that reads
 * what they give. Both have them in the cache, and there is no place for more of them than that. B is packed once for all
 * rows.
 */
export class RowBlocks {
  private readonly d: Driver;
  private readonly product: Product;
  private readonly dtype: ProductType;
  private readonly bytes: number;
  private readonly a: Expr | ComputedRows;
  private readonly b: Expr | ComputedPanels;

  constructor(d: Driver, product: Product, dtype: ProductType, a: Expr | ComputedRows, b: Expr | ComputedPanels) {
    this.d = d;
    this.product = product;
    this.dtype = dtype;
    this.bytes = byteSize(dtype);
    this.a = a;
    this.b = b;
  }

  /** Writes the result to `c`, with nothing behind it. */
  store(c: Expr): void {
    const { n } = this.product;
    this.loops(this.height(1), (_, at) => plusRows(c, at, n * this.bytes));
  }

  /**
   * The same with a kernel that goes over rows of the result, in ranges of its outermost axis. It reads them at `base`, as
   * if all of them were there.
   */
  before({ kernel, base }: ComputedRows): void {
    const { d } = this;
    const { m, n } = this.product;
    const rowBytes = n * this.bytes;
    const name = d.declare(kernel);
    const unit = this.rowsOfStep(kernel);
    const height = this.height(unit);
    d.withScratch(Math.max(height, unit) * rowBytes, (block) => {
      const consume = (from: Expr, to: Expr): void => this.onRows(name, kernel, base, block, rowBytes, from, to);
      if (unit <= m) this.loops(height, () => block, consume);
      else {
        // A step takes the rows of several products.
        const within = (rows: Expr): Expr => op('i32.rem_u', rows, i32c(unit));
        this.loops(
          height,
          (firstRow) => plusRows(block, within(firstRow), rowBytes),
          (_, done) => d.f.if(op('i32.eqz', within(done)), () => consume(op('i32.sub', done, i32c(unit)), done)),
        );
      }
    });
  }

  /** The same with the result in the expressions of a tile. */
  into(tile: HeldTile): void {
    this.loops(this.height(1), (_, at) => at, undefined, tile);
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
    const even = Math.ceil(m / Math.ceil(m / most));
    const step = leastMultiple(own, unit, own === 1 && unit === 1 ? 12 : own === 1 || unit === 1 ? 4 : 1);
    return Math.min(m, Math.ceil(even / step) * step);
  }

  /** Calls a kernel for rows of an array of which these are in `block`. */
  private onRows(name: string, kernel: Kernel, base: Local, block: Expr, rowBytes: number, from: Expr, to: Expr): void {
    const { f } = this.d;
    const unit = this.rowsOfStep(kernel);
    f.set(base, op('i32.sub', block, op('i32.mul', from, i32c(rowBytes))));
    const steps = [from, to].map((rows) => (unit === 1 ? rows : op('i32.div_u', rows, i32c(unit))));
    f.call(name, ...steps, ...kernel.args);
  }

  /**
   * Loops over blocks of rows of all products. `into` tells where the rows go that begin at `at`, of a product that begins
   * at `firstRow`, or which these are if they go into a tile; `after` is written behind each block.
   */
  private loops(
    height: number,
    into: (firstRow: Expr, at: Expr) => Expr,
    after: (at: Expr, done: Expr) => void = () => {},
    tile?: HeldTile,
  ): void {
    const { d, product, bytes, a: rows } = this;
    const { m, k, lhs, batch } = product;
    const computed = 'kernel' in rows ? rows : undefined;
    d.withScratch(computed ? height * k * bytes : 0, (block) =>
      this.withOperands(height, tile, (begin, multiply) => {
        const { f, locals } = d;
        const name = computed && d.declare(computed.kernel);
        if (computed?.note && !d.notes.has(name!)) d.notes.set(name!, computed.note);
        const firstRow = locals.hold(i32c(0));
        const number = tile?.goesByProducts ? locals.hold(i32c(0)) : undefined;
        const [row, end] = [locals.take('i32'), locals.take('i32')];
        const at = op('i32.add', firstRow, row);
        const done = op('i32.add', firstRow, end);
        this.eachProduct(batch, computed ? i32c(0) : (rows as Expr), (a, b) => {
          begin(b);
          const aAt = locals.hold(a);
          f.set(row, i32c(0));
          f.while(op('i32.lt_s', row, i32c(m)), () => {
            f.set(end, op('i32.add', row, i32c(height)));
            if (m % height) f.if(op('i32.gt_s', end, i32c(m)), () => f.set(end, i32c(m)));
            if (computed) this.onRows(name!, computed.kernel, computed.base, block, k * bytes, at, done);
            multiply(op('i32.sub', end, row), computed ? block : aAt, into(firstRow, at), number ?? i32c(0));
            after(at, done);
            if (!computed) f.set(aAt, op('i32.add', aAt, i32c(height * lhs.row * bytes)));
            f.set(row, end);
          });
          locals.give(aAt);
          if (batch.length === 0) return;
          f.set(firstRow, op('i32.add', firstRow, i32c(m)));
          if (number) f.set(number, op('i32.add', number, i32c(1)));
        });
        for (const local of [firstRow, row, end, ...(number ? [number] : [])]) locals.give(local);
      }),
    );
  }

  /** What computes rows of a product: `begin` with its B, `multiply` for each block. */
  private withOperands(
    height: number,
    tile: HeldTile | undefined,
    use: (begin: (b: Expr) => void, multiply: (rows: Expr, a: Expr, into: Expr, product: Expr) => void) => void,
  ): void {
    const { d, product, dtype, bytes, b: operand } = this;
    const { n, k, lhs, rhs } = product;
    const { f } = d;
    const nk = [i32c(n), i32c(k)];
    if (!(operand instanceof ComputedPanels) && isSmallProduct(product, dtype)) {
      const at = d.locals.take('i32');
      d.withScratch(productScratchBytes(product, dtype), (scratch) =>
        use((b) => f.set(at, b), this.codeFor(height, tile, at, scratch)),
      );
      d.locals.give(at);
      return;
    }
    const type = dtype === 'float32' ? 'f32' : 'f64';
    const begin = (panels: Expr) => (ptr: Expr) => {
      if (operand instanceof ComputedPanels) operand.packAll(panels);
      else
        f.call(d.runtime(`gemm_pack_${type}`, packParameters), ...nk, ptr, ...[rhs.row, rhs.column].map(i32c), panels);
    };
    d.withScratch(gemmPanelBytes(n, k, bytes), (panels) => {
      if (tile) {
        const a = !('kernel' in this.a) && lhs.column !== 1;
        d.withScratch(a ? height * k * bytes : 0, (scratch) =>
          use(begin(panels), this.codeFor(height, tile, panels, scratch, { a, b: true })),
        );
        return;
      }
      const multiply = d.runtime(`gemm_rows_${type}`, rowsParameters);
      const steps = [lhs.row, lhs.column].map(i32c);
      d.withScratch(gemmRowsScratchBytes(height, k, bytes), (scratch) =>
        use(begin(panels), (rows, a, block) =>
          f.call(multiply, rows, ...nk, a, ...steps, panels, i32c(panelStride(k)), block, i32c(n), i32c(0), scratch),
        ),
      );
    });
  }

  /** Calls of code that is made for the number of rows, and for what is left of them. */
  private codeFor(
    height: number,
    tile: HeldTile | undefined,
    b: Expr,
    scratch: Expr,
    packed?: Packed,
  ): (rows: Expr, a: Expr, into: Expr, product: Expr) => void {
    const { d, product, dtype } = this;
    const { m, n, k } = product;
    const code = (rows: number): string => {
      const p = { ...product, m: rows };
      const size = `${rows} rows of a product, [${rows},${k}]·[${k},${n}]`;
      if (!tile) {
        const name = d.define(productKernel(p, dtype, d.target));
        d.notes.set(name, size);
        return name;
      }
      return d.declare(productInto(p, dtype, d.target, { a: b, b, scratch }, tile, packed));
    };
    const whole = code(height);
    const rest = m % height > 0 ? code(m % height) : whole;
    return (rows, a, into, product) => {
      const plus = (value: Expr, count: Expr, step: number): Expr =>
        step === 0 ? value : plusRows(value, count, step);
      const behind = tile?.args.map(({ value, ...steps }) =>
        plus(plus(value, into, steps.row), product, steps.product),
      );
      const args = behind ? [a, b, scratch, ...behind] : [a, b, into, scratch];
      const call = (name: string) => (): void => d.f.call(name, ...args);
      if (rest === whole) call(whole)();
      else d.f.if(op('i32.eq', rows, i32c(height)), call(whole), call(rest));
    };
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

const plusRows = (ptr: Expr, rows: Expr, rowBytes: number): Expr =>
  op('i32.add', ptr, op('i32.mul', rows, i32c(rowBytes)));

const leastMultiple = (...of: readonly number[]): number =>
  of.reduce((a, b) => {
    let multiple = a;
    while (multiple % b !== 0) multiple += a;
    return multiple;
  });

const extentOf = ({ batch }: Pick<Product, 'batch'>): number => batch.reduce((n, { extent }) => n * extent, 1);
