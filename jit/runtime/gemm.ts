import {
  type Expr,
  type Func,
  FunctionBuilder,
  i32c,
  type Local,
  load,
  madd,
  op,
  select,
  type Target,
} from '../code.ts';
import { gemvFunctions } from './gemv.ts';
import { packFunction } from './pack.ts';

/**
 * Matrix multiplication C = A·B or C += A·B for matrices with any strides:
 *
 *     gemm_f32(m, n, k, a, aRow, aCol, b, bRow, bCol, c, cRow, accumulate, scratch)
 *
 * A is m×k, B is k×n, C is m×n with unit column stride; strides count elements, so that a transpose is a swap of two
 * arguments. `scratch` points to `gemmScratchBytes` bytes, 16-byte aligned. C must not overlap A, B or the scratch.
 *
 * The innermost tile is 5 rows by two vectors, or 4 where few rows would leave much of it empty: ten accumulators, and
 * room for operands among sixteen registers. The figures are from V8 11.3, of a possible 58 GFLOP/s: 45 with 5 rows, 40
 * with 4; a sixth row spills (29). The sums start from C rather than being added to it at the end: with a use after the
 * loop the allocator spills them (24). The loop over k is not unrolled: V8 keeps loads in order but moves arithmetic
 * down to its use, so that the operands of several steps would be live at once (36). k is cut at 256, so that the panel
 * of B a tile streams through (8 kB) stays in the first-level cache while all row tiles pass over it; 60 rows of A and
 * 256 columns of B stay in the second level. Packing makes edges and strides disappear: panels are contiguous and
 * padded with zeros. Where operands are laid out well already they are read in place.
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
}

export const elements: readonly Element[] = [
  {
    name: 'f32',
    shape: 'f32x4',
    bytes: 4,
    lanes: 4,
    shift: 2,
    splat: 'v128.load32_splat',
    loadLane: 'v128.load32_lane',
  },
  {
    name: 'f64',
    shape: 'f64x2',
    bytes: 8,
    lanes: 2,
    shift: 3,
    splat: 'v128.load64_splat',
    loadLane: 'v128.load64_lane',
  },
];

/** Rows of a tile; the second where it wastes less. */
const tall = 5;
const low = 4;
const tileColumns = (e: Element): number => 2 * e.lanes;
/** At the start of the scratch: one tile whose results go to a corner of C. */
const cornerBytes = 192;
const blockRows = 60;
const blockColumns = 256;
const blockDepth = 256;
/** B is packed though it has unit column stride when it is larger than this and enough rows share the packing. */
const packBeyondBytes = 32768;
const packFromRows = 16;
/** A is packed though contiguous along its rows when this many columns share the packing: one pointer beats four. */
const packFromColumns = 48;

const up = (n: number, step: number): number => Math.ceil(n / step) * step;

/** Bytes of scratch that a multiplication of this size needs; `bytes` is the size of an element. */
export function gemmScratchBytes(m: number, n: number, k: number, bytes: number): number {
  const depth = Math.min(k, blockDepth);
  const panels = depth * (Math.min(up(m, tall), blockRows) + Math.min(up(n, 8), blockColumns)) * bytes;
  const vectors = m === 1 || n === 1 ? (k + Math.max(m, n)) * bytes : 0;
  return up(cornerBytes + Math.max(panels, vectors), 64);
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
const min = (a: Expr, b: Expr): Expr => select(lt(a, b), a, b);

/**
 * One tile: c[tileRows, 2 vectors] = or += a[tileRows, k] · b[k, 2 vectors]; strides in bytes. `packed` A holds the rows
 * of each step of k side by side; otherwise rows are contiguous along k and a smaller `rows` makes the missing ones
 * copies of the last, whose results nobody reads.
 */
function tile(target: Target, e: Element, tileRows: number, packed: boolean): Func {
  const f = new FunctionBuilder(tileName(e, tileRows, packed), [
    'i32',
    'i32',
    'i32',
    'i32',
    'i32',
    'i32',
    'i32',
    'i32',
    'i32',
  ]);
  const [rows, k, a, aRow, b, bRow, c, cRow, accumulate] = [0, 1, 2, 3, 4, 5, 6, 7, 8].map((i) =>
    f.param(i),
  ) as Local[];
  const pointers: Local[] = [a!];
  if (!packed) {
    for (let r = 1; r < tileRows; r++) {
      const last = pointers[r - 1]!;
      pointers.push(f.var(select(op('i32.gt_s', rows!, i32c(r)), add(last, aRow!), last)));
    }
  }
  const sums = Array.from({ length: tileRows }, () => [f.local('v128'), f.local('v128')] as const);
  f.if(accumulate!, () => {
    const at = f.var(c!);
    for (const [s0, s1] of sums) {
      f.set(s0, load('v128.load', at, 0));
      f.set(s1, load('v128.load', at, 16));
      f.set(at, add(at, cRow!));
    }
  });
  const [b0, b1, x] = [f.local('v128'), f.local('v128'), f.local('v128')];
  f.while(k!, () => {
    f.set(b0, load('v128.load', b!, 0));
    f.set(b1, load('v128.load', b!, 16));
    for (let r = 0; r < tileRows; r++) {
      f.set(x, packed ? load(e.splat, a!, r * e.bytes) : load(e.splat, pointers[r]!));
      const [s0, s1] = sums[r]!;
      f.set(s0, madd(target, e.shape, x, b0, s0));
      f.set(s1, madd(target, e.shape, x, b1, s1));
    }
    f.set(b!, add(b!, bRow!));
    for (const p of pointers) f.set(p, add(p, i32c(packed ? tileRows * e.bytes : e.bytes)));
    f.set(k!, sub(k!, i32c(1)));
  });
  for (const [s0, s1] of sums) {
    f.store('v128.store', c!, s0, 0);
    f.store('v128.store', c!, s1, 16);
    f.set(c!, add(c!, cRow!));
  }
  return f.build();
}

const tileName = (e: Element, tileRows: number, packed: boolean): string =>
  `tile_${e.name}_${tileRows}_${packed ? 'packed' : 'rows'}`;

/** c[rows, columns] = or += t, where t is a whole tile in scratch and the target is the corner of one. */
function corner(e: Element): Func {
  const f = new FunctionBuilder(`corner_${e.name}`, ['i32', 'i32', 'i32', 'i32', 'i32', 'i32']);
  const [rows, columns, t, c, cRow, accumulate] = [0, 1, 2, 3, 4, 5].map((i) => f.param(i)) as Local[];
  f.for(0, rows!, () => {
    f.for(0, columns!, (j) => {
      const from = f.var(add(t!, shl(j, e.shift)));
      const to = f.var(add(c!, shl(j, e.shift)));
      const value = f.var(load(`${e.name}.load`, from));
      f.if(accumulate!, () => f.set(value, op(`${e.name}.add`, value, load(`${e.name}.load`, to))));
      f.store(`${e.name}.store`, to, value);
    });
    f.set(t!, add(t!, i32c(tileColumns(e) * e.bytes)));
    f.set(c!, add(c!, cRow!));
  });
  return f.build();
}

/**
 * The tiles of one block of C with one stretch of k: for each panel of B, all row tiles. Strides in bytes; `panelB` is
 * the distance between panels and `aTile` that between row tiles.
 */
function block(e: Element, tileRows: number): Func {
  const f = new FunctionBuilder(blockName(e, tileRows), new Array(14).fill('i32'));
  const [m, n, k, a, aRow, aTile, aPacked, b, bRow, panelB, c, cRow, accumulate, scratch] = Array.from(
    { length: 14 },
    (_, i) => f.param(i),
  ) as [Local, Local, Local, Local, Local, Local, Local, Local, Local, Local, Local, Local, Local, Local];
  const width = tileColumns(e);
  const tileBytes = width * e.bytes;
  f.for(
    0,
    n,
    (j) => {
      const columns = f.var(min(sub(n, j), i32c(width)));
      const at = f.var(a);
      const to = f.var(c);
      f.for(
        0,
        m,
        (i) => {
          const rows = f.var(min(sub(m, i), i32c(tileRows)));
          const whole = f.var(and(eq(rows, i32c(tileRows)), eq(columns, i32c(width))));
          const into = f.var(select(whole, to, scratch));
          const stride = f.var(select(whole, cRow, i32c(tileBytes)));
          const onto = f.var(and(whole, accumulate));
          const args = [rows, k, at, aRow, b, bRow, into, stride, onto];
          f.if(
            aPacked,
            () => f.call(tileName(e, tileRows, true), ...args),
            () => f.call(tileName(e, tileRows, false), ...args),
          );
          f.if(op('i32.eqz', whole), () => f.call(`corner_${e.name}`, rows, columns, scratch, to, cRow, accumulate));
          f.set(at, add(at, aTile));
          f.set(to, add(to, mul(cRow, i32c(tileRows))));
        },
        tileRows,
      );
      f.set(b, add(b, panelB));
      f.set(c, add(c, i32c(tileBytes)));
    },
    width,
  );
  return f.build();
}

const blockName = (e: Element, tileRows: number): string => `block_${e.name}_${tileRows}`;

/** The loops over blocks, and what to pack. */
function driver(e: Element): Func {
  const f = new FunctionBuilder(`gemm_${e.name}`, new Array(13).fill('i32'));
  const [m, n, k, a, aRow, aCol, b, bRow, bCol, c, cRow, accumulate, scratch] = Array.from({ length: 13 }, (_, i) =>
    f.param(i),
  ) as [Local, Local, Local, Local, Local, Local, Local, Local, Local, Local, Local, Local, Local];
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

  // Whichever pads m to less; 5 on a tie.
  const padded = (step: number): Expr => mul(op('i32.div_s', add(m, i32c(step - 1)), i32c(step)), i32c(step));
  const isTall = f.var(op('i32.le_s', mul(padded(tall), i32c(8)), mul(padded(low), i32c(9))));
  const tileRows = f.var(select(isTall, i32c(tall), i32c(low)));
  const packA = f.var(op('i32.or', ne(aCol, one), ge(n, i32c(packFromColumns))));
  const large = and(ge(mul(k, n), i32c(packBeyondBytes / e.bytes)), ge(m, i32c(packFromRows)));
  const packB = f.var(op('i32.or', ne(bCol, one), large));
  const panelsB = f.var(add(scratch, i32c(cornerBytes)));
  const deepest = f.var(min(k, i32c(blockDepth)));
  const widest = f.var(min(shl(op('i32.shr_u', add(n, i32c(7)), i32c(3)), 3), i32c(blockColumns)));
  const panelsA = f.var(add(panelsB, shl(mul(deepest, widest), e.shift)));

  const fromA = f.local('i32');
  const fromB = f.local('i32');
  const onto = f.local('i32');
  f.for(
    0,
    n,
    (j) => {
      const columns = f.var(min(sub(n, j), i32c(blockColumns)));
      f.for(
        0,
        k,
        (p) => {
          const depth = f.var(min(sub(k, p), i32c(blockDepth)));
          f.set(fromB, add(add(b, mul(p, bRow)), mul(j, bCol)));
          f.set(onto, op('i32.or', accumulate, op('i32.gt_s', p, zero)));
          // Read in place, B still has its last columns packed when they do not fill a panel: `inPlace` are the others.
          const inPlace = f.var(select(packB, zero, and(columns, i32c(-width))));
          const packed = f.var(sub(columns, inPlace));
          f.if(packed, () =>
            f.call(packName(e, width), depth, packed, add(fromB, mul(inPlace, bCol)), bRow, bCol, panelsB),
          );
          f.for(
            0,
            m,
            (i) => {
              const rows = f.var(min(sub(m, i), i32c(blockRows)));
              const to = f.var(add(add(c, mul(i, cRow)), shl(j, e.shift)));
              f.set(fromA, add(add(a, mul(i, aRow)), mul(p, aCol)));
              const [stepA, tileA] = [f.var(aRow), f.var(mul(aRow, tileRows))];
              f.if(packA, () => {
                const args = [depth, rows, fromA, aCol, aRow, panelsA];
                f.if(
                  isTall,
                  () => f.call(packName(e, tall), ...args),
                  () => f.call(packName(e, low), ...args),
                );
                f.set(fromA, panelsA);
                f.set(tileA, shl(mul(depth, tileRows), e.shift));
              });
              const run = (...args: Expr[]): void =>
                f.if(
                  isTall,
                  () => f.call(blockName(e, tall), ...args),
                  () => f.call(blockName(e, low), ...args),
                );
              const common = [depth, fromA, stepA, tileA, packA];
              f.if(inPlace, () => {
                const panel = i32c(width * e.bytes);
                run(rows, inPlace, ...common, fromB, bRow, panel, to, cRow, onto, scratch);
              });
              f.if(packed, () => {
                const row = i32c(width * e.bytes);
                const panel = shl(mul(depth, i32c(width)), e.shift);
                const rest = add(to, shl(inPlace, e.shift));
                run(rows, packed, ...common, panelsB, row, panel, rest, cRow, onto, scratch);
              });
            },
            blockRows,
          );
        },
        blockDepth,
      );
    },
    blockColumns,
  );
  return f.build(true);
}

const packName = (e: Element, width: number): string => `pack_${e.name}_${width}`;

export function gemmFunctions(target: Target): Func[] {
  return elements.flatMap((e) => [
    ...[...new Set([tall, low, tileColumns(e)])].map((width) => packFunction(packName(e, width), e, width)),
    ...[tall, low].flatMap((rows) => [tile(target, e, rows, false), tile(target, e, rows, true), block(e, rows)]),
    corner(e),
    ...gemvFunctions(target, e),
    driver(e),
  ]);
}
