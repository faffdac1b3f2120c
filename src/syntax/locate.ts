/** Where a function was written. Asks the engine's inspector, on Node; only an error may do that. */
import { builtin } from '../core/node.ts';
import { sourcePosition } from '../core/source-map.ts';
import { type ParsedFunction, parseFunction, walk } from './parse.ts';

interface Location {
  readonly url: string;
  /** From 0. */
  readonly line: number;
  readonly column: number;
}

const slot = Symbol.for('cotangent.located');

/** The file and place at which the text of `f` begins; undefined for native and evaluated code, and other engines. */
function locationOf(f: Function): Location | undefined {
  const inspector = builtin('inspector');
  if (!inspector) return undefined;
  let session: any;
  try {
    session = new inspector.Session();
    session.connect();
    // Calls to a session of the same thread answer before they return.
    const ask = (method: string, params: object = {}): any => {
      let answer: any;
      session.post(method, params, (_: unknown, result: unknown) => {
        answer = result;
      });
      return answer;
    };
    const urls = new Map<string, string>();
    session.on('Debugger.scriptParsed', ({ params }: any) => urls.set(params.scriptId, params.url));
    ask('Debugger.enable');
    (globalThis as any)[slot] = f;
    const { result } = ask('Runtime.evaluate', { expression: `globalThis[Symbol.for('${slot.description}')]` });
    const { internalProperties } = ask('Runtime.getProperties', { objectId: result.objectId, ownProperties: true });
    const value = internalProperties.find((p: any) => p.name === '[[FunctionLocation]]')?.value.value;
    const url = value && urls.get(value.scriptId);
    return url ? { url, line: value.lineNumber, column: value.columnNumber } : undefined;
  } catch {
    return undefined;
  } finally {
    delete (globalThis as any)[slot];
    session?.disconnect();
  }
}

/** What an engine calls the place of a function: its start for arrows, else the parenthesis before its parameters. */
function anchorOf({ node, text, prefix }: ParsedFunction): number {
  if (node.type === 'ArrowFunctionExpression') return prefix;
  return text.lastIndexOf('(', (node.params[0]?.start ?? node.body.start) - 1);
}

/** `file:line:column`, in the user's source, of a node of the parsed text of `f`. */
export function positionIn(f: Function, node: { readonly start: number }): string | undefined {
  const parsed = parseFunction(f);
  const location = parsed && locationOf(f);
  if (!parsed || !location) return undefined;
  const { text, prefix } = parsed;
  const own = text.slice(prefix);
  const anchor = anchorOf(parsed) - prefix;
  const before = own.slice(0, anchor).split('\n');
  const upTo = own.slice(0, node.start - prefix).split('\n');
  const line = location.line - (before.length - 1) + (upTo.length - 1);
  const startColumn = before.length === 1 ? location.column - anchor : 0;
  const column = upTo.length === 1 ? startColumn + upTo[0]!.length : upTo.at(-1)!.length;
  return sourcePosition(`${location.url}:${line + 1}:${column + 1}`);
}

/** Where the assignment to one of `names` stands in `f`. */
export function assignmentIn(
  f: Function,
  names: readonly string[],
): { readonly name: string; readonly position: string | undefined } | undefined {
  const parsed = parseFunction(f);
  if (!parsed) return undefined;
  let found: { name: string; node: any } | undefined;
  walk(parsed.node.body, (node) => {
    if (found || node.type !== 'AssignmentExpression') return;
    const target = parsed.text.slice(node.left.start, node.left.end);
    if (names.includes(target)) found = { name: target, node: node.right };
  });
  return found && { name: found.name, position: positionIn(f, found.node) };
}
