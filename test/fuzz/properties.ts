/** What must hold of every sample. Each property returns how it is violated, or nothing. */

import { simplify } from '../../jit/lower/simplify.ts';
import { prepare } from '../../jit/run.ts';
import { Cell } from '../../jit/storage/cell.ts';
import { shapedArray } from '../../src/core/aval.ts';
import { allocate, type TypedArray } from '../../src/core/dtype.ts';
import { inspectPrograms, type Jaxpr } from '../../src/core/jaxpr.ts';
import { EagerProgram, setCompiledAfter, wrap } from '../../src/core/plan.ts';
import type { HostArray, Primitive } from '../../src/core/primitive.ts';
import { Source, withSource } from '../../src/core/source.ts';
import { verifyJaxpr } from '../../src/core/verify.ts';
import { makeJaxpr, type NDArray } from '../../src/index.ts';
import { effectsOfLanes, keepsEffects, sameEffects, withEffects } from './effects.ts';
import { Ambiguous, type Bounded, type Difference, disagreement, evaluateBounded, exactInput } from './error-bound.ts';
import { finiteDifferences } from './finite-differences.ts';
import { allSteps, isFloat } from './program.ts';
import {
  avalOf,
  copyingFunctionOf,
  drawArguments,
  evaluateText,
  functionsOf,
  type ListFunction,
  type Sample,
  toArray,
} from './sample.ts';
import type { Stage, VmapStage } from './transformations.ts';
import * as transformations from './transformations.ts';
import { stageOf } from './transformations.ts';
import { Violation } from './violation.ts';

export { Violation };

const nowhere = new Source(new Error());

export interface Traced {
  readonly jaxpr: Jaxpr;
  readonly consts: readonly NDArray[];
}

// The verifier sees every program that is made, by whatever transformation or pass.
inspectPrograms((jaxpr) => {
  try {
    verifyJaxpr(jaxpr);
  } catch (error) {
    throw new Violation('the verifier accepts the program after every pass', (error as Error).stack!);
  }
});

/** A program of a function, which can be simplified too. */
export function trace(f: ListFunction, args: readonly HostArray[]): Traced {
  // A position given once spares a stack for every operation.
  const { jaxpr, consts } = withSource(
    nowhere,
    () => makeJaxpr(f as never)(...(args.map(toArray) as never)) as unknown as Traced,
  );
  simplify(jaxpr);
  return { jaxpr, consts };
}

const operandsOf = ({ consts }: Traced, args: readonly HostArray[]): HostArray[] => [
  ...consts.map((c) => ({ aval: c.aval, data: c.hostData() })),
  ...args,
];

export type Count = (primitive: Primitive) => void;

export const bounded = (traced: Traced, args: readonly HostArray[], difference: Difference, count?: Count): Bounded[] =>
  evaluateBounded(traced.jaxpr, operandsOf(traced, args).map(exactInput), difference, ({ primitive }) =>
    count?.(primitive),
  );

/** Bounds of one function against those of another for the same mathematics. */
export function compare(property: string, got: readonly Bounded[], wanted: readonly Bounded[]): void {
  if (got.length !== wanted.length) throw new Violation(property, `${got.length} results and ${wanted.length}`);
  wanted.forEach((w, i) => {
    const wrong = disagreement(got[i]!.data, w, got[i]!.error);
    if (wrong) throw new Violation(property, `result ${i}: ${wrong}`);
  });
}

/** The compiled program against the reference semantics. */
export function checkCompiled(
  traced: Traced,
  args: readonly HostArray[],
  wanted: readonly Bounded[],
  effects: readonly number[],
): void {
  const { jaxpr } = traced;
  const cells = operandsOf(traced, args).map(({ aval, data }) => Cell.fromHost(aval.dtype, data));
  const [results, seen] = withEffects(() => prepare(jaxpr)(cells, wrap));
  sameEffects('compiled and interpreted programs have the same effects', seen, effects);
  results.forEach((cell, i) => {
    const wrong = disagreement(cell.toHost(), wanted[i]!);
    if (wrong) throw new Violation('compiled = interpreted', `result ${i}: ${wrong}`);
  });
}

/** The function called outside of `jit`, operation by operation. */
export function checkEager(
  f: ListFunction,
  args: readonly HostArray[],
  wanted: readonly Bounded[],
  effects: readonly number[],
): void {
  const [results, seen] = withEffects(() => f(...args.map(toArray)));
  sameEffects('eager and interpreted programs have the same effects', seen, effects);
  results.forEach((x, i) => {
    const wrong = disagreement(x.hostData(), wanted[i]!, wanted[i]!.error);
    if (wrong) throw new Violation('eager = interpreted', `result ${i}: ${wrong}`);
    const type = avalOf({ shape: wanted[i]!.aval.shape, dtype: wanted[i]!.aval.dtype });
    if (shapedArray(x.aval.shape, x.aval.dtype) !== type && !wanted[i]!.aval.weakType)
      throw new Violation('eager = interpreted', `result ${i} is ${x.aval}, not ${type}`);
  });
}

/** The program as a recorded function: by operations, and with those compiled that follow each other. */
export function checkRecorded({ jaxpr, consts }: Traced, args: readonly HostArray[], wanted: readonly Bounded[]): void {
  const recorded = EagerProgram.of(jaxpr, consts);
  if (!recorded) return;
  const run = (compiledAfter: number): TypedArray[] => {
    setCompiledAfter(compiledAfter);
    return recorded.run(args.map(toArray)).map((x) => x.hostData());
  };
  const [first, second] = [run(Infinity), run(0)];
  setCompiledAfter(2 ** 23);
  first.forEach((data, i) => {
    const wrong = disagreement(data, wanted[i]!);
    if (wrong) throw new Violation('recorded = interpreted', `result ${i}: ${wrong}`);
    const at = data.findIndex((x, k) => !Object.is(x, second[i]![k]));
    if (at >= 0)
      throw new Violation(
        'recorded = recorded and compiled',
        `result ${i}: ${data[at]} and ${second[i]![at]} at ${at}`,
      );
  });
}

/** Lane i of an array along an axis. */
function laneOf({ aval, data }: HostArray, axis: number, lane: number): HostArray {
  const { shape } = aval;
  const inner = shape.slice(axis + 1).reduce((a, b) => a * b, 1);
  const n = shape[axis]!;
  const rest = [...shape.slice(0, axis), ...shape.slice(axis + 1)];
  const out = shapedArray(rest, aval.dtype);
  const result = allocate(aval.dtype, out.size);
  for (let i = 0; i < result.length; i++) {
    result[i] = data[(Math.floor(i / inner) * n + lane) * inner + (i % inner)]!;
  }
  return { aval: out, data: result };
}

const laneOfBounded = (x: Bounded, axis: number, lane: number): Bounded => {
  const error = x.error && laneOf({ aval: shapedArray(x.aval.shape, 'float64'), data: x.error }, axis, lane);
  return { ...laneOf(x, axis, lane), error: error?.data as Float64Array | undefined };
};

function checkVmap(
  stage: VmapStage,
  inner: ListFunction,
  args: readonly HostArray[],
  result: readonly Bounded[],
  effects: readonly number[],
): void {
  const { size, inAxes, outAxes } = stage.lanes;
  const laneArgs = (lane: number): HostArray[] =>
    args.map((x, i) => (inAxes[i] === null ? x : laneOf(x, inAxes[i]!, lane)));
  const traced = trace(inner, laneArgs(0));
  const alone: (readonly number[])[] = [];
  for (let lane = 0; lane < size; lane++) {
    const [wanted, seen] = withEffects(() => bounded(traced, laneArgs(lane), 'mathematics'));
    alone.push(seen);
    compare(
      `vmap(f) = stacked f, lane ${lane}`,
      result.map((x, i) => laneOfBounded(x, outAxes[i]!, lane)),
      wanted,
    );
  }
  effectsOfLanes(effects, alone);
}

/** The jvp of a function along tangents of its own, compared with finite differences, and whether those say nothing. */
function pushForward(
  before: Stage,
  inner: ListFunction,
  args: readonly HostArray[],
  seed: number,
): { pushed: readonly Bounded[]; tangents: readonly HostArray[]; tied: boolean } | undefined {
  const forward = transformations.jvp(before, undefined as never);
  if (!forward) return undefined;
  const tangents = drawArguments(forward.inputs, seed + 1).slice(args.length);
  const all = [...args, ...tangents];
  const result = bounded(trace(evaluateText(forward.js, inner), all), all, 'mathematics');
  const tied = finiteDifferences(before, trace(inner, args), all, result);
  return { pushed: result.slice(before.outs.length), tangents, tied };
}

/**
 * ⟨cotangent, jvp⟩ = ⟨vjp, tangent⟩ for the inputs and outputs that are floats; `pulled` is the vjp of `cotangents`. Returns
 * whether finite differences said nothing.
 */
function checkAdjoint(
  before: Stage,
  inner: ListFunction,
  args: readonly HostArray[],
  cotangents: readonly HostArray[],
  pulled: readonly Bounded[],
  seed: number,
): boolean {
  const forward = pushForward(before, inner, args, seed);
  if (!forward) return false;
  const { pushed, tangents, tied } = forward;
  let difference = 0;
  let allowed = 0;
  let size = 0;
  const addUp = (xs: readonly HostArray[], ys: readonly Bounded[], sign: number): void => {
    xs.forEach((x, i) => {
      for (let k = 0; k < x.data.length; k++) {
        const term = x.data[k]! * ys[i]!.data[k]!;
        difference += sign * term;
        size += Math.abs(term);
        allowed += Math.abs(x.data[k]!) * (ys[i]!.error?.[k] ?? 0);
      }
    });
  };
  addUp(cotangents, pushed, 1);
  addUp(tangents, pulled, -1);
  // The sums themselves are taken in float64.
  const terms = [...cotangents, ...tangents].reduce((count, x) => count + x.data.length, 0);
  allowed += size * terms * 2 ** -52;
  if (Math.abs(difference) > allowed)
    throw new Violation('<ct, jvp> = <vjp, t>', `they differ by ${difference}, allowed ${allowed}`);
  return tied;
}

/** The derivatives of a program without transformations. Returns whether finite differences said nothing. */
function checkProgram(sample: Sample, f: ListFunction, args: readonly HostArray[]): boolean {
  const { program, seed } = sample;
  const base = stageOf(program.inputs, program.outs);
  const reverse = canReverse(sample) ? transformations.vjp(base, undefined as never) : undefined;
  if (!reverse) {
    return pushForward(base, f, args, seed)?.tied ?? false;
  }
  const cotangents = drawArguments(reverse.inputs, seed + 2).slice(args.length);
  const all = [...args, ...cotangents];
  const pulled = bounded(trace(evaluateText(reverse.js, f), all), all, 'mathematics').slice(base.outs.length);
  return checkAdjoint(base, f, args, cotangents, pulled, seed);
}

/** The bounded results of a function made of the inner one by other means, on the same arguments. */
function through(
  make: transformations.Transformation,
  before: Stage,
  inner: ListFunction,
  args: readonly HostArray[],
): Bounded[] | undefined {
  const stage = make(before, undefined as never);
  if (!stage) return undefined;
  return bounded(trace(evaluateText(stage.js, inner), args), args, 'mathematics');
}

/** What the outermost transformation of the stack promises. Returns whether finite differences said nothing. */
export function checkOutermost(
  sample: Sample,
  functions: readonly ListFunction[],
  args: readonly HostArray[],
  result: readonly Bounded[],
  effects: readonly number[],
): boolean {
  const { stack, program } = sample;
  const top = stack.at(-1);
  if (!top) {
    return checkProgram(sample, functions[0]!, args);
  }
  const before = stack.at(-2) ?? stageOf(program.inputs, program.outs);
  const inner = functions.at(-2)!;
  const n = before.inputs.length;
  const plain = (): Bounded[] => {
    const own = args.slice(0, n);
    const [values, seen] = withEffects(() => bounded(trace(inner, own), own, 'mathematics'));
    if (top.name === 'jit' || top.name === 'checkpoint' || keepsEffects(program))
      sameEffects(`${top.name}(f) has the effects of f`, effects, seen);
    return values;
  };
  switch (top.name) {
    case 'jit':
      compare('jit(f) = f', result, plain());
      return false;
    case 'checkpoint':
      compare('checkpoint(f) = f', result, plain());
      return false;
    case 'vmap':
      checkVmap(top as VmapStage, inner, args, result, effects);
      return false;
    case 'jvp':
    case 'linearize': {
      compare(`the value of ${top.name}`, result.slice(0, before.outs.length), plain());
      const twice = sample.seed % 3 === 0 && canReverse(sample);
      const other = top.name === 'jvp' ? transformations.linearize : transformations.jvp;
      const wanted = through(twice ? transformations.transposedTwice : other, before, inner, args);
      const name = twice ? 'transposing twice is the identity' : 'jvp = linearize';
      if (wanted) compare(name, result, wanted);
      return finiteDifferences(before, trace(inner, args.slice(0, n)), args, result);
    }
    case 'vjp':
      compare('the value of vjp', result.slice(0, before.outs.length), plain());
      return checkAdjoint(
        before,
        inner,
        args.slice(0, n),
        args.slice(n),
        result.slice(before.outs.length),
        sample.seed,
      );
    case 'grad': {
      const y = plain().filter((_, i) => isFloat(before.outs[i]!));
      const weights = [1, -0.5, 0.75, 2];
      const cotangents = y.map((out, k): HostArray => {
        const data = allocate(out.aval.dtype, out.data.length).fill(weights[k % 4]!);
        return { aval: out.aval, data };
      });
      const wanted = through(transformations.vjp, before, inner, [...args, ...cotangents]);
      if (wanted) compare('grad = vjp', result.slice(1), wanted.slice(before.outs.length));
      return false;
    }
    case 'jacfwd':
    case 'jacrev': {
      const other = top.name === 'jacfwd' ? transformations.jacrev : transformations.jacfwd;
      if (top.name === 'jacfwd' && !canReverse(sample)) return false;
      const wanted = through(other, before, inner, args);
      if (wanted) compare('jacfwd = jacrev', result, wanted);
    }
  }
  return false;
}

const canReverse = ({ program }: Sample): boolean =>
  !program.steps.some(function loops(step): boolean {
    return step.op === 'whileLoop' || step.functions.some((f) => f.steps.some(loops));
  });

const differentiations = new Set(['grad', 'hessian', 'jvp', 'vjp', 'linearize', 'jacfwd', 'jacrev', 'selfCalling']);

const differentiates = ({ steps }: Sample['program']): boolean =>
  allSteps(steps).some(({ op }) => differentiations.has(op));

export interface CheckOptions {
  readonly compile: boolean;
  readonly eager: boolean;
  readonly count?: Count;
}

export interface Outcome {
  /** 'ambiguous': inputs where correct evaluations may go different ways, or derivatives are a convention. */
  readonly kind: 'held' | 'ambiguous';
  readonly compiled: boolean;
  readonly eager: boolean;
  /** The largest bound relative to the largest result. */
  readonly looseness: number;
}

/** All properties of a sample. @throws Violation */
export function check(sample: Sample, options: CheckOptions): Outcome {
  const { stack, program, seed } = sample;
  const stage = stack.at(-1) ?? stageOf(program.inputs, program.outs);
  const args = drawArguments(stage.inputs, seed);
  const functions = functionsOf(sample);
  const f = functions.at(-1)!;
  const traced = trace(f, args);
  let looseness = 0;
  let tied = false;
  try {
    const [result, effects] = withEffects(() => bounded(traced, args, 'mathematics', options.count));
    if (options.compile) {
      const executed = bounded(traced, args, 'execution');
      checkCompiled(traced, args, executed, effects);
      checkRecorded(traced, args, executed);
    }
    for (const { data, error } of result) {
      const scale = Math.max(...Array.from(data, Math.abs).filter(Number.isFinite)) || 1;
      if (error) for (const e of error) looseness = Math.max(looseness, Number.isNaN(e) ? 1 : Math.min(e / scale, 1));
    }
    tied = checkOutermost(sample, functions, args, result, effects);
    if (seed % 3 === 1 && differentiates(program)) {
      // One value may be differentiated in one place and captured in another.
      const copying = bounded(trace(copyingFunctionOf(sample), args), args, 'mathematics');
      compare('f differentiated at x = at a copy of x', copying, result);
    }
    if (options.eager) checkEager(f, args, result, effects);
  } catch (error) {
    if (error instanceof Ambiguous) return { kind: 'ambiguous', compiled: options.compile, eager: false, looseness };
    throw error;
  }
  return { kind: tied ? 'ambiguous' : 'held', compiled: options.compile, eager: options.eager, looseness };
}
