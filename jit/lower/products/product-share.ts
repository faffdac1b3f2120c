import { byteSize } from '../../../src/core/dtype.ts';
import { type Shape, sizeOf, stridesOf } from '../../../src/core/shape.ts';
import { type Expr, i32c, type Local } from '../../wasm/code.ts';
import type { Driver } from '../driver.ts';
import { type AffineLeaf, mapLeaves, type Tree } from '../expressions/tree.ts';
import type { FoldPlan } from '../folds/fold-schedule.ts';
import { elementBytes } from '../kernels/kernel.ts';
import type { Store } from '../kernels/map-kernel.ts';
import { Buffer, Scalar } from '../storage.ts';
import { placeInBatch } from './dot-code.ts';
import { furthestColumn, standForEachOther } from './triangles.ts';

/** A number that moves on from product to product: where it starts, and its steps along the axes of the batch. */
interface Moving {
  readonly local: Local;
  readonly start: Expr;
  readonly steps: readonly number[];
}

/** Arrays of which only the rows of a block are there, the product's first: at these addresses, so many elements from row to row. */
export interface InBlocks {
  readonly at: readonly Expr[];
  readonly rowAxes: number;
  readonly columns: number;
  readonly apart: number;
}

/**
 * What a kernel computes of one product of a batch. It reads and writes at addresses that move on from product to product,
 * so that its outermost axis is of rows, whatever the arrays that it reads have of the axes of the batch.
 */
export class ProductShare {
  /** Of one product. */
  readonly shape: Shape;
  /** By how much a column that is read of a block can be further than its row. */
  furthest: number = Number.POSITIVE_INFINITY;
  /** How many columns the kernel does, where those that are further stand for each other. */
  limit: Local | undefined;
  private readonly d: Driver;
  private readonly extents: Shape;
  private readonly inBlocks: InBlocks;
  private readonly moving: Moving[] = [];
  private readonly buffers = new Map<Buffer, Map<string, Buffer>>();
  private readonly counts = new Map<string, Scalar>();

  /**
   * @param shape of all products
   * @param batchAxes how many of its leading axes are the batch
   */
  constructor(d: Driver, shape: Shape, batchAxes: number, inBlocks: InBlocks) {
    this.d = d;
    this.extents = shape.slice(0, batchAxes);
    this.shape = shape.slice(batchAxes);
    this.inBlocks = inBlocks;
  }

  /** A plan of folds, none of them along the batch. */
  plan({ shape, folded, rowStrides, folds, stores }: FoldPlan): FoldPlan {
    const own = stridesOf(shape);
    const folding = folds.map((fold) => ({ ...fold, root: this.tree(fold.root) }));
    const roots = stores.map(({ root }) => this.tree(root));
    this.look([...folding.map(({ root }) => root), ...roots]);
    if (this.inBlocks.at.length > 1 && this.furthest < this.shape.at(-1)! - 1)
      if (standForEachOther(folding, roots, this.furthest)) this.limit = this.d.locals.take('i32');
    return {
      ...(this.limit && { limit: this.limit }),
      shape: this.shape,
      folded: this.inner(folded),
      rowStrides: this.inner(rowStrides),
      folds: folding,
      stores: stores.map((store, i) => ({
        ...store,
        root: roots[i]!,
        ...this.place(store.ptr, store.row ? rowStrides : own, elementBytes[store.root.dtype]),
      })),
    };
  }

  /** What a kernel writes for each element. */
  stores(stores: readonly Store[]): Store[] {
    const own = stridesOf([...this.extents, ...this.shape]);
    const roots = stores.map(({ root }) => this.tree(root));
    this.look(roots);
    return stores.map(({ root, ptr }, i) => ({
      root: roots[i]!,
      ...this.place(ptr, own, elementBytes[root.dtype]),
    }));
  }

  /** Moves everything to the product of this number. */
  begin(number: Expr): void {
    const { f } = this.d;
    for (const { local, start, steps } of this.moving) {
      const axes = this.extents.map((extent, axis) => ({ extent, step: steps[axis]! }));
      f.set(local, placeInBatch(start, number, axes));
    }
  }

  release(): void {
    for (const { local } of this.moving) this.d.locals.give(local);
    if (this.limit) this.d.locals.give(this.limit);
  }

  private look(roots: readonly Tree[]): void {
    const { at, rowAxes } = this.inBlocks;
    if (rowAxes === 1 && this.shape.length === 2) this.furthest = furthestColumn(roots, at[0]!);
  }

  private inner<T>(axes: readonly T[]): T[] {
    return axes.slice(this.extents.length);
  }

  private tree(root: Tree): Tree {
    return mapLeaves(root, (leaf) => this.leaf(leaf))!;
  }

  private leaf(leaf: AffineLeaf): Tree {
    const outer = this.extents.map((extent, axis) => (extent === 1 ? 0 : leaf.strides[axis]!));
    const strides = this.inner(leaf.strides);
    const isStill = outer.every((stride) => stride === 0);
    if (leaf.kind === 'iota') {
      const own = { ...leaf, strides };
      if (isStill) return own;
      return {
        kind: 'op',
        dtype: 'int32',
        op: 'add',
        args: [own, { kind: 'scalar', dtype: 'int32', scalar: this.count(outer) }],
      };
    }
    if (this.isInBlock(leaf.buffer.ptr)) return { ...leaf, strides: this.rowsApart(strides) };
    if (isStill) return { ...leaf, strides };
    return { ...leaf, strides, buffer: this.buffer(leaf.buffer, outer) };
  }

  private count(steps: readonly number[]): Scalar {
    const key = steps.join();
    let known = this.counts.get(key);
    if (!known) this.counts.set(key, (known = new Scalar('int32', this.moved(i32c(0), steps))));
    return known;
  }

  /** One for equal steps: kernels know arrays by their identity. */
  private buffer(of: Buffer, strides: readonly number[]): Buffer {
    const all = this.buffers.get(of) ?? new Map<string, Buffer>();
    this.buffers.set(of, all);
    const key = strides.join();
    let known = all.get(key);
    if (!known) {
      const bytes = byteSize(of.dtype);
      const at = this.moved(
        of.ptr,
        strides.map((stride) => stride * bytes),
      );
      all.set(key, (known = new Buffer(of.dtype, sizeOf(this.shape), at)));
    }
    return known;
  }

  private place(ptr: Expr, strides: readonly number[], bytes: number): Pick<Store, 'ptr' | 'strides'> {
    if (this.isInBlock(ptr)) return { ptr, strides: this.rowsApart(this.inner(strides)) };
    if (this.extents.length === 0) return { ptr };
    const steps = this.extents.map((_, axis) => strides[axis]! * bytes);
    return { ptr: this.moved(ptr, steps) };
  }

  private isInBlock(ptr: Expr): boolean {
    return this.inBlocks.at.includes(ptr);
  }

  /** Steps of the elements of a block, of those in one piece. */
  private rowsApart(strides: readonly number[]): number[] {
    const { rowAxes, columns, apart } = this.inBlocks;
    return strides.map((stride, axis) => (axis < rowAxes ? (stride / columns) * apart : stride));
  }

  private moved(start: Expr, steps: readonly number[]): Local {
    const local = this.d.locals.take('i32');
    this.moving.push({ local, start, steps });
    return local;
  }
}
