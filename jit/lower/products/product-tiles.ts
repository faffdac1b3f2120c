import { range } from '../../../src/core/shape.ts';
import { panelStride } from '../../runtime/pack.ts';
import { type Expr, type FunctionBuilder, type Local, load, type Target } from '../../wasm/code.ts';
import { offsetBy } from '../../wasm/loop-nest.ts';
import { type AnyLanes, loadVector, storeVector } from '../expressions/lanes.ts';
import type { Product } from './dot-code.ts';
import { type ProductCode, tile } from './tile.ts';

/** Where the tiles of a product go. */
export interface TileTarget {
  /** Whether something is computed from tiles, which takes registers. */
  readonly computes: boolean;
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
  /** The vectors of each row that are there: where sums begin. */
  load?(e: AnyLanes, rows: number, panel: Panel): Expr[][];
  /** Takes the vectors of each row of a tile. */
  store(e: AnyLanes, sums: readonly (readonly Local[])[], panel: Panel): void;
}

/** A matrix in memory, its rows contiguous. */
export const memory = (f: FunctionBuilder, c: Local, rowBytes: number, bytes: number): TileTarget => ({
  computes: false,
  columns: (moving) => {
    const first = moving ? f.var(c) : c;
    return {
      advance: (columns) => f.set(first, offsetBy(first, columns * bytes)),
      rows: (moving) => {
        const at = moving ? f.var(first) : first;
        return {
          advance: (rows) => f.set(at, offsetBy(at, rows * rowBytes)),
          load: (e, rows, { starts, elements }) =>
            range(rows).map((r) => starts.map((start, v) => loadVector(e, at, r * rowBytes + start, elements[v]!))),
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

/** Rows of a tile by its vectors: with the operands they fill the sixteen registers that V8 has. */
const mostRows = (vectors: number, target: Target, computes: boolean): number =>
  [8, target.fma ? 6 : computes ? 4 : 5, 3, 2, 2, 1, 1, 1][vectors - 1]!;

/** The same by the columns of a tile whose vectors are of what is summed over, each element with one. */
const mostRowsAlongSums = (columns: number): number => [8, 5, 3, 2, 2, 2][columns - 1] ?? 1;

/** Some vectors of each row: where they start in B and in the result, in bytes from the panel's first column. */
export interface Panel {
  readonly from: readonly number[];
  readonly starts: readonly number[];
  /** Elements of each vector: less than a whole one where C has no more columns; and those that are read in B. */
  readonly elements: readonly number[];
  readonly loaded: readonly number[];
}

/** Which operands have been copied: A by `packTiles`, B into panels as the runtime's `gemm_pack` makes them. */
export interface Packed {
  readonly a: boolean;
  readonly b: boolean;
}

/** Vectors in a row of such a panel. */
const panelVectors = 2;

/** All tiles, panel by panel: as many columns as a tile has. */
export function panels(code: ProductCode, a: Local, b: Local, to: TileTarget, packed: Packed): void {
  const { f, e, p } = code;
  const { n, k } = p;
  const count = Math.ceil(n / e.count);
  const wide = packed.b ? panelVectors : Math.min(count, panelWidth(p, e));
  const left = n % (e.count * wide);
  // One or two columns that are left are better with the panel in front of them than by themselves.
  const joined = p.alongSums && p.m > 1 && e.count * wide === 4 && n > 4 && (left === 1 || left === 2);
  const whole = Math.floor(n / (e.count * wide)) - (joined ? 1 : 0);
  const panelBytes = packed.b ? panelStride(k) : wide * (p.alongSums ? e.count * p.rhs.column * e.bytes : 16);
  const first = range(wide).map((v) => 16 * v);
  const all = first.map(() => e.count);
  const panel = (vectors: Panel, bAt: Local, columns: TileColumns): void =>
    rowTiles(code, vectors, a, bAt, columns, to.computes, packed.a);
  const bAt = whole > 1 || (packed.b && whole > 0) ? f.var(b) : b;
  if (whole > 0) {
    const columns = to.columns(whole > 1);
    const one = (): void => panel({ from: first, starts: first, elements: all, loaded: all }, bAt, columns);
    const advance = (): void => f.set(bAt, offsetBy(bAt, panelBytes));
    if (whole === 1) {
      one();
      if (packed.b) advance();
    } else
      f.for(0, whole, () => {
        one();
        advance();
        columns.advance(e.count * wide);
      });
  }
  const rest = range(count).slice(whole * wide);
  if (rest.length === 0) return;
  // Packed, the last panel is filled up with zeros. Elsewhere the last vector of columns moves back over its neighbour.
  const isExact = packed.b || p.alongSums;
  const place = (v: number): number => Math.max(0, Math.min(v * e.count, isExact ? n : n - e.count)) * e.bytes;
  const starts = rest.map(place);
  const elements = rest.map((v) => Math.min(e.count, isExact ? n - v * e.count : n));
  const from = packed.b ? rest.map((_, i) => 16 * i) : starts;
  const loaded = packed.b ? all : elements;
  panel({ from, starts, elements, loaded }, packed.b ? bAt : b, to.columns(false));
}

/** Vectors in a row of a panel: with its rows enough sums that none waits for its last addition. */
function panelWidth({ m, alongSums }: Product, { count }: AnyLanes): number {
  if (alongSums) return (m === 1 ? 8 : 4) / count;
  return m >= 4 ? 2 : m === 3 ? 3 : m === 2 ? 4 : 8;
}

/** Tiles of one height. */
interface Tiles {
  readonly count: number;
  readonly height: number;
}

/** Rows dealt out evenly, those of the taller tiles first. */
const tilesOf = (rows: number, vectors: number, target: Target, computes: boolean): readonly Tiles[] =>
  dealtOut(rows, mostRows(vectors, target, computes));

function dealtOut(rows: number, most: number): readonly Tiles[] {
  const count = Math.ceil(rows / most);
  const height = Math.floor(rows / count);
  const taller = rows % count;
  const tiles = [
    { count: taller, height: height + 1 },
    { count: count - taller, height },
  ];
  return tiles.filter(({ count }) => count > 0);
}

/** All rows of C in one panel. */
function rowTiles(
  code: ProductCode,
  panel: Panel,
  a: Local,
  b: Local,
  columns: TileColumns,
  computes: boolean,
  packed: boolean,
): void {
  const { f, e, p, target } = code;
  const tiles = p.alongSums
    ? dealtOut(p.m, mostRowsAlongSums(panel.elements.reduce((n, elements) => n + elements, 0)))
    : tilesOf(p.m, packed ? panelVectors : panel.starts.length, target, computes);
  const several = tiles.length > 1 || tiles[0]!.count > 1;
  const aAt = several ? f.var(a) : a;
  const to = columns.rows(several);
  for (const { count, height } of tiles) {
    const lhs = packed ? { row: 1, column: height } : p.lhs;
    const next = packed ? height * p.k : height * p.lhs.row;
    const one = (): void => {
      tile({ ...code, p: { ...p, lhs } }, { panel, rows: height, a: aAt, b, to });
      if (!several) return;
      f.set(aAt, offsetBy(aAt, next * e.bytes));
      to.advance(height);
    };
    if (count === 1) one();
    else f.for(0, count, one);
  }
}

/** Bytes that one instruction moves. */
const moves = [
  [16, 'v128'],
  [8, 'i64'],
  [4, 'i32'],
] as const;

/**
 * Copies A, whose rows are neighbours in memory, tile after tile for `panels` to read. In place each step of a tile would
 * be in a page of its own.
 */
export function packTiles({ f, e, p, target }: ProductCode, a: Local, to: Local, computes: boolean): void {
  const { m, k, lhs } = p;
  const [first, into] = [f.var(a), f.var(to)];
  for (const { count, height } of tilesOf(m, panelVectors, target, computes)) {
    const [bytes, tileBytes] = [height * e.bytes, height * k * e.bytes];
    const from = f.var(first);
    const steps = (together: number): void => {
      const [x, y] = [f.var(from), f.var(into)];
      f.for(0, count, () => {
        for (let q = 0; q < together; q++) {
          let at = 0;
          for (const [size, type] of moves)
            for (; bytes - at >= size; at += size)
              f.store(`${type}.store`, y, load(`${type}.load`, x, q * lhs.column * e.bytes + at), q * bytes + at);
        }
        f.set(x, offsetBy(x, bytes));
        f.set(y, offsetBy(y, tileBytes));
      });
      f.set(from, offsetBy(from, together * lhs.column * e.bytes));
      f.set(into, offsetBy(into, together * bytes));
    };
    const whole = Math.floor(k / 4);
    f.for(0, whole, () => steps(4));
    if (k % 4 > 0) steps(k % 4);
    f.set(first, offsetBy(first, count * bytes));
    f.set(into, offsetBy(into, (count - 1) * tileBytes));
  }
}
