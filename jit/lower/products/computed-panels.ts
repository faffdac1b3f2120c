import { byteSize } from '../../../src/core/dtype.ts';
import { blockDepth, up } from '../../runtime/gemm.ts';
import { gemmRowsScratchBytes, rowsParameters } from '../../runtime/gemm-rows.ts';
import { panelStride, panelWidth } from '../../runtime/pack.ts';
import { type Expr, i32c, type Local, op, select } from '../../wasm/code.ts';
import type { Driver } from '../driver.ts';
import { type Fused, operationsOf, some, viewed } from '../expressions/tree.ts';
import { kernelInThreads } from '../in-threads.ts';
import { elementsPerCall, type Kernel } from '../kernels/kernel.ts';
import { mapKernel } from '../kernels/map-kernel.ts';
import { tileSide } from '../kernels/tiles.ts';
import type { Product } from './dot-code.ts';

/** A part of the panels stays in the second-level cache. */
const part = { bytes: 2 ** 20, panels: 64 };
/** Each part by columns is code of its own. */
const mostParts = 16;

/** Some panels: kernels that compute rows of them. */
interface Columns {
  readonly first: number;
  readonly count: number;
  /** Bytes from one panel to the next. */
  readonly stride: number;
}

/**
 * The second operand of a product, computed where it is packed: each element once, row by row as it would be stored. A
 * product that goes over all of B for some rows of A has the panels of all of it; another one those of a part, which all
 * rows of A use before the next part takes its place.
 */
export class ComputedPanels {
  private readonly d: Driver;
  private readonly matrix: Fused;
  private readonly bytes: number;
  /** Columns of a panel. */
  private readonly width: number;
  private readonly base: Local;
  /** Whether it reads columns of an array, which are rows in memory: as much of each at once as there is. */
  private readonly isTurned: boolean;

  /** @param matrix the operand, [k,n], of at least two panels */
  constructor(d: Driver, matrix: Fused) {
    this.d = d;
    this.matrix = matrix;
    this.bytes = byteSize(matrix.root.dtype);
    this.width = panelWidth / this.bytes;
    this.base = d.locals.hold(i32c(0));
    this.isTurned = some(
      matrix.root,
      (tree) => tree.kind === 'array' && tree.strides[0] === 1 && tree.strides[1] !== 0,
    );
  }

  /** Computes all panels, `panelStride` bytes apart; threads take rows of them. */
  packAll(at: Expr, inThreads: boolean): void {
    const { d } = this;
    const [k, n] = this.matrix.shape as [number, number];
    const columns = { first: 0, count: Math.ceil(n / this.width), stride: panelStride(k) };
    this.clearLast(columns, k, at);
    if (!inThreads) {
      this.pack(columns, i32c(0), i32c(k), at);
      return;
    }
    d.f.set(this.base, at);
    const chunk = Math.min(k, this.rowsPerCall(columns));
    for (const { kernel, name } of this.declared(columns))
      kernelInThreads(d, name, { ...kernel, range: { extent: k, chunk, unit: 1, isOutermost: true } });
  }

  /** Writes the product with the matrix at `a` to `c`. */
  multiply({ m, n, k, lhs }: Product, a: Expr, c: Expr): void {
    const { d, bytes, width } = this;
    const { f, locals } = d;
    const panels = Math.ceil(n / width);
    const together = Math.ceil(panels / Math.min(mostParts, Math.ceil(panels / part.panels)));
    const rows = evenly(k, Math.min(blockDepth, Math.floor(part.bytes / (together * panelWidth))));
    const stride = panelStride(rows);
    const multiply = d.runtime(bytes === 4 ? 'gemm_rows_f32' : 'gemm_rows_f64', rowsParameters);
    const strides = [lhs.row, lhs.column].map(i32c);
    const [from, to] = [locals.take('i32'), locals.take('i32')];
    d.withScratch(together * stride, (at) =>
      d.withScratch(gemmRowsScratchBytes(m, k, bytes), (scratch) => {
        for (let first = 0; first < panels; first += together) {
          const columns = { first, count: Math.min(together, panels - first), stride };
          const wide = Math.min(n - first * width, columns.count * width);
          this.clearLast(columns, rows, at);
          f.set(from, i32c(0));
          f.while(op('i32.lt_s', from, i32c(k)), () => {
            f.set(to, least(op('i32.add', from, i32c(rows)), k));
            this.pack(columns, from, to, at);
            const size = [i32c(m), i32c(wide), op('i32.sub', to, from)];
            const aAt = op('i32.add', a, op('i32.mul', from, i32c(lhs.column * bytes)));
            const into = [op('i32.add', c, i32c(first * panelWidth)), i32c(n)];
            const accumulate = op('i32.gt_s', from, i32c(0));
            f.call(multiply, ...size, aAt, ...strides, at, i32c(stride), ...into, accumulate, scratch);
            f.set(from, to);
          });
        }
      }),
    );
    for (const local of [from, to]) locals.give(local);
  }

  release(): void {
    this.d.locals.give(this.base);
  }

  /** Computes rows of some panels: the first of them goes to `at`. */
  private pack(columns: Columns, from: Expr, to: Expr, at: Expr): void {
    const { d, base } = this;
    const { f, locals } = d;
    f.set(base, op('i32.sub', at, op('i32.mul', from, i32c(panelWidth))));
    const rows = this.rowsPerCall(columns);
    const kernels = this.declared(columns);
    const [begin, end] = [locals.hold(from), locals.take('i32')];
    f.while(op('i32.lt_s', begin, to), () => {
      f.set(end, op('i32.add', begin, i32c(rows)));
      f.if(op('i32.gt_s', end, to), () => f.set(end, to));
      for (const { name, kernel } of kernels) f.call(name, begin, end, ...kernel.args);
      f.set(begin, end);
    });
    for (const local of [begin, end]) locals.give(local);
  }

  private rowsPerCall({ count }: Columns): number {
    if (this.isTurned) return blockDepth;
    return Math.ceil(elementsPerCall / (count * this.width * tileSide)) * tileSide;
  }

  private declared(columns: Columns): { readonly name: string; readonly kernel: Kernel }[] {
    const { d, matrix } = this;
    const [k, n] = matrix.shape as [number, number];
    return this.kernels(columns).map((kernel) => {
      const name = d.declare(kernel);
      d.notes.set(name, `over [${k},${n}]: ${operationsOf(matrix.root)}, into panels of a product`);
      return { name, kernel };
    });
  }

  /** Kernels that take a range of rows, for whole panels and for what is left in the last one. */
  private kernels({ first, count, stride }: Columns): Kernel[] {
    const { base, width, bytes } = this;
    const [k, n] = this.matrix.shape as [number, number];
    const kernel = (column: number, steps: number[], shape: number[], places: number[], ptr: Expr): Kernel => {
      const { root } = viewed(this.matrix, { offset: column, strides: [n, ...steps] }, [k, ...shape]);
      return mapKernel([{ root, ptr, strides: [width, ...places] }], [k, ...shape], [], 1);
    };
    const whole = Math.min(count, Math.floor(n / width) - first);
    const kernels: Kernel[] = [];
    if (whole > 0) kernels.push(kernel(first * width, [width, 1], [whole, width], [stride / bytes, 1], base));
    if (whole < count) {
      // Rows of one element would be no rows to a kernel: it is there as often as a panel is wide.
      const [step, columns] = n % width === 1 ? [0, width] : [1, n % width];
      const ptr = op('i32.add', base, i32c(whole * stride));
      kernels.push(kernel((first + whole) * width, [step], [columns], [1], ptr));
    }
    return kernels;
  }

  /** The last panel has columns that nothing is written to. */
  private clearLast({ first, count, stride }: Columns, rows: number, at: Expr): void {
    const [, n] = this.matrix.shape as [number, number];
    if ((first + count) * this.width > n)
      this.d.f.fill(op('i32.add', at, i32c((count - 1) * stride)), i32c(0), i32c(rows * panelWidth));
  }
}

/** The largest of equal parts, as the runtime cuts k, so that the last bits of sums are the same. */
const evenly = (extent: number, most: number): number =>
  Math.min(extent, up(Math.ceil(extent / Math.ceil(extent / Math.max(4, most))), 4));

const least = (a: Expr, b: number): Expr => select(op('i32.lt_s', a, i32c(b)), a, i32c(b));
