/** A sample as a script that can be run. */

import { nested } from './generator.ts';
import { drawArguments, type Sample } from './sample.ts';
import { stageOf } from './transformations.ts';
import { namespaces, writeProgram } from './write-javascript.ts';

/** `f` is the program and `f1`, `f2`, … what each transformation makes of it; the script prints it eagerly and compiled. */
export function writeScript({ program, stack, seed }: Sample): string {
  const body = writeProgram(program, { typed: true });
  const stages = stack.map((stage, i) => {
    const inner = i === 0 ? 'f' : `f${i}`;
    const text = stage.js.replaceAll(/\bf\b(?!\()/g, inner).replaceAll(/\bf\(/g, `${inner}(`);
    return `const f${i + 1} = (${text.replace('(...a) =>', '(...a: any[]) =>').replaceAll(/\(\.\.\.([xtc])\) =>/g, '(...$1: any[]) =>')}) as any;`;
  });
  const types = (stack.at(-1) ?? stageOf(program.inputs, program.outs)).inputs;
  const args = drawArguments(types, seed).map(({ aval, data }) => {
    const values = Array.from(data, (x) =>
      aval.dtype === 'bool' ? String(x === 1) : Object.is(x, -0) ? '-0' : String(x),
    );
    const text = data.length ? `np.array(${nested(values, aval.shape)}` : `np.zeros([${aval.shape}]`;
    return `${text}, { dtype: '${aval.dtype}' })`;
  });
  const code = [body, ...stages].join('\n');
  const used = namespaces.filter((name) => new RegExp(`\\b${name}\\b`).test(code) || name === 'jit' || name === 'np');
  const last = stack.length ? `f${stack.length}` : 'f';
  return [
    `import { ${[...used, 'makeJaxpr'].join(', ')} } from 'cotangent';`,
    '',
    `const f = (${body}) as any;`,
    ...stages,
    `const args: any[] = [\n  ${args.join(',\n  ')},\n];`,
    `console.log(String(makeJaxpr(${last})(...(args as []))));`,
    `console.log('eager', ${last}(...args).map(String));`,
    `console.log('compiled', (jit(${last})(...args) as any).map(String));`,
  ].join('\n');
}
