import { range } from '../../../src/core/shape.ts';
import {
  type Expr,
  type FunctionBuilder,
  i32c,
  i32x4c,
  type Local,
  load,
  madd,
  op,
  type Target,
} from '../../wasm/code.ts';
import { offsetBy } from '../../wasm/loop-nest.ts';
import { type AnyLanes, type Lanes, loadVector, type ProductType } from '../expressions/lanes.ts';
import type { Product } from './dot-code.ts';
import { horizontalSums } from './gemv-code.ts';
import type { Panel, TileRows } from './product-tiles.ts';

/** The code of a product that is being written: for which product, for which machine, in which lanes. */
export interface ProductCode {
  readonly f: FunctionBuilder;
  readonly p: Product;
  readonly dtype: ProductType;
  readonly e: AnyLanes;
  readonly target: Target;
}

/** Some rows by the columns of a panel: where both operands begin, and where the sums go. */
export interface Tile {
  readonly panel: Panel;
  readonly rows: number;
  readonly a: Local;
  readonly b: Local;
  readonly to: TileRows;
}

/** Up to this k a tile is straight code, or up to so many elements of a window. */
const straight = 8;
const straightWindow = 32;

/**
 * One tile of a product: its sums stay in registers while everything that is summed over goes by, in the order in which it
 * lies, and then go to `to`.
 */
export function tile(code: ProductCode, at: Tile): void {
  if (code.p.alongSums) tileAlongSums(code, at);
  else tileOfColumns(code, at);
}

function tileOfColumns(code: ProductCode, { panel, rows, a, b, to }: Tile): void {
  const { f, e, p, target } = code;
  const { k, lhs, rhs, sums: outer, onto } = p;
  const { from, loaded } = panel;
  const sums = Array.from({ length: rows }, () => from.map(() => f.local('v128')));
  const columns = from.map(() => f.local('v128'));
  const x = f.local('v128');
  const step = (aAt: Local, bAt: Local, inA: number, inB: number, first = false): void => {
    columns.forEach((column, v) => {
      f.set(column, loadVector(e, bAt, inB * e.bytes + from[v]!, loaded[v]!));
    });
    sums.forEach((row, r) => {
      f.set(x, load(e.splat, aAt, (r * lhs.row + inA) * e.bytes));
      row.forEach((sum, v) => {
        f.set(sum, first ? op(`${e.shape}.mul`, x, columns[v]!) : plusProduct(target, e, x, columns[v]!, sum));
      });
    });
  };
  const axes: SumAxis[] = [...outer, { extent: k, steps: [lhs.column, rhs.row] }];
  const straightCode = axes.length === 1 ? straight : target.fma ? straightWindow : 0;
  if (axes.reduce((n, { extent }) => n * extent, 1) <= straightCode && !onto) {
    positions(axes).forEach(([inA, inB], i) => {
      step(a, b, inA, inB, i === 0);
    });
  } else {
    const start = onto ? to.load!(e, rows, panel) : undefined;
    // All bits of a zero of any dtype are 0.
    sums.forEach((row, r) => {
      row.forEach((sum, v) => {
        f.set(sum, start ? start[r]![v]! : i32x4c(0));
      });
    });
    sumOver(code, axes, [f.var(a), f.var(b)], { step });
  }
  to.store(e, sums, panel);
}

/** Steps of a window, of several vectors each, that are straight code. */
const straightVectors = 12;

/**
 * The same where a vector is of what is summed over: each element of the tile has one, whose lanes are added up in the end.
 */
function tileAlongSums(code: ProductCode, { panel, rows, a, b, to }: Tile): void {
  const { f, p, target } = code;
  const e = code.e as Lanes;
  const { k, lhs, rhs, sums: outer, onto } = p;
  const { starts, elements } = panel;
  // Elements from the panel's first column on.
  const columns = starts.flatMap((start, v) => range(elements[v]!).map((i) => start / e.bytes + i));
  const sums = range(rows).map(() => columns.map(() => f.var(i32x4c(0))));
  const row = sums.map(() => f.local('v128'));
  const x = f.local('v128');
  const step = (aAt: Local, bAt: Local, inA: number, inB: number, count: number): void => {
    row.forEach((vector, r) => {
      f.set(vector, loadVector(e, aAt, (r * lhs.row + inA) * e.bytes, count));
    });
    columns.forEach((column, c) => {
      f.set(x, loadVector(e, bAt, (column * rhs.column + inB) * e.bytes, count));
      sums.forEach((all, r) => {
        f.set(all[c]!, madd(target, e.shape, row[r]!, x, all[c]!));
      });
    });
  };
  const [whole, rest] = [Math.floor(k / e.count), k % e.count];
  const axes: SumAxis[] = [...outer, { extent: whole, steps: [e.count, e.count] }];
  sumOver(code, axes, [f.var(a), f.var(b)], {
    step: (...at) => step(...at, e.count),
    last: (...at) => {
      if (rest > 0) step(...at, rest);
    },
    short: straightVectors,
  });
  const start = onto ? to.load!(e, rows, panel) : undefined;
  const totals = sums.map((all, r) => {
    const vectors = range(Math.ceil(all.length / 4)).flatMap((i) => {
      const four = all.slice(4 * i, 4 * i + 4);
      return horizontalSums(f, e, [...four, ...range(4 - four.length).map(() => four[0]!)]);
    });
    return starts.map((_, v) => (start ? f.var(op(`${e.shape}.add`, start[r]![v]!, vectors[v]!)) : vectors[v]!));
  });
  to.store(e, totals, panel);
}

/** An axis that is summed over: steps of both operands, in elements. */
type SumAxis = Product['sums'][number];

/** Where all elements that are summed over lie, in their order. */
const positions = (axes: readonly SumAxis[]): [number, number][] =>
  axes.reduce<[number, number][]>(
    (all, { extent, steps }) =>
      all.flatMap(([inA, inB]) => range(extent).map((i): [number, number] => [inA + i * steps[0], inB + i * steps[1]])),
    [[0, 0]],
  );

/** Adds products of what lies some elements behind these addresses. */
type Step = (aAt: Local, bAt: Local, inA: number, inB: number) => void;

interface Stepping {
  readonly step: Step;
  /** What is behind the last step of the innermost axis. */
  readonly last?: Step;
  /** Up to this many steps of that axis are straight code. */
  readonly short?: number;
}

/** Loops over these axes. Returns by how many elements it has moved the pointers. */
function sumOver(
  code: ProductCode,
  [axis, ...inner]: readonly SumAxis[],
  at: readonly [Local, Local],
  stepping: Stepping,
): readonly [number, number] {
  const { f, e, target } = code;
  const { step, last, short = straight } = stepping;
  const { extent, steps } = axis!;
  const move = (by: readonly number[]): void =>
    at.forEach((ptr, i) => {
      if (by[i] !== 0) f.set(ptr, offsetBy(ptr, by[i]! * e.bytes));
    });
  if (inner.length > 0) {
    const left = f.var(i32c(extent));
    f.doWhile(left, () => {
      const moved = sumOver(code, inner, at, stepping);
      move(steps.map((s, i) => s - moved[i]!));
      f.set(left, op('i32.sub', left, i32c(1)));
    });
    return [extent * steps[0], extent * steps[1]];
  }
  const some = (count: number): void => {
    for (const [inA, inB] of positions([{ extent: count, steps }])) step(...at, inA, inB);
  };
  const end = (done: number): void => last?.(...at, (extent - done) * steps[0], (extent - done) * steps[1]);
  if (target.fma && extent <= short) {
    some(extent);
    end(0);
    return [0, 0];
  }
  // Node 20's V8, which has no fused multiply-add, keeps loads in order but moves arithmetic down to its use: the
  // operands of several steps would be live at once.
  const unroll = target.fma ? 4 : 1;
  const rounds = Math.floor(extent / unroll);
  if (rounds > 0) {
    const left = f.var(i32c(rounds));
    f.doWhile(left, () => {
      some(unroll);
      move(steps.map((s) => unroll * s));
      f.set(left, op('i32.sub', left, i32c(1)));
    });
  }
  some(extent % unroll);
  end(rounds * unroll);
  return [rounds * unroll * steps[0], rounds * unroll * steps[1]];
}

const plusProduct = (target: Target, e: AnyLanes, x: Expr, y: Expr, sum: Expr): Expr =>
  e.name === 'i32' ? op('i32x4.add', op('i32x4.mul', x, y), sum) : madd(target, e.shape, x, y, sum);
