/** `cond` and `switch`: one of several programs, chosen by an index. */

import { interpret } from '../../jit/interpret.ts';
import { checkFunction, flattenArguments } from '../../transforms/flat.ts';
import { jvpJaxpr, packTangents, unpackTangents } from '../../transforms/jvp.ts';
import { type PartialEvalTrace, partialEvalJaxpr } from '../../transforms/partial-eval.ts';
import { isLinear, transposeJaxpr } from '../../transforms/transpose.ts';
import { addLanes, batchJaxpr } from '../../transforms/vmap.ts';
import type { ArrayLike } from '../array.ts';
import type { ShapedArray } from '../core/aval.ts';
import { CarryError, ControlFlowError, DtypeError, TreeError } from '../core/errors.ts';
import { evalJaxpr } from '../core/eval-jaxpr.ts';
import { deadCodeElimination, type Eqn, Jaxpr, Var } from '../core/jaxpr.ts';
import { checkList } from '../core/options.ts';
import { exact, type Primitive, primitive } from '../core/primitive.ts';
import { stage } from '../core/stage.ts';
import { bind, type Value } from '../core/trace.ts';
import { isZero, Zero } from '../core/zero.ts';
import { eq, ge, le } from '../lax/compare.ts';
import { convert } from '../lax/convert.ts';
import { zerosLike } from '../lax/creation.ts';
import { stopGradient } from '../lax/stop-gradient.ts';
import { toValue } from '../promote.ts';
import { type Arrays, type Like, leafPaths, type Tree, unflatten } from '../tree.ts';
import { convertOuts, joinAvals, shareConsts, type Traced, traceFunction } from './branches.ts';
import { always, merge, not, or, where } from './flags.ts';
import { guardJaxpr } from './guard-effects.ts';
import { jitP } from './jit-primitive.ts';
import { ofLanes } from './lanes.ts';

export interface CondParams {
  /** Programs over the same inputs with the same result types. */
  readonly branches: readonly Jaxpr[];
}

/** Operand 0 is the int32 index, clamped to the branches. */
export const condP: Primitive<CondParams> = primitive<CondParams>({
  name: 'cond',
  hot: true,
  type: (_, { branches }) => branches[0]!.outAvals,
  run: ([index, ...operands], { branches }) =>
    interpret(branches[Math.min(Math.max(index!.data[0]!, 0), branches.length - 1)]!, operands),
  accuracy: exact,
  jvp: ([index, ...primals], [, ...tangents], { branches }) => {
    const { nonzero, values } = packTangents(tangents);
    const outNonzero = branches.map((b) => jvpJaxpr(b, nonzero).outNonzero).reduce(or);
    const jvps = branches.map((b) => jvpJaxpr(b, nonzero, outNonzero).jaxpr);
    return unpackTangents(bind(condP, [index!, ...primals, ...values], { branches: jvps }), outNonzero);
  },
  partialEval: partialEvalCond,
  transpose: (cotangents, [index, ...args], { branches }) => {
    const linear = args.map(isLinear);
    const outNonzero = cotangents.map((ct) => !isZero(ct));
    const inNonzero = branches.map((b) => transposeJaxpr(b, linear, outNonzero).inNonzero).reduce(or);
    const transposed = branches.map((b) => transposeJaxpr(b, linear, outNonzero, inNonzero).jaxpr);
    const operands = [
      ...args.filter((x): x is Value => !isLinear(x)),
      ...cotangents.filter((ct): ct is Value => !isZero(ct)),
    ];
    const results = bind(condP, [index as Value, ...operands], { branches: transposed });
    let next = 0;
    let position = 0;
    return [
      undefined,
      ...args.map((x) => (isLinear(x) ? (inNonzero[position++] ? results[next++]! : new Zero(x.aval)) : undefined)),
    ];
  },
  batch: (size, [index, ...args], [indexBatched, ...batched], { branches }) => {
    if (!indexBatched) {
      const outs = branches.map((b) => batchJaxpr(b, size, batched).batched).reduce(or);
      const lanes = branches.map((b) => batchJaxpr(b, size, batched, outs).jaxpr);
      return { outs: bind(condP, [index!, ...args], { branches: lanes }), batched: outs };
    }
    const n = branches[0]!.outs.length;
    const allOut = always(n);
    // Every branch runs on every lane. A lane that did not choose a branch must not send its derivative through it, where
    // it could be NaN: its operands pass through stopGradient. Nor does it have the branch's effects.
    const results = branches.map((branch, i) => {
      const chosen = chooses(index!, i, branches.length);
      const guarded = args.map((arg, k) => {
        if (!arg.aval.isFloating) return arg;
        const lanes = batched[k] ? arg : addLanes(arg, size);
        return ofLanes(chosen, lanes, stopGradient(lanes));
      });
      const guardedBatched = batched.map((b, k) => b || args[k]!.aval.isFloating);
      const { jaxpr } = branch.effectful
        ? batchJaxpr(guardJaxpr(branch), size, [true, ...guardedBatched], allOut)
        : batchJaxpr(branch, size, guardedBatched, allOut);
      return bind(jitP, branch.effectful ? [chosen, ...guarded] : guarded, { name: 'branch', jaxpr });
    });
    const outs = allOut.map((_, k) =>
      results.map((r) => r[k]!).reduceRight((rest, own, i) => ofLanes(chooses(index!, i, branches.length), own, rest)),
    );
    return { outs, batched: allOut };
  },
  guard: (active, [index, ...args], { branches }) =>
    bind(condP, [index!, active, ...args], { branches: branches.map(guardJaxpr) }),
  lower: { kind: 'cond', branches: ({ branches }) => branches },
  dce: (eqn, used) => {
    const { branches } = eqn.params as CondParams;
    const live = branches.map((b) => deadCodeElimination(b, used));
    const usedInputs = live.map((l) => l.usedInputs).reduce(or);
    if (used.every(Boolean) && usedInputs.every(Boolean)) return undefined;
    const kept = live.map(({ jaxpr }) => new Jaxpr(where(jaxpr.inVars, usedInputs), jaxpr.eqns, jaxpr.outs));
    const all = [true, ...usedInputs];
    const smaller: Eqn = {
      ...eqn,
      inputs: where(eqn.inputs, all),
      outputs: where(eqn.outputs, used),
      params: { branches: kept } satisfies CondParams,
    };
    return { eqn: smaller, usedInputs: all };
  },
});

/** Lanes whose (clamped) index is i. */
function chooses(index: Value, i: number, n: number): Value {
  if (i === 0) return le(index, 0);
  if (i === n - 1) return ge(index, n - 1);
  return eq(index, i);
}

/**
 * Splits every branch. Operands that a branch keeps are operands of what comes later too, and are the same whatever branch is
 * chosen, in lanes with choices of their own as well. Other residuals differ from branch to branch: they share slots by type, and
 * a branch fills the slots that it does not need with zeros.
 */
function partialEvalCond(
  trace: PartialEvalTrace,
  operands: readonly Value[],
  unknown: readonly boolean[],
  { branches }: CondParams,
): Value[] {
  if (unknown[0]) return trace.builder.emit(condP, operands, { branches });
  const [index, ...args] = operands as [Value, ...Value[]];
  const unknownArgs = unknown.slice(1);
  const outUnknown = branches.map((b) => partialEvalJaxpr(b, unknownArgs).outUnknown).reduce(or);
  const splits = branches.map((b) => partialEvalJaxpr(b, unknownArgs, outUnknown));
  const nKnown = outUnknown.filter((u) => !u).length;
  const knownArgs = where(args, not(unknownArgs));

  /** By branch and residual, the operand that it is. */
  const keptBy = splits.map(({ known }) => {
    const positions = known.outs.slice(nKnown).map((out) => known.inVars.indexOf(out as Var));
    return positions.map((k, r) => (positions.indexOf(k) === r && k >= 0 ? k : undefined));
  });
  const kept = knownArgs.map((_, k) => k).filter((k) => keptBy.some((positions) => positions.includes(k)));
  const slots: ShapedArray[] = [];
  /** By branch and residual that is no operand, its slot. */
  const slotOf = splits.map(({ known }, b) => {
    const free = slots.map((_, i) => i);
    return known.outAvals.slice(nKnown).map((aval, r) => {
      if (keptBy[b]![r] !== undefined) return undefined;
      const at = free.findIndex((slot) => slots[slot] === aval);
      if (at >= 0) return free.splice(at, 1)[0]!;
      slots.push(aval);
      return slots.length - 1;
    });
  });
  const knownBranches = splits.map(({ known }, b) => {
    const own = slotOf[b]!;
    const filled = stage((...xs) => {
      const outs = evalJaxpr(known, xs);
      return [
        ...outs.slice(0, nKnown),
        ...slots.map((aval, slot) => (own.includes(slot) ? outs[nKnown + own.indexOf(slot)]! : zerosLike(aval))),
      ];
    }, known.inAvals);
    return filled.jaxpr;
  });
  const unknownBranches = splits.map((s, b) => {
    const residualVars = s.unknown.inVars.slice(0, s.residuals);
    const varAt = (places: readonly (number | undefined)[], place: number, aval: ShapedArray): Var =>
      residualVars[places.indexOf(place)] ?? new Var(aval);
    return new Jaxpr(
      [
        ...slots.map((aval, slot) => varAt(slotOf[b]!, slot, aval)),
        ...kept.map((k) => varAt(keptBy[b]!, k, s.known.inVars[k]!.aval)),
        ...s.unknown.inVars.slice(s.residuals),
      ],
      s.unknown.eqns,
      s.unknown.outs,
    );
  });
  const known = bind(condP, [index, ...knownArgs], { branches: knownBranches });
  const residuals = [...known.slice(nKnown), ...kept.map((k) => knownArgs[k]!)];
  const unknownOuts = trace.builder.emit(condP, [index, ...residuals, ...where(args, unknownArgs)], {
    branches: unknownBranches,
  });
  return merge(outUnknown, unknownOuts, known.slice(0, nKnown));
}

/** Traces branches to programs of one signature. */
function traceBranches(
  operation: string,
  branches: readonly ((...args: any[]) => unknown)[],
  operands: readonly unknown[],
) {
  const { values, def } = flattenArguments(operands, operation);
  const avalsIn = values.map((v) => v.aval);
  const traced = branches.map((f, i) => {
    try {
      return traceFunction(operation, f, def, avalsIn);
    } catch (error) {
      throw error instanceof TypeError && f.length > operands.length
        ? untaken(operation, f.length, nameOf(operation, i), operands.length, error)
        : error;
    }
  });
  checkBranches(operation, traced);
  const { jaxprs, consts } = shareConsts(traced);
  const avals = jaxprs.map((j) => j.outAvals).reduce((a, b) => a.map((aval, i) => joinAvals(aval, b[i]!)!));
  return {
    jaxprs: jaxprs.map((j) => convertOuts(j, avals)),
    operands: [...consts, ...values],
    outDef: traced[0]!.outDef,
  };
}

const nameOf = (operation: string, i: number): string =>
  operation === 'cond' ? (i === 0 ? 'onFalse' : 'onTrue') : `branch ${i}`;

/** Of a branch that failed and has more parameters than there are operands: these are undefined. */
function untaken(operation: string, taken: number, which: string, given: number, cause: TypeError): ControlFlowError {
  const takes = taken === 1 ? 'one operand' : `${taken} operands`;
  const got = given === 0 ? 'none is given' : `${given === 1 ? 'one is' : `${given} are`} given`;
  const call = operation === 'cond' ? 'cond(pred, onTrue, onFalse, x)' : 'switch(index, branches, x)';
  return new ControlFlowError(`${operation}: ${which} takes ${takes}, but ${got}.`, {
    hint: `operands stand behind the branches: \`lax.${call}\``,
    cause,
  });
}

function checkBranches(operation: string, traced: readonly Traced[]): void {
  const first = traced[0]!;
  for (const [i, other] of traced.entries()) {
    if (other.outDef.key !== first.outDef.key) {
      throw new TreeError(
        `${operation}: branches return different structures: ${first.outDef} in ${nameOf(operation, 0)} and ${other.outDef} in ${nameOf(operation, i)}.`,
      );
    }
    const paths = leafPaths(first.outDef, 'result');
    other.jaxpr.outAvals.forEach((aval, k) => {
      if (!joinAvals(first.jaxpr.outAvals[k]!, aval)) {
        throw new CarryError(
          `${operation}: branches return different types: ${paths[k]} is ${first.jaxpr.outAvals[k]} in ${nameOf(operation, 0)} and ${aval} in ${nameOf(operation, i)}.`,
        );
      }
    });
  }
}

/**
 * `onTrue(...operands)` where `pred` holds, else `onFalse(...operands)`: only the chosen branch runs (under `vmap` with
 * a predicate per lane, both do, and results are selected).
 *
 * @param pred a rank-0 bool (numbers count as true where not 0)
 * @example
 * cond(x.gt(0), (x) => np.log(x), (x) => x, x);
 * @throws CarryError when the branches return different types
 */
export function cond<A extends readonly Tree[], T extends Tree>(
  pred: ArrayLike,
  onTrue: (...operands: Arrays<A>) => T,
  onFalse: (...operands: Arrays<A>) => Like<T>,
  ...operands: A
): Arrays<T> {
  const value = toValue(pred, 'cond');
  if (value.ndim !== 0) throw new DtypeError(`cond: the predicate must be a scalar, but it is ${value.aval}.`);
  checkFunction('cond', onTrue, '`onTrue`');
  checkFunction('cond', onFalse, '`onFalse`');
  const chosen = convert(value.aval.dtype === 'bool' ? value : convert(value, 'bool'), 'int32');
  const traced = traceBranches('cond', [onFalse, onTrue], operands);
  return unflatten(traced.outDef, bind(condP, [chosen, ...traced.operands], { branches: traced.jaxprs }));
}

/**
 * `branches[index](...operands)`, the index clamped into range.
 * @param index a rank-0 integer
 */
export function switchCase<A extends readonly Tree[], T extends Tree>(
  index: ArrayLike,
  branches: readonly ((...operands: Arrays<A>) => T)[],
  ...operands: A
): Arrays<T> {
  const value = toValue(index, 'switch');
  checkList('switch', 'the branches', branches);
  if (branches.length === 0) throw new ControlFlowError('switch: needs at least one branch.');
  branches.forEach((branch, i) => {
    checkFunction('switch', branch, `branch ${i}`);
  });
  const integral =
    value.literal === undefined ? value.aval.weakType || !value.aval.isFloating : Number.isInteger(value.literal);
  if (value.ndim !== 0 || !integral) {
    throw new DtypeError(`switch: the index must be an integer scalar, but it is ${value.literal ?? value.aval}.`);
  }
  const traced = traceBranches('switch', branches, operands);
  return unflatten(
    traced.outDef,
    bind(condP, [convert(value, 'int32'), ...traced.operands], { branches: traced.jaxprs }),
  );
}
