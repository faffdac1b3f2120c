import { type DType, isFloating } from '../../../src/core/dtype.ts';
import type { Expr } from '../../wasm/code.ts';
import { scalarOp } from '../expressions/scalar-code.ts';
import type { Tree } from '../expressions/tree.ts';
import { integerTested } from '../expressions/truth.ts';
import { noMath } from '../expressions/vector-code.ts';

/** How a fold joins two elements. */
export type Combine = 'add' | 'mul' | 'max' | 'min' | 'and' | 'or';

/** What a fold of no elements is. */
export function identityOf(combine: Combine, dtype: DType): number {
  switch (combine) {
    case 'add':
    case 'or':
      return 0;
    case 'mul':
    case 'and':
      return 1;
    case 'max':
      return isFloating(dtype) ? Number.NEGATIVE_INFINITY : dtype === 'int32' ? -(2 ** 31) : 0;
    case 'min':
      return isFloating(dtype) ? Number.POSITIVE_INFINITY : dtype === 'int32' ? 2 ** 31 - 1 : 2 ** 32 - 1;
  }
}

/** What a fold in which NaN counts as nothing folds: x, where `tree` is x but for the fold's identity instead of NaN. */
export function foldedButNaN(combine: Combine, tree: Tree): Tree | undefined {
  if ((combine !== 'max' && combine !== 'min') || tree.kind !== 'op' || tree.op !== 'select') return undefined;
  const [test, neutral, x] = tree.args as [Tree, Tree, Tree];
  const isNaN = test.kind === 'op' && test.op === 'ne' && test.args.every((arg) => arg === x);
  const isNeutral = neutral.kind === 'const' && neutral.value === identityOf(combine, tree.dtype);
  return isNaN && isNeutral && isFloating(tree.dtype) ? x : undefined;
}

/**
 * What a fold of bools that say whether integers are not 0 folds instead, without a comparison: any is where any of their bits is,
 * and all are where the smallest, without a sign, is not 0.
 */
export function foldedIntegers(combine: Combine, tree: Tree): { combine: 'or' | 'min'; root: Tree } | undefined {
  const root = integerTested(tree);
  if (!root || (combine !== 'and' && combine !== 'or')) return undefined;
  return { combine: combine === 'or' ? 'or' : 'min', root };
}

/** `combine` on rank-0 values. */
export const combineScalars = (combine: Combine, dtype: DType, a: Expr, b: Expr, name: (e: Expr) => Expr): Expr =>
  scalarOp(combine, dtype, [a, b], dtype, name, noMath);
