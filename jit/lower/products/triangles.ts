import { type Expr, i32c, op, select } from '../../wasm/code.ts';
import { operandsOf, type Tree } from '../expressions/tree.ts';

/**
 * Which columns of a product a kernel reads: a mask of what comes later, `where(j ≤ i, scores, −10³⁰)`, has it read those
 * up to the diagonal alone. Returns the largest j − i of what may be read, +Infinity if all may be, −Infinity if nothing is.
 *
 * @param base where the product's array is
 * @param rowAxis of the kernel, as is `columnAxis`
 */
export function furthestColumn(roots: readonly Tree[], base: Expr, rowAxis: number, columnAxis: number): number {
  const memo = new Map<Tree, number>();
  const visit = (tree: Tree): number => {
    let known = memo.get(tree);
    if (known === undefined) memo.set(tree, (known = furthest(tree)));
    return known;
  };
  const furthest = (tree: Tree): number => {
    if (tree.kind === 'array' || tree.kind === 'address')
      return tree.buffer.ptr === base ? Number.POSITIVE_INFINITY : Number.NEGATIVE_INFINITY;
    if (tree.kind === 'op' && tree.op === 'select') {
      const [taken, yes, no] = tree.args as [Tree, Tree, Tree];
      const of = (branch: Tree, truth: boolean): number => Math.min(visit(branch), within(taken, truth));
      return Math.max(visit(taken), of(yes, true), of(no, false));
    }
    return Math.max(Number.NEGATIVE_INFINITY, ...operandsOf(tree).map(visit));
  };
  /** How large j − i can be where a predicate is true, or false. */
  const within = (predicate: Tree, truth: boolean): number => {
    if (predicate.kind === 'const')
      return (predicate.value !== 0) === truth ? Number.POSITIVE_INFINITY : Number.NEGATIVE_INFINITY;
    if (predicate.kind !== 'op') return Number.POSITIVE_INFINITY;
    const [x, y, z] = predicate.args as [Tree, Tree, Tree];
    switch (predicate.op) {
      case 'not':
        return within(x, !truth);
      case 'and':
      case 'or': {
        const both = (predicate.op === 'and') === truth;
        return (both ? Math.min : Math.max)(within(x, truth), within(y, truth));
      }
      case 'select':
        return Math.max(Math.min(within(x, true), within(y, truth)), Math.min(within(x, false), within(z, truth)));
      case 'ge':
        return truth ? atLeast(x, y, 0) : atLeast(y, x, 1);
      case 'gt':
        return truth ? atLeast(x, y, 1) : atLeast(y, x, 0);
      case 'le':
        return truth ? atLeast(y, x, 0) : atLeast(x, y, 1);
      case 'lt':
        return truth ? atLeast(y, x, 1) : atLeast(x, y, 0);
      default:
        return Number.POSITIVE_INFINITY;
    }
  };
  /** How large j − i can be where x − y is at least this. */
  const atLeast = (x: Tree, y: Tree, least: number): number => {
    const [a, b] = [position(x), position(y)];
    if (!a || !b || a.row - b.row !== 1 || a.column - b.column !== -1) return Number.POSITIVE_INFINITY;
    return a.offset - b.offset - least;
  };
  /** A position as row·i + column·j + offset. */
  const position = (tree: Tree): Position | undefined => {
    if (tree.kind === 'const') return { row: 0, column: 0, offset: tree.value };
    if (tree.kind === 'iota') {
      const others = tree.strides.some((stride, axis) => stride !== 0 && axis !== rowAxis && axis !== columnAxis);
      return others
        ? undefined
        : { row: tree.strides[rowAxis]!, column: tree.strides[columnAxis]!, offset: tree.offset };
    }
    if (tree.kind !== 'op' || tree.dtype !== 'int32' || (tree.op !== 'add' && tree.op !== 'sub')) return undefined;
    const [a, b] = tree.args.map(position);
    if (!a || !b) return undefined;
    const sign = tree.op === 'add' ? 1 : -1;
    const offset = a.offset + sign * b.offset;
    // Larger ones could wrap around.
    if (Math.abs(offset) > 2 ** 30) return undefined;
    return { row: a.row + sign * b.row, column: a.column + sign * b.column, offset };
  };
  return Math.max(Number.NEGATIVE_INFINITY, ...roots.map(visit));
}

/** How many of n columns rows before `next` read, rounded up to some panels; undefined where it is all of them. */
export function columnsBefore(next: Expr, furthest: number, n: number): Expr | undefined {
  if (!(furthest < n - 1)) return undefined;
  if (furthest === Number.NEGATIVE_INFINITY) return i32c(Math.min(n, step));
  const up = op('i32.and', op('i32.add', next, i32c(furthest + step - 1)), i32c(-step));
  const least = select(op('i32.gt_s', up, i32c(step)), up, i32c(step));
  return select(op('i32.lt_s', least, i32c(n)), least, i32c(n));
}

const step = 16;

interface Position {
  readonly row: number;
  readonly column: number;
  readonly offset: number;
}
