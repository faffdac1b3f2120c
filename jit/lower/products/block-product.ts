import { byteSize } from '../../../src/core/dtype.ts';
import { up } from '../../runtime/gemm.ts';
import { gemmPanelBytes, gemmRowsScratchBytes, packParameters, rowsParameters } from '../../runtime/gemm-rows.ts';
import { panelStride, panelWidth } from '../../runtime/pack.ts';
import { threadCount } from '../../target.ts';
import { call, type Expr, type FunctionBuilder, i32c, type Local, op } from '../../wasm/code.ts';
import type { Driver } from '../driver.ts';
import { type Lanes, type ProductType, productLanes } from '../expressions/lanes.ts';
import { type Captures, dealOut } from '../in-threads.ts';
import { ComputedPanels } from './computed-panels.ts';
import type { Product } from './dot-code.ts';
import type { HeldTile } from './held-tile.ts';
import { isSmallProduct, productInto, productKernel, productScratchBytes } from './product-code.ts';
import type { Packed } from './product-tiles.ts';
import { finitePanels } from './zero-terms.ts';

/** Elements of B from which on threads share the packing: 0.1 ms. */
const fewestPacked = 2 ** 18;

/** How many columns of the result are needed, and how many terms of sums are not zero: all where they are left out. */
export interface Limits {
  readonly columns?: Expr | undefined;
  readonly terms?: Expr | undefined;
}

/** Begins with the B of each product, and then writes the rows of each block. */
export interface Blocks {
  readonly begin: (b: Expr) => void;
  readonly prepare: (captures: Captures, at: Beginning) => Multiply;
  /** Whether all of B is finite, so that it keeps a limit of terms. */
  readonly isFinite?: Local;
}

/** Writes the multiplication of some rows. Where it is not worth it, limits are not kept. */
export type Multiply = (f: FunctionBuilder, rows: Expr, a: Expr, into: Expr, limits?: Limits) => void;

interface BlockOptions {
  /** Whether rows of A are computed, and lie in a row each. */
  readonly computesRows: boolean;
  /** Whether threads take blocks. */
  readonly isShared: boolean;
  /** Whether rows of A may have zeros from some column on. */
  readonly endsInZeros: boolean;
}

/** Where the product under way begins: its first row, and which of the batch it is. */
export interface Beginning {
  readonly firstRow: Expr;
  readonly number: Expr;
}

/** What multiplies a block of rows: code for the size with B in place, or in panels that all rows share. */
export class BlockProduct {
  private readonly d: Driver;
  private readonly product: Product;
  private readonly dtype: ProductType;
  private readonly bytes: number;
  private readonly b: Expr | ComputedPanels;
  private readonly options: BlockOptions;

  constructor(d: Driver, product: Product, dtype: ProductType, b: Expr | ComputedPanels, options: BlockOptions) {
    this.d = d;
    this.product = product;
    this.dtype = dtype;
    this.bytes = byteSize(dtype);
    this.b = b;
    this.options = options;
  }

  withOperands(height: number, tile: HeldTile | undefined, use: (blocks: Blocks) => void): void {
    const { d, product, dtype, bytes, b: operand } = this;
    const { isShared, computesRows, endsInZeros } = this.options;
    const { n, k, lhs } = product;
    if (!(operand instanceof ComputedPanels) && isSmallProduct(product, dtype)) {
      const at = d.locals.take('i32');
      withRoom(d, isShared, productScratchBytes(product, dtype), (scratch, perThread) =>
        use({
          begin: (b) => d.f.set(at, b),
          prepare: (captures, beginning) =>
            this.codeFor(height, tile, captures, beginning, at, captures.take(scratch, { perThread })),
        }),
      );
      d.locals.give(at);
      return;
    }
    const begin = (panels: Expr) => (ptr: Expr) => {
      if (operand instanceof ComputedPanels) operand.packAll(panels, isShared);
      else this.pack(ptr, panels);
    };
    d.withScratch(gemmPanelBytes(n, k, bytes), (panels) => {
      if (tile) {
        const a = !computesRows && lhs.column !== 1;
        withRoom(d, isShared, a ? height * k * bytes : 0, (scratch, perThread) =>
          use({
            begin: begin(panels),
            prepare: (captures, beginning) => {
              const room = captures.take(scratch, { perThread });
              return this.codeFor(height, tile, captures, beginning, panels, room, { a, b: true });
            },
          }),
        );
        return;
      }
      const multiply = d.runtime(`gemm_rows_${dtype === 'float32' ? 'f32' : 'f64'}`, rowsParameters);
      const steps = [lhs.row, lhs.column].map(i32c);
      const lanes = productLanes(dtype) as Lanes;
      const isFinite = endsInZeros ? d.locals.take('i32') : undefined;
      const check = isFinite && d.define(finitePanels(lanes, n, k));
      const pack = begin(panels);
      const beginChecked = (ptr: Expr): void => {
        pack(ptr);
        if (isFinite) d.f.set(isFinite, call(check!, 'i32', panels));
      };
      withRoom(d, isShared, gemmRowsScratchBytes(height, k, bytes), (scratch, perThread) =>
        use({
          begin: beginChecked,
          ...(isFinite && { isFinite }),
          prepare: (captures) => {
            const [b, room] = [captures.take(panels), captures.take(scratch, { perThread })];
            const [stride, outRow, onto] = [panelStride(k), product.outRow, 0].map(i32c) as [Expr, Expr, Expr];
            return (f, rows, a, into, { columns = i32c(n), terms = i32c(k) } = {}) =>
              f.call(multiply, rows, columns, terms, a, ...steps, b(), stride, into, outRow, onto, room());
          },
        }),
      );
      if (isFinite) d.locals.give(isFinite);
    });
  }

  /** Packs all of B: threads take panels. */
  private pack(b: Expr, panels: Expr): void {
    const { d, dtype, bytes } = this;
    const { isShared } = this.options;
    const { n, k, rhs } = this.product;
    const pack = d.runtime(`gemm_pack_${dtype === 'float32' ? 'f32' : 'f64'}`, packParameters);
    const steps = [rhs.row, rhs.column].map(i32c);
    if (!isShared || n * k < fewestPacked) {
      d.f.call(pack, i32c(n), i32c(k), b, ...steps, panels);
      return;
    }
    const width = panelWidth / bytes;
    const together = Math.ceil(n / width / (2 * threadCount())) * width;
    dealOut(d, {
      extent: n,
      chunk: together,
      args: [
        { value: b, perStep: rhs.column * bytes },
        { value: panels, perChunk: (together / width) * panelStride(k) },
      ],
      call: (f, begin, end, [from, to]) => f.call(pack, op('i32.sub', end, begin), i32c(k), from!, ...steps, to!),
    });
  }

  /** Calls of code that is made for the number of rows, and for what is left of them. */
  private codeFor(
    height: number,
    tile: HeldTile | undefined,
    captures: Captures,
    { firstRow, number }: Beginning,
    operand: Expr,
    scratch: () => Expr,
    packed?: Packed,
  ): Multiply {
    const { d, product, dtype } = this;
    const { m, n, k } = product;
    const none = i32c(0);
    const code = (rows: number): string => {
      const p = { ...product, m: rows };
      const size = `${rows} rows of a product, [${rows},${k}]·[${k},${n}]`;
      if (!tile) {
        const name = d.define(productKernel(p, dtype, d.target));
        d.notes.set(name, size);
        return name;
      }
      return d.declare(productInto(p, dtype, d.target, { a: none, b: none, scratch: none }, tile, packed));
    };
    const whole = code(height);
    const rest = m % height > 0 ? code(m % height) : whole;
    const b = captures.take(operand);
    const behind = tile?.args.map(({ value, row, product }) => {
      const plusSteps = (value: Expr, count: Expr, step: number): Expr =>
        step === 0 || count.kind === 'const' ? value : plusRows(value, count, step);
      const start = plusSteps(plusSteps(value, firstRow, row), number, product);
      return captures.take(start, row === 0 ? {} : { perStep: height * row });
    });
    return (f, rows, a, into) => {
      const args = behind ? [a, b(), scratch(), ...behind.map((value) => value())] : [a, b(), into, scratch()];
      const call = (name: string) => (): void => f.call(name, ...args);
      if (rest === whole) call(whole)();
      else f.if(op('i32.eq', rows, i32c(height)), call(whole), call(rest));
    };
  }
}

/** Memory of so many bytes, for each thread if they share the work: lines of the cache of its own. */
export function withRoom(
  d: Driver,
  isShared: boolean,
  bytes: number,
  use: (room: Expr, perThread: number) => void,
): void {
  if (!isShared) d.withScratch(bytes, (room) => use(room, 0));
  else d.withScratch(up(bytes, 64) * threadCount(), (room) => use(room, up(bytes, 64)));
}

export const plusRows = (ptr: Expr, rows: Expr, rowBytes: number): Expr =>
  op('i32.add', ptr, op('i32.mul', rows, i32c(rowBytes)));
