import type { Eqn } from '../../../src/core/jaxpr.ts';
import { i32c } from '../../wasm/code.ts';
import type { Driver } from '../driver.ts';
import { type HeldLeaf, readBuffer, type Tree } from '../expressions/tree.ts';
import type { Kernel } from '../kernels/kernel.ts';
import { mapKernel, type Store } from '../kernels/map-kernel.ts';
import type { Epilogue } from '../passes/epilogues.ts';
import type { Group } from '../passes/groups.ts';
import { noPrologues, type Prologues } from '../passes/prologues.ts';
import { Buffer } from '../storage.ts';
import { HeldExpression } from './held-expression.ts';
import type { ComputedRows } from './row-blocks.ts';

/** A product that is due: with what is computed from its elements in registers, or from its rows in the cache. */
type Due = ((stores: readonly Store[]) => void) | DueRows;

interface DueRows {
  readonly result: Buffer;
  readonly rowAxes: number;
  readonly run: (kernel: Kernel) => void;
}

/** What a kernel does first, for `lower()` to show. */
export type Before = '' | 'a product, then ' | 'rows of a product, then ';

/** Products of a block that end in the kernel of a group, and those groups whose product is due. */
export class ProductEnds {
  readonly epilogues: ReadonlyMap<Eqn, Epilogue>;
  /** Products that compute operands themselves. */
  readonly prologues: Prologues;
  private readonly due = new Map<Group, Due>();

  constructor(epilogues: ReadonlyMap<Eqn, Epilogue> = new Map(), prologues: Prologues = noPrologues) {
    this.epilogues = epilogues;
    this.prologues = prologues;
  }

  /**
   * Puts a product off until the kernel is written that reads its result, if there is but one: `run` gets what that
   * kernel computes. Until then the result is bound to what the product's kernel will hold.
   */
  defer(d: Driver, product: Eqn, run: (behind: HeldExpression) => void): boolean {
    const epilogue = this.epilogues.get(product);
    if (!epilogue || epilogue.rowAxes > 0) return false;
    this.hold(d, product, (leaf, roots) => run(new HeldExpression(leaf, roots)));
    return true;
  }

  /** The same for a product of matrices: `run` gets what that kernel computes from `leaf`. */
  hold(d: Driver, product: Eqn, run: (leaf: HeldLeaf, stores: readonly Store[]) => void): void {
    const { aval } = product.outputs[0]!;
    const leaf: HeldLeaf = { kind: 'held', dtype: aval.dtype };
    d.bind(product.outputs[0]!, { shape: aval.shape, root: leaf });
    this.due.set(this.epilogues.get(product)!.group, (stores) => run(leaf, stores));
  }

  /**
   * The same for a product that is computed some rows at a time: `run` gets the kernel that reads them. Until then the
   * result is bound to an array whose address is such that the rows of a block are where they would be in the whole.
   */
  deferRows(d: Driver, product: Eqn, run: (behind: ComputedRows) => void): void {
    const { aval } = product.outputs[0]!;
    const base = d.locals.hold(i32c(0));
    const result = new Buffer(aval.dtype, aval.size, base, () => d.locals.give(base));
    // Not to be had for another result in its place.
    result.retain();
    d.bind(product.outputs[0]!, readBuffer(result, aval.shape));
    const { group, rowAxes } = this.epilogues.get(product)!;
    this.due.set(group, { result, rowAxes, run: (kernel) => run({ kernel, base }) });
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
    product.run(kernel(product.rowAxes));
    product.result.release();
    return 'rows of a product, then ';
  }
}
