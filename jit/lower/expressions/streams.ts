import { byteSize } from '../../../src/core/dtype.ts';
import { type Expr, i32c, op } from '../../wasm/code.ts';
import type { Scalar } from '../storage.ts';
import { type AffineLeaf, type LoopTree, operandsOf, type Tree, withOperands } from './tree.ts';

/** A leaf that moves with the index: an address that walks through an array, or a number that counts. */
export interface Stream {
  readonly leaf: AffineLeaf;
  /** What one step along each axis of the iteration adds: bytes, or units of an iota. */
  readonly steps: readonly number[];
}

const stream = (leaf: AffineLeaf): Stream => {
  const unit = leaf.kind === 'iota' ? 1 : byteSize(leaf.buffer.dtype);
  return { leaf, steps: leaf.strides.map((stride) => stride * unit) };
};

/** The address, or the number, at index 0, as the caller of a kernel passes it. */
export function startOf({ leaf }: Stream): Expr {
  if (leaf.kind === 'iota') return i32c(leaf.offset);
  const bytes = leaf.offset * byteSize(leaf.buffer.dtype);
  return bytes === 0 ? leaf.buffer.ptr : op('i32.add', leaf.buffer.ptr, i32c(bytes));
}

export const isAffine = (tree: Tree): tree is AffineLeaf =>
  tree.kind === 'array' || tree.kind === 'address' || tree.kind === 'iota';

/** Whether a leaf moves along any of the marked axes. */
export const isMovedBy = (leaf: Tree, axes: readonly boolean[]): boolean =>
  isAffine(leaf) && leaf.strides.some((stride, axis) => axes[axis] && stride !== 0);

/** As `join` does it, in a third of the time. */
function listed(numbers: readonly number[]): string {
  let list = '';
  for (let i = 0; i < numbers.length; i++) list += `:${numbers[i]}`;
  return list;
}

/**
 * Trees with equal subtrees made one, so that each is computed once, and with everything they read in order of first
 * appearance. The order is part of the kernel's identity: equal kernels over other arrays are equal code.
 */
export class Inputs {
  readonly roots: readonly Tree[];
  readonly streams: Stream[] = [];
  readonly scalars: Scalar[] = [];
  readonly loops: LoopTree[] = [];
  private readonly byKey = new Map<string, Tree>();
  private readonly keys = new Map<Tree, number>();
  private readonly storageIds = new Map<object, number>();
  private uses: Map<Tree, number> | undefined;

  constructor(roots: readonly Tree[]) {
    const interned = new Map<Tree, Tree>();
    const visit = (tree: Tree): Tree => {
      let own = interned.get(tree);
      if (!own) {
        const args = operandsOf(tree);
        own = this.intern(args.length > 0 ? withOperands(tree, args.map(visit)) : tree);
        interned.set(tree, own);
      }
      return own;
    };
    this.roots = roots.map(visit);
  }

  /** The number of a storage or of a held value among those of the trees, in order of first appearance. */
  numberOf(storage: object): number | undefined {
    return this.storageIds.get(storage);
  }

  /**
   * Equal for trees that are the same but for the arrays, numbers and held values that they read. Undefined where there are
   * loops, whose steps are trees of their own.
   */
  structure(): string | undefined {
    if (this.loops.length > 0) return undefined;
    const trees = [...this.byKey].map(([key, tree]) => {
      if (tree.kind === 'array' || tree.kind === 'address') return `${key}${tree.buffer.dtype}`;
      if (tree.kind === 'scalar') return `${key}${tree.dtype}`;
      return tree.kind === 'held' ? `${key}${tree.dtype}${tree.uniform ?? ''}` : key;
    });
    return `${trees.join(' ')} = ${this.roots.map((root) => this.keys.get(root))}`;
  }

  /** In how many places the value of `tree` stands. */
  usesOf(tree: Tree): number {
    this.uses ??= this.countUses();
    return this.uses.get(tree) ?? 0;
  }

  private countUses(): Map<Tree, number> {
    const uses = new Map<Tree, number>();
    const count = (tree: Tree): void => void uses.set(tree, (uses.get(tree) ?? 0) + 1);
    this.roots.forEach(count);
    for (const tree of this.byKey.values()) operandsOf(tree).forEach(count);
    return uses;
  }

  private intern(tree: Tree): Tree {
    const key = this.keyOf(tree);
    let known = this.byKey.get(key);
    if (!known) {
      known = tree;
      this.byKey.set(key, tree);
      this.keys.set(tree, this.keys.size);
      if (isAffine(tree)) this.streams.push(stream(tree));
      else if (tree.kind === 'scalar') this.scalars.push(tree.scalar);
      else if (tree.kind === 'loop') this.loops.push(tree);
    }
    return known;
  }

  private keyOf(tree: Tree): string {
    switch (tree.kind) {
      case 'array':
        return `a${this.id(tree.buffer)}:${tree.offset}${listed(tree.strides)}`;
      case 'address':
        return `p${this.id(tree.buffer)}:${tree.offset}${listed(tree.strides)}`;
      case 'iota':
        return `i${tree.offset}${listed(tree.strides)}`;
      case 'scalar':
        return `s${this.id(tree.scalar)}`;
      case 'const':
        return `c${tree.dtype}${Object.is(tree.value, -0) ? '-0' : tree.value}`;
      case 'op':
        return `o${tree.op}${tree.fn ?? ''}:${tree.dtype}${this.operands(tree.args)}`;
      case 'gather':
        return `g${tree.dtype}${this.operands(tree.args)}`;
      case 'held':
        return `h${this.id(tree)}`;
      case 'loop':
        return `l${this.id(tree.next)}${this.operands(tree.args)}`;
      case 'result':
        return `r${tree.index}:${this.keys.get(tree.args[0])}`;
    }
  }

  private operands(args: readonly Tree[]): string {
    let list = '';
    for (let i = 0; i < args.length; i++) list += `:${this.keys.get(args[i]!)}`;
    return list;
  }

  private id(storage: object): number {
    let id = this.storageIds.get(storage);
    if (id === undefined) this.storageIds.set(storage, (id = this.storageIds.size));
    return id;
  }
}
