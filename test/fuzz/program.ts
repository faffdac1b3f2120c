/** Random programs as data: what the generator makes, the printers write out and the shrinker takes apart. */
import type { DType } from '../../src/core/dtype.ts';

export interface Type {
  readonly shape: readonly number[];
  readonly dtype: DType;
}

/** A value of a program, with an interval that holds its elements for all inputs from their intervals. */
export interface Variable extends Type {
  readonly id: number;
  readonly low: number;
  readonly high: number;
  /** It depends on an input. */
  readonly varies: boolean;
}

/** Values grouped as a function takes or returns them. */
export type Group = Variable | readonly Group[];

/**
 * One operation. `js` and `py` are expressions in which $0, $1, … stand for the operands (in `js` @0, @1, …
 * for those at which a function is differentiated) and #0, #1, … for functions.
 * With `list` the result is a list of values even if it is of one.
 */
export interface Step {
  readonly op: string;
  readonly js: string;
  /** Missing where JAX has no such operation. */
  readonly py: string | undefined;
  readonly args: readonly Variable[];
  readonly functions: readonly FunctionBody[];
  readonly outs: readonly Variable[];
  readonly list: boolean;
}

/** A function within a program: may use its parameters and every value in scope where it stands. */
export interface FunctionBody {
  readonly params: readonly Group[];
  readonly steps: readonly Step[];
  readonly result: Group;
}

export interface Program {
  readonly inputs: readonly Variable[];
  readonly steps: readonly Step[];
  readonly outs: readonly Variable[];
}

export const leaves = (group: Group): Variable[] =>
  Array.isArray(group) ? group.flatMap((g) => leaves(g as Group)) : [group as Variable];

export const sizeOf = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

export const isFloat = (t: Type): boolean => t.dtype === 'float32' || t.dtype === 'float64';

export const sameShape = (a: readonly number[], b: readonly number[]): boolean =>
  a.length === b.length && a.every((n, i) => n === b[i]);

/** Every step, also those of functions within steps. */
export const allSteps = (steps: readonly Step[]): Step[] =>
  steps.flatMap((step) => [step, ...step.functions.flatMap((f) => allSteps(f.steps))]);

/** Whether the step, or one in it, is a callback. */
export const isEffect = (step: Step): boolean =>
  step.op === 'effect' || step.functions.some((f) => f.steps.some(isEffect));

/** The variables that a step reads from outside of its own functions. */
export function usedBy(step: Step): Variable[] {
  return [...step.args, ...step.functions.flatMap(freeVariables)];
}

export function freeVariables({ params, steps, result }: FunctionBody): Variable[] {
  const bound = new Set([...leaves(params), ...steps.flatMap((s) => s.outs)].map((v) => v.id));
  return [...steps.flatMap(usedBy), ...leaves(result)].filter((v) => !bound.has(v.id));
}

/** The program without steps whose results nothing uses; functions are cleaned as well. */
export function withoutDeadSteps(program: Program): Program {
  return { ...program, steps: liveSteps(program.steps, program.outs) };
}

function liveSteps(steps: readonly Step[], outs: readonly Variable[]): Step[] {
  const live = new Set(outs.map((v) => v.id));
  const kept: Step[] = [];
  for (const step of [...steps].reverse()) {
    if (!step.outs.some((v) => live.has(v.id))) continue;
    const functions = step.functions.map((f) => ({ ...f, steps: liveSteps(f.steps, leaves(f.result)) }));
    const clean = { ...step, functions };
    kept.push(clean);
    for (const v of usedBy(clean)) live.add(v.id);
  }
  return kept.reverse();
}
