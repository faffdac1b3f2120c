/**
 * The source of a user's function, parsed with acorn. Only read, never evaluated: for argument names, for the lint and
 * for messages. acorn is loaded when first needed, synchronously on Node; elsewhere `init()` provides it.
 */
import type { Node } from 'acorn';
import { builtin } from '../core/node.ts';
import { type Parse, requireParse } from './acorn.ts';

export interface FunctionNode extends Node {
  readonly params: readonly Node[];
  readonly body: Node;
}

export interface ParsedFunction {
  readonly node: FunctionNode;
  /** The text that positions in `node` refer to. */
  readonly text: string;
  /** Length of what was put before the function to make it parse. */
  readonly prefix: number;
}

let parse: Parse | undefined | null;

/** Provides acorn where `require` does not exist. */
export const setParser = (parser: Parse): void => {
  parse = parser;
};

/** acorn's `parse`; null where it is not at hand. */
export function loadParser(): Parse | null {
  if (parse !== undefined) return parse;
  if (!builtin('module')) return null;
  try {
    parse = requireParse();
  } catch {
    parse = null;
  }
  return parse;
}

const ofFunction = new WeakMap<Function, ParsedFunction | null>();
/** Closures made again and again have one text. The oldest are forgotten. */
const ofText = new Map<string, ParsedFunction | null>();
const remembered = 500;

/** The syntax tree of a function; null for native code, or when no parser is at hand. Parsed once per text. */
export function parseFunction(f: Function): ParsedFunction | null {
  const known = ofFunction.get(f);
  if (known !== undefined) return known;
  const text = Function.prototype.toString.call(f);
  let parsed = ofText.get(text);
  if (parsed === undefined) {
    parsed = parseText(text);
    ofText.set(text, parsed);
    if (ofText.size > remembered) ofText.delete(ofText.keys().next().value!);
  }
  ofFunction.set(f, parsed);
  return parsed;
}

/** A function's text is an expression, or a method that needs an object or class around it. */
const wrappers = [
  ['(', ')'],
  ['({', '})'],
  ['(class { ', ' })'],
] as const;

function parseText(text: string): ParsedFunction | null {
  if (text.includes('[native code]')) return null;
  const acorn = loadParser();
  if (!acorn) return null;
  for (const [before, after] of wrappers) {
    const full = before + text + after;
    try {
      const program = acorn(full, { ecmaVersion: 'latest', sourceType: 'module' });
      const node = findFunction(program);
      if (node) return { node, text: full, prefix: before.length };
    } catch {
      // Not this form.
    }
  }
  return null;
}

function findFunction(node: any): FunctionNode | undefined {
  const expression = node.body[0]?.expression;
  if (!expression) return undefined;
  if (/Function/.test(expression.type)) return expression;
  const member = expression.properties?.[0] ?? expression.body?.body?.[0];
  return member?.value && /Function/.test(member.value.type) ? member.value : undefined;
}

/** Visits a node and everything in it, parents first; `visit` returns false to stay out of a node. */
export function walk(node: any, visit: (node: any, parents: readonly any[]) => unknown, parents: any[] = []): void {
  if (!node || typeof node.type !== 'string') return;
  if (visit(node, parents) === false) return;
  parents.push(node);
  for (const key of Object.keys(node)) {
    const child = node[key];
    if (Array.isArray(child)) for (const item of child) walk(item, visit, parents);
    else if (child && typeof child.type === 'string') walk(child, visit, parents);
  }
  parents.pop();
}
