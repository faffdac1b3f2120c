/**
 * `checkpointed_loop`: what reverse mode makes of a bounded loop whose number of steps is known once it has run.
 *
 * Two sweeps over the same n steps. Forwards s_{i+1} = fwd(s_i); then backwards c_i = bwd(s_i, c_{i+1}), which is linear
 * in c. The results are s_n and c_0. States are needed in reverse order, and the compiled program does not keep them all:
 * it keeps some, and computes the others again from these (Griewank & Walther, Evaluating Derivatives, chapter 12; see
 * checkpointed-loop-code.ts).
 *
 * The family is closed under every transformation, so that derivatives of any order need no other primitive:
 * - pushing tangents forward gives fwd over (s, ṡ) and bwd over (s, ṡ), (c, ċ), linear in (c, ċ) again;
 * - the transpose in some of the states and of the c's sends the cotangents w of the c's *forwards*, with the states, and
 *   the cotangents of the states backwards, with the c's (see checkpointed-loop-transpose.ts).
 * A loop that has only been pushed forward is the case without c.
 */
import { interpretArrays } from '../../jit/interpret.ts';
import { instantiate, jvpJaxpr, type Tangent } from '../../transforms/jvp.ts';
import { type PartialEvalTrace, type PartialJaxpr, partialEvalJaxpr } from '../../transforms/partial-eval.ts';
import { addLanes, batchJaxpr } from '../../transforms/vmap.ts';
import { evalJaxpr } from '../core/eval-jaxpr.ts';
import { deadCodeElimination, Jaxpr, withoutEffects } from '../core/jaxpr.ts';
import { exact, type Primitive, primitive } from '../core/primitive.ts';
import { range } from '../core/shape.ts';
import { stage } from '../core/stage.ts';
import { bind, type Value } from '../core/trace.ts';
import { isZero, Zero } from '../core/zero.ts';
import { add } from '../lax/arithmetic.ts';
import { lt } from '../lax/compare.ts';
import { scalar } from '../lax/creation.ts';
import { reduceMax } from '../lax/reductions.ts';
import { stopGradient } from '../lax/stop-gradient.ts';
import { programOf } from './checkpointed-loop-code.ts';
import { transposeLoop } from './checkpointed-loop-transpose.ts';
import { always, count, merge, not, or, order, reorder, split, where } from './flags.ts';
import { ofLanes } from './lanes.ts';

export interface LoopParams {
  /** (fwd constants, s) → s. */
  readonly fwd: Jaxpr;
  /** (bwd constants, s, c) → c. */
  readonly bwd: Jaxpr;
  readonly fwdConsts: number;
  readonly bwdConsts: number;
  /** How many values s has. */
  readonly state: number;
  /** The number of steps, operand 0, is at most this. */
  readonly maxSteps: number;
}

/** Operands: the number of steps (int32), constants of fwd, constants of bwd, s₀, c_n. Results: s_n, c₀. */
export const checkpointedLoopP: Primitive<LoopParams> = primitive<LoopParams>({
  name: 'checkpointed_loop',
  hot: true,
  type: (_, { fwd, bwd }) => [...fwd.outAvals, ...bwd.outAvals],
  run: (inputs, { fwd, bwd, fwdConsts, bwdConsts, state }) => {
    const [[n], fwdArgs, bwdArgs, s0, cn] = split(inputs, 1, fwdConsts, bwdConsts, state);
    const states = [s0!];
    for (let i = 0; i < n!.data[0]!; i++) states.push(interpretArrays(fwd, [...fwdArgs!, ...states[i]!]));
    const last = states.pop()!;
    let c = cn!;
    for (const s of states.reverse()) c = interpretArrays(bwd, [...bwdArgs!, ...s, ...c]);
    return [...last, ...c].map((x) => x.data.slice());
  },
  accuracy: exact,
  jvp: jvpLoop,
  partialEval: partialEvalLoop,
  transpose: transposeLoop,
  batch: batchLoop,
  lower: { kind: 'inline', jaxpr: (params, inputs) => ({ jaxpr: programOf(params, inputs) }), derived: true },
  dce: (eqn, used) => {
    const { fwd, bwd, fwdConsts, bwdConsts, state, maxSteps } = eqn.params as LoopParams;
    let back = used.slice(state);
    const bwdUses = () => deadCodeElimination(bwd, back).usedInputs;
    for (;;) {
      const next = or(back, bwdUses().slice(bwdConsts + state));
      if (count(next) === count(back)) break;
      back = next;
    }
    let live = or(used.slice(0, state), bwdUses().slice(bwdConsts, bwdConsts + state));
    for (;;) {
      const next = or(live, deadCodeElimination(fwd, live).usedInputs.slice(fwdConsts));
      if (count(next) === count(live)) break;
      live = next;
    }
    const [forwards, backwards] = [deadCodeElimination(fwd, live), deadCodeElimination(bwd, back)];
    const keepFwd = forwards.usedInputs.slice(0, fwdConsts);
    const keepBwd = backwards.usedInputs.slice(0, bwdConsts);
    const keep = [true, ...keepFwd, ...keepBwd, ...live, ...back];
    if (keep.every(Boolean)) return undefined;
    const params: LoopParams = {
      fwd: new Jaxpr(where(fwd.inVars, [...keepFwd, ...live]), forwards.jaxpr.eqns, forwards.jaxpr.outs),
      bwd: new Jaxpr(where(bwd.inVars, [...keepBwd, ...live, ...back]), backwards.jaxpr.eqns, backwards.jaxpr.outs),
      fwdConsts: count(keepFwd),
      bwdConsts: count(keepBwd),
      state: count(live),
      maxSteps,
    };
    const outputs = where(eqn.outputs, [...live, ...back]);
    return { eqn: { ...eqn, inputs: where(eqn.inputs, keep), outputs, params }, usedInputs: keep };
  },
});

function jvpLoop(primals: readonly Value[], tangents: readonly Tangent[], params: LoopParams): [Value[], Tangent[]] {
  const { fwd, bwd, fwdConsts, bwdConsts, state } = params;
  const back = bwd.outs.length;
  const [, fT, bT, sT, cT] = split(tangents, 1, fwdConsts, bwdConsts, state) as Tangent[][];
  const flags = (ts: readonly Tangent[]) => ts.map((t) => !isZero(t));
  const [fHas, bHas] = [flags(fT!), flags(bT!)];
  let sHas = flags(sT!);
  for (;;) {
    const next = or(sHas, jvpJaxpr(fwd, [...fHas, ...sHas], sHas).outNonzero);
    if (count(next) === count(sHas)) break;
    sHas = next;
  }
  let cHas = flags(cT!);
  for (;;) {
    const next = or(cHas, jvpJaxpr(bwd, [...bHas, ...sHas, ...cHas], cHas).outNonzero);
    if (count(next) === count(cHas)) break;
    cHas = next;
  }
  const [nf, nb, ns, nc] = [count(fHas), count(bHas), count(sHas), count(cHas)] as const;
  const own = fwdConsts + state;
  const all = bwdConsts + state + back;
  const [[n], fArgs, bArgs, s0, cn] = split(primals, 1, fwdConsts, bwdConsts, state) as Value[][];
  const values = (ts: readonly Tangent[], has: readonly boolean[]) => where(ts, has).map(instantiate);
  const outs = bind(
    checkpointedLoopP,
    [
      n!,
      ...fArgs!,
      ...values(fT!, fHas),
      ...bArgs!,
      ...values(bT!, bHas),
      ...s0!,
      ...values(sT!, sHas),
      ...cn!,
      ...values(cT!, cHas),
    ],
    {
      ...params,
      fwd: reorder(
        jvpJaxpr(fwd, [...fHas, ...sHas], sHas).jaxpr,
        order([0, fwdConsts], [own, nf], [fwdConsts, state], [own + nf, ns]),
        range(state + ns),
      ),
      bwd: reorder(
        jvpJaxpr(bwd, [...bHas, ...sHas, ...cHas], cHas).jaxpr,
        order(
          [0, bwdConsts],
          [all, nb],
          [bwdConsts, state],
          [all + nb, ns],
          [bwdConsts + state, back],
          [all + nb + ns, nc],
        ),
        range(back + nc),
      ),
      fwdConsts: fwdConsts + nf,
      bwdConsts: bwdConsts + nb,
      state: state + ns,
    } satisfies LoopParams,
  );
  const [s, dotS, c, dotC] = split(outs, state, ns, back) as [Value[], Value[], Value[], Value[]];
  const spread = (outs: readonly Value[], has: readonly boolean[], ts: readonly Value[]): Tangent[] =>
    merge<Tangent>(
      has,
      ts,
      where(outs, not(has)).map((out) => new Zero(out.aval)),
    );
  return [
    [...s, ...c],
    [...spread(s, sHas, dotS), ...spread(c, cHas, dotC)],
  ];
}

/** Which states and which c's depend on unknown operands, and both sweeps split accordingly. */
export interface LoopParts {
  readonly stateUnknown: readonly boolean[];
  readonly backUnknown: readonly boolean[];
  readonly fwd: PartialJaxpr;
  readonly bwd: PartialJaxpr;
}

export function splitLoop(params: LoopParams, unknown: readonly boolean[]): LoopParts {
  const { fwdConsts, bwdConsts, state } = params;
  const [, f, b, s, c] = split(unknown, 1, fwdConsts, bwdConsts, state) as boolean[][];
  let stateUnknown = s!;
  for (;;) {
    const fwd = partialEvalJaxpr(params.fwd, [...f!, ...stateUnknown], stateUnknown);
    const next = or(stateUnknown, fwd.outUnknown);
    if (count(next) > count(stateUnknown)) {
      stateUnknown = next;
      continue;
    }
    let backUnknown = c!;
    for (;;) {
      const bwd = partialEvalJaxpr(params.bwd, [...b!, ...stateUnknown, ...backUnknown], backUnknown);
      const more = or(backUnknown, bwd.outUnknown);
      if (count(more) === count(backUnknown)) return { stateUnknown, backUnknown, fwd, bwd };
      backUnknown = more;
    }
  }
}

/** Computes what is known now; the recorded equation runs everything again, so that operands are its only residuals. */
function partialEvalLoop(
  trace: PartialEvalTrace,
  args: readonly Value[],
  unknown: readonly boolean[],
  params: LoopParams,
): Value[] {
  const { fwdConsts, bwdConsts } = params;
  const { stateUnknown, backUnknown, fwd, bwd } = splitLoop(params, unknown);
  const outUnknown = [...stateUnknown, ...backUnknown];
  if (unknown[0] || !outUnknown.includes(false)) return trace.builder.emit(checkpointedLoopP, args, params);
  const knownPart = ({ known, residuals }: PartialJaxpr) =>
    deadCodeElimination(
      known,
      known.outs.map((_, i) => i < known.outs.length - residuals),
    ).jaxpr;
  const [, f, b] = split(unknown, 1, fwdConsts, bwdConsts) as boolean[][];
  const keep = not([false, ...f!, ...b!, ...stateUnknown, ...backUnknown]);
  const known = bind(checkpointedLoopP, where(args, keep), {
    ...params,
    fwd: knownPart(fwd),
    bwd: knownPart(bwd),
    fwdConsts: count(not(f!)),
    bwdConsts: count(not(b!)),
    state: count(not(stateUnknown)),
  } satisfies LoopParams);
  const all = trace.builder.emit(checkpointedLoopP, args, {
    ...params,
    fwd: withoutEffects(params.fwd),
    bwd: withoutEffects(params.bwd),
  } satisfies LoopParams);
  return merge(outUnknown, where(all, outUnknown), known);
}

function batchLoop(size: number, args: readonly Value[], batched: readonly boolean[], params: LoopParams) {
  const { fwd, bwd, fwdConsts, bwdConsts, state } = params;
  const [[nBatched], f, b, s, c] = split(batched, 1, fwdConsts, bwdConsts, state) as boolean[][];
  const [[n], fArgs, bArgs, s0, cn] = split(args, 1, fwdConsts, bwdConsts, state) as Value[][];
  const lanes = (values: readonly Value[], wanted: readonly boolean[], has: readonly boolean[]) =>
    values.map((v, i) => (wanted[i] && !has[i] ? addLanes(v, size) : v));
  if (nBatched) return batchStopping(size, n!, [fArgs!, bArgs!, s0!, cn!], [f!, b!, s!, c!], params);
  let sLanes = s!;
  for (;;) {
    const next = or(sLanes, batchJaxpr(fwd, size, [...f!, ...sLanes]).batched);
    if (count(next) === count(sLanes)) break;
    sLanes = next;
  }
  let cLanes = c!;
  for (;;) {
    const next = or(cLanes, batchJaxpr(bwd, size, [...b!, ...sLanes, ...cLanes]).batched);
    if (count(next) === count(cLanes)) break;
    cLanes = next;
  }
  const outs = bind(
    checkpointedLoopP,
    [n!, ...fArgs!, ...bArgs!, ...lanes(s0!, sLanes, s!), ...lanes(cn!, cLanes, c!)],
    {
      ...params,
      fwd: batchJaxpr(fwd, size, [...f!, ...sLanes], sLanes).jaxpr,
      bwd: batchJaxpr(bwd, size, [...b!, ...sLanes, ...cLanes], cLanes).jaxpr,
    } satisfies LoopParams,
  );
  return { outs, batched: [...sLanes, ...cLanes] };
}

/**
 * Lanes with numbers of steps of their own: as many steps as the longest needs, in which the others are frozen by
 * `select`. What a frozen lane computes meanwhile may be NaN; as in a batched `cond`, its floating operands pass through
 * stopGradient, so that no derivative meets it. Step i of the forward sweep is carried as a state.
 */
function batchStopping(
  size: number,
  n: Value,
  groups: readonly (readonly Value[])[],
  batched: readonly (readonly boolean[])[],
  params: LoopParams,
) {
  const [fArgs, bArgs, s0, cn] = groups.map((group, g) =>
    group.map((v, i) => (batched[g]![i] ? v : addLanes(v, size))),
  ) as [Value[], Value[], Value[], Value[]];
  const { state } = params;
  const avals = (values: readonly Value[]) => values.map((v) => v.aval);
  const guard = (active: Value, values: readonly Value[]) =>
    values.map((v) => (v.aval.isFloating ? ofLanes(active, v, stopGradient(v)) : v));
  const frozen = (active: Value, next: readonly Value[], last: readonly Value[]) =>
    next.map((v, i) => ofLanes(active, v, last[i]!));
  const i = scalar(0, 'int32');
  const fwdLanes = batchJaxpr(params.fwd, size, always(params.fwd.inVars.length), always(state)).jaxpr;
  const bwdLanes = batchJaxpr(params.bwd, size, always(params.bwd.inVars.length), always(cn.length)).jaxpr;
  const fwd = stage(
    (...xs) => {
      const [[steps], consts, [at, ...s]] = split(xs, 1, fArgs.length) as [Value[], Value[], Value[]];
      const active = lt(at!, steps!);
      return [add(at!, 1), ...frozen(active, evalJaxpr(fwdLanes, guard(active, [...consts, ...s])), s)];
    },
    avals([n, ...fArgs, i, ...s0]),
  ).jaxpr;
  const bwd = stage(
    (...xs) => {
      const [[steps], consts, [at, ...s], c] = split(xs, 1, bArgs.length, state + 1) as Value[][] as [
        Value[],
        Value[],
        Value[],
        Value[],
      ];
      const active = lt(at!, steps!);
      return frozen(active, evalJaxpr(bwdLanes, guard(active, [...consts, ...s, ...c])), c);
    },
    avals([n, ...bArgs, i, ...s0, ...cn]),
  ).jaxpr;
  const outs = bind(checkpointedLoopP, [reduceMax(n), n, ...fArgs, n, ...bArgs, i, ...s0, ...cn], {
    fwd,
    bwd,
    fwdConsts: fArgs.length + 1,
    bwdConsts: bArgs.length + 1,
    state: state + 1,
    maxSteps: params.maxSteps,
  } satisfies LoopParams);
  return { outs: outs.slice(1), batched: always(outs.length - 1) };
}
