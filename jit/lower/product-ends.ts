import type { Eqn } from '../../src/core/jaxpr.ts';
import type { Driver } from './driver.ts';
import { HeldExpression, type HeldRoot } from './held-expression.ts';
import type { Kernel } from './kernel.ts';
import { mapKernel, type Store } from './map-kernel.ts';
import type { Epilogue } from './passes/epilogues.ts';
import type { Group } from './passes/groups.ts';
import type { RowBlocks } from './row-blocks.ts';
import { type HeldLeaf, readBuffer, type Tree } from './tree.ts';

/** A product that is due: with what is computed from its elements in registers, or from its rows in the cache. */
type Due = ((roots: readonly HeldRoot[]) => void) | { readonly blocks: RowBlocks; readonly release: () => void };

/** What a kernel does first, for `lower()` to show. */
export type Before = '' | 'a product, then ' | 'rows of a product, then ';

/** Products of a block that end in the kernel of a group, and those groups whose product is due. */
export class ProductEnds {
  readonly epilogues: ReadonlyMap<Eqn, Epilogue>;
  private readonly due = new Map<Group, Due>();

  constructor(epilogues: ReadonlyMap<Eqn, Epilogue>) {
    this.epilogues = epilogues;
  }

  /**
   * Puts a product off until the kernel is written that reads its result, if there is but one: `run` gets what that
   * kernel computes. Until then the result is bound to what the product's kernel will hold.
   */
  defer(d: Driver, product: Eqn, run: (behind: HeldExpression) => void): boolean {
    const epilogue = this.epilogues.get(product);
    if (!epilogue || epilogue.rowAxes !== undefined) return false;
    const { aval } = product.outputs[0]!;
    const leaf: HeldLeaf = { kind: 'held', dtype: aval.dtype };
    d.bind(product.outputs[0]!, { shape: aval.shape, root: leaf });
    this.due.set(epilogue.group, (roots) => run(new HeldExpression(leaf, roots)));
    return true;
  }

  /** The same for a product that is computed some rows at a time. */
  deferRows(d: Driver, product: Eqn, blocks: RowBlocks, release: () => void): void {
    const [out] = product.outputs;
    // Not to be had for a result in its place.
    blocks.result.retain();
    d.bind(out!, readBuffer(blocks.result, out!.aval.shape));
    this.due.set(this.epilogues.get(product)!.group, { blocks, release });
  }

  /** Whether a group is computed from what the kernel of a product has in registers. */
  has(group: Group): boolean {
    return typeof this.due.get(group) === 'function';
  }

  /** Whether the kernel of a group goes over rows of the product that it waits for. */
  goesByRows(group: Group): boolean {
    return typeof this.due.get(group) === 'object';
  }

  /**
   * Writes the kernel of a group without folds: at the end of the product that it waits for, or one of its own. Returns
   * what comes before it.
   */
  elementwise(d: Driver, group: Group, stores: readonly Store[], effects: readonly Tree[]): Before {
    const product = this.due.get(group);
    if (typeof product !== 'function')
      return this.run(d, group, (rowAxes) => mapKernel(stores, group.shape, effects, rowAxes));
    this.due.delete(group);
    product(stores);
    return 'a product, then ';
  }

  /** Writes a kernel that goes over the elements of a group, or over rows of the product that it waits for. */
  run(d: Driver, group: Group, kernel: (rowAxes?: number) => Kernel): Before {
    const product = this.due.get(group);
    if (!product || typeof product === 'function') {
      d.run(kernel());
      return '';
    }
    this.due.delete(group);
    product.blocks.run(kernel(product.blocks.rowAxes));
    product.blocks.result.release();
    product.release();
    return 'rows of a product, then ';
  }
}
