/** Derivatives of scatters. */
import type { JvpRule } from '../../transforms/jvp.ts';
import { isLinear, type TransposeRule } from '../../transforms/transpose.ts';
import type { ShapedArray } from '../core/aval.ts';
import { bind1, type Value } from '../core/trace.ts';
import { isZero } from '../core/zero.ts';
import { add, div, mul } from './arithmetic.ts';
import { eq, select } from './compare.ts';
import { convert } from './convert.ts';
import { full, iota, zerosLike } from './creation.ts';
import { gatherP } from './gather.ts';
import { reshape } from './movement.ts';
import { materialize } from './rule-helpers.ts';
import { type ScatterOp, type ScatterParams, scatterP, windowMap } from './scatter.ts';

type JvpArguments = Parameters<JvpRule<ScatterParams>>;
type JvpResult = ReturnType<JvpRule<ScatterParams>>;
type TransposeArguments = Parameters<TransposeRule<ScatterParams>>;
type TransposeResult = ReturnType<TransposeRule<ScatterParams>>;

/** Reads, for each update, the element of `x` that it is written to. */
const gatherLike = (x: Value, indices: Value, updates: ShapedArray, p: ScatterParams, fillValue = 0): Value =>
  bind1(gatherP, [x, indices], { ...windowMap(x.aval.shape, updates.shape, p), mode: p.mode, fillValue });

export const bindOp = (which: ScatterOp, operands: readonly Value[], p: ScatterParams): Value =>
  bind1(scatterP[which], operands, p);

/** Where the update is the one that stays: the last that is written to its element. Updates are numbered and followed. */
function lastWrites(operand: ShapedArray, indices: Value, updates: ShapedArray, p: ScatterParams): Value {
  const ids = reshape(iota('int32', updates.size), updates.shape);
  const written = bindOp('set', [full(operand.shape, -1, 'int32'), indices, ids], p);
  return eq(gatherLike(written, indices, updates, p, -1), ids);
}

export function setTranspose(...[[ct], [x, indices, updates], p]: TransposeArguments): TransposeResult {
  const at = indices as Value;
  let update: Value | undefined;
  if (isLinear(updates)) {
    update = gatherLike(ct as Value, at, updates.aval, p);
    if (!p.uniqueIndices) {
      update = select(lastWrites(x!.aval, at, updates.aval, p), update, zerosLike(update.aval));
    }
  }
  return [isLinear(x) ? bindOp('set', [ct as Value, at, zerosLike(updates!.aval)], p) : undefined, undefined, update];
}

export function addTranspose(...[[ct], [x, indices, updates], p]: TransposeArguments): TransposeResult {
  return [
    isLinear(x) ? (ct as Value) : undefined,
    undefined,
    isLinear(updates) ? gatherLike(ct as Value, indices as Value, updates.aval, p) : undefined,
  ];
}

/** Set and add are linear: the same operation on the tangents. A set's last write wins in the tangents as well. */
export function linearJvp(which: 'set' | 'add'): JvpRule<ScatterParams> {
  return ([x, indices, updates], [dx, , du], p) => [
    [bindOp(which, [x!, indices!, updates!], p)],
    [bindOp(which, [materialize(dx!), indices!, materialize(du!)], p)],
  ];
}

/**
 * out = x · Π u over the updates of an element. Each tangent is multiplied by the product of all other factors. Where
 * no factor is 0 that is out / u; to be right with zeros too, the product of the factors that are not 0 and the number
 * of those that are 0 are computed apart. (First derivatives only: a second one at a factor of 0 misses the terms in
 * which that factor is differentiated.)
 */
export function mulJvp(...[[x, indices, updates], [dx, , du], p]: JvpArguments): JvpResult {
  const [a, at, u] = [x!, indices!, updates!];
  const { dtype } = a.aval;
  const ones = full(a.aval.shape, 1, dtype);
  let tangent: Value | undefined;
  if (!isZero(dx!)) tangent = mul(dx, bindOp('mul', [ones, at, u], p));
  if (!isZero(du!)) {
    const isNull = eq(u, 0);
    const nonzero = select(isNull, full(u.aval.shape, 1, dtype), u);
    const zeros = bindOp('add', [full(a.aval.shape, 0, dtype), at, convert(isNull, dtype)], p);
    const product = gatherLike(bindOp('mul', [a, at, nonzero], p), at, u.aval, p);
    const otherZeros = add(gatherLike(zeros, at, u.aval, p), mul(convert(isNull, dtype), -1));
    const others = select(eq(otherZeros, 0), div(product, nonzero), zerosLike(u.aval));
    const share = bindOp('add', [full(a.aval.shape, 0, dtype), at, mul(du, others)], p);
    tangent = tangent ? add(tangent, share) : share;
  }
  return [[bindOp('mul', [a, at, u], p)], [tangent!]];
}

/** The tangent of whichever value is the result; where several are, their mean (as for `reduceMax`). */
export function extremeJvp(which: 'min' | 'max'): JvpRule<ScatterParams> {
  return ([x, indices, updates], [dx, , du], p) => {
    const [a, at, u] = [x!, indices!, updates!];
    const { dtype } = a.aval;
    const out = bindOp(which, [a, at, u], p);
    const oldWins = convert(eq(a, out), dtype);
    const updateWins = convert(eq(u, gatherLike(out, at, u.aval, p, Number.NaN)), dtype);
    const ties = bindOp('add', [oldWins, at, updateWins], p);
    const old = mul(materialize(dx!), oldWins);
    const sum = bindOp('add', [old, at, mul(materialize(du!), updateWins)], p);
    return [[out], [div(sum, ties)]];
  };
}
