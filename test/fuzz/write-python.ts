/** Programs as functions of JAX. */
import type { FunctionBody, Group, Program, Step } from './program.ts';
import { fill } from './write-javascript.ts';

const name = (v: { id: number }): string => `v${v.id}`;

const writeGroup = (group: Group): string =>
  Array.isArray(group)
    ? `(${group.map((g) => `${writeGroup(g as Group)},`).join(' ')})`
    : name(group as { id: number });

const indent = (lines: readonly string[]): string[] => lines.map((line) => `    ${line}`);

/** JAX has no operation for it, or one of another meaning. */
export class NotInJax extends Error {}

let count = 0;

/** Lambdas of Python hold no statements: every function gets a name. */
function writeFunction(title: string, { params, steps, result }: FunctionBody): string[] {
  const list = params.map((p, i) => (Array.isArray(p) ? `g${i}` : name(p as { id: number })));
  const taken = params.flatMap((p, i) => (Array.isArray(p) && p.length > 0 ? [`${writeGroup(p)} = g${i}`] : []));
  const body = [...taken, ...steps.flatMap(writeStep), `return ${writeGroup(result)}`];
  return [`def ${title}(${list.join(', ')}):`, ...indent(body)];
}

function writeStep(step: Step): string[] {
  if (step.py === undefined) throw new NotInJax(step.op);
  const titles = step.functions.map(() => `f${count++}`);
  const functions = step.functions.flatMap((f, i) => writeFunction(titles[i]!, f));
  const target = step.list ? `(${step.outs.map((v) => `${name(v)},`).join(' ')})` : name(step.outs[0]!);
  return [...functions, `${target} = ${fill(step.py, step.args, titles)}`];
}

/** The definition of a function `program`. @throws NotInJax */
export function writePython({ inputs, steps, outs }: Program): string {
  count = 0;
  return writeFunction('program', { params: inputs, steps, result: outs }).join('\n');
}
