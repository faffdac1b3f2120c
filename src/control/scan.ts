/** `scan`: a body folded over the leading axis of its operands, carrying a state and stacking results. */
import { interpretArrays } from '../../jit/interpret.ts';
import { instantiate, jvpJaxpr, type Tangent } from '../../transforms/jvp.ts';
import { type PartialEvalTrace, partialEvalJaxpr } from '../../transforms/partial-eval.ts';
import { backwardPass, type Cotangent, isLinear, type Linear } from '../../transforms/transpose.ts';
import { addLanes, batchJaxpr } from '../../transforms/vmap.ts';
import { allocate, type TypedArray } from '../core/dtype.ts';
import { deadCodeElimination, Jaxpr, Var } from '../core/jaxpr.ts';
import { exact, type HostArray, type Primitive, primitive } from '../core/primitive.ts';
import { range } from '../core/shape.ts';
import { stage } from '../core/stage.ts';
import { bind, type Value } from '../core/trace.ts';
import { isZero, Zero } from '../core/zero.ts';
import { add } from '../lax/arithmetic.ts';
import { transpose } from '../lax/movement.ts';
import { always, count, merge, not, or, order, reorder, split, where } from './flags.ts';

export interface ScanParams {
  /** (constants, carry, slices of xs) → (carry, slices of ys). */
  readonly body: Jaxpr;
  readonly length: number;
  readonly reverse: boolean;
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
  lower: { kind: 'scan', loop: (params) => params },
  dce: (eqn, used) => {
    const { body, length, reverse, consts, carry } = eqn.params as ScanParams;
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
      length,
      reverse,
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

function jvpScan(primals: readonly Value[], tangents: readonly Tangent[], params: ScanParams): [Value[], Tangent[]] {
  const { body, length, reverse, consts, carry: n } = params;
  const [constTangents, initTangents, xsTangents] = split(tangents, consts, n);
  const flags = (ts: readonly Tangent[]) => ts.map((t) => !isZero(t));
  const constNonzero = flags(constTangents!);
  const xsNonzero = flags(xsTangents!);
  const nx = xsNonzero.length;
  const ny = body.outs.length - n;
  const noYs = new Array<boolean>(ny).fill(false);
  let nonzero = flags(initTangents!);
  for (;;) {
    const out = jvpJaxpr(body, [...constNonzero, ...nonzero, ...xsNonzero], [...nonzero, ...noYs]).outNonzero;
    const next = or(nonzero, out.slice(0, n));
    if (count(next) === count(nonzero)) break;
    nonzero = next;
  }
  const result = jvpJaxpr(body, [...constNonzero, ...nonzero, ...xsNonzero], [...nonzero, ...noYs]);
  const ysNonzero = result.outNonzero.slice(n);
  const [ct, nt, xt, yt] = [count(constNonzero), count(nonzero), count(xsNonzero), count(ysNonzero)] as const;
  const all = consts + n + nx;
  const jvpBody = reorder(
    result.jaxpr,
    order([0, consts], [all, ct], [consts, n], [all + ct, nt], [consts + n, nx], [all + ct + nt, xt]),
    order([0, n], [n + ny, nt], [n, ny], [n + ny + nt, yt]),
  );
  const [constArgs, init, xs] = split(primals, consts, n);
  const values = (ts: readonly Tangent[], has: readonly boolean[]) => where(ts, has).map(instantiate);
  const outs = bind(
    scanP,
    [
      ...constArgs!,
      ...values(constTangents!, constNonzero),
      ...init!,
      ...values(initTangents!, nonzero),
      ...xs!,
      ...values(xsTangents!, xsNonzero),
    ],
    { body: jvpBody, length, reverse, consts: consts + ct, carry: n + nt } satisfies ScanParams,
  );
  const [carry, carryT, ys, ysT] = split(outs, n, nt, ny) as [Value[], Value[], Value[], Value[]];
  const outPrimals = [...carry, ...ys];
  const outNonzero = [...nonzero, ...ysNonzero];
  const outTangents = [...carryT, ...ysT];
  let next = 0;
  return [outPrimals, outNonzero.map((has, i) => (has ? outTangents[next++]! : new Zero(outPrimals[i]!.aval)))];
}

/**
 * Runs the known part of every step and stacks the residuals that the rest needs. Residuals that are constants of the
 * loop are passed once, not stacked.
 */
function partialEvalScan(
  trace: PartialEvalTrace,
  args: readonly Value[],
  unknown: readonly boolean[],
  params: ScanParams,
): Value[] {
  const { body, length, reverse, consts, carry: n } = params;
  const [constUnknown, initUnknown, xsUnknown] = split(unknown, consts, n) as [boolean[], boolean[], boolean[]];
  const ny = body.outs.length - n;
  const noYs = new Array<boolean>(ny).fill(false);
  let carryUnknown = initUnknown;
  for (;;) {
    const out = partialEvalJaxpr(
      body,
      [...constUnknown, ...carryUnknown, ...xsUnknown],
      [...carryUnknown, ...noYs],
    ).outUnknown;
    const next = or(carryUnknown, out.slice(0, n));
    if (count(next) === count(carryUnknown)) break;
    carryUnknown = next;
  }
  const parts = partialEvalJaxpr(body, [...constUnknown, ...carryUnknown, ...xsUnknown], [...carryUnknown, ...noYs]);
  const ysUnknown = parts.outUnknown.slice(n);
  const [constArgs, init, xs] = split(args, consts, n) as [Value[], Value[], Value[]];
  const knownConsts = where(constArgs, not(constUnknown));
  const knownConstVars = parts.known.inVars.slice(0, knownConsts.length);
  const nKnownOuts = parts.known.outs.length - parts.residuals;
  const residualAtoms = parts.known.outs.slice(nKnownOuts);
  const invariant = residualAtoms.map((atom) => atom instanceof Var && knownConstVars.includes(atom));

  const knownBody = new Jaxpr(parts.known.inVars, parts.known.eqns, [
    ...parts.known.outs.slice(0, nKnownOuts),
    ...where(residualAtoms, not(invariant)),
  ]);
  const nKnownCarry = count(not(carryUnknown));
  const knownOuts = bind(scanP, [...knownConsts, ...where(init, not(carryUnknown)), ...where(xs, not(xsUnknown))], {
    body: knownBody,
    length,
    reverse,
    consts: knownConsts.length,
    carry: nKnownCarry,
  } satisfies ScanParams);
  const [known, stacked] = split(knownOuts, nKnownOuts) as [Value[], Value[]];
  const invariants = where(residualAtoms, invariant).map((atom) => knownConsts[knownConstVars.indexOf(atom as Var)]!);

  // (residuals, unknown consts, unknown carry, unknown xs) → constants, carry, xs with the stacked residuals last.
  const r = parts.residuals;
  const [uc, un, ux] = [count(constUnknown), count(carryUnknown), count(xsUnknown)] as const;
  const residualAt = range(r);
  const unknownBody = reorder(
    parts.unknown,
    [
      ...where(residualAt, invariant),
      ...order([r, uc], [r + uc, un], [r + uc + un, ux]),
      ...where(residualAt, not(invariant)),
    ],
    range(parts.unknown.outs.length),
  );
  const unknownOuts = trace.builder.emit(
    scanP,
    [
      ...invariants,
      ...where(constArgs, constUnknown),
      ...where(init, carryUnknown),
      ...where(xs, xsUnknown),
      ...stacked,
    ],
    { body: unknownBody, length, reverse, consts: invariants.length + uc, carry: un } satisfies ScanParams,
  );
  return merge([...carryUnknown, ...ysUnknown], unknownOuts, known);
}

/**
 * The transpose is a scan the other way round: the carry's cotangent is carried, cotangents of constants are added up
 * in the carry, those of xs are stacked.
 */
function transposeScan(
  cotangents: readonly Cotangent[],
  args: readonly (Value | Linear)[],
  params: ScanParams,
): (Cotangent | undefined)[] {
  const { body, length, reverse, consts, carry: n } = params;
  const [constArgs, init, xs] = split(args, consts, n) as [(Value | Linear)[], (Value | Linear)[], (Value | Linear)[]];
  const constLinear = constArgs.map(isLinear);
  const xsLinear = xs.map(isLinear);
  const known = <T>(items: readonly T[]) =>
    items.filter((x): x is Exclude<T, Linear> => !isLinear(x)) as unknown as Value[];
  // The carry is linear as a whole: a known initial value is a zero that partial evaluation materialised.
  const carryLinear = always(n);
  const [ctCarry, ctYs] = split(cotangents, n) as [Cotangent[], Cotangent[]];
  const ysNonzero = ctYs.map((ct) => !isZero(ct));
  const knownConsts = known(constArgs);
  const knownXs = known(xs);
  const linear = [...constLinear, ...carryLinear, ...xsLinear];
  const ctConstAvals = where(body.inAvals.slice(0, consts), constLinear);
  const ctCarryAvals = body.outAvals.slice(0, n);
  const ysAvals = where(body.outAvals.slice(n), ysNonzero);
  const knownXsAvals = where(body.inAvals.slice(consts + n), not(xsLinear));
  const back = stage(
    (...all) => {
      const [ks, ctConsts, ctC, ctY, kx] = split(all, knownConsts.length, ctConstAvals.length, n, ysAvals.length) as [
        Value[],
        Value[],
        Value[],
        Value[],
        Value[],
      ];
      let y = 0;
      const outCts = [...ctC, ...ysNonzero.map((has, i) => (has ? ctY[y++]! : new Zero(body.outAvals[n + i]!)))];
      const values = merge<Value | undefined>(linear, new Array(count(linear)).fill(undefined), [...ks, ...kx]);
      const results = backwardPass(body, linear, values, outCts);
      const [rc, rn, rx] = split(results, ctConsts.length, count(carryLinear)) as [
        Cotangent[],
        Cotangent[],
        Cotangent[],
      ];
      return [
        ...ctConsts.map((ct, i) => (isZero(rc[i]) ? ct : add(ct, rc[i] as Value))),
        ...rn.map(instantiate),
        ...rx.map(instantiate),
      ];
    },
    [...knownConsts.map((v) => v.aval), ...ctConstAvals, ...ctCarryAvals, ...ysAvals, ...knownXsAvals],
  );
  const outs = bind(
    scanP,
    [
      ...back.consts,
      ...knownConsts,
      ...ctConstAvals.map((aval) => instantiate(new Zero(aval))),
      ...ctCarry.map(instantiate),
      ...where(ctYs, ysNonzero).map(instantiate),
      ...knownXs,
    ],
    {
      body: back.jaxpr,
      length,
      reverse: !reverse,
      consts: back.consts.length + knownConsts.length,
      carry: ctConstAvals.length + n,
    } satisfies ScanParams,
  );
  const [ctConsts, ctInit, ctXs] = split(outs, ctConstAvals.length, n) as [Value[], Value[], Value[]];
  const spread = (flags: readonly boolean[], values: readonly Value[]) => {
    let i = 0;
    return flags.map((f) => (f ? values[i++] : undefined));
  };
  return [
    ...spread(constLinear, ctConsts),
    ...init.map((x, i) => (isLinear(x) ? ctInit[i] : undefined)),
    ...spread(xsLinear, ctXs),
  ];
}

const swapLeading = (x: Value): Value => transpose(x, [1, 0, ...range(x.ndim - 2).map((i) => i + 2)]);

function batchScan(size: number, args: readonly Value[], batched: readonly boolean[], params: ScanParams) {
  const { body, length, reverse, consts, carry: n } = params;
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
    { body: result.jaxpr, length, reverse, consts, carry: n } satisfies ScanParams,
  );
  return {
    outs: outs.map((out, i) => (i >= n && result.batched[i] ? swapLeading(out) : out)),
    batched: [...carryBatched, ...result.batched.slice(n)],
  };
}
