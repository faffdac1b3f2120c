import { type DType, isFloating } from '../../../src/core/dtype.ts';
import type { Expr } from '../../code.ts';
import { scalarOp } from '../scalar-code.ts';
import { noMath } from '../vector-code.ts';

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

/** `combine` on rank-0 values. */
export const combineScalars = (combine: Combine, dtype: DType, a: Expr, b: Expr, name: (e: Expr) => Expr): Expr =>
  scalarOp(combine, dtype, [a, b], dtype, name, noMath);
