import { range } from '../../src/core/shape.ts';
import {
  type Expr,
  type Func,
  FunctionBuilder,
  f32x4c,
  f64x2c,
  i32c,
  type Local,
  load,
  madd,
  op,
  type Target,
} from '../code.ts';
import { hoistConstants } from '../hoist-constants.ts';
import { copyRegion } from '../loop-nest.ts';
import { MathUses } from '../math/uses.ts';
import { transposedBlock } from '../vector-blocks.ts';
import type { Product } from './dot-code.ts';
import { HeldTile } from './held-tile.ts';
import type { Kernel } from './kernel.ts';
import { type Lanes, lanesOf, loadVector, storeVector } from './lanes.ts';
import { largestOperands } from './passes/epilogues.ts';

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

export function isSmallProduct(p: Product, dtype: 'float32' | 'float64'): boolean {
  const { m, n, k, lhs, rhs, batch } = p;
  const steps = [lhs.row, lhs.column, rhs.row, rhs.column, ...batch.flatMap((axis) => axis.steps)];
  if (m * n * k === 0 || steps.some((step) => step < 0)) return false;
  const { bytes } = lanesOf(dtype);
  return (
    (m * k + k * n) * bytes <= largest.together &&
    (isContiguous(p) || k * n * bytes <= largest.copied) &&
    (lhs.column === 1 || m * k * bytes <= largest.across)
  );
}

/** Bytes of scratch that the kernel of a product needs: room for B if its rows are not contiguous. */
export const productScratchBytes = (p: Product, dtype: 'float32' | 'float64'): number =>
  isContiguous(p) ? 0 : p.k * p.n * lanesOf(dtype).bytes;

const isContiguous = ({ n, rhs }: Product): boolean => rhs.column === 1 || n === 1;

/** Rows of a tile by its vectors: with the operands they fill the sixteen registers that V8 has. */
const mostRows = (vectors: number, target: Target, held: boolean): number =>
  [8, target.fma ? 6 : held ? 4 : 5, 3, 2, 2, 1, 1, 1][vectors - 1]!;

/** Up to this k a tile is straight code. */
const straight = 8;

const add = (a: Expr, bytes: number): Expr => (bytes === 0 ? a : op('i32.add', a, i32c(bytes)));

/** Where the tiles of a product go. */
export interface TileTarget {
  /** From the first column on; they move on if there is more than one panel. */
  columns(moving: boolean): TileColumns;
}

export interface TileColumns {
  advance(columns: number): void;
  /** From the first row on; they move on if there are more than those of one tile. */
  rows(moving: boolean): TileRows;
}

export interface TileRows {
  advance(rows: number): void;
  /** Takes the vectors of each row of a tile. */
  store(e: Lanes, sums: readonly (readonly Local[])[], panel: Panel): void;
}

/** A matrix in memory, its rows contiguous. */
const memory = (f: FunctionBuilder, c: Local, rowBytes: number, bytes: number): TileTarget => ({
  columns: (moving) => {
    const first = moving ? f.var(c) : c;
    return {
      advance: (columns) => f.set(first, add(first, columns * bytes)),
      rows: (moving) => {
        const at = moving ? f.var(first) : first;
        return {
          advance: (rows) => f.set(at, add(at, rows * rowBytes)),
          store: (e, sums, { starts, elements }) => {
            sums.forEach((row, r) => {
              row.forEach((sum, v) => {
                storeVector(f, e, at, r * rowBytes + starts[v]!, sum, elements[v]!);
              });
            });
          },
        };
      },
    };
  },
});

/** A function (lhs, rhs, result, scratch). */
export function productKernel(p: Product, dtype: 'float32' | 'float64', target: Target): Func {
  const f = new FunctionBuilder('', ['i32', 'i32', 'i32', 'i32']);
  const { bytes } = lanesOf(dtype);
  const [a, b, c, scratch] = [0, 1, 2, 3].map((i) => f.param(i)) as [Local, Local, Local, Local];
  write(f, p, dtype, target, { a, b, scratch }, memory(f, c, p.n * bytes, bytes));
  return f.build();
}

/** Addresses of operands. */
interface Operands<T> {
  readonly a: T;
  readonly b: T;
  readonly scratch: T;
}

/**
 * The kernel of a product whose tiles go into an expression. With `packed`, B is in panels as the runtime's
 * `gemm_pack` makes them.
 */
export function productInto(
  p: Product,
  dtype: 'float32' | 'float64',
  target: Target,
  operands: Operands<Expr>,
  tile: HeldTile,
  packed = false,
): Kernel {
  const f = new FunctionBuilder('', ['i32', 'i32', 'i32', ...tile.params]);
  const math = new MathUses(target);
  tile.enter(f, 3, math);
  const [a, b, scratch] = [0, 1, 2].map((i) => f.param(i)) as [Local, Local, Local];
  write(f, p, dtype, target, { a, b, scratch }, tile, packed);
  const args = [operands.a, operands.b, operands.scratch, ...tile.args.map(({ value }) => value)];
  return { func: hoistConstants(f.build()), args, math: math.names };
}

function write(
  f: FunctionBuilder,
  p: Product,
  dtype: 'float32' | 'float64',
  target: Target,
  { a, b, scratch }: Operands<Local>,
  to: TileTarget,
  packed = false,
): void {
  const e = lanesOf(dtype);
  if (packed || isContiguous(p)) {
    panels(f, e, packed ? { ...p, rhs: { row: 2 * e.count, column: 1 } } : p, target, a, b, to, packed);
    return;
  }
  packRows(f, e, p, dtype, b, scratch);
  panels(f, e, { ...p, rhs: { row: p.n, column: 1 } }, target, a, scratch, to, false);
}

/** Some vectors of each row: where they start in B and in the result, in bytes from the panel's first column. */
export interface Panel {
  readonly from: readonly number[];
  readonly starts: readonly number[];
  /** Elements of each vector: less than a whole one where C has no more columns; and those that are read in B. */
  readonly elements: readonly number[];
  readonly loaded: readonly number[];
}

function panels(
  f: FunctionBuilder,
  e: Lanes,
  p: Product,
  target: Target,
  a: Local,
  b: Local,
  to: TileTarget,
  packed: boolean,
): void {
  const { m, n, k } = p;
  const count = Math.ceil(n / e.count);
  const wide = packed ? 2 : Math.min(count, m >= 4 ? 2 : m === 3 ? 3 : m === 2 ? 4 : 8);
  const whole = Math.floor(n / (e.count * wide));
  const panelBytes = packed ? k * wide * 16 : wide * 16;
  const first = range(wide).map((v) => 16 * v);
  const all = first.map(() => e.count);
  const panel = (vectors: Panel, bAt: Local, columns: TileColumns): void =>
    rowTiles(f, e, p, target, vectors, a, bAt, columns, to instanceof HeldTile);
  const bAt = whole > 1 || (packed && whole > 0) ? f.var(b) : b;
  if (whole > 0) {
    const columns = to.columns(whole > 1);
    const one = (): void => panel({ from: first, starts: first, elements: all, loaded: all }, bAt, columns);
    const advance = (): void => f.set(bAt, add(bAt, panelBytes));
    if (whole === 1) {
      one();
      if (packed) advance();
    } else
      f.for(0, whole, () => {
        one();
        advance();
        columns.advance(e.count * wide);
      });
  }
  const rest = range(count).slice(whole * wide);
  if (rest.length === 0) return;
  // Packed, the last panel is filled up with zeros. Elsewhere the last vector moves back over its neighbour.
  const place = (v: number): number => Math.max(0, Math.min(v * e.count, packed ? n : n - e.count)) * e.bytes;
  const starts = rest.map(place);
  const elements = rest.map((v) => Math.min(e.count, packed ? n - v * e.count : n));
  const from = packed ? rest.map((_, i) => 16 * i) : starts;
  const loaded = packed ? all : elements;
  panel({ from, starts, elements, loaded }, packed ? bAt : b, to.columns(false));
}

/** All rows of C in one panel. */
function rowTiles(
  f: FunctionBuilder,
  e: Lanes,
  p: Product,
  target: Target,
  panel: Panel,
  a: Local,
  b: Local,
  columns: TileColumns,
  held: boolean,
): void {
  const tiles = Math.ceil(p.m / mostRows(panel.starts.length, target, held));
  const rows = Math.floor(p.m / tiles);
  const taller = p.m % tiles;
  const aAt = tiles > 1 ? f.var(a) : a;
  const to = columns.rows(tiles > 1);
  const group = (count: number, height: number): void => {
    if (count === 0) return;
    const one = (): void => {
      tile(f, e, p, target, panel, height, aAt, b, to);
      if (tiles === 1) return;
      f.set(aAt, add(aAt, height * p.lhs.row * e.bytes));
      to.advance(height);
    };
    if (count === 1) one();
    else f.for(0, count, one);
  };
  group(taller, rows + 1);
  group(tiles - taller, rows);
}

function tile(
  f: FunctionBuilder,
  e: Lanes,
  { k, lhs, rhs }: Product,
  target: Target,
  panel: Panel,
  rows: number,
  a: Local,
  b: Local,
  to: TileRows,
): void {
  const { from, loaded } = panel;
  const sums = Array.from({ length: rows }, () => from.map(() => f.local('v128')));
  const columns = from.map(() => f.local('v128'));
  const x = f.local('v128');
  const step = (aAt: Local, bAt: Local, q: number, first: boolean): void => {
    columns.forEach((column, v) => {
      f.set(column, loadVector(e, bAt, q * rhs.row * e.bytes + from[v]!, loaded[v]!));
    });
    sums.forEach((row, r) => {
      f.set(x, load(e.splat, aAt, (r * lhs.row + q * lhs.column) * e.bytes));
      row.forEach((sum, v) => {
        f.set(sum, first ? op(`${e.shape}.mul`, x, columns[v]!) : madd(target, e.shape, x, columns[v]!, sum));
      });
    });
  };
  if (k <= straight) {
    for (let q = 0; q < k; q++) step(a, b, q, q === 0);
  } else {
    // Node 20's V8, which has no fused multiply-add, keeps loads in order but moves arithmetic down to its use: the
    // operands of several steps would be live at once.
    const unroll = target.fma ? 4 : 1;
    const [aAt, bAt] = [f.var(a), f.var(b)];
    const left = f.var(i32c(Math.floor(k / unroll)));
    const zero = e.bytes === 4 ? f32x4c(0) : f64x2c(0);
    for (const row of sums) for (const sum of row) f.set(sum, zero);
    f.doWhile(left, () => {
      for (let q = 0; q < unroll; q++) step(aAt, bAt, q, false);
      f.set(aAt, add(aAt, unroll * lhs.column * e.bytes));
      f.set(bAt, add(bAt, unroll * rhs.row * e.bytes));
      f.set(left, op('i32.sub', left, i32c(1)));
    });
    for (let q = 0; q < k % unroll; q++) step(aAt, bAt, q, false);
  }
  to.store(e, sums, panel);
}

/** Copies B to rows that are contiguous: a transpose in blocks of as many vectors as a vector has elements. */
function packRows(
  f: FunctionBuilder,
  e: Lanes,
  { n, k, rhs }: Product,
  dtype: 'float32' | 'float64',
  b: Local,
  to: Local,
): void {
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
