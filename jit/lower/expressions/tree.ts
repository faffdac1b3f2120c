import type { DType } from '../../../src/core/dtype.ts';
import { type Shape, sameShape, stridesOf } from '../../../src/core/shape.ts';
import type { Element, ElementOp } from '../../element.ts';
import type { View } from '../../lower-rule.ts';
import type { Buffer, Scalar, Storage } from '../storage.ts';

/**
 * A value that is computed where it is read: an expression over arrays in memory, each read at an affine function of
 * the index. Broadcasting, transposition, slicing and reversal change the functions; nothing moves.
 */
export interface Fused {
  readonly shape: Shape;
  readonly root: Tree;
}

export type Tree = Leaf | OpTree | GatherTree | LoopTree | ResultTree;

export type Leaf =
  /** Element offset + Σ strides·index of a buffer. */
  | {
      readonly kind: 'array';
      readonly dtype: DType;
      readonly buffer: Buffer;
      readonly offset: number;
      readonly strides: readonly number[];
    }
  | AddressLeaf
  /** The int32 number offset + Σ strides·index. */
  | { readonly kind: 'iota'; readonly dtype: 'int32'; readonly offset: number; readonly strides: readonly number[] }
  | { readonly kind: 'scalar'; readonly dtype: DType; readonly scalar: Scalar }
  | { readonly kind: 'const'; readonly dtype: DType; readonly value: number }
  | HeldLeaf;

/** A value that the kernel has when the tree is evaluated: what a loop carries. Known by its identity. */
export interface HeldLeaf {
  readonly kind: 'held';
  readonly dtype: DType;
  /** Whether it is the same in all lanes. */
  readonly uniform?: true;
}

/** Where element offset + Σ strides·index of a buffer lies, for a gather to start from. */
export interface AddressLeaf {
  readonly kind: 'address';
  readonly dtype: 'int32';
  readonly buffer: Buffer;
  readonly offset: number;
  readonly strides: readonly number[];
}

/** A leaf that is an affine function of the index. */
export type AffineLeaf = ArrayLeaf | AddressLeaf | IotaLeaf;
export type ArrayLeaf = Extract<Leaf, { kind: 'array' }>;
export type IotaLeaf = Extract<Leaf, { kind: 'iota' }>;

export interface OpTree {
  readonly kind: 'op';
  readonly dtype: DType;
  readonly op: ElementOp;
  readonly args: readonly Tree[];
  readonly fn?: string;
}

/** The element of an array that lies a computed number of bytes (int32) behind an address. */
export interface GatherTree {
  readonly kind: 'gather';
  readonly dtype: DType;
  readonly args: readonly [from: AddressLeaf | HeldLeaf, bytes: Tree];
}

/**
 * A loop of its own for every element: `args` are the initial values of what it carries, then what it reads unchanged.
 * `next` and `test` are trees over `slots`, one for each of `args`. Runs `count` times, or while `test` holds in a lane.
 * Addresses among `args` are for what each step reads and writes in memory.
 */
export interface LoopTree {
  readonly kind: 'loop';
  readonly dtype: DType;
  readonly args: readonly Tree[];
  readonly slots: readonly HeldLeaf[];
  readonly next: readonly Tree[];
  readonly test?: Tree;
  readonly count?: number;
  /** What each step writes. */
  readonly ys: readonly StepStore[];
}

/** The value of an element goes as many bytes behind its address `to` as all lanes agree on. */
export interface StepStore {
  readonly value: Tree;
  readonly to: HeldLeaf;
  readonly bytes: Tree;
}

/** What a loop carried last. */
export interface ResultTree {
  readonly kind: 'result';
  readonly dtype: DType;
  readonly args: readonly [LoopTree];
  readonly index: number;
}

/** The trees that a tree is computed from. */
export const operandsOf = (tree: Tree): readonly Tree[] => ('args' in tree ? tree.args : noOperands);
const noOperands: readonly Tree[] = [];

/** Whether a value is more than a reading of memory or a scalar. */
export const isComputed = (tree: Tree): boolean => operandsOf(tree).length > 0;

export function withOperands(tree: Tree, args: readonly Tree[]): Tree {
  if (!('args' in tree) || tree.args.every((arg, i) => arg === args[i])) return tree;
  if (tree.kind !== 'op') return { ...tree, args } as Tree;
  const { kind, dtype, op, fn } = tree;
  return fn === undefined ? { kind, dtype, op, args } : { kind, dtype, op, args, fn };
}

export const readBuffer = (buffer: Buffer, shape: Shape): Fused => ({
  shape,
  root: { kind: 'array', dtype: buffer.dtype, buffer, offset: 0, strides: stridesOf(shape) },
});

export const readScalar = (scalar: Scalar, shape: Shape = []): Fused => ({
  shape,
  root:
    scalar.expr.kind === 'const' && scalar.expr.type !== 'v128' && scalar.expr.type !== 'i64'
      ? {
          kind: 'const',
          dtype: scalar.dtype,
          value: scalar.dtype === 'uint32' ? scalar.expr.value >>> 0 : scalar.expr.value,
        }
      : { kind: 'scalar', dtype: scalar.dtype, scalar },
});

/** Puts operands into the expression of an elementwise operation over `shape`. */
export function applyElement(element: Element, args: readonly Tree[], shape: Shape): Tree {
  const memo = new Map<Element, Tree>();
  const visit = (e: Element): Tree => {
    let tree = memo.get(e);
    if (tree) return tree;
    switch (e.op) {
      case 'input':
        tree = args[e.value!]!;
        break;
      case 'const':
        tree = { kind: 'const', dtype: e.dtype, value: e.value! };
        break;
      case 'index':
        tree = { kind: 'iota', dtype: 'int32', offset: 0, strides: shape.map((_, axis) => (axis === e.value ? 1 : 0)) };
        break;
      default: {
        const base = { kind: 'op', dtype: e.dtype, op: e.op, args: e.args.map(visit) } as const;
        tree = e.fn === undefined ? base : { ...base, fn: e.fn };
      }
    }
    memo.set(e, tree);
    return tree;
  };
  return visit(element);
}

/** The tree with its affine leaves replaced; undefined as soon as `change` gives undefined. */
export function mapLeaves(root: Tree, change: (leaf: AffineLeaf) => Tree | undefined): Tree | undefined {
  if (!isComputed(root)) return leafChanged(root, change);
  const memo = new Map<Tree, Tree | undefined>();
  const visit = (tree: Tree): Tree | undefined => {
    if (memo.has(tree)) return memo.get(tree);
    let result: Tree | undefined;
    if ('args' in tree) {
      const args: Tree[] = [];
      for (const arg of tree.args) {
        const mapped = visit(arg);
        if (!mapped) break;
        args.push(mapped);
      }
      if (args.length === tree.args.length) result = withOperands(tree, args);
    } else result = leafChanged(tree, change);
    memo.set(tree, result);
    return result;
  };
  return visit(root);
}

const leafChanged = (leaf: Tree, change: (leaf: AffineLeaf) => Tree | undefined): Tree | undefined =>
  leaf.kind === 'array' || leaf.kind === 'address' || leaf.kind === 'iota' ? change(leaf) : leaf;

/**
 * The value indexed as `view` says, whose strides count elements of a contiguous array of the value's shape. Each output
 * axis moves along one input axis: the one with the largest stride that is no longer than its own.
 */
export function viewed(value: Fused, view: View, shape: Shape): Fused {
  const own = stridesOf(value.shape);
  let rest = view.offset;
  const start = own.map((stride, k) => {
    if (value.shape[k]! <= 1) return 0;
    const at = Math.floor(rest / stride);
    rest -= at * stride;
    return at;
  });
  const moves = view.strides.map((stride, j) => {
    if (stride === 0 || shape[j]! <= 1) return undefined;
    const axis = own.findIndex((s, k) => value.shape[k]! > 1 && s <= Math.abs(stride));
    return { axis, step: stride / own[axis]! };
  });
  const root = mapLeaves(value.root, (leaf) => ({
    ...leaf,
    offset: leaf.offset + start.reduce((sum, at, k) => sum + at * leaf.strides[k]!, 0),
    strides: moves.map((move) => (move ? leaf.strides[move.axis]! * move.step : 0)),
  }));
  return { shape, root: root! };
}

/** The same with axes in another order. */
export function transposed(fused: Fused, order: readonly number[]): Fused {
  const own = stridesOf(fused.shape);
  const strides = order.map((axis) => own[axis]!);
  return viewed(
    fused,
    { offset: 0, strides },
    order.map((axis) => fused.shape[axis]!),
  );
}

/** The same elements in another shape; undefined where that is no affine function of the index. */
export function reshaped(value: Fused, shape: Shape): Fused | undefined {
  if (sameShape(value.shape, shape)) return value;
  const root = mapLeaves(value.root, (leaf) => {
    const strides = reshapeStrides(value.shape, leaf.strides, shape);
    return strides && { ...leaf, strides };
  });
  return root && { shape, root };
}

/** Strides of the reshaped array. Runs of axes that hold the same number of elements correspond to each other. */
function reshapeStrides(from: Shape, strides: readonly number[], to: Shape): number[] | undefined {
  if (from.includes(0)) return to.map(() => 0);
  const axes = from.map((n, i) => ({ n, stride: strides[i]! })).filter(({ n }) => n > 1);
  const out = new Array<number>(to.length).fill(0);
  let i = 0;
  let j = 0;
  while (i < axes.length) {
    let [inner, outer] = [axes[i]!.n, 1];
    let [endI, endJ] = [i + 1, j];
    while (inner !== outer) {
      if (inner > outer) outer *= to[endJ++]!;
      else inner *= axes[endI++]!.n;
    }
    for (let k = i; k + 1 < endI; k++) if (axes[k]!.stride !== axes[k + 1]!.stride * axes[k + 1]!.n) return undefined;
    let stride = axes[endI - 1]!.stride;
    for (let k = endJ - 1; k >= j; k--) {
      out[k] = stride;
      stride *= to[k]!;
    }
    [i, j] = [endI, endJ];
  }
  return out;
}

/** The tree with a leaf replaced. */
export function substitute(root: Tree, leaf: Tree, by: Tree): Tree {
  const memo = new Map<Tree, Tree>([[leaf, by]]);
  const visit = (tree: Tree): Tree => {
    let result = memo.get(tree);
    if (!result) memo.set(tree, (result = withOperands(tree, operandsOf(tree).map(visit))));
    return result;
  };
  return visit(root);
}

/** A plain reading of memory in row-major order, without a gap. */
export function contiguous({ shape, root }: Fused): ArrayLeaf | undefined {
  if (root.kind !== 'array') return undefined;
  const own = stridesOf(shape);
  return shape.every((n, i) => n <= 1 || root.strides[i] === own[i]) ? root : undefined;
}

const noStorages: ReadonlySet<Storage> = new Set();
const storages = new WeakMap<Tree, ReadonlySet<Storage>>();

/** What the tree reads. Known of every part of it, since each value of a long chain is bound once. */
export function storagesOf(tree: Tree): ReadonlySet<Storage> {
  if (tree.kind === 'array' || tree.kind === 'address') return new Set([tree.buffer]);
  if (tree.kind === 'scalar') return new Set([tree.scalar]);
  let found = storages.get(tree);
  if (!found) {
    found = noStorages;
    for (const arg of operandsOf(tree)) found = union(found, storagesOf(arg));
    storages.set(tree, found);
  }
  return found;
}

/** One of the sets itself, if it holds the other. */
function union(a: ReadonlySet<Storage>, b: ReadonlySet<Storage>): ReadonlySet<Storage> {
  const [large, small] = a.size < b.size ? [b, a] : [a, b];
  let all: Set<Storage> | undefined;
  for (const storage of small) if (!large.has(storage)) (all ??= new Set(large)).add(storage);
  return all ?? large;
}

/** Visits every node once, operands first. */
export function forEachTree(root: Tree, visit: (tree: Tree) => void): void {
  const seen = new Set<Tree>();
  const walk = (tree: Tree): void => {
    if (seen.has(tree)) return;
    seen.add(tree);
    const args = operandsOf(tree);
    for (let i = 0; i < args.length; i++) walk(args[i]!);
    visit(tree);
  };
  walk(root);
}

/** Whether any node is such. */
export function some(root: Tree, is: (tree: Tree) => boolean): boolean {
  let found = false;
  forEachTree(root, (tree) => {
    found ||= is(tree);
  });
  return found;
}

/** A test for trees with such a leaf, which remembers what it finds of their parts. */
export function withLeaf(is: (leaf: Tree) => boolean): (tree: Tree) => boolean {
  const known = new Map<Tree, boolean>();
  const visit = (tree: Tree): boolean => {
    let found = known.get(tree);
    if (found === undefined) {
      const operands = operandsOf(tree);
      found = operands.length > 0 ? operands.some(visit) : is(tree);
      known.set(tree, found);
    }
    return found;
  };
  return visit;
}

/** Names of what a tree computes, for `lower()` to show. */
export function operationsOf(root: Tree): string {
  const names: string[] = [];
  forEachTree(root, (tree) => {
    if (tree.kind === 'op') names.push(tree.fn ?? tree.op);
  });
  return names.join(' ');
}

/** Nodes that a function of vector math counts for: kernels write it out. */
export const callSize = 16;

/** Beyond this many nodes a value is stored rather than computed where it is read. */
export const largestTree = 200;

/** Nodes from the root to the furthest leaf, which wait for each other. */
export function treeDepth(root: Tree): number {
  const depths = new Map<Tree, number>();
  forEachTree(root, (tree) => {
    const own = tree.kind === 'op' && tree.op === 'call' ? callSize : 1;
    depths.set(tree, operandsOf(tree).reduce((most, arg) => Math.max(most, depths.get(arg)!), 0) + own);
  });
  return depths.get(root)!;
}

/** Nodes of the tree and of the loops in it, shared ones counted once: a measure of the code that evaluates it. */
export function treeSize(root: Tree): number {
  let n = 0;
  forEachTree(root, (tree) => {
    n += tree.kind === 'op' && tree.op === 'call' ? callSize : 1;
    if (tree.kind === 'loop') for (const root of [...tree.next, ...tree.ys.map((y) => y.value)]) n += treeSize(root);
  });
  return n;
}
