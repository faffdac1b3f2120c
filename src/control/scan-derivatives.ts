/**
 * Derivatives of `scan`: pushed forward, split into what is known and what is linear, and run backwards.
 */
import { instantiate, jvpJaxpr, type Tangent } from '../../transforms/jvp.ts';
import { type PartialEvalTrace, type PartialJaxpr, partialEvalJaxpr } from '../../transforms/partial-eval.ts';
import { type Cotangent, isLinear, type Linear, transposeJaxpr } from '../../transforms/transpose.ts';
import { evalJaxpr } from '../core/eval-jaxpr.ts';
import { type Atom, Jaxpr, Var } from '../core/jaxpr.ts';
import { range } from '../core/shape.ts';
import { stage } from '../core/stage.ts';
import { bind, type Value } from '../core/trace.ts';
import { isZero, Zero } from '../core/zero.ts';
import { add } from '../lax/arithmetic.ts';
import { always, count, merge, not, or, order, reorder, split, where } from './flags.ts';
import { type ScanParams, scanP } from './scan.ts';

/** Which carried values are tangents: the least set that holds the given ones and is closed under the body. */
export function jvpScan(
  primals: readonly Value[],
  tangents: readonly Tangent[],
  params: ScanParams,
): [Value[], Tangent[]] {
  const { body, consts, carry: n } = params;
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
    { ...params, body: jvpBody, consts: consts + ct, carry: n + nt } satisfies ScanParams,
  );
  const [carry, carryT, ys, ysT] = split(outs, n, nt, ny) as [Value[], Value[], Value[], Value[]];
  const outPrimals = [...carry, ...ys];
  const outNonzero = [...nonzero, ...ysNonzero];
  const outTangents = [...carryT, ...ysT];
  let next = 0;
  return [outPrimals, outNonzero.map((has, i) => (has ? outTangents[next++]! : new Zero(outPrimals[i]!.aval)))];
}

/** Which carried values depend on unknown ones: the least set that holds the given ones and is closed under the body. */
function unknownCarry(
  { body, consts, carry: n }: ScanParams,
  unknown: readonly boolean[],
): { carryUnknown: boolean[]; parts: PartialJaxpr } {
  const [constUnknown, initUnknown, xsUnknown] = split(unknown, consts, n) as [boolean[], boolean[], boolean[]];
  const noYs = new Array<boolean>(body.outs.length - n).fill(false);
  let carryUnknown = initUnknown;
  for (;;) {
    const parts = partialEvalJaxpr(body, [...constUnknown, ...carryUnknown, ...xsUnknown], [...carryUnknown, ...noYs]);
    const next = or(carryUnknown, parts.outUnknown.slice(0, n));
    if (count(next) === count(carryUnknown)) return { carryUnknown, parts };
    carryUnknown = next;
  }
}

/**
 * Runs the known part of every step and stacks the residuals that the rest needs. Residuals that are the same in every
 * step, because they depend on nothing but constants of the loop, are computed before it and passed once.
 */
export function partialEvalScan(
  trace: PartialEvalTrace,
  args: readonly Value[],
  unknown: readonly boolean[],
  params: ScanParams,
): Value[] {
  const { consts, carry: n } = params;
  const [constUnknown, , xsUnknown] = split(unknown, consts, n) as [boolean[], boolean[], boolean[]];
  const { carryUnknown, parts } = unknownCarry(params, unknown);
  const ysUnknown = parts.outUnknown.slice(n);
  const [constArgs, init, xs] = split(args, consts, n) as [Value[], Value[], Value[]];
  const nKnownOuts = parts.known.outs.length - parts.residuals;
  const { body, constants, varying } = withoutInvariants(parts, where(constArgs, not(constUnknown)));
  const nKnownCarry = count(not(carryUnknown));
  const knownXs = where(xs, not(xsUnknown));
  // A residual that is a slice of xs needs no stacking: all of them are xs.
  const xsVars: readonly Atom[] = body.known.inVars.slice(constants.length + nKnownCarry);
  const residuals = body.known.outs.slice(nKnownOuts);
  const isSlice = residuals.map((atom) => xsVars.includes(atom));
  const knownBody = new Jaxpr(body.known.inVars, body.known.eqns, [
    ...body.known.outs.slice(0, nKnownOuts),
    ...where(residuals, not(isSlice)),
  ]);
  const knownOuts =
    knownBody.outs.length > 0 || knownBody.effectful
      ? bind(scanP, [...constants, ...where(init, not(carryUnknown)), ...knownXs], {
          ...params,
          body: knownBody,
          consts: constants.length,
          carry: nKnownCarry,
        } satisfies ScanParams)
      : [];
  const [known, made] = split(knownOuts, nKnownOuts) as [Value[], Value[]];
  const slices = where(residuals, isSlice).map((atom) => knownXs[xsVars.indexOf(atom)]!);
  const stacked = merge(isSlice, slices, made);

  // (residuals, unknown consts, unknown carry, unknown xs) → constants, carry, xs with the stacked residuals last.
  const r = parts.residuals;
  const [uc, un, ux] = [count(constUnknown), count(carryUnknown), count(xsUnknown)] as const;
  const residualAt = range(r);
  const unknownBody = reorder(
    parts.unknown,
    [
      ...where(residualAt, not(varying)),
      ...order([r, uc], [r + uc, un], [r + uc + un, ux]),
      ...where(residualAt, varying),
    ],
    range(parts.unknown.outs.length),
  );
  const unknownOuts = trace.builder.emit(
    scanP,
    [
      ...body.invariants,
      ...where(constArgs, constUnknown),
      ...where(init, carryUnknown),
      ...where(xs, xsUnknown),
      ...stacked,
    ],
    { ...params, body: unknownBody, consts: body.invariants.length + uc, carry: un } satisfies ScanParams,
  );
  return merge([...carryUnknown, ...ysUnknown], unknownOuts, known);
}

/**
 * Takes out of the known part of a body what depends on constants of the loop alone, and computes it now. A body with
 * effects is left as it is: they belong to every step.
 */
function withoutInvariants(
  parts: PartialJaxpr,
  constants: readonly Value[],
): { body: { known: Jaxpr; invariants: Value[] }; constants: readonly Value[]; varying: boolean[] } {
  const { known, residuals } = parts;
  const n = known.outs.length - residuals;
  if (known.effectful || residuals === 0) {
    const vars = known.inVars.slice(0, constants.length);
    const varying = known.outs.slice(n).map((atom) => !(atom instanceof Var && vars.includes(atom)));
    const invariants = where(known.outs.slice(n), not(varying)).map((atom) => constants[vars.indexOf(atom as Var)]!);
    const outs = [...known.outs.slice(0, n), ...where(known.outs.slice(n), varying)];
    return { body: { known: new Jaxpr(known.inVars, known.eqns, outs), invariants }, constants, varying };
  }
  const changing = known.inVars.map((_, i) => i >= constants.length);
  const stays = [...always(n), ...new Array<boolean>(residuals).fill(false)];
  const inner = partialEvalJaxpr(known, changing, stays);
  const values = evalJaxpr(inner.known, constants);
  const varying = inner.outUnknown.slice(n);
  const [invariants, rest] = split(values, residuals - count(varying)) as [Value[], Value[]];
  return { body: { known: inner.unknown, invariants }, constants: rest, varying };
}

/**
 * The transpose is a scan the other way round: the carry's cotangent is carried, cotangents of constants are added up
 * in the carry, those of xs are stacked. Only cotangents that can be other than zero take part.
 */
export function transposeScan(
  cotangents: readonly Cotangent[],
  args: readonly (Value | Linear)[],
  params: ScanParams,
): (Cotangent | undefined)[] {
  const { body, consts, carry: n, reverse } = params;
  const linearArgs = args.map(isLinear);
  // The carry is linear as a whole, since partial evaluation has taken out what is not: a known initial value is a zero
  // that was materialised.
  const [constArgs, init, xs] = split(args, consts, n) as (Value | Linear)[][];
  const [constLinear, , xsLinear] = split(linearArgs, consts, n) as boolean[][];
  const linear = [...constLinear!, ...always(n), ...xsLinear!];
  const [ctCarry, ctYs] = split(cotangents, n) as [Cotangent[], Cotangent[]];
  const ysNonzero = ctYs.map((ct) => !isZero(ct));
  const nc = count(constLinear!);
  const back = (carry: readonly boolean[], force?: readonly boolean[]) =>
    transposeJaxpr(body, linear, [...carry, ...ysNonzero], force);
  let carryNonzero = ctCarry.map((ct) => !isZero(ct));
  for (;;) {
    const next = or(carryNonzero, back(carryNonzero).inNonzero.slice(nc, nc + n));
    if (count(next) === count(carryNonzero)) break;
    carryNonzero = next;
  }
  const { inNonzero } = back(carryNonzero);
  const transposed = back(
    carryNonzero,
    inNonzero.map((has, i) => has || (i >= nc && i < nc + n && carryNonzero[i - nc]!)),
  ).jaxpr;
  const [constNonzero, , xsNonzero] = split(inNonzero, nc, n) as boolean[][];
  const known = (items: readonly (Value | Linear)[]) => items.filter((x): x is Value => !isLinear(x));
  const [knownConsts, knownXs] = [known(constArgs!), known(xs!)];
  const constAvals = where(where(body.inAvals.slice(0, consts), constLinear!), constNonzero!);
  const carryAvals = where(body.outAvals.slice(0, n), carryNonzero);
  const ysAvals = where(body.outAvals.slice(n), ysNonzero);
  const [ac, an] = [constAvals.length, carryAvals.length] as const;
  const step = stage(
    (...all) => {
      const [ks, sums, ct, cy, kx] = split(all, knownConsts.length, ac, an, ysAvals.length) as Value[][];
      const [rc, rest] = split(evalJaxpr(transposed, [...ks!, ...kx!, ...ct!, ...cy!]), ac) as [Value[], Value[]];
      return [...sums!.map((sum, i) => add(sum, rc[i]!)), ...rest];
    },
    [
      ...knownConsts.map((v) => v.aval),
      ...constAvals,
      ...carryAvals,
      ...ysAvals,
      ...where(body.inAvals.slice(consts + n), not(xsLinear!)),
    ],
  ).jaxpr;
  const outs = bind(
    scanP,
    [
      ...knownConsts,
      ...constAvals.map((aval) => instantiate(new Zero(aval))),
      ...where(ctCarry, carryNonzero).map(instantiate),
      ...where(ctYs, ysNonzero).map(instantiate),
      ...knownXs,
    ],
    { ...params, body: step, reverse: !reverse, consts: knownConsts.length, carry: ac + an } satisfies ScanParams,
  );
  let next = 0;
  const spread = (items: readonly (Value | Linear)[], nonzero: readonly boolean[]): (Cotangent | undefined)[] => {
    let i = 0;
    return items.map((x) => {
      if (!isLinear(x)) return undefined;
      return nonzero[i++] ? outs[next++]! : new Zero(x.aval);
    });
  };
  const ctConsts = spread(constArgs!, constNonzero!);
  const ctInit = init!.map((x, i) => {
    const ct = carryNonzero[i] ? outs[next++]! : new Zero(x.aval);
    return isLinear(x) ? ct : undefined;
  });
  return [...ctConsts, ...ctInit, ...spread(xs!, xsNonzero!)];
}
