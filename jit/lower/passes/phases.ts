import type { Expr } from '../../wasm/code.ts';
import { type HeldLeaf, operandsOf, type Tree, withLeaf, withOperands } from '../expressions/tree.ts';
import type { Combine } from '../folds/combine.ts';

/** A fold of a kernel: its result is `held` by the kernel, for what is computed after it. */
export interface Fold {
  readonly root: Tree;
  readonly combine: Combine;
  readonly held: HeldLeaf;
  /** Of largest and smallest: NaN counts as nothing. */
  readonly ignoresNaN?: boolean;
}

/** A value that a kernel writes: for every element, or one for each result of the folds (`row`). */
export interface FoldStore {
  readonly root: Tree;
  readonly ptr: Expr;
  /** Steps of a full value along the axes, in elements, where it does not lie in one piece. */
  readonly strides?: readonly number[];
  readonly row: boolean;
  /** Its number among the stores of the kernel. */
  readonly index: number;
}

/** One pass over a row: everything in it is computed at one element after the other. */
export interface Phase {
  readonly folds: Fold[];
  readonly stores: FoldStore[];
  readonly saves: Saved[];
}

/** A value of one pass that a later one reads again. */
export interface Saved {
  readonly root: Tree;
  readonly leaf: Tree;
}

export interface Phases {
  readonly phases: readonly Phase[];
  /** Written after the last pass. */
  readonly rowStores: readonly FoldStore[];
}

export interface PhaseOptions {
  /** Whether the value changes along folded axes. */
  readonly isFull: (leaf: Tree) => boolean;
  /** Whether reading the leaf again would be as slow as the first time. */
  readonly isSlow: (leaf: Tree) => boolean;
  /** A place for one value of each element of a row. */
  readonly save: (root: Tree) => Tree;
  /** How a later pass reads what was stored. */
  readonly stored: (store: FoldStore) => Tree;
}

/**
 * Divides the work on a row into passes: a fold of values that depend on other folds comes after them. A value that a
 * later pass needs again is read from where it was stored, or saved if to compute it is more work than that. Trees must
 * be interned: equal ones are one.
 */
export function planPhases(folds: readonly Fold[], stores: readonly FoldStore[], options: PhaseOptions): Phases {
  const levels = new Map<Tree, number>();
  const held = new Map<Tree, number>();
  const levelOf = (tree: Tree): number => {
    let level = levels.get(tree);
    if (level === undefined) {
      level = held.get(tree) ?? Math.max(0, ...operandsOf(tree).map(levelOf));
      levels.set(tree, level);
    }
    return level;
  };
  const isFull = withLeaf(options.isFull);
  const phases: Phase[] = [];
  const at = (level: number): Phase => {
    while (phases.length <= level) phases.push({ folds: [], stores: [], saves: [] });
    return phases[level]!;
  };
  for (const fold of folds) {
    const level = levelOf(fold.root);
    held.set(fold.held, level + 1);
    at(level).folds.push(fold);
  }
  for (const store of stores) if (!store.row) at(levelOf(store.root)).stores.push(store);

  /** In which pass a value is computed first, and how later ones read it. */
  const first = new Map<Tree, number>();
  const written = new Map<Tree, Tree>();
  const costs = new Map<Tree, number>();
  const costOf = (tree: Tree): number => {
    let cost = costs.get(tree);
    if (cost === undefined) {
      // What folded axes do not change is computed once.
      cost = operandsOf(tree).reduce((sum, arg) => sum + (isFull(arg) ? costOf(arg) : 0), ownCost(tree));
      costs.set(tree, cost);
    }
    return cost;
  };
  const computed = phases.map(() => new Map<Tree, Tree>());
  const compute = (root: Tree, level: number): Tree => {
    const memo = computed[level]!;
    const visit = (tree: Tree): Tree => {
      const known = memo.get(tree);
      if (known) return known;
      const operands = operandsOf(tree);
      let result = tree;
      if (operands.length > 0 || options.isSlow(tree)) {
        const earlier = first.get(tree);
        if (earlier === undefined) first.set(tree, level);
        if (
          earlier !== undefined &&
          earlier < level &&
          isFull(tree) &&
          tree.kind !== 'loop' &&
          (operands.length === 0 || costOf(tree) >= worthSaving)
        ) {
          result = written.get(tree) ?? save(tree, earlier);
        } else result = withOperands(tree, operands.map(visit));
      }
      memo.set(tree, result);
      return result;
    };
    return visit(root);
  };
  const save = (tree: Tree, level: number): Tree => {
    const leaf = options.save(tree);
    written.set(tree, leaf);
    phases[level]!.saves.push({ root: compute(tree, level), leaf });
    return leaf;
  };
  const planned = phases.map((phase, level): Phase => {
    const result: Phase = {
      folds: phase.folds.map((fold) => ({ ...fold, root: compute(fold.root, level) })),
      stores: phase.stores.map((store) => ({ ...store, root: compute(store.root, level) })),
      saves: phase.saves,
    };
    for (const store of phase.stores) if (!written.has(store.root)) written.set(store.root, options.stored(store));
    return result;
  });
  return { phases: planned, rowStores: stores.filter((store) => store.row) };
}

/** Instructions or so that are more than a store and a load. */
const worthSaving = 5;

function ownCost(tree: Tree): number {
  if (tree.kind === 'loop') return 100;
  if (tree.kind !== 'op') return 0;
  if (tree.op === 'call') return 20;
  return tree.op === 'div' || tree.op === 'sqrt' || tree.op === 'rem' ? 4 : 1;
}
