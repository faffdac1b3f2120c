import { byteSize, type DType, isFloating } from '../../../src/core/dtype.ts';
import type { Atom, Eqn, Var } from '../../../src/core/jaxpr.ts';
import { sizeOf, stridesOf } from '../../../src/core/shape.ts';
import type { DotDimensions } from '../../lower-rule.ts';
import { type Expr, i32c, op } from '../../wasm/code.ts';
import { coalesce, type NestAxis, nest } from '../../wasm/loop-nest.ts';
import type { Driver } from '../driver.ts';
import type { ProductType } from '../expressions/lanes.ts';
import { type ArrayLeaf, type Fused, viewed } from '../expressions/tree.ts';
import { Captures } from '../in-threads.ts';
import { type Axes, axesOf, isMatrix, type Product, type Side } from './dot-code.ts';
import type { HeldTile } from './held-tile.ts';
import { productInto } from './product-code.ts';
import { isBatchDealtOut } from './product-threads.ts';
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

/** Adding a part of a sum to what is there costs a few steps of it. */
const leastPart = 128;

/** Undefined where windows are not in memory, or are a matrix, or where a copy of them is better. */
export function windowProduct(d: Driver, eqn: Eqn, dims: DotDimensions): WindowProduct | undefined {
  const [x, y] = eqn.inputs as [Atom, Atom];
  const { dtype } = x.aval;
  const out = eqn.outputs[0]!.aval;
  if (!isFloating(dtype)) return undefined;
  const axes = [
    axesOf(x.aval.ndim, dims.lhsBatch, dims.lhsContract),
    axesOf(y.aval.ndim, dims.rhsBatch, dims.rhsContract),
  ];
  // Reversed weights are in parts as well.
  const [inX, inY] = [x, y].map((atom, i) => sizeInParts(d.fused(atom), axes[i]!)) as [number, number];
  if (inX + inY === 0) return undefined;
  const windows = inX >= inY ? 0 : 1;
  // Channels last, or rows of pixels, which lie in a row.
  const other = 1 - windows;
  const [of, by] = [d.fused([x, y][windows]!), d.fused([x, y][other]!)];
  const columns = sizeOf(axes[other]!.free.map((axis) => by.shape[axis]!));
  const [sums, products] = [dims.lhsContract, dims.lhsBatch].map((of) =>
    sizeOf(of.map((axis) => x.aval.shape[axis]!)),
  ) as [number, number];
  if (sums === 0 || !readsWindows(out.size / columns / products, columns, sums, byteSize(dtype))) return undefined;
  const inParts = (matrix: Side): InParts | undefined => {
    const own: Side = { shape: of.shape, strides: (of.root as ArrayLeaf).strides };
    const [lhs, rhs] = windows === 0 ? [own, matrix] : [matrix, own];
    return productInParts(lhs, rhs, dims, out.shape, dtype, d.target.shared);
  };
  let place = by.root.kind === 'array' ? by.root : undefined;
  let found = place && inParts({ shape: by.shape, strides: place.strides });
  if (!found) {
    const copies = [true, false].map((sumsLast) => inOrder(by, axes[other]!, sumsLast));
    const [ofSums, ofOthers] = copies.map(({ side }) => inParts(side));
    const sumsLast = (ofSums?.filled ?? 0) > (ofOthers?.filled ?? 0);
    found = sumsLast ? ofSums : ofOthers;
    if (!found) return undefined;
    const { fused, side } = copies[sumsLast ? 0 : 1]!;
    const buffer = d.temporary(dtype, sizeOf(fused.shape));
    d.store(fused, buffer.ptr);
    place = { kind: 'array', dtype, buffer, offset: 0, strides: side.strides };
    d.rebind([x, y][other] as Var, { shape: by.shape, root: place });
  }
  const { product, isSwapped } = found;
  const at = ({ buffer, offset }: ArrayLeaf): Expr =>
    offset === 0 ? buffer.ptr : op('i32.add', buffer.ptr, i32c(offset * byteSize(dtype)));
  const [ofWindows, ofMatrix] = [at(of.root as ArrayLeaf), at(place!)];
  return (windows === 0) !== isSwapped
    ? { product, a: ofWindows, b: ofMatrix }
    : { product, a: ofMatrix, b: ofWindows };
}

/** Elements of an array that is read where it lies, without those that repeat; 0 if it is a matrix whose rows do not overlap. */
function sizeInParts({ shape, root }: Fused, axes: Axes): number {
  if (root.kind !== 'array') return 0;
  const { strides } = root;
  const moving = shape.map((_, axis) => axis).filter((axis) => strides[axis] !== 0);
  const size = sizeOf(moving.map((axis) => shape[axis]!));
  const span = moving.reduce((n, axis) => n + (shape[axis]! - 1) * Math.abs(strides[axis]!), 1);
  return size <= span && isMatrix({ shape, strides }, axes) ? 0 : size;
}

/** The matrix in order, with what is summed over in a row or with the other axes in a row, without what repeats it for the batch. */
function inOrder(matrix: Fused, { batch, free, contract }: Axes, sumsLast: boolean): { fused: Fused; side: Side } {
  const { shape, root } = matrix;
  const isRepeated = (axis: number): boolean => root.kind === 'array' && root.strides[axis] === 0;
  const order = [...batch, ...(sumsLast ? [...free, ...contract] : [...contract, ...free])];
  const extents = order.map((axis) => (batch.includes(axis) && isRepeated(axis) ? 1 : shape[axis]!));
  const own = stridesOf(shape);
  const fused = viewed(matrix, { offset: 0, strides: order.map((axis) => own[axis]!) }, extents);
  const packed = stridesOf(extents);
  const strides = shape.map((_, axis) => (extents[order.indexOf(axis)] === 1 ? 0 : packed[order.indexOf(axis)]!));
  return { fused, side: { shape, strides } };
}

/** A product in parts, perhaps of its operands in the other order, and how much of vectors and of the processor's units it fills. */
interface InParts {
  readonly product: Product;
  readonly isSwapped: boolean;
  readonly filled: number;
}

/** Undefined where neither vectors of columns lie in a row, of the second operand and of the result, nor vectors of sums. */
function productInParts(
  lhs: Side,
  rhs: Side,
  { lhsBatch, lhsContract, rhsBatch, rhsContract }: DotDimensions,
  out: readonly number[],
  dtype: DType,
  isShared: boolean,
): InParts | undefined {
  const [left, right] = [
    axesOf(lhs.shape.length, lhsBatch, lhsContract),
    axesOf(rhs.shape.length, rhsBatch, rhsContract),
  ];
  const own = stridesOf(out);
  const axis = (extent: number, ...steps: number[]): NestAxis => ({ extent, steps });
  let batch = lhsBatch.map((at, i) => axis(lhs.shape[at]!, lhs.strides[at]!, rhs.strides[rhsBatch[i]!]!, own[i]!));
  let rows = levels(left.free.map((at, i) => axis(lhs.shape[at]!, lhs.strides[at]!, own[lhsBatch.length + i]!)));
  const after = lhsBatch.length + left.free.length;
  let columns = levels(right.free.map((at, i) => axis(rhs.shape[at]!, rhs.strides[at]!, own[after + i]!)));
  let sums = levels(lhsContract.map((at, i) => axis(lhs.shape[at]!, lhs.strides[at]!, rhs.strides[rhsContract[i]!]!)));
  if ([...batch, ...rows, ...columns, ...sums].some(({ steps }) => steps.some((step) => step < 0))) return undefined;
  // A single column is better a single row: its elements are then those of vectors.
  const isSwapped = sizeOf(columns.map(({ extent }) => extent)) === 1;
  if (isSwapped) {
    [rows, columns] = [columns, rows];
    batch = batch.map(({ extent, steps: [a, b, c] }) => axis(extent, b!, a!, c!));
    sums = sums.map(({ extent, steps: [a, b] }) => axis(extent, b!, a!));
  }
  const [row, column, inner] = [rows.pop()!, columns.pop()!, sums.pop()!];
  if (column.steps[1] !== 1) return undefined;
  const count = 16 / byteSize(dtype);
  const rounds = sizeOf(sums.map(({ extent }) => extent));
  const ofColumns = column.steps[0] === 1 ? filledByColumns(row.extent, column.extent, count) : 0;
  const ofSums =
    inner.steps[0] === 1 && inner.steps[1] === 1
      ? filledBySums(row.extent, column.extent, inner.extent, rounds, count)
      : 0;
  if (ofColumns + ofSums === 0) return undefined;
  const alongSums = ofSums > ofColumns;
  // Parts of large sums stay in the cache for all rows and columns. A last vector that overlaps its neighbour cannot be added to.
  const part = inner.extent * sizeOf(sums.slice(1).map(({ extent }) => extent));
  const isWhole = alongSums || column.extent % count === 0;
  const outer = sums.length > 0 && part >= leastPart && isWhole ? sums.shift() : undefined;
  const parts = outer ? [{ extent: outer.extent, steps: [...outer.steps, 0] }] : [];
  const product: Product = {
    m: row.extent,
    n: column.extent,
    k: inner.extent,
    lhs: { row: row.steps[0]!, column: inner.steps[0]! },
    rhs: { row: inner.steps[1]!, column: column.steps[0]! },
    outRow: row.extent === 1 ? column.extent : row.steps[1]!,
    // Threads take what does not add up, which comes first for them; for one thread a part stays in the cache.
    batch: [
      ...(isShared ? [] : parts),
      ...batch,
      ...rows.map(({ extent, steps: [a, c] }) => ({ extent, steps: [a!, 0, c!] })),
      ...columns.map(({ extent, steps: [b, c] }) => ({ extent, steps: [0, b!, c!] })),
      ...(isShared ? parts : []),
    ] as unknown as Product['batch'],
    sums: sums as unknown as Product['sums'],
    onto: outer !== undefined,
    inParts: true,
    alongSums,
  };
  return { product, isSwapped, filled: Math.max(ofColumns, ofSums) };
}

/** Sums that are under way at a time so that the processor never waits for one: two a cycle, which take four each. */
const enoughSums = 8;
/** Vectors of a sum in whose time its lanes are added up. */
const addingUp = 2;

const filledLanes = (n: number, count: number): number => n / (count * Math.ceil(n / count));

const filledByColumns = (m: number, n: number, count: number): number =>
  filledLanes(n, count) * Math.min(1, (Math.min(m, 4) * Math.ceil(n / count)) / enoughSums);

function filledBySums(m: number, n: number, k: number, rounds: number, count: number): number {
  const vectors = rounds * Math.ceil(k / count);
  return filledLanes(k, count) * Math.min(1, (Math.min(m, 4) * n) / enoughSums) * (vectors / (vectors + addingUp));
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
  const moving = [
    captures.take(a, { perStep: outer.steps[0] * bytes }),
    captures.take(b, { perStep: outer.steps[1] * bytes }),
    ...tile.args.map(({ value, ...steps }) => captures.take(value, { perStep: moved(all, steps) })),
  ];
  const axes = inner.map(({ extent, steps }, i) => ({
    extent,
    steps: [steps[0] * bytes, steps[1] * bytes, ...tile.args.map((steps) => moved(places[i]!, steps))],
  }));
  captures.run(d, { extent: outer.extent, chunk: 1, threads: isBatchDealtOut(p) }, (f) =>
    nest(
      f,
      axes,
      moving.map((value) => value()),
      ([a, b, ...behind]) => f.call(name, a!, b!, none, ...behind),
    ),
  );
}

/** Axes that step evenly, at least one. */
function levels(axes: readonly NestAxis[]): NestAxis[] {
  const merged = coalesce(axes);
  return merged.length > 0 ? merged : [{ extent: 1, steps: [1, 1] }];
}
