/** Trees as flat records with dotted names, and back: `{ layers: [{ w }] }` and `{ 'layers.0.w': w }`. */

import { CotangentError } from '../core/errors.ts';
import { naming } from '../core/options.ts';
import { flatten, type Leaf, type TreeDef } from '../tree.ts';

/** The dotted name of each leaf. */
export function leafNames(def: TreeDef, prefix = ''): string[] {
  const { node } = def;
  if (node.kind === 'leaf') return [prefix];
  if (node.kind === 'none') return [];
  return node.children.flatMap((child, i) => {
    const key = node.kind === 'object' ? node.keys[i]! : String(i);
    return leafNames(child, prefix ? `${prefix}.${key}` : key);
  });
}

/**
 * A tree as one record: keys and indices joined by dots.
 *
 * @example
 * flattenNames({ layers: [{ w, b }] }); // { 'layers.0.b': b, 'layers.0.w': w }
 * @throws CotangentError when two leaves would have one name
 */
export function flattenNames(tree: unknown, operation = 'flattenNames'): Record<string, Leaf> {
  const { leaves, def } = flatten(tree, (path) => `${operation}: tree${path}`);
  const names = leafNames(def);
  if (def.node.kind === 'leaf') {
    throw new CotangentError(`${operation}: a single array has no name.`, { hint: 'put it into an object: `{ x }`' });
  }
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) throw new CotangentError(`${operation}: two arrays of the tree are named \`${twice}\`.`);
  return Object.fromEntries(names.map((name, i) => [name, leaves[i]!]));
}

type Branch<T> = Map<string, Branch<T> | { readonly leaf: T }>;

/** A tree whose structure names alone decide. */
export type Named<T> = T | Named<T>[] | { [key: string]: Named<T> };

/**
 * The tree of a record with dotted names. What has the keys 0, 1, …, n − 1 becomes an array, all else an object.
 *
 * @example
 * unflattenNames({ 'layers.0.w': w }); // { layers: [{ w }] }
 * @throws CotangentError when one name continues another
 */
export function unflattenNames<T>(record: Readonly<Record<string, T>>, operation = 'unflattenNames'): Named<T> {
  if (typeof record !== 'object' || record === null)
    throw new CotangentError(`${operation}: needs an object from names to arrays, but got ${naming(record)}.`);
  const root: Branch<T> = new Map();
  for (const [name, leaf] of Object.entries(record)) {
    const keys = name.split('.');
    const last = keys.pop()!;
    let branch = root;
    for (const key of keys) {
      let next = branch.get(key);
      if (next === undefined) branch.set(key, (next = new Map()));
      if (!(next instanceof Map)) throw nested(operation, name);
      branch = next;
    }
    if (branch.has(last)) throw nested(operation, name);
    branch.set(last, { leaf });
  }
  return root.size === 0 ? {} : build(root);
}

const nested = (operation: string, name: string): CotangentError =>
  new CotangentError(`${operation}: \`${name}\` and another name cannot be in one tree: one continues the other.`);

function build<T>(branch: Branch<T>): Named<T> {
  const entries = [...branch].map(([key, x]) => [key, x instanceof Map ? build(x) : x.leaf] as const);
  const byKey = new Map(entries);
  const isList = entries.every((_, i) => byKey.has(String(i)));
  return isList ? entries.map((_, i) => byKey.get(String(i))!) : Object.fromEntries(entries);
}
