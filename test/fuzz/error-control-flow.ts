/** Programs within programs: what they do to errors is what their equations do. */

import { customVjpLinearP } from '../../src/control/custom-vjp.ts';
import { shapedArray } from '../../src/core/aval.ts';
import { allocate } from '../../src/core/dtype.ts';
import type { Jaxpr } from '../../src/core/jaxpr.ts';
import { transposeJaxpr } from '../../transforms/transpose.ts';
import type { Bounded } from './error-bound.ts';

type Evaluate = (jaxpr: Jaxpr, inputs: readonly Bounded[]) => Bounded[];
type Inner = (operands: readonly Bounded[], params: any, evaluate: Evaluate) => Bounded[];

const without = (operands: readonly Bounded[], from: number, count: number): Bounded[] => [
  ...operands.slice(0, from),
  ...operands.slice(from + count),
];

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

const inline =
  (jaxprOf: (params: any) => Jaxpr): Inner =>
  (operands, params, evaluate) =>
    evaluate(jaxprOf(params), operands);

export const controlFlow: Readonly<Record<string, Inner>> = {
  jit: inline((p) => p.jaxpr),
  checkpoint: inline((p) => p.jaxpr),
  custom_linear_solve: inline((p) => p.solve),
  custom_root: inline((p) => p.solver),
  custom_jvp_call: (operands, p, evaluate) => evaluate(p.call, without(operands, p.callConsts, p.ruleConsts)),
  custom_vjp_call: (operands, p, evaluate) => evaluate(p.call, without(operands, p.callConsts, p.ruleConsts)),
  [customVjpLinearP.name]: (operands, { bwd, residuals }, evaluate) => {
    const linear = bwd.inVars.map((_: unknown, i: number) => i >= residuals);
    const all = (n: number): boolean[] => new Array(n).fill(true);
    return evaluate(
      transposeJaxpr(bwd, linear, all(bwd.outs.length), all(bwd.inVars.length - residuals)).jaxpr,
      operands,
    );
  },
  cond: ([index, ...operands], { branches }, evaluate) =>
    evaluate(branches[Math.min(Math.max(index!.data[0]!, 0), branches.length - 1)], operands),
  while: (operands, { cond, body, condConsts, bodyConsts }, evaluate) => {
    const tests = operands.slice(0, condConsts);
    const consts = operands.slice(condConsts, condConsts + bodyConsts);
    let carry = operands.slice(condConsts + bodyConsts);
    for (let steps = 0; evaluate(cond, [...tests, ...carry])[0]!.data[0]; steps++) {
      if (steps > 10_000) throw new Error('a loop of a random program does not end');
      carry = evaluate(body, [...consts, ...carry]);
    }
    return carry;
  },
  scan: (operands, { body, length, reverse, consts, carry: n }, evaluate) => {
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
    const stacked = (body as Jaxpr).outAvals.slice(n).map((aval, k) =>
      stack(
        ys.map((slices) => slices[k]!),
        aval,
        length,
      ),
    );
    return [...carry, ...stacked];
  },
};
