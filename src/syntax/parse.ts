/**
 * The source of a user's function, parsed with acorn. Only read, never evaluated: for argument names and the lint. acorn
 * is loaded when first needed, synchronously on Node; elsewhere `init()` provides it.
 */
import type { Node, Parser } from 'acorn';

type Parse = typeof Parser.parse;

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

function loadParser(): Parse | null {
  if (parse !== undefined) return parse;
  parse = null;
  const builtin = (globalThis as { process?: { getBuiltinModule?: (name: string) => any } }).process?.getBuiltinModule;
  const module = builtin?.('node:module');
  if (module) {
    try {
      parse = module.createRequire(import.meta.url)('acorn').parse as Parse;
    } catch {
      parse = null;
    }
  }
  return parse;
}

const cache = new WeakMap<Function, ParsedFunction | null>();

/** The syntax tree of a function; null for native code, or when no parser is at hand. Parsed once per function. */
export function parseFunction(f: Function): ParsedFunction | null {
  const known = cache.get(f);
  if (known !== undefined) return known;
  const parsed = parseText(Function.prototype.toString.call(f));
  cache.set(f, parsed);
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
      const program = acorn(full, { ecmaVersion: 'latest', sourceType: 'module', locations: true });
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
export function walk(node: any, visit: (node: any) => boolean | undefined): void {
  if (!node || typeof node.type !== 'string') return;
  if (visit(node) === false) return;
  for (const key of Object.keys(node)) {
    const child = node[key];
    if (Array.isArray(child)) for (const item of child) walk(item, visit);
    else if (child && typeof child.type === 'string') walk(child, visit);
  }
}
