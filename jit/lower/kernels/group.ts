import { type Atom, type Eqn, Var } from '../../../src/core/jaxpr.ts';
import { type Shape, sizeOf, stridesOf } from '../../../src/core/shape.ts';
import type { Expr } from '../../wasm/code.ts';
import type { Driver, Places } from '../driver.ts';
import { gatherTree } from '../expressions/gather-tree.ts';
import {
  contiguous,
  type Fused,
  forEachTree,
  type HeldLeaf,
  isComputed,
  readBuffer,
  reshaped,
  storagesOf,
  type Tree,
  viewed,
} from '../expressions/tree.ts';
import { type Result, runFolds } from '../folds/run-folds.ts';
import { laneLoopResults, stackedStrides } from '../loops/lane-loop.ts';
import { type Group, squeezed } from '../passes/groups.ts';
import { type LanewiseLoop, lanewiseLoop } from '../passes/lanewise.ts';
import type { Fold } from '../passes/phases.ts';
import type { Placement } from '../passes/virtual.ts';
import { type Before, rowsInBlock } from '../products/product-ends.ts';
import type { Buffer, Storage } from '../storage.ts';

/** Emits the kernel of a group and binds its results. */
export function runGroup(d: Driver, group: Group, placement: Placement, places: Places): void {
  const ending = group.folded || d.ends.has(group) ? [] : endingBuffers(d, group, placement);
  const trees = new GroupTrees(d, group, placement);
  const { results, folds, effects } = trees;
  if (results.length + effects.length > 0) {
    const known = d.functions.length;
    const chained = d.ends.chainedValue(group);
    const place = (v: Var, free?: Buffer[]): Expr => (v === chained ? keepRows(d, v) : keep(d, v, places, free));
    let before: Before;
    if (group.folded) before = runFolds(d, group, folds, results, place);
    else {
      const free = ending.filter((buffer) =>
        [...results.map(({ root }) => root), ...effects].every((root) => isReadInOrder(root, buffer, group.shape)),
      );
      const stores = results.map(({ v, root }) => ({ root, ptr: place(v, free) }));
      before = d.ends.elementwise(d, group, stores, effects);
    }
    d.ends.describe(group, before + note(group, placement));
    for (const { name } of d.functions.slice(known))
      if (!d.notes.has(name)) d.notes.set(name, before + note(group, placement));
  }
  trees.rest(places);
}

/** The operations of a group, and what they are done over: `over [128,10], axes 1 folded: reduce_max sub exp …`. */
function note({ shape, folded, members }: Group, { moved }: Placement): string {
  const axes = folded ? shape.map((_, axis) => axis).filter((axis) => folded[axis]) : [];
  const over = `over [${shape}]${axes.length > 0 ? `, axes ${axes} folded` : ''}`;
  const names = members.filter((eqn) => !moved.has(eqn) && !isViewed(eqn)).map((eqn) => eqn.primitive.name);
  return `${over}: ${names.join(' ')}`;
}

const isViewed = ({ primitive: { lower } }: Eqn): boolean => lower.kind === 'view' || lower.kind === 'reshape';

/** Arrays that nothing reads after the kernel of a group. */
function endingBuffers(d: Driver, { members }: Group, { moved, virtual }: Placement): Buffer[] {
  const own = members.filter((eqn) => !moved.has(eqn));
  const counts = new Map<Atom, number>();
  for (const { inputs } of own) for (const atom of inputs) counts.set(atom, (counts.get(atom) ?? 0) + 1);
  const isEnding = (v: Var): boolean => d.usesLeft(v) === (counts.get(v) ?? 0);
  // What is computed anew by kernels that follow, from positions, has its operands read by them.
  const anew = new Set<Atom>();
  for (const { inputs, outputs } of own.toReversed())
    if (outputs.some((v) => virtual.has(v) && (!isEnding(v) || anew.has(v)))) for (const atom of inputs) anew.add(atom);
  return [...counts.keys()].flatMap((atom) => {
    if (!(atom instanceof Var) || atom.aval.ndim === 0 || anew.has(atom) || !d.isBound(atom) || !isEnding(atom))
      return [];
    const leaf = contiguous(d.fused(atom));
    return leaf?.buffer.isOwn && leaf.buffer.length === atom.aval.size ? [leaf.buffer] : [];
  });
}

/** Whether a kernel that writes over the array would never read what it has overwritten. */
function isReadInOrder(root: Tree, buffer: Buffer, shape: Shape): boolean {
  const own = stridesOf(shape);
  let inOrder = true;
  forEachTree(root, (tree) => {
    if ((tree.kind === 'array' || tree.kind === 'address') && tree.buffer === buffer)
      inOrder &&= tree.kind === 'array' && tree.offset === 0 && tree.strides.every((stride, i) => stride === own[i]);
  });
  return inOrder;
}

/** Binds a result to its place in memory, which may be that of an array in `free`. The kernel is yet to write it. */
function keep(d: Driver, v: Var, places: Places, free: Buffer[] = []): Expr {
  const { dtype, size } = v.aval;
  const i = places.has(v) ? -1 : free.findIndex((buffer) => buffer.dtype === dtype && buffer.length === size);
  const [place = d.strip?.placeFor(v) ?? d.placeFor(v, places)] = i < 0 ? [] : free.splice(i, 1);
  d.rebind(v, readBuffer(place, v.aval.shape));
  return place.ptr;
}

/** Binds a result to rows of it, which go on into another product. */
function keepRows(d: Driver, v: Var): Expr {
  const { base, buffer } = rowsInBlock(d, v);
  d.rebind(v, readBuffer(buffer, v.aval.shape));
  buffer.release();
  return base;
}

/** The values of a group as trees over its elements. */
class GroupTrees {
  readonly results: Result[] = [];
  readonly folds: Fold[] = [];
  /** Loops that write. */
  readonly effects: Tree[] = [];
  private readonly d: Driver;
  private readonly group: Group;
  private readonly placement: Placement;
  /** Equations whose values are computed elsewhere, and what depends on them. */
  private readonly left: Eqn[] = [];
  private readonly views: Eqn[] = [];
  private readonly kept: Storage[] = [];

  constructor(d: Driver, group: Group, placement: Placement) {
    this.d = d;
    this.group = group;
    this.placement = placement;
    const elsewhere = new Set<unknown>();
    for (const eqn of group.members) {
      const isView = isViewed(eqn);
      if (placement.moved.has(eqn) || (isView && elsewhere.has(eqn.inputs[0]))) {
        this.left.push(eqn);
        for (const v of eqn.outputs) elsewhere.add(v);
        continue;
      }
      if (isView) this.views.push(eqn);
      this.member(eqn);
    }
  }

  /** What is not the kernel's: views of its results, and values that other kernels compute. */
  rest(places: Places): void {
    const { d } = this;
    for (const storage of this.kept) storage.release();
    for (const eqn of this.views) d.rebind(eqn.outputs[0]!, this.view(eqn));
    for (const eqn of this.left) d.equation(eqn, this.placement, places);
  }

  private member(eqn: Eqn): void {
    const { d, group } = this;
    const { lower } = eqn.primitive;
    const [out] = eqn.outputs as [Var];
    switch (lower.kind) {
      case 'view':
      case 'reshape':
        d.bind(out, this.view(eqn));
        return;
      case 'elementwise':
        this.value(out, d.element(eqn));
        return;
      case 'gather':
        this.value(out, gatherTree(d, eqn));
        return;
      case 'reduce': {
        const held: HeldLeaf = { kind: 'held', dtype: out.aval.dtype };
        const { root } = this.over(d.fused(eqn.inputs[0]!), group.shape);
        this.folds.push({ root, combine: lower.combine, held });
        this.value(out, { shape: out.aval.shape, root: held });
        return;
      }
      default: {
        this.loop(eqn, lanewiseLoop(eqn, (v) => d.isRead(v))!);
      }
    }
  }

  private loop(eqn: Eqn, loop: LanewiseLoop): void {
    const { d } = this;
    for (const i of loop.stored) if (d.fused(eqn.inputs[i]!).root.kind !== 'array') this.stored(eqn.inputs[i]!);
    const stacked = eqn.outputs.slice(loop.carry.length).map((v) => {
      if (!d.isRead(v)) return undefined;
      const { dtype, size, shape } = v.aval;
      const buffer = d.stacked.get(v) ?? d.temporary(dtype, size);
      const strides = stackedStrides(loop.shape, loop.count!);
      d.bind(v, { shape, root: { kind: 'array', dtype, buffer, offset: 0, strides } });
      return buffer;
    });
    const operands = eqn.inputs.map((atom) => this.operand(atom as Var, loop.shape));
    const { carried, effect } = laneLoopResults(loop, operands, stacked);
    eqn.outputs.slice(0, loop.carry.length).forEach((v, i) => {
      if (d.isRead(v)) this.value(v, carried[i]!);
    });
    if (effect) this.effects.push(this.over(effect, this.group.shape).root);
  }

  /** A loop reads arrays of other shapes as they lie in memory. */
  private operand(atom: Var, shape: Shape): Fused {
    const fused = this.d.fused(atom);
    if (!isComputed(fused.root) || fused.shape.length === 0 || sizeOf(fused.shape) === sizeOf(shape)) return fused;
    return this.stored(atom);
  }

  /** The value in memory. What it was computed from lasts until the kernel is written, which may compute it elsewhere. */
  private stored(atom: Atom): Fused {
    const { d } = this;
    for (const storage of storagesOf(d.fused(atom).root)) {
      storage.retain();
      this.kept.push(storage);
    }
    d.buffer(atom);
    return d.fused(atom);
  }

  private value(v: Var, fused: Fused): void {
    this.d.bind(v, fused);
    if (this.placement.virtual.has(v)) return;
    const { shape, kept } = this.group;
    const own = squeezed(v.aval.shape);
    const row = own.length < shape.length;
    this.results.push({ v, row, root: row ? this.spread(this.over(fused, kept!)).root : this.over(fused, shape).root });
  }

  private view(eqn: Eqn): Fused {
    const { lower } = eqn.primitive;
    const { aval } = eqn.outputs[0]!;
    const from = this.d.fused(eqn.inputs[0]!);
    if (lower.kind === 'view') return viewed(from, lower.view(eqn.params, eqn.inputs[0]!.aval, aval), aval.shape);
    return this.over(from, aval.shape);
  }

  private over(fused: Fused, shape: Shape): Fused {
    const result = reshaped(fused, shape);
    if (!result) throw new Error(`a value of a group has another order than its elements`);
    return result;
  }

  /** A value for each result of the folds, over all elements. */
  private spread(row: Fused): Fused {
    const { folded, shape, kept } = this.group;
    const own = stridesOf(kept!);
    let next = 0;
    return viewed(row, { offset: 0, strides: shape.map((_, axis) => (folded![axis] ? 0 : own[next++]!)) }, shape);
  }
}
