import { byteSize } from '../../../src/core/dtype.ts';
import { type Eqn, Var } from '../../../src/core/jaxpr.ts';
import { sizeOf } from '../../../src/core/shape.ts';
import { up } from '../../runtime/gemm.ts';
import { i32c, type Local } from '../../wasm/code.ts';
import type { Driver } from '../driver.ts';
import { type ArrayLeaf, contiguous, type HeldLeaf, readBuffer, storagesOf, type Tree } from '../expressions/tree.ts';
import type { Kernel } from '../kernels/kernel.ts';
import { mapKernel, type Store } from '../kernels/map-kernel.ts';
import type { Chain } from '../passes/chains.ts';
import type { Epilogue } from '../passes/epilogues.ts';
import type { Group } from '../passes/groups.ts';
import { noPrologues, type Prologues } from '../passes/prologues.ts';
import { Buffer } from '../storage.ts';
import type { ChainedRows, ComputedRows } from './block-rows.ts';
import { HeldExpression } from './held-expression.ts';
import { ProductShare } from './product-share.ts';

/** A product of matrices that waits for the kernel behind it. */
export interface WaitingProduct extends Pick<ChainedRows, 'product' | 'a' | 'b'> {
  readonly run: (behind: ComputedRows) => void;
  /** What is left to do when it has been multiplied: `run` does that itself. */
  readonly release: () => void;
}

/** A product that is due: with what is computed from its elements in registers, or from its rows in the cache. */
type Due = ((stores: readonly Store[]) => void) | DueRows;

interface DueRows {
  /** Where the rows of a block are, as a part of the whole. */
  readonly base: Local;
  readonly result: Buffer;
  readonly epilogue: Epilogue;
  readonly waiting: WaitingProduct;
}

/** How the kernel of a group goes over rows: so many leading axes are rows, of one product or of all of a batch. */
export interface Rows {
  readonly axes: number;
  readonly share?: ProductShare;
}

/** What a kernel does first, for `lower()` to show. */
export type Before = '' | 'a product, then ' | 'rows of a product, then ';

/** Products of a block that end in the kernel of a group, and those groups whose product is due. */
export class ProductEnds {
  readonly epilogues: ReadonlyMap<Eqn, Epilogue>;
  /** Products that compute operands themselves. */
  readonly prologues: Prologues;
  /** Kernels behind a product whose rows go on into another one. */
  private readonly chains: ReadonlyMap<Group, Chain>;
  private readonly due = new Map<Group, Due>();
  private readonly chained = new Map<Eqn, ChainedRows>();

  constructor(
    epilogues: ReadonlyMap<Eqn, Epilogue> = new Map(),
    prologues: Prologues = noPrologues,
    chains: ReadonlyMap<Group, Chain> = new Map(),
  ) {
    this.epilogues = epilogues;
    this.prologues = prologues;
    this.chains = chains;
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
   * The same for a product that is computed some rows at a time, before the kernel that reads them or between that and
   * another product. Until then the result is bound to an array of which only the rows of a block are there.
   */
  deferRows(d: Driver, product: Eqn, waiting: WaitingProduct): void {
    const { aval } = product.outputs[0]!;
    const { base, buffer: result } = rowsInBlock(d, product.outputs[0]!);
    d.bind(product.outputs[0]!, readBuffer(result, aval.shape));
    const epilogue = this.epilogues.get(product)!;
    this.due.set(epilogue.group, { base, result, epilogue, waiting });
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
      return this.run(d, group, (rows) => {
        const { share } = rows ?? {};
        return mapKernel(share?.stores(stores) ?? stores, share?.shape ?? group.shape, effects, rows?.axes);
      });
    this.due.delete(group);
    product(stores);
    return 'a product, then ';
  }

  /** The value of a group's kernel whose rows go on into another product. */
  chainedValue(group: Group): Var | undefined {
    return this.goesByRows(group) ? this.chains.get(group)?.value : undefined;
  }

  /**
   * Writes a kernel that goes over the elements of a group, or over rows of the product that it waits for, if these do not
   * wait for another product in turn. `release` is called when it has been written.
   */
  run(d: Driver, group: Group, kernel: (rows?: Rows) => Kernel, release: () => void = () => {}): Before {
    const product = this.due.get(group);
    if (!product || typeof product === 'function') {
      if (d.strip) d.inTurn(d.callsOf(kernel()), release);
      else {
        d.run(kernel());
        release();
      }
      return '';
    }
    const { base, result, epilogue, waiting } = product;
    const chain = this.chainedValue(group) && this.chains.get(group)!;
    this.due.delete(group);
    if (chain) {
      const into = (contiguous(d.fused(chain.value)) as ArrayLeaf).buffer;
      const read = group.members.flatMap((eqn) => eqn.inputs.filter((atom) => atom instanceof Var && d.isBound(atom)));
      const kept = [result, into, ...read.flatMap((atom) => [...storagesOf(d.fused(atom).root)])];
      for (const storage of kept) storage.retain();
      const { product } = waiting;
      const outRow = rowsApart(product.n, byteSize(into.dtype));
      const behind = behindRows(d, epilogue, [base, into.ptr as Local], kernel, outRow);
      this.chained.set(chain.product, {
        ...waiting,
        product: { ...product, outRow },
        behind,
        into: into.ptr as Local,
        release: () => {
          behind.share?.release();
          for (const storage of kept) storage.release();
          waiting.release();
          release();
        },
      });
    } else {
      waiting.run(behindRows(d, epilogue, [base], kernel));
      release();
    }
    result.release();
    return 'rows of a product, then ';
  }

  /** Says what the kernel computes whose rows go on into another product. */
  describe(group: Group, note: string): void {
    const product = this.chains.get(group)?.product;
    const rows = product && this.chained.get(product);
    const upTo = rows?.behind.share?.limit ? ', up to a diagonal' : '';
    if (rows)
      this.chained.set(product, {
        ...rows,
        behind: { ...rows.behind, note: `${note}${upTo}, then rows of a product` },
      });
  }

  /** The rows of its first operand that a product has to compute itself, from rows of another product. */
  chainInto(product: Eqn): ChainedRows | undefined {
    const rows = this.chained.get(product);
    this.chained.delete(product);
    return rows;
  }
}

/** Elements from row to row of a block: lines of the cache in turn, and not a power of two, which would be in few sets of it. */
const rowsApart = (n: number, bytes: number): number => (up(n * bytes, 64) + 64) / bytes;

/** An array whose address is such that the rows of a block are where they would be in the whole. */
export function rowsInBlock(d: Driver, { aval }: Var): { readonly base: Local; readonly buffer: Buffer } {
  const base = d.locals.hold(i32c(0));
  const buffer = new Buffer(aval.dtype, aval.size, base, () => d.locals.give(base));
  // Not to be had for another result in its place.
  buffer.retain();
  return { base, buffer };
}

/**
 * A kernel behind rows of a product at the first of these addresses, of arrays of which only rows are there.
 *
 * @param apart elements from row to row, if these do not follow each other
 */
export function behindRows(
  d: Driver,
  { group: { shape }, rowAxes, batchAxes }: Epilogue,
  at: readonly [base: Local, ...others: Local[]],
  kernel: (rows: Rows) => Kernel,
  apart?: number,
): ComputedRows {
  const [base] = at;
  if (batchAxes === 0 && apart === undefined) return { kernel: kernel({ axes: rowAxes }), base };
  const columns = sizeOf(shape.slice(rowAxes));
  const inBlocks = { at, rowAxes: rowAxes - batchAxes, columns, apart: apart ?? columns };
  const share = new ProductShare(d, shape, batchAxes, inBlocks);
  return { kernel: kernel({ axes: rowAxes - batchAxes, share }), base, share };
}
