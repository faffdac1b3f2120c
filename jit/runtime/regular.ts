/** Expressions that are simpler for nearly all values of the operands that come by value. */
import { isFloating } from '../../src/core/dtype.ts';
import { forEachTree, operandsOf, type Tree, withOperands } from '../lower/expressions/tree.ts';
import type { Scalar } from '../lower/storage.ts';
import { type Expr, type FunctionBuilder, i32c, op } from '../wasm/code.ts';

/** Whether the value of a scalar is regular. */
type Condition = (value: Expr) => Expr;

/** An expression, and what has to be regular for it to hold. */
export interface RegularVersion {
  readonly root: Tree;
  readonly conditions: readonly (readonly [Scalar, Condition])[];
}

const isNumberButZero: Condition = (x) =>
  op(`${x.type}.gt`, op(`${x.type}.abs`, x), { kind: 'const', type: x.type as 'f64', value: 0 });

const isFalse: Condition = (flag) => op('i32.eqz', flag);

/** That the power of 2 with this exponent is a normal number, of which `largest` has the largest. */
const isNormalExponent =
  (largest: number): Condition =>
  (n) =>
    op('i32.le_u', op('i32.add', n, i32c(largest - 1)), i32c(2 * largest - 1));

/**
 * The same for operands by value that are regular. Floating-point bounds are compared and chosen, which is right unless a bound is
 * zero, whose sign matters, or NaN: what is right for all takes three to five instructions. `fmax` and `fmin`, which choose where a
 * bound is NaN too, need not look. Products with a power of 2 are products with one number, unless its exponent takes two steps.
 */
export function regularVersion(root: Tree): RegularVersion {
  const conditions: [Scalar, Condition][] = [];
  const memo = new Map<Tree, Tree>();
  const isNever = (test: Tree, bound: Tree): boolean => {
    if (bound.kind !== 'scalar') return false;
    if (test.kind === 'scalar') conditions.push([test.scalar, isFalse]);
    else if (test.kind === 'op' && test.op === 'ne' && test.args.every((arg) => arg === bound))
      conditions.push([bound.scalar, isNumberButZero]);
    else return false;
    return true;
  };
  const simplified = (tree: Tree): Tree => {
    if (tree.kind !== 'op' || !isFloating(tree.dtype)) return tree;
    const { op: operation, dtype, args, fn } = tree;
    const [x, y, z] = args as [Tree, Tree, Tree];
    if (operation === 'select' && x.kind === 'op' && x.op === 'or' && isNever(x.args[1]!, z))
      return { kind: 'op', dtype, op: 'select', args: [x.args[0]!, y, z] };
    if (operation === 'max' || operation === 'min') {
      const [value, bound] = y.kind === 'scalar' ? [x, y] : [y, x];
      if (bound.kind !== 'scalar') return tree;
      conditions.push([bound.scalar, isNumberButZero]);
      const beyond: Tree = { kind: 'op', dtype: 'bool', op: operation === 'max' ? 'lt' : 'gt', args: [value, bound] };
      return { kind: 'op', dtype, op: 'select', args: [beyond, bound, value] };
    }
    if (operation === 'call' && fn === 'scalb' && y.kind === 'op' && y.op === 'convert') {
      const [exponent] = y.args as [Tree];
      if (exponent.kind !== 'scalar' || exponent.dtype !== 'int32') return tree;
      conditions.push([exponent.scalar, isNormalExponent(dtype === 'float64' ? 1023 : 127)]);
      const power: Tree = { ...tree, args: [{ kind: 'const', dtype, value: 1 }, y] };
      return { kind: 'op', dtype, op: 'mul', args: [x, power] };
    }
    return tree;
  };
  forEachTree(root, (tree) => {
    const own = withOperands(
      tree,
      operandsOf(tree).map((arg) => memo.get(arg)!),
    );
    memo.set(tree, simplified(own));
  });
  return { root: memo.get(root)!, conditions };
}

/** Writes the simpler version where the values are regular, and the general one elsewhere. */
export function inVersions(
  f: FunctionBuilder,
  conditions: RegularVersion['conditions'],
  values: ReadonlyMap<object, Expr>,
  simpler: () => void,
  general: () => void,
): void {
  const tests = conditions.map(([scalar, isRegular]) => isRegular(values.get(scalar)!));
  if (tests.length === 0) general();
  else
    f.if(
      tests.reduce((a, b) => op('i32.and', a, b)),
      simpler,
      general,
    );
}
