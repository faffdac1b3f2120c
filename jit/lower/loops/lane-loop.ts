import { byteSize, type DType } from '../../../src/core/dtype.ts';
import { type Atom, type Eqn, type Jaxpr, Literal, type Var } from '../../../src/core/jaxpr.ts';
import { type Shape, sameShape, sizeOf, stridesOf } from '../../../src/core/shape.ts';
import { elementwiseTree } from '../expressions/elementwise-tree.ts';
import { accessOf, constant, gatherFrom, int32, positionsInOrder } from '../expressions/gather-tree.ts';
import { isAffine } from '../expressions/streams.ts';
import {
  type AddressLeaf,
  type ArrayLeaf,
  type Fused,
  forEachTree,
  type HeldLeaf,
  type LoopTree,
  mapLeaves,
  operandsOf,
  reshaped,
  type StepStore,
  type Tree,
  viewed,
  withOperands,
} from '../expressions/tree.ts';
import { squeezed } from '../passes/groups.ts';
import type { LanewiseLoop } from '../passes/lanewise.ts';
import type { Buffer } from '../storage.ts';

/** What a loop makes: a tree for every carried value, and the loop itself where each step writes something. */
export interface LaneLoopResults {
  readonly carried: readonly Fused[];
  readonly effect: Fused | undefined;
}

/**
 * A lanewise loop as trees. `operands` are the loop's, as trees over its shape; what the body computes of them alone is
 * computed once, before the loop. Rows of xs are read, and rows of ys written, at addresses that a counter moves.
 *
 * @param ys where rows are stacked that anything reads
 */
export function laneLoopResults(
  loop: LanewiseLoop,
  operands: readonly Fused[],
  ys: readonly (Buffer | undefined)[],
): LaneLoopResults {
  const { body, consts, carry, xs, shape, count, reverse } = loop;
  const inner = body.inVars.slice(consts.length, consts.length + carry.length);
  const fixed = inner.map((v, i) => body.outs[i] === v);
  const slots = inner.map(({ aval: { dtype, ndim } }): HeldLeaf => (ndim > 0 ? held(dtype) : held(dtype, true)));
  const values = inner.map(
    ({ aval }, i): Fused => (fixed[i] ? operands[carry[i]!]! : { shape: aval.shape, root: slots[i]! }),
  );
  const counter = held('int32', true);
  const counts = xs.length > 0 || ys.some(Boolean);
  const rows = xs.map((x, i) => rowOf(operands[x]!, body.inVars[consts.length + carry.length + i]!.aval.shape));
  const outs = evaluate(body, [...consts.map((i) => operands[i]!), ...values, ...rows], shape);
  const moving = inner.map((_, i) => i).filter((i) => !fixed[i]);
  let test: Tree | undefined;
  if (loop.going !== undefined) test = values[loop.going]!.root;
  else if (loop.test) {
    const { jaxpr, consts: read } = loop.test;
    [test] = evaluate(jaxpr, [...read.map((i) => operands[i]!), ...values], shape).map((x) => x.root) as [Tree];
  }
  const invariants = new Invariants([...slots, counter]);
  const next = moving.map((i) => invariants.replace(outs[i]!.root));
  const stores = ys.flatMap((buffer, i): StepStore[] => {
    if (!buffer) return [];
    const offset = reverse ? count! - 1 : 0;
    const strides = stackedStrides(shape, count!).slice(1);
    const to: AddressLeaf = { kind: 'address', dtype: 'int32', buffer, offset, strides };
    const bytes = byteSize(buffer.dtype);
    return [
      {
        value: invariants.replace(over(outs[carry.length + i]!, shape).root),
        to: invariants.slotOf(to),
        bytes: int32('mul', counter, constant(reverse ? -bytes : bytes)),
      },
    ];
  });
  const tree: LoopTree = {
    kind: 'loop',
    dtype: 'bool',
    next: counts ? [...next, int32('add', counter, constant(1))] : next,
    ...(test && { test: invariants.replace(test) }),
    ...(count !== undefined && { count }),
    args: [...moving.map((i) => operands[carry[i]!]!.root), ...(counts ? [constant(0)] : []), ...invariants.trees],
    slots: [...moving.map((i) => slots[i]!), ...(counts ? [counter] : []), ...invariants.slots],
    ys: stores,
  };
  const carried = inner.map(
    ({ aval }, i): Fused =>
      fixed[i]
        ? operands[carry[i]!]!
        : {
            shape: aval.ndim > 0 ? shape : [],
            root: { kind: 'result', dtype: aval.dtype, args: [tree], index: moving.indexOf(i) },
          },
  );
  return { carried, effect: stores.length > 0 ? { shape, root: tree } : undefined };

  /** The row of an array in memory that the counter is at. */
  function rowOf({ root }: Fused, own: Shape): Fused {
    const { dtype, buffer, offset, strides } = root as ArrayLeaf;
    const step = strides[0]! * byteSize(dtype);
    const from: AddressLeaf = {
      kind: 'address',
      dtype: 'int32',
      buffer,
      offset: offset + (reverse ? (count! - 1) * strides[0]! : 0),
      strides: strides.slice(1),
    };
    const row: Tree = { kind: 'gather', dtype, args: [from, int32('mul', counter, constant(reverse ? -step : step))] };
    return { shape: own, root: row };
  }
}

/** How stacked rows lie in memory: each lane has its steps in a row. */
export const stackedStrides = (shape: Shape, count: number): number[] => [
  1,
  ...stridesOf(shape).map((stride) => stride * count),
];

const held = (dtype: DType, uniform?: true): HeldLeaf =>
  uniform ? { kind: 'held', dtype, uniform } : { kind: 'held', dtype };

/** A program of elementwise operations, views and gathers, as trees over `shape`. */
function evaluate(jaxpr: Jaxpr, inputs: readonly Fused[], shape: Shape): Fused[] {
  const values = new Map<Var, Fused>(jaxpr.inVars.map((v, i) => [v, over(inputs[i]!, shape)]));
  const table = (atom: Atom | undefined): Fused => inputs[jaxpr.inVars.indexOf(atom as Var)]!;
  const read = (atom: Atom): Fused =>
    atom instanceof Literal
      ? { shape: [], root: { kind: 'const', dtype: atom.aval.dtype, value: atom.value } }
      : values.get(atom)!;
  for (const eqn of jaxpr.eqns) values.set(eqn.outputs[0]!, over(step(eqn, eqn.inputs.map(read), table, shape), shape));
  return jaxpr.outs.map(read);
}

/** Values over the elements of the loop have its shape, others of one element rank 0, whatever axes the program gives them. */
function over(value: Fused, shape: Shape): Fused {
  if (sizeOf(value.shape) === 1 && (value.shape.length === 0 || sizeOf(shape) > 1)) {
    const everywhere = shape.map(() => 0);
    return { shape: [], root: mapLeaves(value.root, (leaf) => ({ ...leaf, strides: everywhere }))! };
  }
  if (!sameShape(squeezed(value.shape), squeezed(shape))) return value;
  return sameShape(value.shape, shape) ? value : reshaped(value, shape)!;
}

function step(eqn: Eqn, inputs: readonly Fused[], table: (atom: Atom | undefined) => Fused, loopShape: Shape): Fused {
  const [out] = eqn.outputs as [Var];
  const { lower } = eqn.primitive;
  const { shape } = out.aval;
  if (lower.kind === 'elementwise') {
    const made = elementwiseTree(
      eqn,
      inputs.map((x) => x.root),
    );
    // Its operands have the axes of the loop already, even where its own are fewer: f32[5] in a loop over f32[1,5]. Positions,
    // which have no operands, have those of the result.
    const isOver = inputs.length > 0 && made.shape.length > 0 && sameShape(squeezed(made.shape), squeezed(loopShape));
    return isOver ? { ...made, shape: loopShape } : made;
  }
  const [x] = inputs as [Fused];
  if (lower.kind === 'gather') {
    const access = accessOf(eqn);
    const positions = access.positions.map(({ operand, view }) => {
      const at = inputs[operand]!;
      const each = sizeOf(at.shape) === sizeOf(shape) && positionsInOrder(access, operand, shape);
      return (each ? over(at, shape) : viewed(at, view, shape)).root;
    });
    return { shape, root: gatherFrom(access, table(eqn.inputs[0]), positions) };
  }
  if (holds(x.root)) return { shape: x.shape.length > 0 ? x.shape : shape, root: x.root };
  if (lower.kind === 'view') return viewed(x, lower.view(eqn.params, eqn.inputs[0]!.aval, out.aval), shape);
  return reshaped(x, shape) ?? unreachable();
}

const unreachable = (): never => {
  throw new Error('a lanewise loop reshapes what is not in order');
};

function holds(root: Tree): boolean {
  let found = false;
  forEachTree(root, (tree) => {
    if (tree.kind === 'held') found = true;
  });
  return found;
}

/** Takes out of trees what does not depend on the loop, the largest parts first. */
class Invariants {
  readonly trees: Tree[] = [];
  readonly slots: HeldLeaf[] = [];
  private readonly own: ReadonlySet<Tree>;
  private readonly replaced = new Map<Tree, Tree>();
  private readonly varies = new Map<Tree, boolean>();

  constructor(own: readonly HeldLeaf[]) {
    this.own = new Set(own);
  }

  replace(root: Tree): Tree {
    forEachTree(root, (tree) => {
      this.varies.set(tree, this.own.has(tree) || operandsOf(tree).some((arg) => this.varies.get(arg)));
    });
    return this.visit(root);
  }

  /** What stands for a value in the loop that it does not change. */
  slotOf(tree: Tree): HeldLeaf {
    const slot = isUniform(tree) ? held(tree.dtype, true) : held(tree.dtype);
    this.trees.push(tree);
    this.slots.push(slot);
    return slot;
  }

  private visit(tree: Tree): Tree {
    if (tree.kind === 'const' || tree.kind === 'held') return tree;
    let result = this.replaced.get(tree);
    if (result) return result;
    if (this.varies.get(tree))
      result = withOperands(
        tree,
        operandsOf(tree).map((arg) => this.visit(arg)),
      );
    else result = this.slotOf(tree);
    this.replaced.set(tree, result);
    return result;
  }
}

function isUniform(root: Tree): boolean {
  let uniform = true;
  forEachTree(root, (tree) => {
    if (isAffine(tree)) uniform &&= tree.strides.every((stride) => stride === 0);
    else if (tree.kind === 'held') uniform &&= tree.uniform === true;
  });
  return uniform;
}
