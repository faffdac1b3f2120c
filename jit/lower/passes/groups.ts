import { type Atom, type Eqn, Literal, Var } from '../../../src/core/jaxpr.ts';
import { knownOperation } from '../../../src/core/known-operations.ts';
import { type Shape, sameShape, sizeOf, stridesOf } from '../../../src/core/shape.ts';
import { elementwiseTree } from '../expressions/elementwise-tree.ts';
import { accessOf, positionsInOrder } from '../expressions/gather-tree.ts';
import { callSize, treeSize } from '../expressions/tree.ts';
import { isWorthwhile, type Layouts, lanewiseLoop, layoutsOf } from './lanewise.ts';

/**
 * Equations that one kernel computes: elementwise values and folds over one iteration space, and what is elementwise in
 * the results of the folds. Shapes are without axes of length 1.
 */
export class Group {
  readonly shape: Shape;
  /** Which axes are folded; undefined without folds. */
  folded: readonly boolean[] | undefined;
  members: Eqn[] = [];
  /** Nodes of the trees of the members. */
  nodes = 0;
  /** Whether it holds a loop of each element: such kernels do several vectors at a time, and no folds. */
  loops = false;

  constructor(shape: Shape) {
    this.shape = shape;
  }

  /** The shape of the results of folds. */
  get kept(): Shape | undefined {
    const { folded } = this;
    return folded && this.shape.filter((_, axis) => !folded[axis]);
  }

  /** Whether rows stay in the cache, so that they may be read again after they have been folded. */
  get returns(): boolean {
    const { folded, shape } = this;
    if (!folded) return false;
    const length = sizeOf(shape.filter((_, axis) => folded[axis]));
    return length <= (folded.at(-1) ? longestRow : longestColumn);
  }
}

export type Step = Eqn | Group;

/** A row of float32 in half of a second-level cache. */
const longestRow = 65536;
/** As many rows of some vectors each. */
const longestColumn = 4096;
/** Larger kernels would keep the engine's compilers busy for long. */
const mostNodes = 240;
/** What a fold counts for, whose loop is written out for several vectors a turn. */
const foldCode = 24;
/** Nodes that are not worth looking for. */
const few = 8;
/** More groups at a time would keep their operands in memory for long. */
const mostOpen = 8;
/** Up to this size arrays share a kernel though they share no operand: a call costs as much as they do. */
const smallest = 2048;

export const membersOf = (step: Step): readonly Eqn[] => (step instanceof Group ? step.members : [step]);

/** Who reads a value. */
export type Readers = ReadonlyMap<Var, readonly Eqn[]>;

export function readersIn(steps: readonly Step[]): Readers {
  const readers = new Map<Var, Eqn[]>();
  for (const step of steps)
    for (const eqn of membersOf(step))
      for (let k = 0; k < eqn.inputs.length; k++) {
        const atom = eqn.inputs[k]!;
        if (!(atom instanceof Var)) continue;
        const list = readers.get(atom);
        if (list) list.push(eqn);
        else readers.set(atom, [eqn]);
      }
  return readers;
}

export const squeezed = (shape: Shape): Shape => (shape.includes(1) ? shape.filter((n) => n !== 1) : shape);

/**
 * A full value has the shape of its group, a row value that of the results of its folds. What a loop stacks has a shape
 * of its own, for others to read when the group is complete.
 */
type Role = 'full' | 'row' | 'stacked';

/**
 * Puts equations into groups and everything in an order of execution. A group takes equations until something outside
 * reads one of its values: then it is complete and takes its place in the order. No group therefore depends on one that
 * is complete later, and each equation is looked at once. Those `alone` are left to whoever knows more about them.
 */
export function groupEquations(
  eqns: readonly Eqn[],
  outs: readonly Atom[],
  alone: ReadonlySet<Eqn> = new Set(),
): Step[] {
  return new Grouping(eqns, outs, alone).steps;
}

class Grouping {
  readonly steps: Step[] = [];
  private readonly outs: ReadonlySet<Atom>;
  private readonly read = new Set<Atom>();
  private readonly open = new Set<Group>();
  private readonly homes = new Map<Var, { group: Group; readonly role: Role }>();
  /** Equations that wait for the open groups that they depend on: views in another order, and rank-0 values. */
  private readonly pending = new Map<Var, Eqn>();
  /** Open groups by an array that they read, and by their shape. */
  private readonly readers = new Map<Var, Group>();
  private readonly byShape = new Map<string, Group>();
  private readonly order = new Map<Eqn, number>();
  private known: Layouts | undefined;

  constructor(eqns: readonly Eqn[], outs: readonly Atom[], alone: ReadonlySet<Eqn>) {
    this.outs = new Set(outs);
    for (const out of outs) this.read.add(out);
    eqns.forEach((eqn, i) => {
      this.order.set(eqn, i);
      for (const atom of eqn.inputs) this.read.add(atom);
    });
    for (const eqn of eqns) {
      if (alone.has(eqn)) this.emit(eqn);
      else this.place(eqn);
    }
    for (const eqn of [...this.pending.values()]) this.require(eqn.outputs[0]!);
    for (const group of [...this.open]) this.complete(group);
  }

  private layouts(): Layouts {
    this.known ??= layoutsOf([...this.order.keys()]);
    return this.known;
  }

  private place(eqn: Eqn): void {
    const { kind } = eqn.primitive.lower;
    const [out] = eqn.outputs;
    if (kind === 'view' || kind === 'reshape') {
      const home = this.homeOf(eqn.inputs[0]!);
      const role = home && !this.outs.has(out!) ? viewRole(eqn, home.group, home.role) : undefined;
      if (home && role) this.join(home.group, eqn, role, 0);
      else if (home || this.waits(eqn)) this.pending.set(out!, eqn);
      else this.steps.push(eqn);
      return;
    }
    if (kind === 'elementwise') {
      // What no array goes into is made anew wherever it is read.
      if (
        out!.aval.size === 0 ||
        (out!.aval.ndim > 0 && eqn.inputs.every((atom) => atom.aval.ndim === 0 && !this.isMoving(atom)))
      ) {
        this.emit(eqn);
        return;
      }
      if (this.elementwise(eqn, out!.aval.shape, codeOf(eqn))) return;
      if (this.waits(eqn)) this.pending.set(out!, eqn);
      else this.emit(eqn);
      return;
    }
    if (kind === 'gather' && this.gather(eqn)) return;
    if (kind === 'reduce' && this.fold(eqn)) return;
    // What is read in the array comes before what writes to it, which then needs no other array.
    if (kind === 'scatter')
      for (const group of [...this.open])
        if (group.members.some((member) => member.inputs.includes(eqn.inputs[0]!))) this.complete(group);
    if (kind === 'while' || kind === 'scan') {
      const loop = lanewiseLoop(eqn, (v) => this.read.has(v));
      const isWorth = loop && isWorthwhile(eqn, loop, this.layouts(), (v) => this.read.has(v));
      if (isWorth) for (const i of loop.stored) this.require(eqn.inputs[i]!);
      if (isWorth && this.elementwise(eqn, loop.shape, 3 * loop.body.eqns.length, true)) return;
    }
    this.emit(eqn);
  }

  /** Adds the equation to the groups of its operands, made one, or to one beside it. */
  private elementwise(eqn: Eqn, shape: Shape, nodes: number, loops = false): boolean {
    const own = squeezed(shape);
    const scalar = shape.length === 0;
    for (const atom of eqn.inputs) {
      if (this.pending.has(atom as Var) && !scalar) this.require(atom);
      const home = this.homeOf(atom);
      // A loop reads operands of other shapes as they lie in memory.
      const other = !sameShape(squeezed(atom.aval.shape), own);
      if (home && (home.role === 'stacked' || (atom.aval.ndim > 0 && other))) this.complete(home.group);
    }
    if (scalar && eqn.inputs.some((atom) => this.pending.has(atom as Var))) return false;
    let group: Group | undefined;
    for (const atom of eqn.inputs) {
      const home = this.homeOf(atom);
      if (!home || home.group === group) continue;
      const role = this.roleIn(home.group, own);
      const added = nodesBeside(home.group, eqn, nodes);
      const full = home.group.nodes + added > mostNodes || (loops && home.group.folded !== undefined);
      if (!role || full || !this.fits(atom, home, role)) {
        // A rank-0 value may wait; anything else needs the operand now.
        if (scalar) return false;
        this.complete(home.group);
      } else if (!group) group = home.group;
      else if (!this.merge(group, home.group, own)) {
        if (scalar) return false;
        this.complete(home.group);
      }
    }
    if (scalar && !group) return false;
    group ??= (loops ? undefined : this.sibling(eqn, own, undefined, nodes)) ?? this.create(own);
    group.loops ||= loops;
    this.join(group, eqn, this.roleIn(group, own)!, nodesBeside(group, eqn, nodes));
    return true;
  }

  /** What is read at computed positions is elementwise in these, where there is one for each element. */
  private gather(eqn: Eqn): boolean {
    const { shape, size, ndim } = eqn.outputs[0]!.aval;
    if (size === 0 || ndim === 0) return false;
    const [x, ...positions] = eqn.inputs as [Atom, ...Atom[]];
    this.require(x);
    const own = squeezed(shape);
    const access = accessOf(eqn);
    positions.forEach((atom, i) => {
      const inOrder = sameShape(squeezed(atom.aval.shape), own) && positionsInOrder(access, i + 1, shape);
      if (!inOrder && atom.aval.ndim > 0) this.require(atom);
    });
    return this.elementwise(eqn, shape, 2 + 4 * positions.length);
  }

  private fold(eqn: Eqn): boolean {
    const rule = eqn.primitive.lower;
    const [x] = eqn.inputs as [Atom];
    const { shape, size } = x.aval;
    if (rule.kind !== 'reduce' || size === 0) return false;
    const axes = rule.axes(eqn.params);
    const folded = shape.map((_, axis) => axes.includes(axis)).filter((_, axis) => shape[axis] !== 1);
    if (!folded.includes(true)) return false;
    const own = squeezed(shape);
    if (this.pending.has(x as Var)) this.require(x);
    const home = this.homeOf(x);
    let group: Group | undefined;
    if (home) {
      const { group: g } = home;
      const fits = home.role === 'full' && sameShape(g.shape, own) && (!g.folded || sameAxes(g.folded, folded));
      if (fits && g.nodes < mostNodes && !g.loops) group = g;
      else this.complete(g);
    }
    group ??= this.sibling(eqn, own, folded, foldCode) ?? this.create(own);
    group.folded = folded;
    this.join(group, eqn, 'row', foldCode);
    return true;
  }

  /** An open group over the same elements that reads one of the operands too, or a small one. */
  private sibling(eqn: Eqn, own: Shape, folded: readonly boolean[] | undefined, nodes: number): Group | undefined {
    const fits = (group: Group | undefined): group is Group =>
      group !== undefined &&
      this.open.has(group) &&
      sameShape(group.shape, own) &&
      group.nodes + nodesBeside(group, eqn, nodes) <= mostNodes &&
      (!folded || (!group.loops && (!group.folded || sameAxes(group.folded, folded))));
    for (const atom of eqn.inputs) {
      const group = atom instanceof Var && atom.aval.ndim > 0 ? this.readers.get(atom) : undefined;
      if (fits(group)) return group;
    }
    const group = sizeOf(own) <= smallest ? this.byShape.get(own.join()) : undefined;
    return fits(group) ? group : undefined;
  }

  private create(shape: Shape): Group {
    const group = new Group(shape);
    this.open.add(group);
    this.byShape.set(shape.join(), group);
    if (this.open.size > mostOpen) this.complete([...this.open][0]!);
    return group;
  }

  private roleIn(group: Group, shape: Shape): Role | undefined {
    if (sameShape(group.shape, shape)) return 'full';
    const { kept } = group;
    return kept && sameShape(kept, shape) ? 'row' : undefined;
  }

  /** Whether a member of this role may read the operand within the kernel. */
  private fits(atom: Atom, { group, role }: { readonly group: Group; readonly role: Role }, as: Role): boolean {
    // Long vectors are folded part by part: the result is there only when the kernel has returned.
    if (role === as) return as === 'full' || group.kept!.length > 0 || group.returns;
    // A rank-0 result of a fold stands for every element.
    return role === 'row' && atom.aval.ndim === 0 && group.returns;
  }

  private merge(into: Group, from: Group, own: Shape): boolean {
    if (!sameShape(into.shape, from.shape) || into.nodes + from.nodes > mostNodes) return false;
    if (into.folded && from.folded && !sameAxes(into.folded, from.folded)) return false;
    if ((into.folded || from.folded) && (into.loops || from.loops)) return false;
    into.folded ??= from.folded;
    if (!this.roleIn(into, own)) return false;
    into.members = [...into.members, ...from.members].sort((a, b) => this.order.get(a)! - this.order.get(b)!);
    into.nodes += from.nodes;
    into.loops ||= from.loops;
    for (const eqn of from.members) for (const v of eqn.outputs) this.homes.get(v)!.group = into;
    for (const eqn of from.members)
      for (const atom of eqn.inputs) if (this.readers.get(atom as Var) === from) this.readers.set(atom as Var, into);
    this.open.delete(from);
    return true;
  }

  private join(group: Group, eqn: Eqn, role: Role, nodes: number): void {
    group.members.push(eqn);
    group.nodes += nodes;
    const isStacked = (v: Var): boolean => eqn.outputs.length > 1 && v.aval.size > sizeOf(group.shape);
    const { inputs, outputs } = eqn;
    for (let i = 0; i < outputs.length; i++)
      this.homes.set(outputs[i]!, { group, role: isStacked(outputs[i]!) ? 'stacked' : role });
    for (let i = 0; i < inputs.length; i++) {
      const atom = inputs[i]!;
      if (atom instanceof Var && atom.aval.ndim > 0 && sameShape(squeezed(atom.aval.shape), group.shape))
        this.readers.set(atom, group);
    }
  }

  /** The open group that computes a value. */
  private homeOf(atom: Atom): { group: Group; readonly role: Role } | undefined {
    const home = atom instanceof Literal ? undefined : this.homes.get(atom);
    return home && this.open.has(home.group) ? home : undefined;
  }

  private isMoving(atom: Atom): boolean {
    return this.homeOf(atom) !== undefined || this.pending.has(atom as Var);
  }

  /** Whether an operand is not there yet. */
  private waits(eqn: Eqn): boolean {
    return eqn.inputs.some((atom) => this.isMoving(atom));
  }

  private emit(eqn: Eqn): void {
    for (const atom of eqn.inputs) this.require(atom);
    this.steps.push(eqn);
  }

  /** Sees to it that a value is there. */
  private require(atom: Atom): void {
    const needed: Atom[] = [atom];
    for (let next = needed.at(-1); next; next = needed.at(-1)) {
      const home = this.homeOf(next);
      if (home) this.complete(home.group);
      const eqn = this.pending.get(next as Var);
      const missing = eqn?.inputs.filter((x) => this.isMoving(x)) ?? [];
      if (missing.length > 0) {
        needed.push(...missing);
        continue;
      }
      if (eqn) {
        this.pending.delete(next as Var);
        this.steps.push(eqn);
      }
      needed.pop();
    }
  }

  private complete(group: Group): void {
    if (this.open.delete(group)) this.steps.push(group);
  }
}

const sameAxes = (a: readonly boolean[], b: readonly boolean[]): boolean => a.every((x, i) => x === b[i]);

/** How much code an elementwise equation is. */
export function nodesOf(eqn: Eqn): number {
  const known = knownOperation(eqn.primitive, eqn.inputs, eqn.params);
  if (known?.nodes !== undefined) return known.nodes;
  const args = eqn.inputs.map(({ aval }) => ({ kind: 'const', dtype: aval.dtype, value: 0 }) as const);
  const nodes = treeSize(elementwiseTree(eqn, args).root) - 1;
  if (known) known.nodes = nodes;
  return nodes;
}

/** What an equation adds to the code of a kernel that may be long: functions of vector math are some 40 instructions. */
function codeOf(eqn: Eqn): number {
  const nodes = nodesOf(eqn);
  return nodes >= callSize ? nodes + 24 : nodes;
}

/** What an equation adds to a group: next to nothing if it computes another of several results of the same operands there, as the words of a hash. */
function nodesBeside(group: Group, eqn: Eqn, nodes: number): number {
  if (nodes <= few) return nodes;
  const isTwin = ({ primitive, inputs }: Eqn): boolean =>
    primitive === eqn.primitive && inputs.every((atom, i) => sameAtom(atom, eqn.inputs[i]!));
  return group.members.some(isTwin) ? few : nodes;
}

const sameAtom = (a: Atom, b: Atom): boolean =>
  a === b || (a instanceof Literal && b instanceof Literal && a.aval === b.aval && Object.is(a.value, b.value));

/** What a view of a member is in its group, if the kernel can read it at the element it is at. */
function viewRole(eqn: Eqn, group: Group, from: Role): Role | undefined {
  const { lower } = eqn.primitive;
  const { aval } = eqn.outputs[0]!;
  const shape = squeezed(aval.shape);
  if (from === 'stacked') return undefined;
  const source = from === 'full' ? group.shape : group.kept!;
  if (aval.ndim === 0 && from === 'full') return undefined;
  if (lower.kind === 'reshape') return sameShape(shape, source) ? from : undefined;
  if (lower.kind !== 'view') return undefined;
  const { offset, strides } = lower.view(eqn.params, eqn.inputs[0]!.aval, aval);
  if (offset !== 0) return undefined;
  const steps = strides.filter((_, axis) => aval.shape[axis] !== 1);
  const own = stridesOf(source);
  if (sameShape(shape, source)) return steps.every((step, i) => step === own[i]) ? from : undefined;
  if (from === 'full' || !sameShape(shape, group.shape) || !group.returns) return undefined;
  let next = 0;
  const spread = shape.map((_, axis) => (group.folded![axis] ? 0 : own[next++]!));
  return steps.every((step, i) => step === spread[i]) ? 'full' : undefined;
}
