import { MathUses } from '../../math/uses.ts';
import { type Expr, type Func, FunctionBuilder, i32c, type Local, load, op, type Target } from '../../wasm/code.ts';
import { hoistConstants } from '../../wasm/hoist-constants.ts';
import { copyRegion } from '../../wasm/loop-nest.ts';
import { transposedBlock } from '../../wasm/vector-blocks.ts';
import { type ProductType, productLanes } from '../expressions/lanes.ts';
import type { Kernel } from '../kernels/kernel.ts';
import { knownFunction, knownKernel } from '../kernels/known-kernels.ts';
import { largestOperands } from '../passes/epilogues.ts';
import type { Product } from './dot-code.ts';
import type { HeldTile } from './held-tile.ts';
import { memory, type Packed, packTiles, panels, type TileTarget } from './product-tiles.ts';
import type { ProductCode } from './tile.ts';

/**
 * Matrix products of sizes and strides that are known when the program is compiled: strides become immediates, edges
 * are code of their own, and operands that lie in the caches are read in place. The runtime's `gemm` is for larger ones,
 * where packing pays.
 *
 * A tile of C is a few rows by a few vectors and stays in registers while k goes by. Rows are dealt out evenly, since
 * two tiles of 4 rows are faster than one of 6 and one of 2. Columns that do not fill a vector are the last whole
 * vector's over again: what is computed twice is the same both times.
 */

/** Bytes of A and B together; of B where it is copied; of A where rows of a tile are read across its lines. */
const largest = { together: largestOperands, copied: 2 ** 14, across: 2 ** 15 };
/** Columns of B, and elements of A beside them: one call takes no longer than that. */
const narrow = { columns: 32, elements: 2 ** 20 };

export function isSmallProduct(p: Product, dtype: ProductType): boolean {
  const { m, n, k, lhs, rhs, batch } = p;
  if (p.inParts) return true;
  const steps = [lhs.row, lhs.column, rhs.row, rhs.column, ...batch.flatMap((axis) => axis.steps)];
  if (m * n * k === 0 || steps.some((step) => step < 0)) return false;
  const { bytes, name } = productLanes(dtype);
  // The runtime multiplies no integers.
  if (name === 'i32') return true;
  if (!isContiguous(p) && k * n * bytes > largest.copied) return false;
  // To copy columns of A would take as long as to multiply them with a few others.
  if (lhs.row === 1 && n <= narrow.columns && m * k <= narrow.elements && k * n * bytes <= largest.together)
    return true;
  return (m * k + k * n) * bytes <= largest.together && (lhs.column === 1 || m * k * bytes <= largest.across);
}

/** Bytes of scratch that the kernel of a product needs: room for B if its rows are not contiguous. */
export const productScratchBytes = (p: Product, dtype: ProductType): number =>
  isContiguous(p) ? 0 : p.k * p.n * productLanes(dtype).bytes;

const isContiguous = ({ n, rhs, alongSums }: Product): boolean => rhs.column === 1 || n === 1 || alongSums;

/** A function (lhs, rhs, result, scratch). */
export const productKernel = (p: Product, dtype: ProductType, target: Target): Func =>
  knownFunction(`product ${JSON.stringify([p, dtype])}`, () => {
    const f = new FunctionBuilder('', ['i32', 'i32', 'i32', 'i32']);
    const e = productLanes(dtype);
    const [a, b, c, scratch] = [0, 1, 2, 3].map((i) => f.param(i)) as [Local, Local, Local, Local];
    write({ f, p, dtype, e, target }, { a, b, scratch }, memory(f, c, p.outRow * e.bytes, e.bytes));
    return f.build();
  });

/** Addresses of operands. */
interface Operands<T> {
  readonly a: T;
  readonly b: T;
  readonly scratch: T;
}

const inPlace: Packed = { a: false, b: false };

/**
 * The kernel of a product whose tiles go into an expression. `packed` says whether B is in panels as the runtime's
 * `gemm_pack` makes them, and whether the kernel copies A to `scratch`, which then has room for it.
 */
export function productInto(
  p: Product,
  dtype: ProductType,
  target: Target,
  operands: Operands<Expr>,
  tile: HeldTile,
  packed: Packed = inPlace,
): Kernel {
  const args = [operands.a, operands.b, operands.scratch, ...tile.args.map(({ value }) => value)];
  const { structure } = tile;
  return knownKernel(structure && `${JSON.stringify([p, dtype, packed])} into ${structure}`, args, () => {
    const f = new FunctionBuilder('', ['i32', 'i32', 'i32', ...tile.params]);
    const math = new MathUses(target);
    tile.enter(f, 3, math);
    const [a, b, scratch] = [0, 1, 2].map((i) => f.param(i)) as [Local, Local, Local];
    write({ f, p, dtype, e: productLanes(dtype), target }, { a, b, scratch }, tile, packed);
    return { func: hoistConstants(f.build()), args, math: math.names };
  });
}

function write(code: ProductCode, { a, b, scratch }: Operands<Local>, to: TileTarget, packed: Packed = inPlace): void {
  const { e, p } = code;
  if (packed.a) packTiles(code, a, scratch, to.computes);
  if (packed.b || isContiguous(p)) {
    const rhs = packed.b ? { row: 2 * e.count, column: 1 } : p.rhs;
    panels({ ...code, p: { ...p, rhs } }, packed.a ? scratch : a, b, to, packed);
    return;
  }
  packRows(code, b, scratch);
  panels({ ...code, p: { ...p, rhs: { row: p.n, column: 1 } } }, a, scratch, to, packed);
}

/** Copies B to rows that are contiguous: a transpose in blocks of as many vectors as a vector has elements. */
function packRows({ f, p, dtype, e }: ProductCode, b: Local, to: Local): void {
  const { n, k, rhs } = p;
  if (rhs.row !== 1 || n < e.count || k < e.count) {
    const axes = [
      { extent: k, steps: [n * e.bytes, rhs.row * e.bytes] },
      { extent: n, steps: [e.bytes, rhs.column * e.bytes] },
    ];
    copyRegion(f, dtype, axes, to, b);
    return;
  }
  // Blocks that would stick out are moved back over their neighbours.
  const along = (extent: number, write: (start: Expr) => void): void => {
    const whole = extent - (extent % e.count);
    f.for(0, whole, write, e.count);
    if (whole < extent) write(i32c(extent - e.count));
  };
  const times = (index: Expr, bytes: number): Expr => op('i32.mul', index, i32c(bytes));
  along(n, (j) => {
    along(k, (q) => {
      const from = f.var(op('i32.add', b, op('i32.add', times(j, rhs.column * e.bytes), times(q, e.bytes))));
      const into = f.var(op('i32.add', to, op('i32.add', times(q, n * e.bytes), times(j, e.bytes))));
      const block = Array.from({ length: e.count }, (_, i) => f.var(load('v128.load', from, i * rhs.column * e.bytes)));
      transposedBlock(f, e.bytes, block).forEach((row, i) => {
        f.store('v128.store', into, row, i * n * e.bytes);
      });
    });
  });
}
