/**
 * The expression that stands at a position of a stack trace: for messages that name what the user named. Reads and
 * parses the whole file, so only an error may ask.
 */
import { builtin } from '../core/node.ts';
import { fileText, parsePosition, pathOf } from '../core/source-map.ts';
import { loadParser, walk } from './parse.ts';

interface ParsedFile {
  readonly program: any;
  readonly text: string;
  /** Offset of the first character of each line. */
  readonly lines: readonly number[];
}

/** An expression with the nodes around it, the innermost last. */
export interface Expression {
  readonly node: any;
  readonly parents: readonly any[];
  /** The source of a node. */
  readonly source: (node: any) => string;
}

/** Longer files are bundles, which would take seconds to parse and show nothing that helps. */
const longest = 4_000_000;
const files = new Map<string, ParsedFile | null>();

function parsedFile(path: string): ParsedFile | null {
  let file = files.get(path);
  if (file === undefined) files.set(path, (file = parseFile(path)));
  return file;
}

function parseFile(path: string): ParsedFile | null {
  const acorn = loadParser();
  const text = acorn ? fileText(path) : undefined;
  if (!acorn || text === undefined || text.length > longest) return null;
  for (const sourceType of ['module', 'script'] as const) {
    try {
      const program = acorn(withoutTypes(path, text), { ecmaVersion: 'latest', sourceType, allowHashBang: true });
      const lines = [0];
      for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) lines.push(at + 1);
      return { program, text, lines };
    } catch {
      // TypeScript, or the other kind of file.
    }
  }
  return null;
}

/** Node runs TypeScript by blanking out the types, which keeps every position. */
function withoutTypes(path: string, text: string): string {
  if (!/\.[cm]?ts$/.test(path)) return text;
  const strip = (builtin('module') as any)?.stripTypeScriptTypes as ((code: string) => string) | undefined;
  return strip ? strip(text) : text;
}

/** The innermost node around `frame` that `is` says stands at its offset. */
function find(
  frame: string | undefined,
  is: (node: any, offset: number, parents: readonly any[]) => boolean,
): Expression | undefined {
  if (frame === undefined) return undefined;
  const { file, line, column } = parsePosition(frame);
  const parsed = parsedFile(pathOf(file));
  const start = parsed?.lines[line - 1];
  if (!parsed || start === undefined) return undefined;
  const offset = start + column - 1;
  let found: Expression | undefined;
  walk(parsed.program, (node, parents) => {
    if (node.end <= offset || node.start > offset) return false;
    if (is(node, offset, parents))
      found = { node, parents: [...parents], source: (n) => parsed.text.slice(n.start, n.end).replace(/\s+/g, ' ') };
    return undefined;
  });
  return found;
}

/** Engines place a call at its method's name, or at the start of a plain callee. */
const isCallAt = (node: any, offset: number): boolean =>
  node.type === 'CallExpression' &&
  (node.callee.type === 'MemberExpression' ? node.callee.property.start : node.callee.start) === offset;

/** The call that a stack frame is in the middle of. */
export const callAt = (frame: string | undefined): Expression | undefined => find(frame, isCallAt);

/** The operator or call that converted an operand to a number. */
export const operationAt = (frame: string | undefined): Expression | undefined =>
  find(frame, (node, offset, parents) => {
    switch (node.type) {
      case 'BinaryExpression':
        return offset >= node.left.start && offset < node.right.start;
      case 'AssignmentExpression':
        return (
          (offset >= node.left.start && offset <= node.right.start) ||
          (isCallAt(node.right, offset) && isAssigned(node.right, node))
        );
      case 'UnaryExpression':
      case 'UpdateExpression':
        return true;
      default:
        return isCallAt(node, offset) && !isAssigned(node, parents.at(-1));
    }
  });

/** Functions that convert their arguments to numbers. */
const converts = /^(Math|Number|BigInt|Date|String|Array|JSON|parseInt|parseFloat|isNaN|isFinite)\b/;

/** Engines place `s += f(x)` where the call is. The result is converted, unless the function converts its arguments. */
function isAssigned(call: any, parent: any): boolean {
  if (parent?.type !== 'AssignmentExpression' || parent.operator === '=' || parent.right !== call) return false;
  let root = call.callee;
  while (root.type === 'MemberExpression' || root.type === 'CallExpression') root = root.object ?? root.callee;
  return root.type !== 'Identifier' || !converts.test(root.name);
}

/** The variable that takes the value of an expression: `h` in `const h = …` and in `h = …`. */
export function variableOf({ node, parents, source }: Expression): string | undefined {
  const parent = parents.at(-1);
  if (parent?.type === 'VariableDeclarator' && parent.init === node && parent.id.type === 'Identifier')
    return parent.id.name;
  if (parent?.type === 'AssignmentExpression' && parent.right === node) return source(parent.left);
  return undefined;
}

/** A name short enough for a message: `w`, `params.w`, `layers[0]`. */
export const isName = (node: any): boolean =>
  node?.type === 'Identifier' ||
  node?.type === 'ThisExpression' ||
  (node?.type === 'MemberExpression' &&
    isName(node.object) &&
    (node.computed ? node.property.type === 'Literal' || node.property.type === 'Identifier' : true));

/** The name of the method or function that the user calls at `frame`. */
export function calledName(frame: string | undefined): string | undefined {
  const callee = callAt(frame)?.node.callee;
  return callee?.type === 'MemberExpression' ? callee.property.name : callee?.name;
}

/**
 * What the user calls the operands of the method or function being called at `frame`; undefined for one that is not a
 * plain name, and an empty list where the call cannot be found or is of another operation.
 */
export function operandNames(frame: string | undefined, operation?: string): (string | undefined)[] {
  const call = callAt(frame);
  if (!call) return [];
  const { callee, arguments: args } = call.node;
  const member = callee.type === 'MemberExpression' && !callee.computed;
  if (operation !== undefined && (member ? callee.property.name : callee.name) !== operation) return [];
  const module = member && /^(np|numpy|lax|nn|linalg)$/.test(call.source(callee.object));
  const operands = member && !module ? [callee.object, ...args] : args;
  return operands.map((node: any) => (isName(node) ? call.source(node) : undefined));
}
