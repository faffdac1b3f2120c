import { byteSize } from '../../../src/core/dtype.ts';
import type { MathType } from '../../math/index.ts';
import { type Expr, i32c, op } from '../../wasm/code.ts';
import { loadElement } from '../../wasm/loop-nest.ts';
import { constant, type Let, scalarOp } from './scalar-code.ts';
import { operandsOf, type Tree } from './tree.ts';

/** The value of a rank-0 tree, for the driver. Shared subtrees are named. */
export function scalarValue(root: Tree, name: Let, math: (fn: string, type: MathType) => string): Expr {
  const uses = new Map<Tree, number>();
  const count = (tree: Tree): void => {
    const seen = uses.get(tree) ?? 0;
    uses.set(tree, seen + 1);
    if (seen === 0) operandsOf(tree).forEach(count);
  };
  count(root);
  const memo = new Map<Tree, Expr>();
  const visit = (tree: Tree): Expr => {
    let value = memo.get(tree);
    if (value) return value;
    switch (tree.kind) {
      case 'const':
        return constant(tree.value, tree.dtype);
      case 'scalar':
        return tree.scalar.expr;
      case 'iota':
        return i32c(tree.offset);
      case 'array':
        value = loadElement(tree.dtype, tree.buffer.ptr, tree.offset * byteSize(tree.dtype));
        break;
      case 'gather': {
        const [from, bytes] = tree.args;
        if (from.kind === 'held') throw new Error('an address of a loop has lanes');
        const { buffer, offset } = from;
        const ptr = op('i32.add', buffer.ptr, visit(bytes));
        value = loadElement(tree.dtype, ptr, offset * byteSize(tree.dtype));
        break;
      }
      case 'op': {
        const args = tree.args.map(visit);
        const argType = tree.args[tree.op === 'select' ? 1 : 0]!.dtype;
        const type = argType === 'float64' ? 'f64' : 'f32';
        value = scalarOp(tree.op, tree.dtype, args, argType, name, (fn) => math(fn, type), tree.fn);
        break;
      }
      default:
        throw new Error(`a ${tree.kind} has lanes`);
    }
    if (uses.get(tree)! > 1) value = name(value);
    memo.set(tree, value);
    return value;
  };
  return visit(root);
}
