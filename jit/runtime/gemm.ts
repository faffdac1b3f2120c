import {
  type Expr,
  type Func,
  FunctionBuilder,
  i32c,
  i32x4c,
  type Local,
  load,
  madd,
  op,
  select,
  type Target,
} from '../wasm/code.ts';
import { gemvFunctions } from './gemv.ts';
import { linesName, packFunctions, packName, panelStride, panelStrideOf, panelWidth } from './pack.ts';

/**
 * Matrix multiplication C = A·B or C += A·B for matrices with any strides:
 *
 *     gemm_f32(m, n, k, a, aRow, aCol, b, bRow, bCol, c, cRow, accumulate, scratch)
 *
 * A is m×k, B is k×n, C is m×n with unit column stride; strides count elements, so that a transpose is a swap of two
 * arguments. `scratch` points to `gemmScratchBytes` bytes, 16-byte aligned. C must not overlap A, B or the scratch.
 *
 * A tile is a few rows of C by two vectors. Its sums stay in registers while k goes by; B comes in panels as wide as the
 * tile, packed so that edges and strides disappear, and A by rows in place: their pointers move once in `unroll` steps.
 * Rows are dealt out evenly, as two tiles of 4 are faster than one of 6 and one of 2. A panel of B (16 kB) stays in the
 * first-level cache while all row tiles of a block pass over it, the block's rows of A and its columns of B in the
 * second. k is cut as rarely as that allows: each stretch reads and writes all of C once more.
 */
export interface Element {
  readonly name: 'f32' | 'f64';
  readonly shape: 'f32x4' | 'f64x2';
  readonly bytes: 4 | 8;
  readonly lanes: 4 | 2;
  /** log₂ of `bytes`. */
  readonly shift: 2 | 3;
  readonly splat: string;
  readonly loadLane: string;
  readonly storeLane: string;
}

/** How many arguments `gemm_f32` and `gemm_f64` take. */
export const gemmParameters = 13;

export const elements: readonly Element[] = [
  {
    name: 'f32',
    shape: 'f32x4',
    bytes: 4,
    lanes: 4,
    shift: 2,
    splat: 'v128.load32_splat',
    loadLane: 'v128.load32_lane',
    storeLane: 'v128.store32_lane',
  },
  {
    name: 'f64',
    shape: 'f64x2',
    bytes: 8,
    lanes: 2,
    shift: 3,
    splat: 'v128.load64_splat',
    loadLane: 'v128.load64_lane',
    storeLane: 'v128.store64_lane',
  },
];

/**
 * With fused multiply-add, which comes with newer engines, 12 sums, two vectors of B and one of A fill the registers:
 * 97 % of the peak. Node 20 has none, and its V8 keeps loads in order but moves arithmetic down to its use, so that the
 * operands of several steps would be live at once, and spills the sixth row.
 */
const tallest = (target: Target): number => (target.fma ? 6 : 5);
const unroll = (target: Target): number => (target.fma ? 4 : 1);
const tileColumns = (e: Element): number => 2 * e.lanes;
/** At the start of the scratch: one tile whose results go to a corner of C. */
export const cornerBytes = 192;
export const blockRows = 120;
/** Columns of B in a block, in bytes, and its rows. */
const blockWidth = 2048;
export const blockDepth = 512;
/** B is packed though it has unit column stride when it is larger than this and enough rows share the packing. */
const packBeyondBytes = 32768;
const packFromRows = 16;
/** Multiplications for which tiles cost more than they gain. */
const fewProducts = 512;

export const up = (n: number, step: number): number => Math.ceil(n / step) * step;

/** Bytes from one row of A to the next where it is copied: not a power of two, which would crowd a few cache sets. */
export const lineBytes = (depth: number, bytes: number): number => up(depth * bytes, 64) + 64;

/** Bytes of scratch that a multiplication of this size needs; `bytes` is the size of an element. */
export function gemmScratchBytes(m: number, n: number, k: number, bytes: number): number {
  const depth = up(Math.min(k, blockDepth), 4);
  const panels = Math.ceil(Math.min(n * bytes, blockWidth) / panelWidth) * panelStride(depth);
  const lines = Math.min(m, blockRows) * lineBytes(depth, bytes);
  const vectors = m === 1 || n === 1 ? (k + Math.max(m, n)) * bytes : 0;
  return up(cornerBytes + Math.max(panels + lines, vectors), 64);
}

const { add, mul, sub, and, shl, ge, lt, eq, ne } = {
  add: (a: Expr, b: Expr): Expr => op('i32.add', a, b),
  mul: (a: Expr, b: Expr): Expr => op('i32.mul', a, b),
  sub: (a: Expr, b: Expr): Expr => op('i32.sub', a, b),
  and: (a: Expr, b: Expr): Expr => op('i32.and', a, b),
  shl: (a: Expr, n: number): Expr => op('i32.shl', a, i32c(n)),
  ge: (a: Expr, b: Expr): Expr => op('i32.ge_s', a, b),
  lt: (a: Expr, b: Expr): Expr => op('i32.lt_s', a, b),
  eq: (a: Expr, b: Expr): Expr => op('i32.eq', a, b),
  ne: (a: Expr, b: Expr): Expr => op('i32.ne', a, b),
};
export const leastOf = (a: Expr, b: Expr): Expr => select(lt(a, b), a, b);

/** `lineBytes` of a depth that is known when it runs. */
export const lineBytesOf = (e: Element, depth: Expr): Expr =>
  add(and(add(shl(depth, e.shift), i32c(63)), i32c(-64)), i32c(64));

const cornerName = (e: Element): string => `corner_${e.name}`;
const fewName = (e: Element): string => `gemm_few_${e.name}`;
const tileName = (e: Element, rows: number): string => `tile_${e.name}_${rows}`;

/**
 * Some tiles one below the other: c[rows, 2 vectors] = or += a[rows, k] · b[k, 2 vectors]; strides in bytes. One tile where
 * the allocator would spill sums with another loop around it.
 */
function tiles(target: Target, e: Element, rows: number): Func {
  const several = target.fma;
  const f = new FunctionBuilder(tileName(e, rows), new Array(several ? 9 : 8).fill('i32'));
  const [k, a, aRow, from, bRow, c, cRow, accumulate, count] = f.parameters;
  const [b, left] = [f.local('i32'), f.local('i32')];
  const pointers = Array.from({ length: rows }, () => f.local('i32'));
  const sums = pointers.map(() => [f.local('v128'), f.local('v128')] as const);
  const [b0, b1, x] = [f.local('v128'), f.local('v128'), f.local('v128')];
  const start = (): void => {
    f.set(b, from);
    for (const p of pointers) {
      f.set(p, a);
      f.set(a, add(a, aRow));
    }
    if (several) for (const sum of sums.flat()) f.set(sum, i32x4c(0));
    // The sums start from C rather than being added to it at the end: with a use after the loop the allocator spills them.
    f.if(accumulate, () => {
      const at = f.var(c);
      for (const [s0, s1] of sums) {
        f.set(s0, load('v128.load', at, 0));
        f.set(s1, load('v128.load', at, 16));
        f.set(at, add(at, cRow));
      }
    });
  };
  const steps = (count: number): void => {
    for (let q = 0; q < count; q++) {
      f.set(b0, load('v128.load', b, 0));
      f.set(b1, load('v128.load', b, 16));
      pointers.forEach((p, r) => {
        f.set(x, load(e.splat, p, q * e.bytes));
        const [s0, s1] = sums[r]!;
        f.set(s0, madd(target, e.shape, x, b0, s0));
        f.set(s1, madd(target, e.shape, x, b1, s1));
      });
      f.set(b, add(b, bRow));
    }
    for (const p of pointers) f.set(p, add(p, i32c(count * e.bytes)));
  };
  const rounds = (count: Expr, together: number): void => {
    f.set(left, count);
    f.while(left, () => {
      steps(together);
      f.set(left, sub(left, i32c(1)));
    });
  };
  const tile = (): void => {
    start();
    const many = unroll(target);
    if (many > 1) rounds(op('i32.shr_u', k, i32c(Math.log2(many))), many);
    rounds(many > 1 ? and(k, i32c(many - 1)) : k, 1);
    for (const [s0, s1] of sums) {
      f.store('v128.store', c, s0, 0);
      f.store('v128.store', c, s1, 16);
      f.set(c, add(c, cRow));
    }
  };
  if (several)
    f.doWhile(count, () => {
      tile();
      f.set(count, sub(count, i32c(1)));
    });
  else tile();
  return f.build();
}

/** corner(rows, columns, from, fromRow, to, toRow): copies a part of a tile. */
function corner(e: Element): Func {
  const f = new FunctionBuilder(cornerName(e), new Array(6).fill('i32'));
  const [rows, columns, from, fromRow, to, toRow] = f.parameters;
  f.for(0, rows, () => {
    f.for(0, columns, (j) => {
      const at = f.var(shl(j, e.shift));
      f.store(`${e.name}.store`, add(to, at), load(`${e.name}.load`, add(from, at)));
    });
    f.set(from, add(from, fromRow));
    f.set(to, add(to, toRow));
  });
  return f.build();
}

export const blockName = (e: Element): string => `block_${e.name}`;

/**
 * The tiles of one block of C with one stretch of k: for each panel of B, all row tiles. Strides in bytes; `panelB` is
 * the distance between panels.
 */
function block(target: Target, e: Element): Func {
  const f = new FunctionBuilder(blockName(e), new Array(12).fill('i32'));
  const [m, n, k, a, aRow, b, bRow, panelB, c, cRow, accumulate, scratch] = f.parameters;
  const width = tileColumns(e);
  const tileBytes = i32c(width * e.bytes);
  const most = tallest(target);
  const tiles = f.var(op('i32.div_s', add(m, i32c(most - 1)), i32c(most)));
  const rows = f.var(op('i32.div_s', m, tiles));
  const above = f.var(sub(m, mul(rows, tiles)));
  const byHeight = (height: Expr, args: Expr[], from = most): void => {
    if (from === 1) f.call(tileName(e, 1), ...args);
    else
      f.if(
        eq(height, i32c(from)),
        () => f.call(tileName(e, from), ...args),
        () => byHeight(height, args, from - 1),
      );
  };
  const strip = (height: Expr, count: Expr, a: Expr, c: Expr): void => {
    if (target.fma) {
      byHeight(height, [k, a, aRow, b, bRow, c, cRow, accumulate, count]);
      return;
    }
    const [at, to] = [f.var(a), f.var(c)];
    f.for(0, count, () => {
      byHeight(height, [k, at, aRow, b, bRow, to, cRow, accumulate]);
      f.set(at, add(at, mul(aRow, height)));
      f.set(to, add(to, mul(cRow, height)));
    });
  };
  f.for(
    0,
    n,
    (j) => {
      const columns = f.var(leastOf(sub(n, j), i32c(width)));
      f.if(
        eq(columns, i32c(width)),
        () => {
          const higher = add(rows, i32c(1));
          f.if(above, () => strip(higher, above, a, c));
          const skipped = f.var(mul(above, higher));
          strip(rows, sub(tiles, above), add(a, mul(aRow, skipped)), add(c, mul(cRow, skipped)));
        },
        () => {
          const at = f.var(a);
          const to = f.var(c);
          f.for(0, tiles, (i) => {
            const height = f.var(add(rows, lt(i, above)));
            const one = target.fma ? [i32c(1)] : [];
            f.if(accumulate, () => f.call(cornerName(e), height, columns, to, cRow, scratch, tileBytes));
            byHeight(height, [k, at, aRow, b, bRow, scratch, tileBytes, accumulate, ...one]);
            f.call(cornerName(e), height, columns, scratch, tileBytes, to, cRow);
            f.set(at, add(at, mul(aRow, height)));
            f.set(to, add(to, mul(cRow, height)));
          });
        },
      );
      f.set(b, add(b, panelB));
      f.set(c, add(c, tileBytes));
    },
    width,
  );
  return f.build();
}

/** The size of equal parts, none larger than `most`, rounded up to a multiple of `step`. */
export function evenParts(f: FunctionBuilder, n: Local, most: number, step: number): Local {
  const parts = f.var(op('i32.div_s', add(n, i32c(most - 1)), i32c(most)));
  const part = op('i32.div_s', add(n, sub(parts, i32c(1))), parts);
  return f.var(and(add(part, i32c(step - 1)), i32c(-step)));
}

/**
 * gemm_few(m, n, k, a, aRow, aCol, b, bRow, c, cRow, accumulate), strides in bytes: operands are read where they lie, without tiles. Each sum
 * goes through k in the same order.
 */
function few(target: Target, e: Element): Func {
  const f = new FunctionBuilder(fewName(e), new Array(11).fill('i32'));
  const [m, n, k, a, aRow, aCol, b, bRow, c, cRow, accumulate] = f.parameters;
  const sum = f.local('v128');
  const element = (columns: Expr, loading: string, store: (to: Expr) => void): void => {
    const [to, x, y, left] = [f.let(add(c, columns)), f.var(a), f.var(add(b, columns)), f.var(k)];
    f.set(sum, i32x4c(0));
    f.if(accumulate, () => f.set(sum, load(loading, to)));
    f.doWhile(left, () => {
      f.set(sum, madd(target, e.shape, load(e.splat, x), load(loading, y), sum));
      f.set(x, add(x, aCol));
      f.set(y, add(y, bRow));
      f.set(left, sub(left, i32c(1)));
    });
    store(to);
  };
  const [whole, end] = [f.let(shl(and(n, i32c(-e.lanes)), e.shift)), f.let(shl(n, e.shift))];
  f.for(0, m, () => {
    f.for(0, whole, (j) => element(j, 'v128.load', (to) => f.store('v128.store', to, sum)), 16);
    f.for(whole, end, (j) => element(j, e.splat, (to) => f.storeLane(e.storeLane, to, sum, 0)), e.bytes);
    f.set(a, add(a, aRow));
    f.set(c, add(c, cRow));
  });
  return f.build();
}

/** The loops over blocks, and what to copy. */
function driver(e: Element): Func {
  const f = new FunctionBuilder(`gemm_${e.name}`, new Array(gemmParameters).fill('i32'));
  const [m, n, k, a, aRow, aCol, b, bRow, bCol, c, cRow, accumulate, scratch] = f.parameters;
  const width = tileColumns(e);
  const one = i32c(e.bytes);
  const zero = i32c(0);
  f.if(op('i32.or', op('i32.le_s', m, zero), op('i32.le_s', n, zero)), () => f.return());
  for (const stride of [aRow, aCol, bRow, bCol, cRow]) f.set(stride, shl(stride, e.shift));
  f.if(op('i32.le_s', k, zero), () => {
    f.if(op('i32.eqz', accumulate), () => f.for(0, m, (i) => f.fill(add(c, mul(i, cRow)), zero, shl(n, e.shift))));
    f.return();
  });
  f.if(eq(n, i32c(1)), () => {
    f.call(`gemv_${e.name}`, m, k, a, aRow, aCol, b, bRow, c, cRow, accumulate, scratch);
    f.return();
  });
  f.if(eq(m, i32c(1)), () => {
    f.call(`gemv_${e.name}`, n, k, b, bCol, bRow, a, aCol, c, one, accumulate, scratch);
    f.return();
  });

  // Of lengths beyond the limit the product might not fit into 32 bits.
  const isShort = op('i32.le_u', op('i32.or', op('i32.or', m, n), k), i32c(fewProducts - 1));
  const isFew = op('i32.le_u', mul(mul(m, n), k), i32c(fewProducts));
  f.if(and(and(isShort, isFew), eq(bCol, one)), () => {
    f.call(fewName(e), m, n, k, a, aRow, aCol, b, bRow, c, cRow, accumulate);
    f.return();
  });

  const copyA = f.var(ne(aCol, one));
  const large = and(ge(mul(k, n), i32c(packBeyondBytes / e.bytes)), ge(m, i32c(packFromRows)));
  const packB = f.var(op('i32.or', ne(bCol, one), large));
  const depths = evenParts(f, k, blockDepth, 4);
  const widths = evenParts(f, n, blockWidth / e.bytes, width);
  const heights = evenParts(f, m, blockRows, 1);
  const panels = f.var(add(scratch, i32c(cornerBytes)));
  const lines = f.var(add(panels, mul(op('i32.div_u', widths, i32c(width)), panelStrideOf(depths))));
  const line = f.var(lineBytesOf(e, depths));

  const [fromA, rowA, fromB, onto] = [f.local('i32'), f.local('i32'), f.local('i32'), f.local('i32')];
  f.for(
    0,
    n,
    (j) => {
      const columns = f.var(leastOf(sub(n, j), widths));
      f.for(
        0,
        k,
        (p) => {
          const depth = f.var(leastOf(sub(k, p), depths));
          f.set(fromB, add(add(b, mul(p, bRow)), mul(j, bCol)));
          f.set(onto, op('i32.or', accumulate, op('i32.gt_s', p, zero)));
          // Read in place, B still has its last columns packed when they do not fill a panel: `inPlace` are the others.
          const inPlace = f.var(select(packB, zero, and(columns, i32c(-width))));
          const packed = f.var(sub(columns, inPlace));
          f.if(packed, () => f.call(packName(e), depth, packed, add(fromB, mul(inPlace, bCol)), bRow, bCol, panels));
          f.for(
            0,
            m,
            (i) => {
              const rows = f.var(leastOf(sub(m, i), heights));
              const to = f.var(add(add(c, mul(i, cRow)), shl(j, e.shift)));
              f.set(fromA, add(add(a, mul(i, aRow)), mul(p, aCol)));
              f.set(rowA, aRow);
              f.if(copyA, () => {
                f.call(linesName(e), rows, depth, fromA, aRow, aCol, lines, line);
                f.set(fromA, lines);
                f.set(rowA, line);
              });
              f.if(inPlace, () => {
                const panel = i32c(width * e.bytes);
                f.call(blockName(e), rows, inPlace, depth, fromA, rowA, fromB, bRow, panel, to, cRow, onto, scratch);
              });
              f.if(packed, () => {
                const row = i32c(width * e.bytes);
                const panel = panelStrideOf(depth);
                const rest = add(to, shl(inPlace, e.shift));
                f.call(blockName(e), rows, packed, depth, fromA, rowA, panels, row, panel, rest, cRow, onto, scratch);
              });
            },
            heights,
          );
        },
        depths,
      );
    },
    widths,
  );
  return f.build(true);
}

export function gemmFunctions(target: Target): Func[] {
  return elements.flatMap((e) => [
    ...packFunctions(e),
    ...Array.from({ length: tallest(target) }, (_, i) => tiles(target, e, i + 1)),
    block(target, e),
    corner(e),
    few(target, e),
    ...gemvFunctions(target, e),
    driver(e),
  ]);
}
