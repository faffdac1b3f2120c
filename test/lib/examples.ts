/** Code of the documentation: where it stands, and what running it shows. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as acorn from 'acorn';
import { ComplexArray, NDArray, np } from 'cotangent';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const read = (file: string): string => readFileSync(join(root, file), 'utf8');

export interface Example {
  readonly file: string;
  readonly code: string;
}

const filesUnder = (folder: string): string[] =>
  readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const name = `${folder}/${entry.name}`;
    return entry.isDirectory() ? filesUnder(name) : name.endsWith('.ts') ? [name] : [];
  });

/** What follows `@example` in the comments of the sources. */
export function docstringExamples(): Example[] {
  return ['src', 'transforms', 'jit'].flatMap(filesUnder).flatMap((file) =>
    [...read(file).matchAll(/\/\*\*(?:(?!\*\/)[\s\S])*\*\//g)].flatMap(([comment]) =>
      comment
        .replace(/^\s*\* ?/gm, '')
        .replace(/\s*\*?\/$/, '')
        .split(/^(?=@)/m)
        .filter((part) => part.startsWith('@example'))
        .map((part) => ({ file, code: part.slice('@example'.length).trim() })),
    ),
  );
}

/** Blocks of a page in one of the languages. */
export function blocksOf(file: string, ...languages: string[]): string[] {
  const blocks = [...read(file).matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)];
  return blocks.filter(([, language]) => languages.includes(language!)).map(([, , code]) => code!);
}

export const sourceText = (file: string): string => read(file);

/** A value, and what the comment beside it says that it is. */
export interface Shown {
  readonly values: readonly unknown[];
  readonly names: readonly string[];
  readonly says: string;
}

/** The comment that ends the line on which a statement ends, or stands on the next. */
function commentAfter(code: string, end: number): string {
  return /^;?[ \t]*(?:\n[ \t]*)?\/\/ ?(.*)/.exec(code.slice(end))?.[1] ?? '';
}

const namesIn = (pattern: acorn.Pattern): string[] => {
  switch (pattern.type) {
    case 'Identifier':
      return [pattern.name];
    case 'ObjectPattern':
      return pattern.properties.flatMap((p) =>
        namesIn(p.type === 'Property' ? (p.value as acorn.Pattern) : p.argument),
      );
    case 'ArrayPattern':
      return pattern.elements.flatMap((element) => (element ? namesIn(element) : []));
    default:
      return [];
  }
};

/**
 * Arrays for the names that a call is made with, where its comment says `f32[2,3], f32[3] → f32[2]`: of ones, and the identity
 * where they are square.
 */
function operandsOf(
  expression: acorn.Expression,
  says: string,
  scope: Record<string, unknown>,
): Record<string, NDArray> {
  const types = [...(/(.*)→/.exec(says)?.[1] ?? '').matchAll(type)].map(String);
  const call = expression.type === 'CallExpression' ? expression.arguments : [];
  const listed = call.flatMap((argument) => (argument.type === 'ArrayExpression' ? argument.elements : [argument]));
  const names = listed.flatMap((argument) => (argument?.type === 'Identifier' ? [argument.name] : []));
  const free = names.filter((name) => !(name in scope));
  const arrays = types.map((text) => {
    const shape = JSON.parse(text.slice(text.indexOf('['))) as number[];
    return shape.length === 2 && shape[0] === shape[1] ? np.eye(shape[0]!) : np.ones(shape);
  });
  return Object.fromEntries(free.slice(0, arrays.length).map((name, i) => [name, arrays[i]!]));
}

/**
 * Runs code in a scope, with code around it whose names it may declare anew, and returns the values of statements that have a comment, of declarations what they declare, and of
 * `console.log(x)` x.
 */
export async function run(code: string, scope: Record<string, unknown>, surroundings = ''): Promise<Shown[]> {
  const plain = code.replace(/^import .*;\n/gm, '').replace(/tolist<[^()]*>\(/g, 'tolist(');
  const { body } = acorn.parse(plain, { ecmaVersion: 'latest', sourceType: 'module', allowAwaitOutsideFunction: true });
  const notes: { says: string; names: string[] }[] = [];
  const operands: Record<string, NDArray> = {};
  let text = '';
  for (const statement of body) {
    const says = commentAfter(plain, statement.end);
    const source = plain.slice(statement.start, statement.end);
    const note = (names: string[]): number => notes.push({ says, names }) - 1;
    const expression =
      statement.type === 'ExpressionStatement'
        ? statement.expression
        : statement.type === 'VariableDeclaration'
          ? statement.declarations[0]!.init
          : undefined;
    if (expression) Object.assign(operands, operandsOf(expression, says, scope));
    if (statement.type === 'VariableDeclaration') {
      const names = statement.declarations.flatMap(({ id }) => namesIn(id));
      text += `${source}\nnoted(${note(names)}, [${names}]);\n`;
    } else if (statement.type === 'ExpressionStatement') {
      const logged = /^console\.log\(([\s\S]*)\);?$/.exec(source)?.[1];
      const value = logged ?? source.replace(/;$/, '');
      text += /^\w+Error: /.test(says)
        ? `try { ${source} } catch (error) { noted(${note([])}, [error]); }\n`
        : `noted(${note([])}, [${value}]);\n`;
    } else text += `${source}\n`;
  }
  const shown: Shown[] = [];
  const noted = (i: number, values: unknown[]): void => {
    shown.push({ ...notes[i]!, values });
  };
  const given: Record<string, unknown> = { ...operands, ...scope, noted };
  const names = Object.keys(given).filter((name) => /^\w+$/.test(name) && !/^(delete|switch)$/.test(name));
  const AsyncFunction = (async () => {}).constructor as FunctionConstructor;
  // The example may declare names of the scope.
  await new AsyncFunction(...names, `{\n${surroundings}\nreturn (async () => {\n${text}\n})();\n}`)(
    ...names.map((name) => given[name]),
  );
  return shown;
}

const numbersIn = (text: string): number[] =>
  [...text.matchAll(/-?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?|\bnan\b|\bTrue\b|\bFalse\b/g)].map(([x]) =>
    x === 'nan' ? Number.NaN : x === 'True' ? 1 : x === 'False' ? 0 : Number(x),
  );

/** Arrays and numbers in a result. */
function leavesOf(value: unknown): (NDArray | number | boolean)[] {
  if (value instanceof NDArray || typeof value === 'number' || typeof value === 'boolean') return [value];
  // Parts are written beside each other.
  if (value instanceof ComplexArray) return [np.stack([value.real.ravel(), value.imag.ravel()], { axis: 1 })];
  if (ArrayBuffer.isView(value)) return Array.from(value as Float32Array);
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(leavesOf) : [];
}

const type = /\b(?:[fiu](?:32|64)|bool)\[[\d,]*\]/g;
/** A comment that begins with values: of brackets as many as close, or a number. */
const values = /^(?:\w+Array )?((?:\[[^\]]*\](?:[\], ]*(?=[[\]]))?)+\]*|-?\d[\d.e+-]*(?=$|[,;:]))/;

/**
 * Why a result is not what the comment says; undefined if it is, null where the comment says nothing that can be compared:
 * no types (`f32[3]`, after an arrow if there is one), numbers (`[1. 2.]`), numbers of a name (`s: [1. 2.]`), text or truth.
 */
export function difference({ values: found, names, says }: Shown): string | undefined | null {
  if (found[0] instanceof Error) {
    const message = `${found[0].name}: ${found[0].message.split('\n')[0]}`;
    return message === says ? undefined : `raises ${message}`;
  }
  // Text and truth stand there as they are written.
  if (/^'.*'$|^true$|^false$/.test(says) && (typeof found[0] === 'string' || typeof found[0] === 'boolean')) {
    const got = typeof found[0] === 'string' ? `'${found[0]}'` : String(found[0]);
    return got === says ? undefined : `is ${got}, not ${says}`;
  }
  const results = /→(.*)/.exec(says)?.[1] ?? says;
  const leaves = leavesOf(found);
  const types = /^(?:both )?[fiub](?:\d\d|ool)\[/.test(results.trim()) ? [...results.matchAll(type)].map(String) : [];
  if (types.length > 0) {
    const got = leaves.filter((leaf): leaf is NDArray => leaf instanceof NDArray).map(({ aval }) => String(aval));
    const wanted = results.trim().startsWith('both') ? [types[0], types[0]] : types;
    return wanted.join() === got.join() ? undefined : `is ${got}, not ${wanted}`;
  }
  const named = /^(\w+): (.*)/.exec(says);
  const chosen = named && names.includes(named[1]!) ? leavesOf(found[names.indexOf(named[1]!)]) : leaves;
  if (named && chosen === leaves) return null;
  const shown = values.exec(named ? named[2]! : says)?.[1];
  if (shown === undefined) return null;
  const wanted = numbersIn(shown);
  if (wanted.length === 0 || chosen.length === 0) return null;
  const got = chosen.flatMap((leaf) => (leaf instanceof NDArray ? Array.from(leaf.data(), Number) : Number(leaf)));
  const near = (a: number, b: number): boolean =>
    Object.is(a, b) || Math.abs(a - b) <= 2e-5 * Math.max(0.1, Math.abs(b));
  const same = wanted.length === got.length && wanted.every((w, i) => near(got[i]!, w));
  return same ? undefined : `is ${got}, not ${wanted}`;
}
