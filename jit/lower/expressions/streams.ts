import { byteSize } from '../../../src/core/dtype.ts';
import { type Expr, i32c, op } from '../../wasm/code.ts';
import type { Scalar } from '../storage.ts';
import { type AffineLeaf, forEachTree, type LoopTree, operandsOf, type Tree, withOperands } from './tree.ts';

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
  private readonly uses = new Map<Tree, number>();

  constructor(roots: readonly Tree[]) {
    const interned = new Map<Tree, Tree>();
    for (const root of roots) {
      forEachTree(root, (tree) => {
        const args = operandsOf(tree);
        const own =
          args.length > 0
            ? withOperands(
                tree,
                args.map((arg) => interned.get(arg)!),
              )
            : tree;
        interned.set(tree, this.intern(own));
      });
    }
    this.roots = roots.map((root) => interned.get(root)!);
    for (const root of this.roots) this.uses.set(root, (this.uses.get(root) ?? 0) + 1);
    for (const tree of this.byKey.values())
      for (const arg of operandsOf(tree)) this.uses.set(arg, (this.uses.get(arg) ?? 0) + 1);
  }

  /** In how many places the value of `tree` stands. */
  usesOf(tree: Tree): number {
    return this.uses.get(tree) ?? 0;
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
        return `a${this.id(tree.buffer)}:${tree.offset}:${tree.strides}`;
      case 'address':
        return `p${this.id(tree.buffer)}:${tree.offset}:${tree.strides}`;
      case 'iota':
        return `i${tree.offset}:${tree.strides}`;
      case 'scalar':
        return `s${this.id(tree.scalar)}`;
      case 'const':
        return `c${tree.dtype}${Object.is(tree.value, -0) ? '-0' : tree.value}`;
      case 'op':
        return `o${tree.op}${tree.fn ?? ''}:${tree.dtype}:${tree.args.map((arg) => this.keys.get(arg))}`;
      case 'gather':
        return `g${tree.dtype}:${tree.args.map((arg) => this.keys.get(arg))}`;
      case 'held':
        return `h${this.id(tree)}`;
      case 'loop':
        return `l${this.id(tree.next)}:${tree.args.map((arg) => this.keys.get(arg))}`;
      case 'result':
        return `r${tree.index}:${this.keys.get(tree.args[0])}`;
    }
  }

  private id(storage: object): number {
    let id = this.storageIds.get(storage);
    if (id === undefined) this.storageIds.set(storage, (id = this.storageIds.size));
    return id;
  }
}
