import { byteSize } from '../../../src/core/dtype.ts';
import { sizeOf } from '../../../src/core/shape.ts';
import { type Expr, i32c, type Local, op, select } from '../../code.ts';
import { gemmRowsScratchBytes, panelWidth, rowsParameters } from '../../runtime/gemm-rows.ts';
import type { Driver } from '../driver.ts';
import { elementsPerCall, type Kernel } from '../kernel.ts';
import { mapKernel } from '../map-kernel.ts';
import { type Fused, operationsOf, viewed } from '../tree.ts';
import type { Product } from './dot-code.ts';

/** Panels that are computed together stay in the second-level cache. */
const partBytes = 2 ** 20;

/**
 * The second operand of a product as kernels that compute panels of it, where they are multiplied: each element once, and
 * no more of them at once than the second-level cache holds.
 */
export class ComputedPanels {
  /** Panels of as many columns as there are in one, and the columns behind the last of them. */
  readonly whole: number;
  private readonly d: Driver;
  private readonly bytes: number;
  private readonly panelBytes: number;
  private readonly base: Local;
  private readonly kernel: Kernel;
  private readonly rest: Kernel | undefined;
  private readonly note: string;

  /** @param fused the operand, [k,n], of at least two panels */
  constructor(d: Driver, { shape: [k, n], root }: Fused) {
    this.d = d;
    this.bytes = byteSize(root.dtype);
    const width = panelWidth / this.bytes;
    this.panelBytes = k! * panelWidth;
    this.whole = Math.floor(n! / width);
    this.base = d.locals.hold(i32c(0));
    const columns = (offset: number, strides: readonly number[], shape: readonly number[]): Fused =>
      viewed({ shape: [k!, n!], root }, { offset, strides }, shape);
    const { shape, root: panels } = columns(0, [width, n!, 1], [this.whole, k!, width]);
    this.kernel = mapKernel([{ root: panels, ptr: this.base }], shape, [], 1);
    const left = n! % width;
    if (left > 0) {
      const last = columns(this.whole * width, [n!, 1], [k!, left]);
      this.rest = mapKernel([{ root: last.root, ptr: this.last, strides: [width, 1] }], last.shape);
    }
    this.note = `over [${k},${n}]: ${operationsOf(root)}, into panels of a product`;
  }

  /** How many panels there are, with one for the rest. */
  get count(): number {
    return this.whole + (this.rest ? 1 : 0);
  }

  /** Whether all of it is computed before the first of it is multiplied. */
  static isOnePart({ shape, root }: Fused): boolean {
    return sizeOf(shape) * byteSize(root.dtype) <= partBytes;
  }

  /** Computes some panels: the first of them goes to `at`. */
  pack(from: Expr, to: Expr, at: Expr): void {
    const { d, base, kernel, rest, whole } = this;
    const { f, locals } = d;
    f.set(base, op('i32.sub', at, op('i32.mul', from, i32c(this.panelBytes))));
    const name = d.declare(kernel);
    d.notes.set(name, this.note);
    const chunk = Math.max(1, Math.floor((elementsPerCall * this.bytes) / this.panelBytes));
    const [begin, end, last] = [locals.hold(from), locals.take('i32'), locals.hold(least(to, i32c(whole)))];
    f.while(op('i32.lt_s', begin, last), () => {
      f.set(end, least(op('i32.add', begin, i32c(chunk)), last));
      f.call(name, begin, end, ...kernel.args);
      f.set(begin, end);
    });
    for (const local of [begin, end, last]) locals.give(local);
    if (!rest) return;
    f.if(op('i32.gt_s', to, i32c(whole)), () => {
      f.fill(this.last, i32c(0), i32c(this.panelBytes));
      d.run(rest);
    });
  }

  /** Writes the product with the matrix at `a` to `c`: some columns after the others. */
  multiply({ m, n, k, lhs }: Product, a: Expr, c: Expr): void {
    const { d, bytes, panelBytes, count } = this;
    const { f, locals } = d;
    const together = Math.ceil(count / Math.ceil((count * panelBytes) / partBytes));
    const multiply = d.runtime(bytes === 4 ? 'gemm_rows_f32' : 'gemm_rows_f64', rowsParameters);
    d.withScratch(together * panelBytes, (panels) =>
      d.withScratch(gemmRowsScratchBytes(m, k, bytes), (scratch) => {
        const [from, to] = [locals.hold(i32c(0)), locals.take('i32')];
        const columns = (panels: Expr): Expr => op('i32.mul', panels, i32c(panelWidth / bytes));
        f.while(op('i32.lt_s', from, i32c(count)), () => {
          f.set(to, least(op('i32.add', from, i32c(together)), i32c(count)));
          this.pack(from, to, panels);
          const wide = op('i32.sub', least(columns(to), i32c(n)), columns(from));
          const into = op('i32.add', c, op('i32.mul', from, i32c(panelWidth)));
          const strides = [lhs.row, lhs.column].map(i32c);
          f.call(multiply, i32c(m), wide, i32c(k), a, ...strides, panels, into, i32c(n), scratch);
          f.set(from, to);
        });
        for (const local of [from, to]) locals.give(local);
      }),
    );
  }

  release(): void {
    this.d.locals.give(this.base);
  }

  /** Where the last panel is, if it is not a whole one. */
  private get last(): Expr {
    return op('i32.add', this.base, i32c(this.whole * this.panelBytes));
  }
}

const least = (a: Expr, b: Expr): Expr => select(op('i32.lt_s', a, b), a, b);
