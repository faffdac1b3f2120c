/** Programs as TypeScript. What is run is what is printed, but for the types. */
import type { FunctionBody, Group, Program, Step } from './program.ts';

interface Options {
  /** Parameters are written with their types. */
  readonly typed?: boolean;
  /** Functions within the program are differentiated at copies of its values. */
  readonly copies?: boolean;
}

const name = (v: { id: number }): string => `v${v.id}`;

export const writeGroup = (group: Group): string =>
  Array.isArray(group) ? `[${group.map((g) => writeGroup(g as Group)).join(', ')}]` : name(group as { id: number });

const indent = (text: string): string => text.replaceAll('\n', '\n  ');

function writeFunction({ params, steps, result }: FunctionBody, options: Options): string {
  const list = params.map((p) => `${writeGroup(p)}${options.typed ? ': any' : ''}`).join(', ');
  if (steps.length === 0) return `(${list}) => ${writeGroup(result)}`;
  const lines = [...steps.map((step) => writeStep(step, options)), `return ${writeGroup(result)};`];
  return `(${list}) => {${indent(`\n${lines.join('\n')}`)}\n}`;
}

/** @0, @1, … are operands at which a function is differentiated, copied if `copies`. */
export const fill = (
  template: string,
  args: readonly { id: number }[],
  functions: readonly string[],
  copies = false,
): string =>
  template.replace(/[$#@](\d+)/g, (whole, digits: string) => {
    if (whole[0] === '#') return functions[Number(digits)]!;
    const variable = name(args[Number(digits)]!);
    return whole[0] === '@' && copies ? `lax.mul(${variable}, 1)` : variable;
  });

function writeStep(step: Step, options: Options): string {
  const functions = step.functions.map((f) => writeFunction(f, options));
  const target = step.list ? `[${step.outs.map(name).join(', ')}]` : name(step.outs[0]!);
  return `const ${target}${options.typed ? ': any' : ''} = ${fill(step.js, step.args, functions, options.copies)};`;
}

/** The function: from its inputs to the list of its results. */
export function writeProgram({ inputs, steps, outs }: Program, options: Options = {}): string {
  return writeFunction({ params: inputs, steps, result: outs }, options);
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
  'customBatching',
  'customRoot',
  'customFixedPoint',
  'rootJvp',
  'rootVjp',
  'debug',
] as const;
