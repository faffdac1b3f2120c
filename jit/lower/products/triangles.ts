import { type Expr, i32c, op, select } from '../../wasm/code.ts';
import { Inputs, isAffine } from '../expressions/streams.ts';
import { operandsOf, type Tree, withOperands } from '../expressions/tree.ts';
import { limitStep } from '../folds/fold-schedule.ts';
import type { Fold } from '../passes/phases.ts';

/** Rows and columns of a kernel that goes over the rows of one product. */
const [rowAxis, columnAxis] = [0, 1];

const everywhere: number = Number.POSITIVE_INFINITY;
const nowhere: number = Number.NEGATIVE_INFINITY;

/**
 * Which columns of a product a kernel reads: a mask of what comes later, `where(j ≤ i, scores, −10³⁰)`, has it read those
 * up to the diagonal alone. Returns the largest j − i of what may be read, infinite if all may be, or nothing is.
 *
 * @param base where the product's array is
 */
export function furthestColumn(roots: readonly Tree[], base: Expr): number {
  const furthest = (tree: Tree): number => {
    if (tree.kind === 'array' || tree.kind === 'address') return tree.buffer.ptr === base ? everywhere : nowhere;
    if (tree.kind === 'op' && tree.op === 'select') {
      const [taken, yes, no] = tree.args as [Tree, Tree, Tree];
      const of = (branch: Tree, truth: boolean): number => Math.min(visit(branch), reach(taken, truth));
      return Math.max(visit(taken), of(yes, true), of(no, false));
    }
    return Math.max(nowhere, ...operandsOf(tree).map(visit));
  };
  const visit = memoized(furthest);
  return Math.max(nowhere, ...roots.map(visit));
}

/**
 * Whether a kernel need not go over all columns that are further than that: they have the same value in a row, so that one
 * will do for the largest or smallest, and they are nothing to a sum, and written as zeros, if one is written as zero.
 */
export function standForEachOther(folds: readonly Fold[], stores: readonly Tree[], furthest: number): boolean {
  const beyond = memoized((tree: Tree): Tree | undefined => {
    if (isAffine(tree)) return tree.strides[columnAxis] === 0 ? tree : undefined;
    if (tree.kind === 'op' && tree.op === 'select') {
      const [taken, yes, no] = tree.args as [Tree, Tree, Tree];
      if (reach(taken, true) <= furthest) return beyond(no);
      if (reach(taken, false) <= furthest) return beyond(yes);
    }
    if (tree.kind === 'loop' || tree.kind === 'result' || tree.kind === 'gather') return undefined;
    const args = operandsOf(tree).map(beyond);
    return args.every((arg) => arg !== undefined) ? withOperands(tree, args as Tree[]) : undefined;
  });
  const values = [...folds.map(({ root }) => root), ...stores].map(beyond);
  if (stores.length !== 1 || values.some((value) => value === undefined)) return false;
  const { roots } = new Inputs(values as Tree[]);
  const stored = roots.at(-1)!;
  // A quotient that is zero has a numerator that is nothing beside the sum that it is divided by.
  const terms =
    stored.kind === 'op' && stored.op === 'div' && stored.args[1]!.kind === 'held' ? stored.args[0]! : stored;
  return folds.every(
    ({ combine }, i) => combine === 'max' || combine === 'min' || (combine === 'add' && roots[i] === terms),
  );
}

/** How large j − i can be where a predicate is true, or false. */
function reach(predicate: Tree, truth: boolean): number {
  if (predicate.kind === 'const') return (predicate.value !== 0) === truth ? everywhere : nowhere;
  if (predicate.kind !== 'op') return everywhere;
  const [x, y, z] = predicate.args as [Tree, Tree, Tree];
  switch (predicate.op) {
    case 'not':
      return reach(x, !truth);
    case 'and':
    case 'or': {
      const both = (predicate.op === 'and') === truth;
      return (both ? Math.min : Math.max)(reach(x, truth), reach(y, truth));
    }
    case 'select':
      return Math.max(Math.min(reach(x, true), reach(y, truth)), Math.min(reach(x, false), reach(z, truth)));
    case 'ge':
      return truth ? atLeast(x, y, 0) : atLeast(y, x, 1);
    case 'gt':
      return truth ? atLeast(x, y, 1) : atLeast(y, x, 0);
    case 'le':
      return truth ? atLeast(y, x, 0) : atLeast(x, y, 1);
    case 'lt':
      return truth ? atLeast(y, x, 1) : atLeast(x, y, 0);
    default:
      return everywhere;
  }
}

/** How large j − i can be where x − y is at least this. */
function atLeast(x: Tree, y: Tree, least: number): number {
  const [a, b] = [position(x), position(y)];
  if (!a || !b || a.row - b.row !== 1 || a.column - b.column !== -1) return everywhere;
  return a.offset - b.offset - least;
}

/** A position as row·i + column·j + offset. */
function position(tree: Tree): Position | undefined {
  if (tree.kind === 'const') return { row: 0, column: 0, offset: tree.value };
  if (tree.kind === 'iota') {
    const { strides, offset } = tree;
    return { row: strides[rowAxis]!, column: strides[columnAxis]!, offset };
  }
  if (tree.kind !== 'op' || tree.dtype !== 'int32' || (tree.op !== 'add' && tree.op !== 'sub')) return undefined;
  const [a, b] = tree.args.map(position);
  if (!a || !b) return undefined;
  const sign = tree.op === 'add' ? 1 : -1;
  const offset = a.offset + sign * b.offset;
  // Larger ones could wrap around.
  if (Math.abs(offset) > 2 ** 30) return undefined;
  return { row: a.row + sign * b.row, column: a.column + sign * b.column, offset };
}

function memoized<T>(of: (tree: Tree) => T): (tree: Tree) => T {
  const memo = new Map<Tree, T>();
  return (tree) => {
    if (!memo.has(tree)) memo.set(tree, of(tree));
    return memo.get(tree)!;
  };
}

/** How many of n columns rows before `next` read, rounded up to some panels; undefined where it is all of them. */
export function columnsBefore(next: Expr, furthest: number, n: number): Expr | undefined {
  if (!(furthest < n - 1)) return undefined;
  if (furthest === nowhere) return i32c(Math.min(n, limitStep));
  const up = op('i32.and', op('i32.add', next, i32c(furthest + limitStep - 1)), i32c(-limitStep));
  const least = select(op('i32.gt_s', up, i32c(limitStep)), up, i32c(limitStep));
  return select(op('i32.lt_s', least, i32c(n)), least, i32c(n));
}

interface Position {
  readonly row: number;
  readonly column: number;
  readonly offset: number;
}
