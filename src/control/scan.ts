/** `scan`: a body folded over the leading axis of its operands, carrying a state and stacking results. */
import { interpretArrays } from '../../jit/interpret.ts';
import { addLanes, batchJaxpr } from '../../transforms/vmap.ts';
import { allocate, type TypedArray } from '../core/dtype.ts';
import { deadCodeElimination, Jaxpr } from '../core/jaxpr.ts';
import { exact, type HostArray, type Primitive, primitive } from '../core/primitive.ts';
import { range } from '../core/shape.ts';
import { bind, type Value } from '../core/trace.ts';
import { transpose } from '../lax/movement.ts';
import { count, or, split, where } from './flags.ts';
import { guardJaxpr } from './guard-effects.ts';
import { jvpScan, partialEvalScan, transposeScan } from './scan-derivatives.ts';

export interface ScanParams {
  /** (constants, carry, slices of xs) → (carry, slices of ys). */
  readonly body: Jaxpr;
  readonly length: number;
  readonly reverse: boolean;
  /** Steps per turn of the compiled loop. */
  readonly unroll: number;
  readonly consts: number;
  readonly carry: number;
}

export const scanP: Primitive<ScanParams> = primitive<ScanParams>({
  name: 'scan',
  hot: true,
  type: (_, { body, length, carry }) =>
    body.outAvals.map((aval, i) => (i < carry ? aval : aval.withShape([length, ...aval.shape]))),
  run: runScan,
  accuracy: exact,
  jvp: jvpScan,
  partialEval: partialEvalScan,
  transpose: transposeScan,
  batch: batchScan,
  guard: (active, args, params) =>
    bind(scanP, [active, ...args], { ...params, body: guardJaxpr(params.body), consts: params.consts + 1 }),
  lower: { kind: 'scan', loop: (params) => params },
  dce: (eqn, used) => {
    const { body, consts, carry, ...loop } = eqn.params as ScanParams;
    let live = used.slice(0, carry);
    const ys = used.slice(carry);
    for (;;) {
      const next = or(live, deadCodeElimination(body, [...live, ...ys]).usedInputs.slice(consts, consts + carry));
      if (count(next) === count(live)) break;
      live = next;
    }
    const { jaxpr, usedInputs } = deadCodeElimination(body, [...live, ...ys]);
    const keep = usedInputs.map((u, i) => (i >= consts && i < consts + carry ? live[i - consts]! : u));
    if (keep.every(Boolean) && ys.every(Boolean) && live.every(Boolean)) return undefined;
    const params: ScanParams = {
      body: new Jaxpr(where(jaxpr.inVars, keep), jaxpr.eqns, jaxpr.outs),
      ...loop,
      consts: count(keep.slice(0, consts)),
      carry: count(live),
    };
    return {
      eqn: { ...eqn, inputs: where(eqn.inputs, keep), outputs: where(eqn.outputs, [...live, ...ys]), params },
      usedInputs: keep,
    };
  },
});

function runScan(inputs: readonly HostArray[], { body, length, reverse, consts, carry: n }: ScanParams): TypedArray[] {
  const [constArgs, init, xs] = split(inputs, consts, n);
  let carry = init!;
  const ys = body.outAvals.slice(n).map((aval) => allocate(aval.dtype, aval.size * length));
  for (let step = 0; step < length; step++) {
    const at = reverse ? length - 1 - step : step;
    const slices = xs!.map((x, i) => {
      const aval = body.inAvals[consts + n + i]!;
      return { aval, data: x.data.slice(at * aval.size, (at + 1) * aval.size) };
    });
    const outs = interpretArrays(body, [...constArgs!, ...carry, ...slices]);
    carry = outs.slice(0, n);
    outs.slice(n).forEach((y, i) => {
      ys[i]!.set(y.data, at * y.aval.size);
    });
  }
  return [...carry.map((c) => c.data.slice()), ...ys];
}

const swapLeading = (x: Value): Value => transpose(x, [1, 0, ...range(x.ndim - 2).map((i) => i + 2)]);

function batchScan(size: number, args: readonly Value[], batched: readonly boolean[], params: ScanParams) {
  const { body, consts, carry: n } = params;
  const [constBatched, initBatched, xsBatched] = split(batched, consts, n) as [boolean[], boolean[], boolean[]];
  const ny = body.outs.length - n;
  const noYs = new Array<boolean>(ny).fill(false);
  let carryBatched = initBatched;
  for (;;) {
    const out = batchJaxpr(
      body,
      size,
      [...constBatched, ...carryBatched, ...xsBatched],
      [...carryBatched, ...noYs],
    ).batched;
    const next = or(carryBatched, out.slice(0, n));
    if (count(next) === count(carryBatched)) break;
    carryBatched = next;
  }
  const result = batchJaxpr(body, size, [...constBatched, ...carryBatched, ...xsBatched], [...carryBatched, ...noYs]);
  const [constArgs, init, xs] = split(args, consts, n) as [Value[], Value[], Value[]];
  const outs = bind(
    scanP,
    [
      ...constArgs,
      ...init.map((v, i) => (carryBatched[i] && !initBatched[i] ? addLanes(v, size) : v)),
      ...xs.map((x, i) => (xsBatched[i] ? swapLeading(x) : x)),
    ],
    { ...params, body: result.jaxpr } satisfies ScanParams,
  );
  return {
    outs: outs.map((out, i) => (i >= n && result.batched[i] ? swapLeading(out) : out)),
    batched: [...carryBatched, ...result.batched.slice(n)],
  };
}
