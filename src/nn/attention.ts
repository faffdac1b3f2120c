/** Attention. */
import type { ArrayLike, NDArray } from '../array.ts';
import { DtypeError, ShapeError } from '../core/errors.ts';
import { checkChoice, checkNumbers, optionsOf } from '../core/options.ts';
import { recorded } from '../core/recorded.ts';
import { broadcastShapes, sameShape } from '../core/shape.ts';
import type { Value } from '../core/trace.ts';
import { add, mul } from '../lax/arithmetic.ts';
import { ge, select } from '../lax/compare.ts';
import { broadcastedIota } from '../lax/creation.ts';
import { broadcastTo, reshape } from '../lax/movement.ts';
import { matmul } from '../numpy/products.ts';
import { matrixTranspose, swapaxes } from '../numpy/shape.ts';
import { finfo } from '../numpy/testing.ts';
import { promoteDTypes, toFloating, toValue } from '../promote.ts';
import { softmax } from './normalise.ts';

export interface AttentionOptions {
  /** Added to the logits; broadcasts to [batch, heads, queries, keys]. */
  bias?: ArrayLike;
  /** Bools that broadcast to [batch, heads, queries, keys]: whether the key takes part. */
  mask?: ArrayLike;
  /** What logits are multiplied by: 1 / √(size of a head) when left out. */
  scale?: number;
  /** Keys after the query take no part. */
  isCausal?: boolean;
}

/**
 * softmax(Q Kᵀ / √h + bias) V for each head (Vaswani et al., Attention is all you need, 2017).
 *
 * @param query [batch, queries, heads, h], or without the batch
 * @param key [batch, keys, heads, h]; with fewer heads, each serves as many heads of queries that follow one another
 * @param value of the shape of `key`
 * @returns an array of the shape of `query`. Where a query has no key, it is the mean of the values.
 * @example
 * const x = random.normal(random.key(0), [16, 4, 8]); // 16 tokens, 4 heads
 * nn.dotProductAttention(x, x, x, { isCausal: true }); // f32[16,4,8]
 * @throws ShapeError when shapes do not fit
 */
export const dotProductAttention: (
  query: ArrayLike,
  key: ArrayLike,
  value: ArrayLike,
  given?: AttentionOptions,
) => NDArray = recorded((query, key, value, given = {}) => {
  const name = 'dotProductAttention';
  const { bias, mask, scale, isCausal = false } = optionsOf(name, given, ['bias', 'mask', 'scale', 'isCausal']);
  checkChoice(name, '`isCausal`', isCausal, [true, false]);
  checkNumbers(name, given, ['scale']);
  const [q, k, v] = promoteDTypes(name, [query, key, value]).map((x) => toFloating(x, name)) as [Value, Value, Value];
  const [heads, size] = q.shape.slice(-2) as [number, number];
  const groups = k.shape.at(-2)!;
  const fits =
    (q.ndim === 3 || q.ndim === 4) &&
    k.ndim === q.ndim &&
    sameShape(k.shape, v.shape) &&
    k.shape.at(-1) === size &&
    heads % groups === 0 &&
    (q.ndim === 3 || q.shape[0] === k.shape[0]);
  if (!fits) throw new ShapeError(`${name}: query ${q.aval}, key ${k.aval} and value ${v.aval} do not fit.`);
  const [queries, keys] = [q.shape.at(-3)!, k.shape.at(-3)!];
  const batch = q.shape.slice(0, -3);
  // [batch, groups, heads of a group, tokens, size]: keys and values broadcast over the heads of a group.
  const grouped = reshape(swapaxes(q, -3, -2), [...batch, groups, heads / groups, queries, size]);
  const shared = (x: Value): Value => reshape(swapaxes(x, -3, -2), [...batch, groups, 1, keys, size]);
  const shape = [...batch, heads, queries, keys];
  // Nothing between the products changes the shape, so that one kernel can be between them.
  const inGroups = [...batch, groups, heads / groups, queries, keys];
  const fitted = (what: string, x: Value): Value => reshape(fitting(name, what, x, shape), inGroups);
  let logits: Value = mul(matmul(grouped, matrixTranspose(shared(k))), scale ?? 1 / Math.sqrt(size));
  if (bias !== undefined) logits = add(logits, fitted('bias', toValue(bias, name).astype(q.dtype)));
  // Not −∞: a query without keys would be NaN, and so would derivatives.
  const never = -0.7 * finfo(logits.dtype).max;
  if (mask !== undefined) {
    const taken = toValue(mask, name);
    if (taken.dtype !== 'bool')
      throw new DtypeError(`${name}: the mask must be bool, but it is ${taken.aval}.`, {
        hint: 'numbers that are added to the logits are the `bias`',
      });
    logits = select(fitted('mask', taken), logits, never);
  }
  if (isCausal) {
    const at = (axis: number): Value => broadcastedIota('int32', [queries, keys], axis);
    logits = select(broadcastTo(ge(at(0), at(1)), inGroups), logits, never);
  }
  const mixed = reshape(matmul(softmax(logits), shared(v)), [...batch, heads, queries, size]);
  return swapaxes(mixed, -3, -2);
});

function fitting(name: string, what: string, x: Value, shape: readonly number[]): Value {
  const joint = broadcastShapes(x.shape, shape);
  if (!joint || !sameShape(joint, shape))
    throw new ShapeError(`${name}: the ${what} ${x.aval} does not broadcast to the logits, [${shape}].`);
  return broadcastTo(x, shape);
}
