/** Programs as TypeScript. What is run is what is printed, but for the types. */
import type { FunctionBody, Group, Program, Step } from './program.ts';

/** Whether parameters are written with their types. */
type Typed = boolean;

const name = (v: { id: number }): string => `v${v.id}`;

export const writeGroup = (group: Group): string =>
  Array.isArray(group) ? `[${group.map((g) => writeGroup(g as Group)).join(', ')}]` : name(group as { id: number });

const indent = (text: string): string => text.replaceAll('\n', '\n  ');

function writeFunction({ params, steps, result }: FunctionBody, typed: Typed): string {
  const list = params.map((p) => `${writeGroup(p)}${typed ? ': any' : ''}`).join(', ');
  if (steps.length === 0) return `(${list}) => ${writeGroup(result)}`;
  const lines = [...steps.map((step) => writeStep(step, typed)), `return ${writeGroup(result)};`];
  return `(${list}) => {${indent(`\n${lines.join('\n')}`)}\n}`;
}

export const fill = (template: string, args: readonly { id: number }[], functions: readonly string[]): string =>
  template.replace(/[$#](\d+)/g, (whole, digits: string) =>
    whole[0] === '$' ? name(args[Number(digits)]!) : functions[Number(digits)]!,
  );

function writeStep(step: Step, typed: Typed): string {
  const functions = step.functions.map((f) => writeFunction(f, typed));
  const target = step.list ? `[${step.outs.map(name).join(', ')}]` : name(step.outs[0]!);
  return `const ${target}${typed ? ': any' : ''} = ${fill(step.js, step.args, functions)};`;
}

/** The function: from its inputs to the list of its results. */
export function writeProgram({ inputs, steps, outs }: Program, typed: Typed): string {
  return writeFunction({ params: inputs, steps, result: outs }, typed);
}

/** What a program's text refers to. */
export const namespaces = [
  'np',
  'lax',
  'linalg',
  'random',
  'linearSolve',
  'grad',
  'valueAndGrad',
  'jvp',
  'vjp',
  'linearize',
  'linearTranspose',
  'jacfwd',
  'jacrev',
  'vmap',
  'jit',
  'checkpoint',
  'customJvp',
  'customVjp',
  'customRoot',
  'customFixedPoint',
] as const;
