/** The transpose of `checkpointed_loop`: another one. */
import { instantiate } from '../../transforms/jvp.ts';
import { type Cotangent, isLinear, type Linear, transposeJaxpr } from '../../transforms/transpose.ts';
import { evalJaxpr } from '../core/eval-jaxpr.ts';
import { stage } from '../core/stage.ts';
import { bind, type Value } from '../core/trace.ts';
import { isZero, Zero } from '../core/zero.ts';
import { add } from '../lax/arithmetic.ts';
import { zerosLike } from '../lax/creation.ts';
import { checkpointedLoopP, type LoopParams, splitLoop } from './checkpointed-loop.ts';
import { always, count, merge, not, split, where } from './flags.ts';

/**
 * Some states σ and some of the c's, γ, are linear; the others, s and c, are known:
 *
 *     σ_{i+1} = A(s_i) σ_i + P(s_i) p,    γ_i = B(s_i) γ_{i+1} + C(s_i, c_{i+1}) σ_i + Q(s_i, c_{i+1}) q
 *
 * with linear constants p of fwd and q of bwd. (B does not depend on c: the sweep is linear in all the c's together.)
 * Let w_i be the cotangent of γ_i and λ_i that of σ_i. Then
 *
 *     w_{i+1} = B(s_i)ᵀ w_i,              λ_i = A(s_i)ᵀ λ_{i+1} + C(s_i, c_{i+1})ᵀ w_i,
 *
 * and p̄ = Σ Pᵀ λ_{i+1}, q̄ = Σ Qᵀ w_i: a forward sweep of (s, w), and a backward sweep of (c, λ, p̄, q̄) that is linear in
 * them.
 */
export function transposeLoop(
  cotangents: readonly Cotangent[],
  args: readonly (Value | Linear)[],
  params: LoopParams,
): (Cotangent | undefined)[] {
  const { bwd, fwdConsts, bwdConsts, state } = params;
  const parts = splitLoop(params, args.map(isLinear));
  const [stateLinear, backLinear] = [parts.stateUnknown, parts.backUnknown];
  const [[n], fArgs, bArgs, s0, cn] = split(args, 1, fwdConsts, bwdConsts, state) as (Value | Linear)[][];
  const [fLinear, bLinear] = [fArgs!.map(isLinear), bArgs!.map(isLinear)];
  const known = (values: readonly (Value | Linear)[], linear: readonly boolean[]) =>
    where(values, not(linear)) as Value[];
  const [fKnown, bKnown] = [known(fArgs!, fLinear), known(bArgs!, bLinear)];
  const [sKnown, cKnown] = [known(s0!, stateLinear), known(cn!, backLinear)];
  const [ns, nc, nf, nb] = [count(stateLinear), count(backLinear), count(fLinear), count(bLinear)] as const;
  const [ctState, ctBack] = split(cotangents, state) as [Cotangent[], Cotangent[]];
  const w0 = where(ctBack, backLinear);
  const hasW = w0.some((ct) => !isZero(ct));
  const nw = hasW ? nc : 0;

  /** (residuals, cotangents of the results) → those of the linear inputs. */
  const transposed = ({ unknown, residuals }: typeof parts.fwd) => {
    const linear = unknown.inVars.map((_, i) => i >= residuals);
    return transposeJaxpr(unknown, linear, always(unknown.outs.length), always(count(linear))).jaxpr;
  };
  const [fwdBack, bwdBack] = [transposed(parts.fwd), transposed(parts.bwd)];
  const avals = (values: readonly Value[]) => values.map((v) => v.aval);
  const stateAvals = where(s0!, stateLinear).map((v) => v.aval);
  const backAvals = where(cn!, backLinear).map((v) => v.aval);

  // γ ↦ B γ, and its transpose: bwd where everything else that enters linearly is zero.
  const throughBack = stage(
    (...xs) => {
      const [consts, s, gamma] = split(xs, bKnown.length, sKnown.length) as [Value[], Value[], Value[]];
      const zeros = (items: readonly (Value | Linear)[]) => items.map((x) => zerosLike(x.aval));
      const outs = evalJaxpr(bwd, [
        ...merge(bLinear, zeros(where(bArgs!, bLinear)), consts),
        ...merge(stateLinear, zeros(where(s0!, stateLinear)), s),
        ...merge(backLinear, gamma, zeros(cKnown)),
      ]);
      return where(outs, backLinear);
    },
    [...avals(bKnown), ...avals(sKnown), ...backAvals],
  ).jaxpr;
  const backLinearInputs = throughBack.inVars.map((_, i) => i >= bKnown.length + sKnown.length);
  const pull = transposeJaxpr(throughBack, backLinearInputs, always(nc), always(nc)).jaxpr;

  const consts = hasW ? [...fKnown, ...bKnown] : fKnown;
  const fwd = stage(
    (...xs) => {
      const [f, b, s, w] = split(xs, fKnown.length, consts.length - fKnown.length, sKnown.length) as [
        Value[],
        Value[],
        Value[],
        Value[],
      ];
      const next = evalJaxpr(parts.fwd.known, [...f, ...s]).slice(0, sKnown.length);
      return hasW ? [...next, ...evalJaxpr(pull, [...b, ...s, ...w])] : next;
    },
    [...avals(consts), ...avals(sKnown), ...backAvals.slice(0, nw)],
  ).jaxpr;
  const zerosFor = (values: readonly (Value | Linear)[]) => values.map((v) => zerosLike(v.aval));
  const lambda = where(ctState, stateLinear).map(instantiate);
  const sums = [...zerosFor(where(fArgs!, fLinear)), ...zerosFor(where(bArgs!, bLinear))];
  const back = stage(
    (...xs) => {
      const lengths = [fKnown.length, bKnown.length, sKnown.length, nw, cKnown.length, ns, nf];
      const [f, b, s, w, c, l, p, q] = split(xs, ...lengths) as Value[][];
      const fromFwd = evalJaxpr(parts.fwd.known, [...f!, ...s!]).slice(sKnown.length);
      const fromBwd = evalJaxpr(parts.bwd.known, [...b!, ...s!, ...c!]);
      const [pShare, sShare] = split(evalJaxpr(fwdBack, [...fromFwd, ...l!]), nf) as [Value[], Value[]];
      if (!hasW) return [...fromBwd.slice(0, cKnown.length), ...sShare, ...p!.map((x, i) => add(x, pShare[i]!)), ...q!];
      const [qShare, more] = split(evalJaxpr(bwdBack, [...fromBwd.slice(cKnown.length), ...w!]), nb) as [
        Value[],
        Value[],
      ];
      return [
        ...fromBwd.slice(0, cKnown.length),
        ...sShare.map((x, i) => add(x, more[i]!)),
        ...p!.map((x, i) => add(x, pShare[i]!)),
        ...q!.map((x, i) => add(x, qShare[i]!)),
      ];
    },
    [
      ...avals([...fKnown, ...bKnown, ...sKnown]),
      ...backAvals.slice(0, nw),
      ...avals(cKnown),
      ...stateAvals,
      ...avals(sums),
    ],
  ).jaxpr;
  const outs = bind(
    checkpointedLoopP,
    [
      n as Value,
      ...consts,
      ...fKnown,
      ...bKnown,
      ...sKnown,
      ...(hasW ? w0.map(instantiate) : []),
      ...cKnown,
      ...lambda,
      ...sums,
    ],
    {
      fwd,
      bwd: back,
      fwdConsts: consts.length,
      bwdConsts: fKnown.length + bKnown.length,
      state: sKnown.length + nw,
      maxSteps: params.maxSteps,
    } satisfies LoopParams,
  );
  const [, w, , l, p, q] = split(outs, sKnown.length, nw, cKnown.length, ns, nf) as Value[][];
  const inFull = (items: readonly (Value | Linear)[], linear: readonly boolean[], cts: readonly Value[]) => {
    let next = 0;
    return items.map((x, i) => {
      if (!linear[i]) return undefined;
      const ct = cts[next++] ?? new Zero(x.aval);
      return isLinear(x) ? ct : undefined;
    });
  };
  return [
    undefined,
    ...inFull(fArgs!, fLinear, p!),
    ...inFull(bArgs!, bLinear, hasW ? q! : []),
    ...inFull(s0!, stateLinear, l!),
    ...inFull(cn!, backLinear, w!),
  ];
}
