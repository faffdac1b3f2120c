import { type Atom, type Eqn, type Jaxpr, Literal, type Var } from '../../src/core/jaxpr.ts';
import { sameShape } from '../../src/core/shape.ts';
import { elementwiseTree } from './elementwise-tree.ts';
import type { LanewiseLoop } from './passes/lanewise.ts';
import {
  type Fused,
  forEachTree,
  type HeldLeaf,
  type LoopTree,
  operandsOf,
  reshaped,
  type Tree,
  viewed,
  withOperands,
} from './tree.ts';

/**
 * The results of a lanewise loop as trees: one for every carried value. `operands` are the loop's, as trees over its
 * shape; what the body computes of them alone is computed once, before the loop.
 */
export function laneLoopResults(loop: LanewiseLoop, operands: readonly Fused[]): Fused[] {
  const { body, consts, carry, shape } = loop;
  const inner = body.inVars.slice(consts.length);
  const fixed = inner.map((v, i) => body.outs[i] === v);
  const slots = inner.map(({ aval }): HeldLeaf => ({ kind: 'held', dtype: aval.dtype }));
  const values = inner.map(
    ({ aval }, i): Fused => (fixed[i] ? operands[carry[i]!]! : { shape: aval.shape, root: slots[i]! }),
  );
  const outs = evaluate(body, [...consts.map((i) => operands[i]!), ...values]);
  const moving = inner.map((_, i) => i).filter((i) => !fixed[i]);
  let test: Tree | undefined;
  if (loop.going !== undefined) test = values[loop.going]!.root;
  else if (loop.test) {
    const { jaxpr, consts: read } = loop.test;
    [test] = evaluate(jaxpr, [...read.map((i) => operands[i]!), ...values]).map((x) => x.root) as [Tree];
  }
  const invariants = new Invariants(slots);
  const next = moving.map((i) => invariants.replace(outs[i]!.root));
  const base: Omit<LoopTree, 'args' | 'slots'> = {
    kind: 'loop',
    dtype: 'bool',
    next,
    ...(test && { test: invariants.replace(test) }),
    ...(loop.count !== undefined && { count: loop.count }),
  };
  const tree: LoopTree = {
    ...base,
    args: [...moving.map((i) => operands[carry[i]!]!.root), ...invariants.trees],
    slots: [...moving.map((i) => slots[i]!), ...invariants.slots],
  };
  return inner.map(
    ({ aval }, i): Fused =>
      fixed[i]
        ? operands[carry[i]!]!
        : {
            shape: aval.ndim > 0 ? shape : [],
            root: { kind: 'result', dtype: aval.dtype, args: [tree], index: moving.indexOf(i) },
          },
  );
}

/** A program of elementwise operations and views, as trees. */
function evaluate(jaxpr: Jaxpr, inputs: readonly Fused[]): Fused[] {
  const values = new Map<Var, Fused>(jaxpr.inVars.map((v, i) => [v, inputs[i]!]));
  const read = (atom: Atom): Fused =>
    atom instanceof Literal
      ? { shape: [], root: { kind: 'const', dtype: atom.aval.dtype, value: atom.value } }
      : values.get(atom)!;
  for (const eqn of jaxpr.eqns) values.set(eqn.outputs[0]!, step(eqn, eqn.inputs.map(read)));
  return jaxpr.outs.map(read);
}

function step(eqn: Eqn, inputs: readonly Fused[]): Fused {
  const [out] = eqn.outputs as [Var];
  const { lower } = eqn.primitive;
  if (lower.kind === 'elementwise')
    return elementwiseTree(
      eqn,
      inputs.map((x) => x.root),
    );
  const [x] = inputs as [Fused];
  const { shape } = out.aval;
  if (sameShape(x.shape, shape) && holds(x.root)) return x;
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

  private visit(tree: Tree): Tree {
    if (tree.kind === 'const' || tree.kind === 'held') return tree;
    let result = this.replaced.get(tree);
    if (result) return result;
    if (this.varies.get(tree))
      result = withOperands(
        tree,
        operandsOf(tree).map((arg) => this.visit(arg)),
      );
    else {
      const slot: HeldLeaf = { kind: 'held', dtype: tree.dtype };
      this.trees.push(tree);
      this.slots.push(slot);
      result = slot;
    }
    this.replaced.set(tree, result);
    return result;
  }
}
