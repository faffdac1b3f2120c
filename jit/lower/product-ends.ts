import type { Eqn } from '../../src/core/jaxpr.ts';
import type { Driver } from './driver.ts';
import { HeldExpression, type HeldRoot } from './held-expression.ts';
import { mapKernel, type Store } from './map-kernel.ts';
import type { Group } from './passes/groups.ts';
import type { HeldLeaf, Tree } from './tree.ts';

/** Products of a block that end in the kernel of a group, and those groups whose product is due. */
export class ProductEnds {
  /** The group at whose end a product is written. */
  readonly groups: ReadonlyMap<Eqn, Group>;
  private readonly deferred = new Map<Group, (roots: readonly HeldRoot[]) => void>();

  constructor(groups: ReadonlyMap<Eqn, Group>) {
    this.groups = groups;
  }

  /**
   * Puts a product off until the kernel is written that reads its result, if there is but one: `run` gets what that
   * kernel computes. Until then the result is bound to what the product's kernel will hold.
   */
  defer(d: Driver, product: Eqn, run: (behind: HeldExpression) => void): boolean {
    const group = this.groups.get(product);
    if (!group) return false;
    const { aval } = product.outputs[0]!;
    const leaf: HeldLeaf = { kind: 'held', dtype: aval.dtype };
    d.bind(product.outputs[0]!, { shape: aval.shape, root: leaf });
    this.deferred.set(group, (roots) => run(new HeldExpression(leaf, roots)));
    return true;
  }

  /** Whether the kernel of a group is the end of a product. */
  has(group: Group): boolean {
    return this.deferred.has(group);
  }

  /**
   * Writes the kernel of a group without folds: at the end of the product that it waits for, or one of its own. Returns
   * whether there is a product.
   */
  elementwise(d: Driver, group: Group, stores: readonly Store[], effects: readonly Tree[]): boolean {
    const product = this.deferred.get(group);
    if (!product) {
      d.run(mapKernel(stores, group.shape, effects));
      return false;
    }
    this.deferred.delete(group);
    product(stores);
    return true;
  }
}
