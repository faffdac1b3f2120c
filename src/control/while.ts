/** `whileLoop`: a body repeated while a condition on the carry holds. */
import { interpretArrays } from '../../jit/interpret.ts';
import { instantiate, jvpJaxpr, packTangents, type Tangent } from '../../transforms/jvp.ts';
import type { PartialEvalTrace } from '../../transforms/partial-eval.ts';
import { partialEvalJaxpr } from '../../transforms/partial-eval.ts';
import { addLanes, batchJaxpr } from '../../transforms/vmap.ts';
import { RuleError } from '../core/errors.ts';
import { evalJaxpr } from '../core/eval-jaxpr.ts';
import { deadCodeElimination, Jaxpr, Var, withoutEffects } from '../core/jaxpr.ts';
import { exact, type Primitive, primitive } from '../core/primitive.ts';
import { range } from '../core/shape.ts';
import { stage } from '../core/stage.ts';
import { bind, type Value } from '../core/trace.ts';
import { isZero, Zero } from '../core/zero.ts';
import { add } from '../lax/arithmetic.ts';
import { scalar } from '../lax/creation.ts';
import { and } from '../lax/logic.ts';
import { any } from '../lax/reductions.ts';
import { stopGradient } from '../lax/stop-gradient.ts';
import { checkpointedLoopP, type LoopParams } from './checkpointed-loop.ts';
import { always, count, merge, not, or, order, reorder, split, where, withUnusedInputs } from './flags.ts';
import { guardJaxpr } from './guard-effects.ts';
import { ofLanes } from './lanes.ts';

export interface WhileParams {
  /** What the user called. */
  readonly name: string;
  /** (cond constants, carry) → bool. */
  readonly cond: Jaxpr;
  /** (body constants, carry) → carry. */
  readonly body: Jaxpr;
  readonly condConsts: number;
  readonly bodyConsts: number;
  /**
   * A bound on the number of steps, which the condition enforces. The first carried value then is an int32 that counts
   * the steps from 0, in all lanes together: reverse mode runs as many backwards.
   */
  readonly maxSteps?: number;
}

export const whileP: Primitive<WhileParams> = primitive<WhileParams>({
  name: 'while',
  hot: true,
  type: (_, { body }) => body.outAvals,
  run: (inputs, { cond, body, condConsts, bodyConsts }) => {
    const [condArgs, bodyArgs, init] = split(inputs, condConsts, bodyConsts);
    let carry = init!;
    while (interpretArrays(cond, [...condArgs!, ...carry])[0]!.data[0]) {
      carry = interpretArrays(body, [...bodyArgs!, ...carry]);
    }
    return carry.map((x) => x.data.slice());
  },
  accuracy: exact,
  jvp: jvpWhile,
  partialEval: partialEvalWhile,
  // Bounded loops do not come here: partial evaluation makes them checkpointed loops.
  transpose: (_cotangents, _args, { name }) => {
    throw new RuleError(`${name}: reverse-mode differentiation cannot run a loop of unknown length backwards.`, {
      hint: 'use `scan` or a `foriLoop` with number bounds, bound the loop with `maxSteps`, or differentiate its solution implicitly with `customRoot` or `customFixedPoint`',
    });
  },
  batch: batchWhile,
  guard: (active, args, params) => {
    const [condArgs, bodyArgs, init] = split(args, params.condConsts, params.bodyConsts) as [Value[], Value[], Value[]];
    return bind(whileP, [active, ...condArgs, active, ...bodyArgs, ...init], {
      ...params,
      cond: guardJaxpr(params.cond),
      body: guardJaxpr(params.body),
      condConsts: params.condConsts + 1,
      bodyConsts: params.bodyConsts + 1,
    } satisfies WhileParams);
  },
  lower: { kind: 'while', loop: (params) => params },
  dce: (eqn, used) => {
    const { cond, body, condConsts, bodyConsts, ...rest } = eqn.params as WhileParams;
    const test = deadCodeElimination(cond);
    let live = or(used, test.usedInputs.slice(condConsts));
    if (rest.maxSteps !== undefined) live[0] = true;
    for (;;) {
      const next = or(live, deadCodeElimination(body, live).usedInputs.slice(bodyConsts));
      if (count(next) === count(live)) break;
      live = next;
    }
    const { jaxpr, usedInputs } = deadCodeElimination(body, live);
    const constUse = usedInputs.slice(0, bodyConsts);
    if (live.every(Boolean) && constUse.every(Boolean)) return undefined;
    const keep = [...always(condConsts), ...constUse, ...live];
    const params: WhileParams = {
      ...rest,
      cond: new Jaxpr(
        [...cond.inVars.slice(0, condConsts), ...where(cond.inVars.slice(condConsts), live)],
        test.jaxpr.eqns,
        cond.outs,
      ),
      body: new Jaxpr(where(jaxpr.inVars, [...constUse, ...live]), jaxpr.eqns, jaxpr.outs),
      condConsts,
      bodyConsts: count(constUse),
    };
    return {
      eqn: { ...eqn, inputs: where(eqn.inputs, keep), outputs: where(eqn.outputs, live), params },
      usedInputs: keep,
    };
  },
});

/** Which carried values have tangents: the least set that holds the given ones and is closed under the body. */
function jvpWhile(primals: readonly Value[], tangents: readonly Tangent[], params: WhileParams): [Value[], Tangent[]] {
  const { cond, body, condConsts, bodyConsts } = params;
  const [, bodyTangents, initTangents] = split(tangents, condConsts, bodyConsts);
  const constNonzero = bodyTangents!.map((t) => !isZero(t));
  let nonzero = initTangents!.map((t) => !isZero(t));
  for (;;) {
    const next = or(nonzero, jvpJaxpr(body, [...constNonzero, ...nonzero], nonzero).outNonzero);
    if (count(next) === count(nonzero)) break;
    nonzero = next;
  }
  const result = jvpJaxpr(body, [...constNonzero, ...nonzero], nonzero);
  const n = nonzero.length;
  const ct = count(constNonzero);
  const nt = count(nonzero);
  // Inputs come as (consts, carry, const tangents, carry tangents); a loop wants constants first.
  const jvpBody = reorder(
    result.jaxpr,
    order([0, bodyConsts], [bodyConsts + n, ct], [bodyConsts, n], [bodyConsts + n + ct, nt]),
    range(n + nt),
  );
  const carryTangentAvals = where(body.outAvals, nonzero);
  const [condArgs, bodyArgs, init] = split(primals, condConsts, bodyConsts);
  const outs = bind(
    whileP,
    [
      ...condArgs!,
      ...bodyArgs!,
      ...packTangents(bodyTangents!).values,
      ...init!,
      ...where(initTangents!, nonzero).map(instantiate),
    ],
    {
      ...params,
      cond: withUnusedInputs(cond, condConsts + n, carryTangentAvals),
      body: jvpBody,
      bodyConsts: bodyConsts + ct,
    } satisfies WhileParams,
  );
  let next = n;
  return [outs.slice(0, n), nonzero.map((has, i) => (has ? outs[next++]! : new Zero(outs[i]!.aval)))];
}

/**
 * Runs the part of the loop that does not depend on unknown values; the recorded equation runs all of it again, which
 * after a bounded loop is one of a known number of steps. What can be computed early is the carry that is closed under
 * the body without unknowns.
 */
function partialEvalWhile(
  trace: PartialEvalTrace,
  args: readonly Value[],
  unknown: readonly boolean[],
  params: WhileParams,
): Value[] {
  const { cond, body, condConsts, bodyConsts } = params;
  const [condUnknown, constUnknown, initUnknown] = split(unknown, condConsts, bodyConsts);
  let carryUnknown = initUnknown!;
  for (;;) {
    const next = or(carryUnknown, partialEvalJaxpr(body, [...constUnknown!, ...carryUnknown]).outUnknown);
    if (count(next) === count(carryUnknown)) break;
    carryUnknown = next;
  }
  const testUnknown = partialEvalJaxpr(cond, [...condUnknown!, ...carryUnknown]).outUnknown[0]!;
  if (testUnknown || carryUnknown.every(Boolean)) return trace.builder.emit(whileP, args, params);
  const carryKnown = not(carryUnknown);
  const parts = partialEvalJaxpr(body, [...constUnknown!, ...carryUnknown], carryUnknown);
  const known: WhileParams = {
    ...params,
    cond: new Jaxpr(
      [...cond.inVars.slice(0, condConsts), ...where(cond.inVars.slice(condConsts), carryKnown)],
      cond.eqns,
      cond.outs,
    ),
    body: deadCodeElimination(
      parts.known,
      parts.known.outs.map((_, i) => i < count(carryKnown)),
    ).jaxpr,
    bodyConsts: count(not(constUnknown!)),
  };
  const [condArgs, constArgs, init] = split(args, condConsts, bodyConsts);
  const knownOuts = bind(
    whileP,
    [...condArgs!, ...where(constArgs!, not(constUnknown!)), ...where(init!, carryKnown)],
    known,
  );
  // Effects have been executed with the known part.
  const again = withoutEffects(body);
  const all =
    params.maxSteps === undefined
      ? trace.builder.emit(whileP, args, { ...params, cond: withoutEffects(cond), body: again })
      : trace.builder.emit(checkpointedLoopP, [knownOuts[0]!, ...constArgs!, ...init!], {
          fwd: again,
          bwd: new Jaxpr(
            init!.map((v) => new Var(v.aval)),
            [],
            [],
          ),
          fwdConsts: bodyConsts,
          bwdConsts: 0,
          state: init!.length,
          maxSteps: params.maxSteps,
        } satisfies LoopParams);
  return merge(carryUnknown, where(all, carryUnknown), knownOuts);
}

/**
 * A condition that depends on the lane: the loop runs until every lane is done, and a finished lane is frozen by
 * `select`, so that what its body computes meanwhile (NaN, say) never shows, and has no effects. Whether a lane still runs is carried along,
 * so that the condition is evaluated once a step.
 */
function batchWhile(size: number, args: readonly Value[], batched: readonly boolean[], params: WhileParams) {
  const { cond, body, condConsts, bodyConsts } = params;
  const [condBatched, constBatched, initBatched] = split(batched, condConsts, bodyConsts);
  const [condArgs, constArgs, init] = split(args, condConsts, bodyConsts);
  let carryBatched = initBatched!;
  for (;;) {
    const next = or(carryBatched, batchJaxpr(body, size, [...constBatched!, ...carryBatched]).batched);
    if (count(next) === count(carryBatched)) break;
    carryBatched = next;
  }
  const lanes = (values: readonly Value[], wanted: readonly boolean[], has: readonly boolean[]) =>
    values.map((v, i) => (wanted[i] && !has[i] ? addLanes(v, size) : v));
  if (!batchJaxpr(cond, size, [...condBatched!, ...carryBatched]).batched[0]) {
    const outs = bind(whileP, [...condArgs!, ...constArgs!, ...lanes(init!, carryBatched, initBatched!)], {
      ...params,
      cond: batchJaxpr(cond, size, [...condBatched!, ...carryBatched]).jaxpr,
      body: batchJaxpr(body, size, [...constBatched!, ...carryBatched], carryBatched).jaxpr,
    } satisfies WhileParams);
    return { outs, batched: carryBatched };
  }
  const n = init!.length;
  const test = batchJaxpr(cond, size, [...condBatched!, ...always(n)], [true]).jaxpr;
  // In reverse mode the NaN of a finished lane would show after all, as 0·NaN in the cotangents of what it was computed
  // from: in a bounded loop that passes through stopGradient, as in a batched `cond`.
  const bounded = params.maxSteps !== undefined;
  const guarded = constArgs!.map((v) => bounded && v.aval.isFloating);
  const inLanes = (jaxpr: Jaxpr, constBatched: readonly boolean[]) => {
    const inputs = [...constBatched, ...always(n)];
    const outs = always(jaxpr.outs.length);
    if (!jaxpr.effectful) {
      const many = batchJaxpr(jaxpr, size, inputs, outs).jaxpr;
      return (_active: Value, values: readonly Value[]) => evalJaxpr(many, values);
    }
    const many = batchJaxpr(guardJaxpr(jaxpr), size, [true, ...inputs], outs).jaxpr;
    return (active: Value, values: readonly Value[]) => evalJaxpr(many, [active, ...values]);
  };
  const step = inLanes(body, or(constBatched!, guarded));
  const testAgain = inLanes(cond, condBatched!);
  const guard = (active: Value, values: readonly Value[]): readonly Value[] => {
    if (!bounded) return values;
    return values.map((v, i) => {
      if (!v.aval.isFloating) return v;
      const own = i < bodyConsts && !constBatched![i] ? addLanes(v, size) : v;
      return ofLanes(active, own, stopGradient(own));
    });
  };
  const fullInit = lanes(init!, always(n), initBatched!);
  const running = evalJaxpr(test, [...condArgs!, ...fullInit])[0]!;
  const carryAvals = [running.aval, ...fullInit.map((v) => v.aval)];
  // The lanes' own counters of a bounded loop are joined by one of all steps.
  const counter = params.maxSteps === undefined ? [] : [scalar(0, 'int32')];
  const counterAvals = counter.map((v) => v.aval);
  const anyLane = stage((flag) => [any(flag!)], [running.aval]).jaxpr;
  const frozen = stage(
    (...xs) => {
      const [tests, consts, steps, [active, ...carry]] = split(xs, condConsts, bodyConsts, counter.length) as [
        Value[],
        Value[],
        Value[],
        Value[],
      ];
      const stepped = step(active!, guard(active!, [...consts, ...carry]));
      const next = stepped.map((x, i) => ofLanes(active!, x, carry[i]!));
      return [...steps.map((k) => add(k, 1)), and(active!, testAgain(active!, [...tests, ...next])[0]!), ...next];
    },
    [...[...condArgs!, ...constArgs!].map((v) => v.aval), ...counterAvals, ...carryAvals],
  ).jaxpr;
  const outs = bind(whileP, [...condArgs!, ...constArgs!, ...counter, running, ...fullInit], {
    ...params,
    cond: withUnusedInputs(withUnusedInputs(anyLane, 1, carryAvals.slice(1)), 0, counterAvals),
    body: frozen,
    condConsts: 0,
    bodyConsts: condConsts + bodyConsts,
  } satisfies WhileParams);
  return { outs: outs.slice(counter.length + 1), batched: always(n) };
}
