import { byteSize, isFloating } from '../../../src/core/dtype.ts';
import type { Atom, Eqn, Var } from '../../../src/core/jaxpr.ts';
import { sizeOf, stridesOf } from '../../../src/core/shape.ts';
import { type Expr, i32c, op } from '../../code.ts';
import { coalesce, type NestAxis, nest } from '../../loop-nest.ts';
import type { DotDimensions } from '../../lower-rule.ts';
import type { Driver } from '../driver.ts';
import { Captures } from '../in-threads.ts';
import type { ProductType } from '../lanes.ts';
import { type ArrayLeaf, transposed } from '../tree.ts';
import { axesOf, isMatrix, type Product, type Side } from './dot-code.ts';
import type { HeldTile } from './held-tile.ts';
import { productInto } from './product-code.ts';
import { isDealtOut } from './product-threads.ts';
import { readsWindows } from './window-sizes.ts';

/**
 * A product of windows with a matrix, as convolutions are, without a copy of the windows: x[n,y+i,x+j,c]·w[(i,j,c),o] are
 * products of rows (x) for each (n,y), whose sums go over (j,c), which step evenly, for each i. A window along an axis is read
 * where it lies, and what windows have in common comes out of the first-level cache.
 */
export interface WindowProduct {
  readonly product: Product;
  readonly a: Expr;
  readonly b: Expr;
}

/** Undefined where the first operand is not in memory, or is a matrix, or where a copy of the windows is better. */
export function windowProduct(
  d: Driver,
  eqn: Eqn,
  { lhsBatch, lhsContract, rhsBatch, rhsContract }: DotDimensions,
): WindowProduct | undefined {
  const [x, y] = eqn.inputs as [Atom, Atom];
  const { dtype } = x.aval;
  if (lhsBatch.length > 0 || !isFloating(dtype)) return undefined;
  const { shape, root } = d.fused(x);
  const left = axesOf(shape.length, lhsBatch, lhsContract);
  if (root.kind !== 'array' || isMatrix({ shape, strides: root.strides }, left)) return undefined;
  const right = axesOf(y.aval.ndim, rhsBatch, rhsContract);
  const sizeOver = (axes: readonly number[], all: readonly number[]): number => sizeOf(axes.map((axis) => all[axis]!));
  const n = sizeOver(right.free, y.aval.shape);
  const bytes = byteSize(dtype);
  if (!readsWindows(sizeOver(left.free, shape), n, sizeOver(lhsContract, shape), bytes)) return undefined;
  const product = (rhs: Side): Product | undefined => {
    const own = stridesOf([...left.free.map((axis) => shape[axis]!), n]);
    const rows = levels(left.free.map((axis, i) => ({ extent: shape[axis]!, steps: [root.strides[axis]!, own[i]!] })));
    const sums = levels(
      lhsContract.map((axis, i) => ({
        extent: shape[axis]!,
        steps: [root.strides[axis]!, rhs.strides[rhsContract[i]!]!],
      })),
    );
    const columns = levels(right.free.map((axis) => ({ extent: rhs.shape[axis]!, steps: [rhs.strides[axis]!] })));
    const steps = [...rows, ...sums, ...columns].flatMap((axis) => axis.steps);
    if (columns.length > 1 || columns[0]!.steps[0] !== 1 || steps.some((step) => step < 0)) return undefined;
    const [row, column] = [rows.pop()!, sums.pop()!];
    // Parts of large sums stay in the cache for all rows and columns. A last vector that overlaps its neighbour cannot be added to.
    const outer = sums.length > 1 && (n * bytes) % 16 === 0 ? sums.shift() : undefined;
    const batch = rows.map(({ extent, steps: [a, c] }) => ({ extent, steps: [a!, 0, c!] as const }));
    return {
      m: row.extent,
      n,
      k: column.extent,
      lhs: { row: row.steps[0]!, column: column.steps[0]! },
      rhs: { row: column.steps[1]!, column: 1 },
      batch: outer ? [...batch, { extent: outer.extent, steps: [outer.steps[0]!, outer.steps[1]!, 0] }] : batch,
      sums: sums.map(({ extent, steps: [a, b] }) => ({ extent, steps: [a!, b!] as const })),
      onto: outer !== undefined,
    };
  };
  const weights = d.fused(y);
  let place = weights.root.kind === 'array' ? weights.root : undefined;
  let found = place && product({ shape: weights.shape, strides: place.strides });
  if (!found) {
    // Sums and columns in a row each; where even that does not do, nothing has been copied yet.
    const order = [...rhsContract, ...right.free];
    const packed = stridesOf(order.map((axis) => weights.shape[axis]!));
    const strides = weights.shape.map((_, axis) => packed[order.indexOf(axis)]!);
    found = product({ shape: weights.shape, strides });
    if (!found) return undefined;
    const buffer = d.temporary(dtype, sizeOf(weights.shape));
    d.store(transposed(weights, order), buffer.ptr);
    place = { kind: 'array', dtype, buffer, offset: 0, strides };
    d.rebind(y as Var, { shape: weights.shape, root: place });
  }
  const at = ({ buffer, offset }: ArrayLeaf): Expr =>
    offset === 0 ? buffer.ptr : op('i32.add', buffer.ptr, i32c(offset * bytes));
  return { product: found, a: at(root), b: at(place!) };
}

/** Multiplies windows whose tiles go into expressions; threads take what the outermost axis of the batch has. */
export function windowsInto(d: Driver, p: Product, dtype: ProductType, a: Expr, b: Expr, tile: HeldTile): void {
  const bytes = byteSize(dtype);
  const [outer = { extent: 1, steps: [0, 0, 0] as const }, ...inner] = p.batch;
  const none = i32c(0);
  const name = d.declare(productInto(p, dtype, d.target, { a: none, b: none, scratch: none }, tile));
  // From product to product, which lie one behind the other.
  const places = inner.map((_, i) => inner.slice(i + 1).reduce((n, { extent }) => n * extent, 1));
  const all = inner.reduce((n, { extent }) => n * extent, 1);
  const moved = (count: number, { row, product }: { row: number; product: number }): number =>
    count * (p.m * row + product);
  const captures = new Captures();
  const matrix = captures.take(b);
  const moving = [
    captures.take(a, { perStep: outer.steps[0] * bytes }),
    ...tile.args.map(({ value, ...steps }) => captures.take(value, { perStep: moved(all, steps) })),
  ];
  const axes = inner.map(({ extent, steps }, i) => ({
    extent,
    steps: [steps[0] * bytes, ...tile.args.map((steps) => moved(places[i]!, steps))],
  }));
  const threads = isDealtOut(p.m, p.n, p.k, outer.extent * all * sizeOf(p.sums.map(({ extent }) => extent)));
  captures.run(d, { extent: outer.extent, chunk: 1, threads }, (f) =>
    nest(
      f,
      axes,
      moving.map((value) => value()),
      ([at, ...behind]) => f.call(name, at!, matrix(), none, ...behind),
    ),
  );
}

/** Axes that step evenly, at least one. */
function levels(axes: readonly NestAxis[]): NestAxis[] {
  const merged = coalesce(axes);
  return merged.length > 0 ? merged : [{ extent: 1, steps: axes[0]?.steps.map(() => 1) ?? [1] }];
}
