/** How messages name a user's functions and their arguments. */
import { parseFunction } from './parse.ts';

interface Original {
  readonly f: Function;
  /** Which arguments of `f` those of the wrapper are, if not all in order. */
  readonly positions: readonly number[] | undefined;
}

const originals = new WeakMap<Function, Original>();

/** Gives a function that stands for the user's `f` its name, and messages about it the names of f's arguments. */
export function standsFor<T extends Function>(
  wrapper: T,
  f: Function,
  name: string = f.name,
  positions?: readonly number[],
): T {
  originals.set(wrapper, { f, positions });
  Object.defineProperty(wrapper, 'name', { value: name });
  return wrapper;
}

/** The function that a user wrote. */
export function originalOf(f: Function): Function {
  const next = originals.get(f);
  return next ? originalOf(next.f) : f;
}

/** A name for programs and listings. */
export const functionName = (f: Function): string => f.name || '<lambda>';

/** As messages say it: `` `loss` ``, or "the function" where it has no name. */
export const quoted = (f: Function): string => quotedName(f.name);
export const quotedName = (name: string): string => (name && name !== '<lambda>' ? `\`${name}\`` : 'the function');
/** A method of a user's function: `` `loss.defjvp(…)` ``. */
export const methodOf = (name: string, method: string): string =>
  name === '<lambda>' ? `its \`${method}(…)\`` : `\`${name}.${method}(…)\``;

/** Parameters as acorn gives them, of the function that the user wrote. */
function parametersOf(f: Function): { params: readonly any[]; text: string } {
  const parsed = parseFunction(originalOf(f));
  return parsed ? { params: parsed.node.params, text: parsed.text } : { params: [], text: '' };
}

/** Without its default value. */
const withoutDefault = (param: any): any => (param?.type === 'AssignmentPattern' ? param.left : param);

/** Names of a function's parameters as written; a destructured one is shown as its pattern. Empty when unknown. */
export function parameterNames(f: Function): string[] {
  const { params, text } = parametersOf(f);
  return params.map((param) => {
    const target = param.type === 'RestElement' ? param.argument : withoutDefault(param);
    return target.type === 'Identifier' ? target.name : text.slice(target.start, target.end);
  });
}

/** The most arguments that a function reads; infinite where that is unknown. */
export function argumentCount(f: Function): number {
  const { params } = parametersOf(f);
  const { node } = parseFunction(originalOf(f)) ?? {};
  if (!node || params.at(-1)?.type === 'RestElement') return Number.POSITIVE_INFINITY;
  return params.length;
}

/**
 * What the user calls the part `path` (`.w[0]`) of argument `position`: `` `params.w[0]` ``; where the argument is
 * destructured, `` `w[0]` ``; where names are unknown, `argument 0`.
 */
export function argumentName(f: Function, position: number, path = ''): string {
  const original = originals.get(f);
  if (original) return argumentName(original.f, original.positions?.[position] ?? position, path);
  const { params } = parametersOf(f);
  const last = params.at(-1);
  if (last?.type === 'RestElement' && position >= params.length - 1) {
    const { argument } = last;
    if (argument.type === 'Identifier') return `\`${argument.name}[${position - params.length + 1}]${path}\``;
  }
  let target = withoutDefault(params[position]);
  let rest = path;
  while (target?.type === 'ObjectPattern' || target?.type === 'ArrayPattern') {
    const [step, key, index] = /^(?:\.(\w+)|\[(\d+)\])/.exec(rest) ?? [];
    if (step === undefined) break;
    const part =
      target.type === 'ObjectPattern'
        ? target.properties.find((p: any) => p.type === 'Property' && !p.computed && p.key.name === key)?.value
        : target.elements[Number(index)];
    target = withoutDefault(part);
    rest = rest.slice(step.length);
  }
  if (target?.type === 'Identifier') return `\`${target.name}${rest}\``;
  return path ? `${path} of argument ${position}` : `argument ${position}`;
}

/** The same for a path into the list of arguments: `[1].w[0]`. */
export function argumentAt(f: Function, path: string): string {
  const [, position, rest] = /^\[(\d+)\](.*)$/.exec(path) ?? [];
  return position === undefined ? path : argumentName(f, Number(position), rest);
}
