import { byteSize } from '../../../src/core/dtype.ts';
import { gemmParameters, gemmScratchBytes } from '../../runtime/gemm.ts';
import { threadCount } from '../../target.ts';
import { type Expr, i32c, op } from '../../wasm/code.ts';
import type { Driver } from '../driver.ts';
import { dealOut } from '../in-threads.ts';
import { gemmArguments, type Product } from './dot-code.ts';

/** Multiply-adds of a product from which on threads share it: 20 µs, as long as it takes to wake one. */
const fewest = 2 ** 19;

/** Elements of a matrix from which on they share its product with a vector; smaller ones have code of their own. */
const fewestElements = 2 ** 18;

/** Whether threads share a product, or a batch of them. That of two vectors has no rows or columns to share. */
export const isDealtOut = (m: number, n: number, k: number, products = 1): boolean =>
  m > 1 && n > 1 ? m * n * k * products >= fewest : (m > 1 || n > 1) && products === 1 && m * n * k > fewestElements;

/** Whether it is worth it that threads take products of this batch each; parts of one product may be of one row. */
export function isBatchDealtOut({ m, n, k, batch, sums, inParts }: Product): boolean {
  const products = [...batch, ...sums].reduce((all, { extent }) => all * extent, 1);
  return inParts ? m * n * k * products >= fewest : isDealtOut(m, n, k, products);
}

/** Rows of a product from which on threads can take some each, with what is before and behind them. */
const fewestShared = 48;
/** A block of them at least. */
const fewestInPart = 24;

/** Whether threads share the rows of a single product, which can then begin and end in other kernels. */
export const sharesRows = (m: number, n: number): boolean => m >= fewestShared && n > 1;

/** How many blocks of rows there are for threads, some for each since some may be held up. */
export const partsOfRows = (m: number): number =>
  Math.min(3 * threadCount(), Math.max(1, Math.floor(m / fewestInPart)));

/**
 * A product in threads, by columns of the result, so that each packs what it needs of B and nobody packs the same, or by
 * rows where these are many more. Sums are the same as without threads: k is not divided.
 */
export function gemmInThreads(
  d: Driver,
  p: Product,
  dtype: 'float32' | 'float64',
  [a, b, c]: readonly [Expr, Expr, Expr],
): void {
  const { n, lhs, rhs } = p;
  const bytes = byteSize(dtype);
  const { byColumns, extent, chunk, scratchBytes } = divisionOf(p, bytes);
  const gemm = d.runtime(dtype === 'float32' ? 'gemm_f32' : 'gemm_f64', gemmParameters);
  d.withScratch(scratchBytes * threadCount(), (scratch) =>
    dealOut(d, {
      extent,
      chunk,
      args: [
        { value: a, perStep: byColumns ? 0 : lhs.row * bytes },
        { value: b, perStep: byColumns ? rhs.column * bytes : 0 },
        { value: c, perStep: (byColumns ? 1 : n) * bytes },
        { value: scratch, perThread: scratchBytes },
      ],
      call: (f, begin, end, [a, b, c, scratch]) => {
        const args = gemmArguments(p, a!, b!, c!, scratch!);
        args[byColumns ? 1 : 0] = op('i32.sub', end, begin);
        f.call(gemm, ...args);
      },
    }),
  );
}

/** How a product is cut, and the bytes of scratch memory that each thread needs. */
export function divisionOf(
  { m, n, k }: Pick<Product, 'm' | 'n' | 'k'>,
  bytes: number,
): { readonly byColumns: boolean; readonly extent: number; readonly chunk: number; readonly scratchBytes: number } {
  const byColumns = n > 1 && 2 * n >= m;
  const extent = byColumns ? n : m;
  const chunk = chunkOf(extent, m === 1 || n === 1 ? 16 : byColumns ? 32 / bytes : 12);
  const [rows, columns] = byColumns ? [m, chunk] : [chunk, n];
  return { byColumns, extent, chunk, scratchBytes: gemmScratchBytes(rows, columns, k, bytes) };
}

/**
 * Even parts of more than one row or column, three for each thread since some may be held up, in whole tiles; none of one row or
 * column, which has code of its own.
 */
function chunkOf(extent: number, tile: number): number {
  const parts = Math.min(3 * threadCount(), Math.max(1, Math.floor(extent / (4 * tile))));
  let chunk = Math.ceil(extent / parts / tile) * tile;
  while (extent % chunk === 1) chunk += tile;
  return chunk;
}

/** Products of a batch in threads: each does some of those along the outermost axis. `kernel` does one index of it. */
export function batchInThreads(
  d: Driver,
  p: Product,
  dtype: 'float32' | 'float64',
  kernel: string,
  operands: readonly [Expr, Expr, Expr],
  scratchBytes: number,
): void {
  const { extent, steps } = p.batch[0]!;
  const bytes = byteSize(dtype);
  d.withScratch(scratchBytes * threadCount(), (scratch) =>
    dealOut(d, {
      extent,
      chunk: Math.ceil(extent / (4 * threadCount())),
      args: [...operands.map((value) => ({ value })), { value: scratch, perThread: scratchBytes }],
      call: (f, begin, end, args) =>
        f.for(begin, end, (i) => {
          const at = args.map((ptr, operand) => {
            const step = steps[operand];
            return step ? op('i32.add', ptr, op('i32.mul', i, i32c(step * bytes))) : ptr;
          });
          f.call(kernel, ...at);
        }),
    }),
  );
}
