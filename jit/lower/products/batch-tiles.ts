import { byteSize } from '../../../src/core/dtype.ts';
import { gemmPanelBytes, packParameters } from '../../runtime/gemm-rows.ts';
import { threadCount } from '../../target.ts';
import { type Expr, i32c, op } from '../../wasm/code.ts';
import type { Driver } from '../driver.ts';
import type { ProductType } from '../expressions/lanes.ts';
import { Captures } from '../in-threads.ts';
import { rowsAtOnce } from '../passes/epilogues.ts';
import { plusRows, withRoom } from './block-product.ts';
import { type Product, placeInBatch } from './dot-code.ts';
import type { HeldTile } from './held-tile.ts';
import { isSmallProduct, productInto, productScratchBytes } from './product-code.ts';

/**
 * Products of a batch whose tiles go into expressions, dealt out to threads: each takes whole products and has room of its own
 * for the second operand's panels. How large its share is changes no bits, as nothing is summed up across products.
 */
export function batchTiles(d: Driver, p: Product, dtype: ProductType, a: Expr, b: Expr, tile: HeldTile): void {
  const { m, n, k, lhs, rhs, batch } = p;
  const bytes = byteSize(dtype);
  const products = batch.reduce((all, { extent }) => all * extent, 1);
  const packed = !isSmallProduct(p, dtype);
  const most = packed ? rowsAtOnce(m, Math.max(n, k) * bytes) : m;
  const height = Math.min(m, Math.ceil(m / Math.ceil(m / most) / 12) * 12);
  const copiesA = packed && lhs.column !== 1;
  const none = i32c(0);
  const code = (rows: number): string =>
    d.declare(
      productInto({ ...p, m: rows }, dtype, d.target, { a: none, b: none, scratch: none }, tile, {
        a: copiesA,
        b: packed,
      }),
    );
  const [whole, rest] = [code(height), m % height > 0 ? code(m % height) : undefined];
  const pack = packed && d.runtime(dtype === 'float32' ? 'gemm_pack_f32' : 'gemm_pack_f64', packParameters);
  const scratchBytes = packed ? (copiesA ? height * k * bytes : 0) : productScratchBytes(p, dtype);
  const captures = new Captures();
  withRoom(d, true, packed ? gemmPanelBytes(n, k, bytes) : 0, (panels, panelsApart) =>
    withRoom(d, true, scratchBytes, (scratch, scratchApart) => {
      const [firstA, firstB] = [captures.take(a), captures.take(b)];
      const room = captures.take(scratch, { perThread: scratchApart });
      const ownPanels = captures.take(panels, { perThread: panelsApart });
      const behind = tile.args.map(({ value, ...steps }) => ({ at: captures.take(value), ...steps }));
      const work = { extent: products, chunk: Math.ceil(products / (4 * threadCount())), threads: true };
      captures.run(d, work, (f, begin, end) =>
        f.for(begin, end, (i) => {
          const [ofA, ofB] = ([firstA, firstB] as const).map((first, operand) =>
            f.var(
              placeInBatch(
                first(),
                i,
                batch.map(({ extent, steps }) => ({ extent, step: steps[operand]! * bytes })),
              ),
            ),
          ) as [Expr, Expr];
          if (pack) f.call(pack, i32c(n), i32c(k), ofB, i32c(rhs.row), i32c(rhs.column), ownPanels());
          f.for(
            0,
            m,
            (row) => {
              const at = f.var(op('i32.add', op('i32.mul', i, i32c(m)), row));
              const ends = behind.map(({ at: start, row: step, product }) => {
                const ofRow = step === 0 ? start() : plusRows(start(), at, step);
                return product === 0 ? ofRow : plusRows(ofRow, i, product);
              });
              const args = [plusRows(ofA, row, lhs.row * bytes), packed ? ownPanels() : ofB, room(), ...ends];
              if (!rest) f.call(whole, ...args);
              else
                f.if(
                  op('i32.le_s', op('i32.add', row, i32c(height)), i32c(m)),
                  () => f.call(whole, ...args),
                  () => f.call(rest, ...args),
                );
            },
            height,
          );
        }),
      );
    }),
  );
}
