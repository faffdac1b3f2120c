/** From a failing sample to the smallest one found that still fails in the same way. */

import { nested } from './generator.ts';
import {
  type FunctionBody,
  leaves,
  type Program,
  type Step,
  sameShape,
  sizeOf,
  type Variable,
  withoutDeadSteps,
} from './program.ts';
import { type CheckOptions, check, Violation } from './properties.ts';
import type { Sample } from './sample.ts';
import type { Stage } from './transformations.ts';

/** How a sample fails, if it does: the property, or where an error was thrown. */
export function failureOf(sample: Sample, options: CheckOptions): { kind: string; message: string } | undefined {
  try {
    check(sample, options);
    return undefined;
  } catch (error) {
    const { message, stack = '' } = error as Error;
    if (error instanceof Violation) return { kind: error.property.replace(/ lane \d+/, ''), message };
    const frame = /at (\S+) .*dist\/(?:src|transforms|jit)\/(\S+?):/.exec(stack);
    return { kind: `${(error as Error).name} in ${frame?.[2] ?? 'the harness'}`, message: stack || message };
  }
}

/** A constant of the type of a step's result, in place of the step. */
function literalStep(step: Step): Step | undefined {
  const [out] = step.outs;
  if (step.outs.length !== 1 || step.op === 'literal') return undefined;
  const n = sizeOf(out!.shape);
  const value = out!.dtype === 'bool' ? 'true' : String(Math.max(out!.low || 0, Math.min(1, out!.high || 1)));
  const text = nested(new Array(n).fill(value), out!.shape);
  const js =
    n === 0 ? `np.zeros([${out!.shape}], { dtype: '${out!.dtype}' })` : `np.array(${text}, { dtype: '${out!.dtype}' })`;
  return { op: 'literal', js, py: undefined, args: [], functions: [], outs: step.outs, list: false };
}

const compatible = (a: Variable, b: Variable): boolean => a.dtype === b.dtype && sameShape(a.shape, b.shape);

type Replacement = ReadonlyMap<number, Variable>;
const substitute = (v: Variable, by: Replacement): Variable => by.get(v.id) ?? v;

function substituteStep(step: Step, by: Replacement): Step {
  return {
    ...step,
    args: step.args.map((v) => substitute(v, by)),
    functions: step.functions.map((f) => substituteFunction(f, by)),
  };
}

function substituteFunction(f: FunctionBody, by: Replacement): FunctionBody {
  const result = (group: FunctionBody['result']): FunctionBody['result'] =>
    Array.isArray(group) ? group.map((g) => result(g as FunctionBody['result'])) : substitute(group as Variable, by);
  return { ...f, steps: f.steps.map((s) => substituteStep(s, by)), result: result(f.result) };
}

/** Every way of making a list of steps smaller by one change; `known` are the values in scope before them. */
function* smallerSteps(
  steps: readonly Step[],
  known: readonly Variable[],
): Generator<{ steps: readonly Step[]; by?: Replacement }> {
  for (let i = steps.length - 1; i >= 0; i--) {
    const step = steps[i]!;
    const scope = [...known, ...steps.slice(0, i).flatMap((s) => s.outs)];
    const rest = (by: Replacement): readonly Step[] => [
      ...steps.slice(0, i),
      ...steps.slice(i + 1).map((s) => substituteStep(s, by)),
    ];
    if (step.outs.length === 1) {
      const earlier = scope.find((v) => compatible(v, step.outs[0]!));
      if (earlier) {
        const by = new Map([[step.outs[0]!.id, earlier]]);
        yield { steps: rest(by), by };
      }
      const literal = literalStep(step);
      if (literal) yield { steps: [...steps.slice(0, i), literal, ...steps.slice(i + 1)] };
    }
    for (const [k, f] of step.functions.entries()) {
      for (const smaller of smallerSteps(f.steps, [...scope, ...leaves(f.params)])) {
        const changed = { ...f, steps: smaller.steps };
        const functions = step.functions.map((g, j) =>
          j === k
            ? smaller.by
              ? { ...substituteFunction({ ...changed, steps: [] }, smaller.by), steps: smaller.steps }
              : changed
            : g,
        );
        yield { steps: [...steps.slice(0, i), { ...step, functions }, ...steps.slice(i + 1)] };
      }
    }
  }
}

function* smallerPrograms(program: Program): Generator<Program> {
  if (program.outs.length > 1) {
    for (const out of program.outs) yield { ...program, outs: [out] };
  }
  for (const { steps, by } of smallerSteps(program.steps, program.inputs)) {
    yield { ...program, steps, outs: by ? program.outs.map((v) => substitute(v, by)) : program.outs };
  }
}

/** Transformations whose text does not depend on what they are applied to can be left out anywhere. */
function* smallerStacks(stack: readonly Stage[]): Generator<Stage[]> {
  if (stack.length > 0) yield stack.slice(0, -1);
  for (let i = 0; i < stack.length - 1; i++) {
    if (stack[i]!.name === 'jit' || stack[i]!.name === 'checkpoint')
      yield [...stack.slice(0, i), ...stack.slice(i + 1)];
  }
}

/** Greedy: every change that keeps the failure is kept, until none does. */
export function shrink(sample: Sample, options: CheckOptions, seconds = 60): Sample {
  const failure = failureOf(sample, options);
  if (!failure) return sample;
  const end = Date.now() + 1000 * seconds;
  const fails = (candidate: Sample): boolean => failureOf(candidate, options)?.kind === failure.kind;
  let best = sample;
  search: for (;;) {
    if (Date.now() > end) return best;
    for (const stack of smallerStacks(best.stack)) {
      const candidate = { ...best, stack };
      if (fails(candidate)) {
        best = candidate;
        continue search;
      }
    }
    for (const smaller of smallerPrograms(best.program)) {
      if (Date.now() > end) return best;
      const program = withoutDeadSteps(smaller);
      // Fewer results change what transformations are applied to: only without any.
      if (program.outs.length !== best.program.outs.length && best.stack.length > 0) continue;
      const candidate = { ...best, program };
      if (fails(candidate)) {
        best = candidate;
        continue search;
      }
    }
    return best;
  }
}
