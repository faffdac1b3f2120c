/**
 * Bools of four elements: a vector of 32-bit masks, or two of 64-bit masks where they come from float64. Those stay what
 * they are for as long as what reads them is float64 as well; between the two lie three instructions.
 */

import type { ElementOp } from '../../element.ts';
import { bitselect, type Expr, op, shuffle } from '../../wasm/code.ts';
import type { Let } from './scalar-code.ts';

export type Mask = readonly Expr[];

/** In how many vectors. */
export type MaskParts = 1 | 2;

/** The low words of the 64-bit lanes of two vectors. */
const words = (a: Expr, b: Expr): Expr => shuffle(a, b, [0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27]);

/** The mask in as many vectors as asked for. */
export function maskIn(parts: MaskParts, mask: Mask, name: Let): Mask {
  if (mask.length === parts) return mask;
  const [first, second] = mask as [Expr, Expr];
  if (parts === 1) return [words(first, second)];
  // All bits of a constant are equal.
  if (first.kind === 'const') return [first, first];
  const narrow = name(first);
  return [op('i64x2.extend_low_i32x4_s', narrow), op('i64x2.extend_high_i32x4_s', narrow)];
}

const isZero = (x: Expr): boolean => x.kind === 'const' && x.type === 'v128' && x.bytes.every((byte) => byte === 0);

/** `mask ? a : b` in each lane: one instruction where either is 0, else three of x86. */
export const choose = (mask: Mask, a: readonly Expr[], b: readonly Expr[]): readonly Expr[] =>
  a.map((part, i) => {
    if (isZero(b[i]!)) return op('v128.and', part, mask[i]!);
    return isZero(part) ? op('v128.andnot', b[i]!, mask[i]!) : bitselect(mask[i]!, part, b[i]!);
  });

/** A mask is −1 where true: of two signed numbers, true is the smaller. */
const comparisons: Partial<Record<ElementOp, string>> = {
  eq: 'eq',
  ne: 'ne',
  lt: 'gt_s',
  le: 'ge_s',
  gt: 'lt_s',
  ge: 'le_s',
};

/** Logic and comparisons of masks, in as many vectors as the operands. */
export function maskOp(operation: ElementOp, operands: readonly Mask[]): Mask | undefined {
  const [x] = operands as [Mask];
  const comparison = comparisons[operation];
  const isLogic = operation === 'and' || operation === 'or' || operation === 'xor' || operation === 'not';
  if (!comparison && !isLogic) return undefined;
  const instruction = isLogic ? `v128.${operation}` : `${x.length === 2 ? 'i64x2' : 'i32x4'}.${comparison}`;
  return x.map((_, i) => op(instruction, ...operands.map((mask) => mask[i]!)));
}
