/** Programs within programs: what they do to errors is what their equations do. */

import type { LowerRule } from '../../jit/lower-rule.ts';
import { shapedArray } from '../../src/core/aval.ts';
import { allocate } from '../../src/core/dtype.ts';
import type { Jaxpr } from '../../src/core/jaxpr.ts';
import type { Primitive } from '../../src/core/primitive.ts';
import type { Bounded } from './error-bound.ts';

type Evaluate = (jaxpr: Jaxpr, inputs: readonly Bounded[]) => Bounded[];
type Inner = (operands: readonly Bounded[], primitive: Primitive, params: object, evaluate: Evaluate) => Bounded[];
type Lowering<K> = Extract<LowerRule<object>, { readonly kind: K }>;

/** Slice i of an array along its leading axis. */
function sliceOf(x: Bounded, i: number): Bounded {
  const shape = x.aval.shape.slice(1);
  const aval = shapedArray(shape, x.aval.dtype, x.aval.weakType);
  const n = aval.size;
  return { aval, data: x.data.slice(i * n, (i + 1) * n), error: x.error?.slice(i * n, (i + 1) * n) };
}

function stack(slices: readonly Bounded[], aval: Bounded['aval'], length: number): Bounded {
  const n = aval.size;
  const full = shapedArray([length, ...aval.shape], aval.dtype, aval.weakType);
  const data = allocate(aval.dtype, length * n);
  const uncertain = slices.some((s) => s.error);
  const error = uncertain ? new Float64Array(length * n) : undefined;
  slices.forEach((s, i) => {
    data.set(s.data, i * n);
    if (s.error) error!.set(s.error, i * n);
  });
  return { aval: full, data, error };
}

/** By the kind of lowering, which says what a primitive's programs are and how its operands go to them. */
export const controlFlow: Readonly<Record<string, Inner>> = {
  inline: (operands, { lower }, params, evaluate) => {
    const inner = (lower as Lowering<'inline'>).jaxpr(
      params,
      operands.map((x) => x.aval),
    );
    return evaluate(inner.jaxpr, inner.operands ? inner.operands.map((i) => operands[i]!) : operands);
  },
  cond: ([index, ...operands], { lower }, params, evaluate) => {
    const branches = (lower as Lowering<'cond'>).branches(params);
    return evaluate(branches[Math.min(Math.max(index!.data[0]!, 0), branches.length - 1)]!, operands);
  },
  while: (operands, { lower }, params, evaluate) => {
    const { cond, body, condConsts, bodyConsts } = (lower as Lowering<'while'>).loop(params);
    const tests = operands.slice(0, condConsts);
    const consts = operands.slice(condConsts, condConsts + bodyConsts);
    let carry = operands.slice(condConsts + bodyConsts);
    for (let steps = 0; evaluate(cond, [...tests, ...carry])[0]!.data[0]; steps++) {
      if (steps > 10_000) throw new Error('a loop of a random program does not end');
      carry = evaluate(body, [...consts, ...carry]);
    }
    return carry;
  },
  scan: (operands, { lower }, params, evaluate) => {
    const { body, length, reverse, consts, carry: n } = (lower as Lowering<'scan'>).loop(params);
    const fixed = operands.slice(0, consts);
    let carry = operands.slice(consts, consts + n);
    const xs = operands.slice(consts + n);
    const ys: Bounded[][] = new Array(length);
    for (let step = 0; step < length; step++) {
      const i = reverse ? length - 1 - step : step;
      const outs = evaluate(body, [...fixed, ...carry, ...xs.map((x) => sliceOf(x, i))]);
      carry = outs.slice(0, n);
      ys[i] = outs.slice(n);
    }
    const stacked = body.outAvals.slice(n).map((aval, k) =>
      stack(
        ys.map((slices) => slices[k]!),
        aval,
        length,
      ),
    );
    return [...carry, ...stacked];
  },
};
