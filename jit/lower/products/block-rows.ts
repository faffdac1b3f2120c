import { byteSize } from '../../../src/core/dtype.ts';
import { leastOf } from '../../runtime/gemm.ts';
import { call, type Expr, type FunctionBuilder, i32c, type Local, op, select } from '../../wasm/code.ts';
import { commonMultiple } from '../common-multiple.ts';
import type { Driver } from '../driver.ts';
import { type Lanes, type ProductType, productLanes } from '../expressions/lanes.ts';
import { limitStep } from '../folds/fold-schedule.ts';
import type { Captures } from '../in-threads.ts';
import type { Kernel } from '../kernels/kernel.ts';
import { type BatchAxis, joinedBatch } from './batch-axes.ts';
import { type Beginning, BlockProduct, type Limits, withRoom } from './block-product.ts';
import type { ComputedPanels } from './computed-panels.ts';
import type { Product } from './dot-code.ts';
import type { ProductShare } from './product-share.ts';
import { columnsBefore } from './triangles.ts';
import { usedColumns } from './zero-terms.ts';

/** Rows that a kernel computes: it takes ranges of its outermost axis and reads or writes rows of an array at `base`. */
export interface ComputedRows {
  readonly kernel: Kernel;
  readonly base: Local;
  /** What it computes, for `lower()` to show. */
  readonly note?: string;
  /** Where it goes over the rows of one product of a batch. */
  readonly share?: ProductShare;
}

/** Rows that a kernel computes, at `into`, from rows of another product, which it reads at its base. */
export interface ChainedRows {
  readonly product: Product;
  readonly a: RowOperand;
  readonly b: Expr | ComputedPanels;
  readonly behind: ComputedRows;
  readonly into: Local;
  /** Gives back what the other product reads. */
  readonly release: () => void;
}

/** The first operand of a product that goes by blocks of rows: an address, or what computes rows of it. */
export type RowOperand = Expr | ComputedRows | ChainedRows;

export interface BlockWork {
  readonly dtype: ProductType;
  /** Whether threads take blocks. */
  readonly isShared: boolean;
}

/** The rows of a block: where they are, and what writes them there first. */
interface RowsOfBlock {
  readonly from: () => Expr;
  /** Returns what of them need not be multiplied. */
  readonly write?: (f: FunctionBuilder, row: Expr, count: Expr, next: Expr) => Limits;
}

/** Where the rows of the first operand come from. */
export interface RowSource {
  /** Whether they are computed, into memory of their own where they lie one after the other. */
  readonly isComputed: boolean;
  /** Whether they may have zeros from some column on, which are then found. */
  readonly endsInZeros: boolean;
  /** Addresses that move from product to product, by steps along the axes of the batch, in elements. */
  readonly starts: readonly Expr[];
  readonly batch: readonly BatchAxis[];
  /** Rows of a block are a multiple of this. */
  readonly unit?: number;
  /** Elements of the longest row that is computed. */
  readonly widest: number;
  open(height: number, use: (prepare: PrepareRows) => void): void;
}

/** `isFinite` says whether zeros at the end of rows may be left out of sums, if they can be. */
type PrepareRows = (
  captures: Captures,
  at: Beginning,
  pointers: readonly Expr[],
  isFinite: Local | undefined,
) => RowsOfBlock;

/** In shorter rows zeros are not looked for. */
const fewestColumns = 64;

export function rowSource(d: Driver, product: Product, a: RowOperand, work: BlockWork): RowSource {
  if ('behind' in a) return chained(d, product, a, work);
  return 'base' in a ? computed(d, product, a, work) : inMemory(product, a, work);
}

function inMemory({ lhs, batch }: Product, a: Expr, { dtype }: BlockWork): RowSource {
  const bytes = byteSize(dtype);
  return {
    isComputed: false,
    endsInZeros: false,
    starts: [a],
    batch: batch.map(({ extent, steps }) => ({ extent, steps: [steps[0]] })),
    widest: 0,
    open: (height, use) =>
      use((captures, _, [ptr]) => ({ from: captures.take(ptr!, { perStep: height * lhs.row * bytes }) })),
  };
}

function computed(d: Driver, product: Product, rows: ComputedRows, work: BlockWork): RowSource {
  const rowBytes = product.k * byteSize(work.dtype);
  return {
    isComputed: true,
    endsInZeros: false,
    starts: [],
    batch: product.batch.map(({ extent }) => ({ extent, steps: [] })),
    unit: rowsOfStep(product, rows),
    widest: product.k,
    open: (height, use) =>
      withRoom(d, work.isShared, height * rowBytes, (room, perThread) =>
        use((captures, at) => {
          const from = captures.take(room, { perThread });
          const write = callsOnRows(d, product, rows, [{ base: rows.base, rowBytes }], captures, at, work);
          const all: Limits = {};
          return {
            from,
            write: (f, row, _, next) => {
              write(f, row, next, [from()]);
              return all;
            },
          };
        }),
      ),
  };
}

function chained(d: Driver, product: Product, rows: ChainedRows, work: BlockWork): RowSource {
  const { product: first, b, behind, into } = rows;
  const { dtype, isShared } = work;
  const rowBytes = first.outRow * byteSize(dtype);
  const source = rowSource(d, first, rows.a, work);
  const options = { computesRows: source.isComputed, isShared, endsInZeros: source.endsInZeros };
  const multiplier = new BlockProduct(d, first, dtype, b, options);
  const used = product.k >= fewestColumns && d.define(usedColumns(productLanes(dtype) as Lanes, product.k, rowBytes));
  const own = first.batch.map(({ extent, steps }) => ({ extent, steps: [steps[1]] }));
  const unit = rowsOfStep(product, behind);
  const { furthest, limit: hasLimit } = behind.share!;
  return {
    isComputed: true,
    endsInZeros: used !== false,
    starts: [...source.starts, addressOf(b)],
    batch: joinedBatch(source.batch, own)!,
    unit: source.unit === undefined ? unit : commonMultiple(source.unit, unit),
    widest: Math.max(first.outRow, source.widest),
    open: (height, use) =>
      source.open(height, (prepareRows) =>
        withRoom(d, isShared, height * rowBytes, (block, blockApart) =>
          withRoom(d, isShared, height * rowBytes, (room, roomApart) =>
            multiplier.withOperands(height, undefined, ({ begin, prepare, isFinite: isOwnFinite }) =>
              use((captures, at, pointers, isFinite) => {
                begin(pointers[source.starts.length]!);
                const before = prepareRows(captures, at, pointers, isOwnFinite);
                const [scores, from] = [
                  captures.take(block, { perThread: blockApart }),
                  captures.take(room, { perThread: roomApart }),
                ];
                const multiply = prepare(captures, at);
                const places = [behind.base, into].map((base) => ({ base, rowBytes }));
                const write = callsOnRows(d, product, behind, places, captures, at, work);
                const isAllFinite = isFinite && captures.take(isFinite);
                return {
                  from,
                  write: (f, row, count, next) => {
                    const limits = before.write?.(f, row, count, next);
                    const needed = columnsBefore(next, furthest, product.k);
                    const columns = needed && f.let(needed);
                    multiply(f, count, before.from(), scores(), { ...limits, columns });
                    const compute = (limit: Expr): void => write(f, row, next, [scores(), from()], limit);
                    if (used && isAllFinite) {
                      const termsOf = (limit: Expr): Expr => call(used, 'i32', from(), count, limit);
                      const last = hasLimit ? columns : undefined;
                      return upToZeros(f, product.k, last, isAllFinite(), { compute, termsOf });
                    }
                    compute(i32c(product.k));
                    return {};
                  },
                };
              }),
            ),
          ),
        ),
      ),
  };
}

/**
 * Computes rows of a block as far as need be, and finds out how many terms of sums are not zeros.
 *
 * @param columns after which a few columns stand for all that follow, if they are zeros
 * @param isFinite whether zeros may be left out
 */
function upToZeros(
  f: FunctionBuilder,
  n: number,
  columns: Expr | undefined,
  isFinite: Expr,
  { compute, termsOf }: { readonly compute: (limit: Expr) => void; readonly termsOf: (limit: Expr) => Expr },
): Limits {
  const all = i32c(n);
  const limit = columns ? f.let(select(isFinite, leastOf(plus(columns, i32c(limitStep)), all), all)) : all;
  compute(limit);
  const terms = f.var(termsOf(limit));
  if (columns) {
    const isEnough = op('i32.or', op('i32.eq', limit, all), op('i32.le_s', terms, columns));
    f.if(op('i32.eqz', isEnough), () => {
      compute(all);
      f.set(terms, all);
    });
  }
  return { terms: f.let(select(isFinite, terms, all)) };
}

/** Rows that a step of a kernel's outermost axis takes. */
export const rowsOfStep = ({ m, batch }: Product, { kernel, share }: ComputedRows): number =>
  (m * (share ? 1 : batch.reduce((n, { extent }) => n * extent, 1))) / kernel.range!.extent;

/** An array of which a kernel reads or writes rows, at addresses as if all of it were there. */
interface Place {
  readonly base: Local;
  readonly rowBytes: number;
}

/** Calls of a kernel for rows of a product, with where these rows of each of `places` are, and perhaps for some columns. */
export function callsOnRows(
  d: Driver,
  product: Product,
  rows: ComputedRows,
  places: readonly Place[],
  captures: Captures,
  { firstRow, number }: Beginning,
  { isShared }: BlockWork,
): (f: FunctionBuilder, from: Expr, to: Expr, blocks: readonly Expr[], limit?: Expr) => void {
  const { kernel, note, share } = rows;
  const name = d.declare(kernel);
  if (note && !d.notes.has(name)) d.notes.set(name, note);
  const unit = rowsOfStep(product, rows);
  share?.begin(number);
  // What addresses are from the beginning of the whole array, wherever that is.
  for (const { base } of places) d.f.set(base, i32c(0));
  const args = kernel.args.map((value, i) => ({
    value: captures.take(value, isShared && kernel.own?.args.includes(i) ? { perThread: kernel.own.bytes } : {}),
    place: places.findIndex(({ base }) => reads(value, base)),
  }));
  const first = captures.take(share ? i32c(0) : firstRow);
  return (f, from, to, blocks, limit) => {
    const begin = plus(first(), from);
    const starts = places.map(({ rowBytes }, i) =>
      f.let(op('i32.sub', blocks[i]!, op('i32.mul', begin, i32c(rowBytes)))),
    );
    const steps = [begin, plus(first(), to)].map((rows) => (unit === 1 ? rows : op('i32.div_u', rows, i32c(unit))));
    const given = kernel.args.map((arg, i) => {
      if (arg === share?.limit) return limit!;
      const { value, place } = args[i]!;
      return place < 0 ? value() : plus(value(), starts[place]!);
    });
    f.call(name, ...steps, ...given);
  };
}

const addressOf = (b: Expr | ComputedPanels): Expr => ('kind' in b ? b : i32c(0));

const isZero = (e: Expr): boolean => e.kind === 'const' && e.type === 'i32' && e.value === 0;
export const plus = (a: Expr, b: Expr): Expr => (isZero(b) ? a : isZero(a) ? b : op('i32.add', a, b));

/** Whether the value of an expression depends on a local. */
function reads(e: Expr, local: Local): boolean {
  if (e === local) return true;
  if (e.kind === 'op' || e.kind === 'call') return e.args.some((arg) => reads(arg, local));
  if (e.kind === 'load') return reads(e.ptr, local);
  return e.kind === 'select' && [e.cond, e.a, e.b].some((part) => reads(part, local));
}
