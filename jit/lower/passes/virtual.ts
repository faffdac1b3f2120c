import type { Atom, Eqn, Var } from '../../../src/core/jaxpr.ts';
import { range } from '../../../src/core/shape.ts';
import type { ScatterAccess } from '../../lower-rule.ts';
import { accessOf } from '../expressions/gather-tree.ts';
import { Group, nodesOf, readersIn, type Step } from './groups.ts';
import { noPrologues, type Prologues } from './prologues.ts';

/** What is computed where, after every value has been looked at. */
export interface Placement {
  /** Values without a place in memory. */
  readonly virtual: ReadonlySet<Var>;
  /** Equations that left their group: their values are computed in the kernel that reads them. */
  readonly moved: ReadonlySet<Eqn>;
}

/** Products that compute operands, and kernels that are the end of a product: these stay whole. */
interface Products {
  readonly prologues: Prologues;
  readonly ends: ReadonlySet<Group>;
}

const none: Products = { prologues: noPrologues, ends: new Set() };

/** What evaluates an equation: the kernel of a group, of a scatter, or those of a product's first or second operand. */
type Evaluator = Group | Eqn | { readonly second: Eqn };

/**
 * Which values are computed where they are read, and which are stored. A value stays virtual if everything that reads it
 * ends in one kernel, so that it is computed once: the use in another kernel would compute it again, and a copy that
 * differs in its last bit from the first is worse than slow where exp(x − max x) meets max x.
 *
 * Kernels are groups. Steps are visited last to first, so that the kernels of all readers of a value are known when the
 * value is met.
 */
export function placeValues(steps: readonly Step[], outs: readonly Atom[], into: Products = none): Placement {
  const virtual = new Set<Var>();
  const moved = new Set<Eqn>();
  const stored = new Set<Atom>(outs);
  const readers = readersIn(steps);
  const order: { readonly eqn: Eqn; readonly group: Group | undefined }[] = [];
  for (const step of steps) {
    if (step instanceof Group) for (const eqn of step.members) order.push({ eqn, group: step });
    else order.push({ eqn: step, group: undefined });
  }

  const { first } = into.prologues;
  const second = new Map([...into.prologues.second].map((eqn) => [eqn, { second: eqn }]));
  const isOperand = (root: Evaluator | undefined): boolean =>
    root !== undefined && ('second' in root || first.has(root as Eqn));
  /** The kernel that evaluates an equation; undefined where several do, or none. */
  const kernels = new Map<Eqn, Evaluator | undefined>();
  /** The kernel that reads a value for an equation. A scatter's first operand is there before its kernel runs. */
  const kernelOf = (use: Eqn, v: Var): Evaluator | undefined => {
    const x = use.inputs[0];
    const y = use.inputs[1];
    if (first.has(use) || second.has(use)) {
      if (x === y) return undefined;
      return v === y ? second.get(use) : first.has(use) ? use : undefined;
    }
    return kernels.get(use) === use && x === v ? undefined : kernels.get(use);
  };
  /** How many times an equation's value is computed again for each element: what broadcasting costs. */
  const repeats = new Map<Eqn, number>();
  const positions = positionsIn(order.map(({ eqn }) => eqn));

  for (let i = order.length - 1; i >= 0; i--) {
    const { eqn, group } = order[i]!;
    const { kind } = eqn.primitive.lower;
    const out = eqn.outputs[0]!;
    const uses = readers.get(out) ?? [];
    const root = uses.length > 0 ? kernelOf(uses[0]!, out) : undefined;
    const single = root !== undefined && !stored.has(out) && uses.every((use) => kernelOf(use, out) === root);
    const isView = kind === 'view' || kind === 'reshape';
    kernels.set(eqn, kind === 'scatter' ? eqn : group);
    repeats.set(eqn, 1);
    if (group && !isView) {
      for (const v of eqn.outputs)
        if (!stored.has(v) && (readers.get(v) ?? []).every((use) => kernels.get(use) === group)) virtual.add(v);
    }
    if (group && single && root === group) {
      virtual.add(out);
      continue;
    }
    const factor = Math.max(1, ...uses.map((use) => (repeats.get(use) ?? 1) * readings(use, out, moved.has(use))));
    if ((kind === 'elementwise' || kind === 'gather') && out.aval.ndim > 0) {
      // Through a view the value is read at another index: twice would be two computations.
      const viewed = uses.some((use) => use.primitive.lower.kind === 'view' || use.primitive.lower.kind === 'reshape');
      const free = positions.has(out) || (!group && !eqn.inputs.some((atom) => atom.aval.ndim > 0));
      const stays = isOperand(root) && into.ends.has(group as Group);
      const fuse =
        group && !stays && !group.folded && single && (uses.length === 1 || !viewed) && (factor === 1 || isCheap(eqn));
      if (stored.has(out) || (!free && !(fuse && isSmall(eqn)))) continue;
      virtual.add(out);
      if (!fuse) continue;
      kernels.set(eqn, root);
      repeats.set(eqn, factor);
      moved.add(eqn);
    } else if (isView) {
      // A view of memory costs nothing to repeat; of a computed value only its one kernel may read it.
      if (!stored.has(out)) virtual.add(out);
      kernels.set(eqn, single && (uses.length === 1 || group === root) ? root : undefined);
      const grown = out.aval.size / Math.max(1, eqn.inputs[0]!.aval.size);
      repeats.set(eqn, factor * Math.max(1, grown));
    }
  }
  return { virtual, moved };
}

/**
 * How often an equation reads each element of an operand. A gather reads what it gathers from at positions. Positions are
 * read once for a row of neighbours that lie in one window, unless another kernel (`moved`) goes over them in another order.
 */
function readings(eqn: Eqn, v: Var, moved: boolean): number {
  const { kind } = eqn.primitive.lower;
  if (kind !== 'gather' && kind !== 'scatter') return 1;
  const access = accessOf(eqn);
  const windows = kind === 'scatter' ? (access as ScatterAccess) : undefined;
  const { shape, size } = windows ? eqn.inputs[windows.updates]!.aval : eqn.outputs[0]!.aval;
  if (!windows && v === eqn.inputs[0])
    return eqn.inputs.indexOf(v, 1) > 0 ? Number.POSITIVE_INFINITY : size / v.aval.size;
  const long = (axis: number): boolean => shape[axis]! > 1;
  const inner = windows?.windowAxes.findLast(long) ?? range(shape.length).findLast(long);
  let most = 1;
  for (const { operand, view } of access.positions) {
    if (eqn.inputs[operand] !== v) continue;
    const again = (axis: number): boolean => view.strides[axis] === 0 && (moved || axis !== inner);
    most = Math.max(
      most,
      shape.reduce((n, extent, axis) => (again(axis) ? n * extent : n), 1),
    );
  }
  return most;
}

/** A hash stays in its own kernel, which computes both of its words at once. */
const mostNodes = 100;
const isSmall = (eqn: Eqn): boolean => eqn.primitive.lower.kind !== 'elementwise' || nodesOf(eqn) <= mostNodes;

/** One instruction or so: cheaper to repeat than to store and load. */
const cheap: ReadonlySet<string> = new Set(['neg', 'convert_element_type', 'copy', 'not', 'abs']);
const isCheap = (eqn: Eqn): boolean => cheap.has(eqn.primitive.name);

/** More operations on positions are worth an array, as are others: a division is made for each lane by itself. */
const mostOnPositions = 5;
const onPositions: ReadonlySet<string> = new Set([
  'iota',
  'add',
  'sub',
  'neg',
  'mul',
  'eq',
  'ne',
  'lt',
  'le',
  'gt',
  'ge',
  'and',
  'or',
  'xor',
  'not',
  'select',
  'min',
  'max',
]);

/**
 * What is computed from positions alone, in a few operations, as masks of what comes later are: it is computed anew wherever
 * it is read, as integers are the same each time, in less time than it takes to read and widen a mask.
 */
function positionsIn(eqns: readonly Eqn[]): ReadonlySet<Var> {
  const operations = new Map<unknown, number>();
  for (let i = 0; i < eqns.length; i++) {
    const { primitive, inputs, outputs } = eqns[i]!;
    const { kind } = primitive.lower;
    const isView = kind === 'view' || kind === 'reshape';
    if (!isView && (kind !== 'elementwise' || !onPositions.has(primitive.name))) continue;
    const out = outputs[0]!;
    if (out.aval.dtype !== 'int32' && out.aval.dtype !== 'bool') continue;
    const arrays = inputs.filter(({ aval }) => aval.ndim > 0);
    if (arrays.some((atom) => !operations.has(atom))) continue;
    // Numbers may be computed, positions are what has no operand.
    if (arrays.length === 0 && inputs.length > 0) continue;
    const own = !isView && arrays.length > 0 ? 1 : 0;
    const count = arrays.reduce((n, atom) => n + operations.get(atom)!, own);
    if (count <= mostOnPositions) operations.set(out, count);
  }
  const elementwise = new Set<Var>();
  for (let i = 0; i < eqns.length && operations.size > 0; i++) {
    const { primitive, outputs } = eqns[i]!;
    if (primitive.lower.kind === 'elementwise' && operations.has(outputs[0])) elementwise.add(outputs[0]!);
  }
  return elementwise;
}
