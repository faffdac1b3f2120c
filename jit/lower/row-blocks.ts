import { byteSize } from '../../src/core/dtype.ts';
import { type Expr, i32c, type Local, op } from '../code.ts';
import { gemmPanelBytes, gemmRowsScratchBytes, packParameters, rowsParameters } from '../runtime/gemm-rows.ts';
import type { Product } from './dot-code.ts';
import type { Driver } from './driver.ts';
import type { Kernel } from './kernel.ts';
import { rowsAtOnce } from './passes/epilogues.ts';
import { isSmallProduct, productKernel, productScratchBytes } from './product-code.ts';
import { Buffer } from './storage.ts';

/** Something that moves from one product of a batch to the next, or from one block of rows to the next. */
interface Moving {
  readonly ptr: Local;
  readonly step: number;
}

/**
 * A product that is computed some rows at a time, each time followed by a kernel that reads them: they are in the cache
 * then, and there is no place for more of them than that. B is packed once for all rows.
 */
export class RowBlocks {
  /** The result as a kernel reads it: its address is such that the rows of the block are where they would be in the whole. */
  readonly result: Buffer;
  readonly rowAxes: number;
  private readonly d: Driver;
  private readonly product: Product;
  private readonly dtype: 'float32' | 'float64';
  private readonly a: Expr;
  private readonly b: Expr;
  private readonly base: Local;

  constructor(d: Driver, product: Product, dtype: 'float32' | 'float64', a: Expr, b: Expr, rowAxes: number) {
    this.d = d;
    this.product = product;
    this.dtype = dtype;
    this.a = a;
    this.b = b;
    this.rowAxes = rowAxes;
    this.base = d.locals.hold(i32c(0));
    const rows = product.m * extentOf(product);
    this.result = new Buffer(dtype, rows * product.n, this.base, () => d.locals.give(this.base));
  }

  /** Writes the loops over all rows. The kernel takes ranges of its outermost axis. */
  run(kernel: Kernel): void {
    const { d, product, dtype } = this;
    const { m, n, lhs, batch } = product;
    const bytes = byteSize(dtype);
    const name = d.declare(kernel);
    /** Rows that a step of the kernel's outermost axis takes. */
    const unit = (m * extentOf(product)) / kernel.range!.extent;
    const height = blockHeight(m, n * bytes, unit);
    d.withScratch(Math.max(height, unit) * n * bytes, (block) =>
      this.withOperands(height, (begin, multiply) => {
        const { f, locals } = d;
        const firstRow = locals.hold(i32c(0));
        const [row, end] = [locals.take('i32'), locals.take('i32')];
        this.eachProduct(batch, (a, b) => {
          begin(b);
          const aAt = locals.hold(a);
          f.set(row, i32c(0));
          f.while(op('i32.lt_s', row, i32c(m)), () => {
            f.set(end, op('i32.add', row, i32c(height)));
            if (m % height) f.if(op('i32.gt_s', end, i32c(m)), () => f.set(end, i32c(m)));
            const at = op('i32.add', firstRow, row);
            const done = op('i32.add', firstRow, end);
            const behind = (ptr: Expr, rows: Expr): Expr => op('i32.add', ptr, op('i32.mul', rows, i32c(n * bytes)));
            const consume = (from: Expr): void => {
              f.set(this.base, behind(block, op('i32.sub', i32c(0), from)));
              const steps = [from, done].map((rows) => (unit === 1 ? rows : op('i32.div_u', rows, i32c(unit))));
              f.call(name, ...steps, ...kernel.args);
            };
            const count = op('i32.sub', end, row);
            if (unit <= m) {
              multiply(count, aAt, block);
              consume(at);
            } else {
              // A step takes the rows of several products.
              multiply(count, aAt, behind(block, op('i32.rem_u', firstRow, i32c(unit))));
              const complete = op('i32.eqz', op('i32.rem_u', done, i32c(unit)));
              f.if(complete, () => consume(op('i32.sub', done, i32c(unit))));
            }
            f.set(aAt, op('i32.add', aAt, i32c(height * lhs.row * bytes)));
            f.set(row, end);
          });
          locals.give(aAt);
          if (batch.length > 0) f.set(firstRow, op('i32.add', firstRow, i32c(m)));
        });
        for (const local of [firstRow, row, end]) locals.give(local);
      }),
    );
  }

  /** What computes rows of a product: `begin` with its B, `multiply` for each block. */
  private withOperands(
    height: number,
    use: (begin: (b: Expr) => void, multiply: (rows: Expr, a: Expr, block: Expr) => void) => void,
  ): void {
    const { d, product, dtype } = this;
    const { m, n, k, lhs, rhs } = product;
    const { f } = d;
    const bytes = byteSize(dtype);
    if (isSmallProduct(product, dtype)) {
      const kernel = (rows: number): string => {
        const name = d.define(productKernel({ ...product, m: rows }, dtype, d.target));
        d.notes.set(name, `${rows} rows of a product, [${rows},${k}]·[${k},${n}]`);
        return name;
      };
      const whole = kernel(height);
      const rest = m % height > 0 ? kernel(m % height) : whole;
      const at = d.locals.take('i32');
      d.withScratch(productScratchBytes(product, dtype), (scratch) =>
        use(
          (b) => f.set(at, b),
          (rows, a, block) => {
            const call = (kernel: string) => (): void => f.call(kernel, a, at, block, scratch);
            if (rest === whole) call(whole)();
            else f.if(op('i32.eq', rows, i32c(height)), call(whole), call(rest));
          },
        ),
      );
      d.locals.give(at);
      return;
    }
    const type = dtype === 'float32' ? 'f32' : 'f64';
    const pack = d.runtime(`gemm_pack_${type}`, packParameters);
    const multiply = d.runtime(`gemm_rows_${type}`, rowsParameters);
    const [nk, a, b] = [[i32c(n), i32c(k)], [lhs.row, lhs.column].map(i32c), [rhs.row, rhs.column].map(i32c)];
    d.withScratch(gemmPanelBytes(n, k, bytes), (panels) =>
      d.withScratch(gemmRowsScratchBytes(height, k, bytes), (scratch) =>
        use(
          (ptr) => f.call(pack, ...nk, ptr, ...b, panels),
          (rows, ptr, block) => f.call(multiply, rows, ...nk, ptr, ...a, panels, block, scratch),
        ),
      ),
    );
  }

  /** Loops over the products of a batch, with the addresses of their operands. */
  private eachProduct(batch: Product['batch'], body: (a: Expr, b: Expr) => void): void {
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
    level(0, this.a, this.b);
  }
}

const extentOf = ({ batch }: Product): number => batch.reduce((n, { extent }) => n * extent, 1);

/** Rows of a block, dealt out evenly: a multiple of those that a step of the kernel takes, and of four where that is one. */
function blockHeight(m: number, rowBytes: number, unit: number): number {
  const most = rowsAtOnce(m, rowBytes);
  const even = Math.ceil(m / Math.ceil(m / most));
  const step = unit === 1 ? 12 : unit;
  // Where a step takes several products, they are done one after the other.
  return Math.min(m, Math.ceil(even / step) * step);
}
