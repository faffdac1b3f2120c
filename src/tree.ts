/**
 * Trees of arrays (JAX's pytrees): arrays and numbers as leaves in plain objects, arrays and tuples, nested, and in
 * registered classes. Keys flatten in sorted order; null and undefined are empty subtrees.
 */
import { NDArray } from './array.ts';
import { ComplexArray } from './complex/complex-array.ts';
import { TraceError, TreeError } from './core/errors.ts';
import { naming } from './core/options.ts';

export { ravel } from './lax/ravel-tree.ts';

export type Leaf = NDArray | number | boolean;

/** What types of trees leave as it is. */
type Opaque = null | undefined | string | ((...args: never[]) => unknown);

/** The same tree with every leaf an `NDArray`: what a transformed function receives and returns. */
export type Arrays<T> = T extends Leaf
  ? NDArray
  : T extends ComplexArray
    ? ComplexArray
    : T extends Opaque
      ? T
      : T extends object
        ? { [K in keyof T]: Arrays<T[K]> }
        : T;

/** The same tree where numbers and booleans may stand for arrays: what a transformed function accepts. */
export type ArrayLikes<T> = T extends NDArray
  ? Leaf
  : T extends ComplexArray
    ? ComplexArray
    : T extends Opaque
      ? T
      : T extends object
        ? { [K in keyof T]: ArrayLikes<T[K]> }
        : T;

/**
 * Any tree. Tuples stand in it so that TypeScript infers `[a, b]` as a pair, not as a list, where a type parameter
 * extends it.
 */
export type Tree = {} | null | undefined | [unknown?, ...unknown[]];

/**
 * What a function may return that must return a tree like `T`: numbers may stand for its arrays, and it may be read-only, as
 * what is written `as const` is.
 */
export type Like<T> = DeepReadonly<ArrayLikes<Arrays<T>>>;

type DeepReadonly<T> = T extends Leaf | Opaque | ComplexArray
  ? T
  : T extends object
    ? { readonly [K in keyof T]: DeepReadonly<T[K]> }
    : T;

/** The leaves of a tree, as they are: numbers stay numbers. */
export type LeafOf<T> = 0 extends 1 & T
  ? any
  : T extends NDArray | ComplexArray
    ? NDArray
    : T extends number
      ? number
      : T extends boolean
        ? boolean
        : T extends Opaque
          ? never
          : T extends readonly (infer E)[]
            ? LeafOf<E>
            : T extends object
              ? LeafOf<T[keyof T]>
              : NDArray;

/** The same tree with every leaf an `R`. */
export type Mapped<T, R> = 0 extends 1 & T
  ? any
  : T extends Leaf
    ? R
    : T extends ComplexArray
      ? MappedComplex<R>
      : T extends Opaque
        ? T
        : T extends object
          ? { [K in keyof T]: Mapped<T[K], R> }
          : T;

/** A complex array where both parts became arrays; else what they became, under their names. */
export type MappedComplex<R> = [R] extends [NDArray] ? ComplexArray : { readonly real: R; readonly imag: R };

type Node =
  | { readonly kind: 'leaf' }
  | { readonly kind: 'none'; readonly value: null | undefined }
  | { readonly kind: 'list'; readonly children: readonly TreeDef[] }
  | { readonly kind: 'object'; readonly keys: readonly string[]; readonly children: readonly TreeDef[] }
  | {
      readonly kind: 'class';
      readonly type: ClassEntry;
      readonly data: unknown;
      readonly children: readonly TreeDef[];
      readonly names: readonly string[] | undefined;
    };

/** The structure of a tree without its leaves; `T` is the type of the tree. Equal structures have equal `key`s. */
export class TreeDef<T = any> {
  /** For types only: `unflatten` knows from it what it makes. */
  declare readonly tree?: T;
  readonly node: Node;
  readonly leafCount: number;
  readonly key: string;

  constructor(node: Node) {
    this.node = node;
    this.leafCount =
      node.kind === 'leaf' ? 1 : node.kind === 'none' ? 0 : node.children.reduce((sum, c) => sum + c.leafCount, 0);
    this.key = keyOf(node);
  }

  /** As error messages show it: `{ b: *, w: [*, *] }`. */
  toString(): string {
    return this.key.replace(/#\d+/g, '');
  }
}

function keyOf(node: Node): string {
  switch (node.kind) {
    case 'leaf':
      return '*';
    case 'none':
      return 'null';
    case 'list':
      return `[${node.children.map((c) => c.key).join(', ')}]`;
    case 'object':
      return `{ ${node.keys.map((k, i) => `${/^\w+$/.test(k) ? k : JSON.stringify(k)}: ${node.children[i]!.key}`).join(', ')} }`;
    case 'class':
      return `${node.type.name}#${node.type.id}${node.type.dataKey(node.data)}(${node.children.map((c) => c.key).join(', ')})`;
  }
}

interface ClassEntry {
  readonly type: Function;
  readonly name: string;
  readonly id: number;
  readonly flatten: (value: any) => { children: readonly unknown[]; data?: unknown; names?: readonly string[] };
  readonly unflatten: (children: unknown[], data: unknown) => unknown;
  readonly dataKey: (data: unknown) => string;
}

const classes = new Map<Function, ClassEntry>();

/**
 * Makes instances of a class trees.
 * @param flatten gives the children (subtrees), optional static data, and what errors call the children
 * @param unflatten makes an instance from children and data
 */
export function register<T, C extends readonly [unknown?, ...unknown[]] | readonly unknown[], D = undefined>(
  type: abstract new (...args: any[]) => T,
  flatten: (value: T) => { children: C; data?: D; names?: readonly string[] },
  unflatten: (children: C, data: D) => T,
): void {
  for (const [what, f] of Object.entries({ 'the class': type, flatten, unflatten }))
    if (typeof f !== 'function') throw new TraceError(`register: ${what} must be a function, but it is ${naming(f)}.`);
  classes.set(type, {
    type,
    name: type.name,
    id: classes.size,
    flatten,
    unflatten: unflatten as (children: any, data: any) => T,
    dataKey: (data) => (data === undefined ? '' : JSON.stringify(data)),
  });
}

const leafDef = new TreeDef({ kind: 'leaf' });
const noneDefs = [new TreeDef({ kind: 'none', value: null }), new TreeDef({ kind: 'none', value: undefined })] as const;

export const isLeaf = (x: unknown): x is Leaf =>
  x instanceof NDArray || typeof x === 'number' || typeof x === 'boolean';

/** Leaves in order, and the structure. `where` names the tree, or the part of it at a path, in errors. */
export function flatten<T>(
  tree: T,
  where: string | ((path: string) => string) = 'tree.flatten: the tree',
): { leaves: LeafOf<T>[]; def: TreeDef<T> } {
  const leaves: Leaf[] = [];
  const visit = (node: unknown, path: string): TreeDef => {
    if (isLeaf(node)) {
      leaves.push(node);
      return leafDef;
    }
    if (node === null) return noneDefs[0];
    if (node === undefined) return noneDefs[1];
    if (Array.isArray(node)) {
      return new TreeDef({ kind: 'list', children: node.map((child, i) => visit(child, `${path}[${i}]`)) });
    }
    if (typeof node === 'object') {
      const entry = classes.get(node.constructor);
      if (entry) {
        const { children, data, names } = entry.flatten(node);
        const defs = children.map((child, i) => visit(child, `${path}.${names?.[i] ?? i}`));
        return new TreeDef({ kind: 'class', type: entry, data, children: defs, names });
      }
      const proto = Object.getPrototypeOf(node);
      if (proto === Object.prototype || proto === null) {
        const keys = Object.keys(node).sort();
        const children = keys.map((key) => visit((node as Record<string, unknown>)[key], `${path}.${key}`));
        return new TreeDef({ kind: 'object', keys, children });
      }
    }
    const name = typeof where === 'function' ? where(path) : where + path;
    throw new TreeError(`${name} is ${naming(node)}, which is not an array, a number or a tree of them.`, {
      hint: hintFor(node, name),
    });
  };
  return { def: visit(tree, ''), leaves: leaves as LeafOf<T>[] };
}

/** Whether a tree has this structure; its leaves are appended to `leaves`. Quicker than `flatten`, for calls that repeat. */
export function collectLeaves({ node }: TreeDef, tree: unknown, leaves: Leaf[]): boolean {
  switch (node.kind) {
    case 'leaf':
      if (!isLeaf(tree)) return false;
      leaves.push(tree);
      return true;
    case 'none':
      return tree === node.value;
    case 'list': {
      const { children } = node;
      if (!Array.isArray(tree) || tree.length !== children.length) return false;
      for (let i = 0; i < children.length; i++) if (!collectLeaves(children[i]!, tree[i], leaves)) return false;
      return true;
    }
    case 'object': {
      const { keys, children } = node;
      if (tree === null || typeof tree !== 'object' || Object.getPrototypeOf(tree) !== Object.prototype) return false;
      if (Object.keys(tree).length !== keys.length) return false;
      for (let i = 0; i < keys.length; i++) {
        const key = keys[i]!;
        if (!Object.hasOwn(tree, key)) return false;
        if (!collectLeaves(children[i]!, (tree as Record<string, unknown>)[key], leaves)) return false;
      }
      return true;
    }
    case 'class': {
      const { type, children } = node;
      // A class may have been registered anew.
      if (tree?.constructor !== type.type || classes.get(type.type) !== type) return false;
      const flat = type.flatten(tree);
      if (flat.children.length !== children.length) return false;
      if (flat.data !== node.data && type.dataKey(flat.data) !== type.dataKey(node.data)) return false;
      for (let i = 0; i < children.length; i++)
        if (!collectLeaves(children[i]!, flat.children[i], leaves)) return false;
      return true;
    }
  }
}

function hintFor(node: unknown, name: string): string | undefined {
  if (node instanceof Promise) return 'await it before the call';
  if (ArrayBuffer.isView(node)) return 'make an array of it with `np.array(…)`';
  if (!name.startsWith('jit: ') || (typeof node !== 'string' && typeof node !== 'function')) return undefined;
  const argument = /^jit: `(\w+)`/.exec(name)?.[1];
  return argument ? `make it static, \`jit(f, { static: ['${argument}'] })\`, or close over it` : undefined;
}

function checkDef(operation: string, def: unknown): void {
  if (!(def instanceof TreeDef))
    throw new TreeError(
      `${operation}: the structure must be one that \`tree.structure\` returns, but it is ${naming(def)}.`,
    );
}

/**
 * Puts leaves back into a structure.
 * @throws TreeError when there are not as many as it has
 */
export function unflatten<T = any, R = NDArray>(def: TreeDef<T>, leaves: readonly R[]): Mapped<T, R> {
  checkDef('unflatten', def);
  if (!Array.isArray(leaves) || leaves.length !== def.leafCount) {
    const got = Array.isArray(leaves) ? `a list of ${leaves.length}` : naming(leaves);
    throw new TreeError(`unflatten: ${def} has ${def.leafCount} leaves, but got ${got}.`);
  }
  if (def.node.kind === 'leaf') return leaves[0] as Mapped<T, R>;
  return new Unflattener(leaves).build(def) as Mapped<T, R>;
}

/** Quick, because every call of a jitted function ends in it. */
class Unflattener {
  private readonly leaves: readonly unknown[];
  private next = 0;

  constructor(leaves: readonly unknown[]) {
    this.leaves = leaves;
  }

  build({ node }: TreeDef): unknown {
    switch (node.kind) {
      case 'leaf':
        return this.leaves[this.next++];
      case 'none':
        return node.value;
      case 'list':
        return this.list(node.children);
      case 'object': {
        const { keys, children } = node;
        const object: Record<string, unknown> = {};
        for (let i = 0; i < keys.length; i++) {
          const value = this.build(children[i]!);
          if (keys[i] === '__proto__') Object.defineProperty(object, '__proto__', { value, enumerable: true });
          else object[keys[i]!] = value;
        }
        return object;
      }
      case 'class':
        return node.type.unflatten(this.list(node.children), node.data);
    }
  }

  private list(children: readonly TreeDef[]): unknown[] {
    const items: unknown[] = [];
    for (let i = 0; i < children.length; i++) items.push(this.build(children[i]!));
    return items;
  }
}

/** Where each leaf stands: `.w[0]`. */
export function leafPaths(def: TreeDef, prefix = ''): string[] {
  checkDef('leafPaths', def);
  const { node } = def;
  switch (node.kind) {
    case 'leaf':
      return [prefix];
    case 'none':
      return [];
    case 'list':
      return node.children.flatMap((child, i) => leafPaths(child, `${prefix}[${i}]`));
    case 'object':
      return node.children.flatMap((child, i) => leafPaths(child, `${prefix}.${node.keys[i]}`));
    case 'class':
      return node.children.flatMap((child, i) => leafPaths(child, `${prefix}.${node.names?.[i] ?? i}`));
  }
}

/** Leaves of a tree, in order. */
export const leaves = <T>(tree: T): LeafOf<T>[] => flatten(tree, 'tree.leaves: the tree').leaves as LeafOf<T>[];

/** The structure of a tree. */
export const structure = <T>(tree: T): TreeDef<T> => flatten(tree, 'tree.structure: the tree').def;

/** Leaves with where they stand, in order: `['.w[0]', leaf]`. */
export function leavesWithPath<T>(tree: T): [path: string, leaf: LeafOf<T>][] {
  const { leaves, def } = flatten(tree, 'tree.leavesWithPath: the tree');
  return leafPaths(def).map((path, i) => [path, leaves[i]!]);
}

/** The leaves of the first tree and its structure, and the leaves of others, which must have the same. */
function together<T>(
  operation: string,
  f: unknown,
  tree: T,
  others: readonly unknown[],
): { leaves: LeafOf<T>[]; def: TreeDef<T>; rest: unknown[][] } {
  if (typeof f !== 'function')
    throw new TraceError(`${operation}: the first argument must be a function, but it is ${naming(f)}.`);
  const { leaves, def } = flatten(tree, `${operation}: the tree`);
  const rest = others.map((other, i) => {
    const flat = flatten(other, `${operation}: tree ${i + 1}`);
    if (flat.def.key !== def.key) {
      throw new TreeError(`${operation}: tree ${i + 1} has structure ${flat.def}, but the first has ${def}.`);
    }
    return flat.leaves as unknown[];
  });
  return { leaves, def, rest };
}

/**
 * Applies `f` to corresponding leaves of trees of one structure.
 * @throws TreeError when structures differ
 */
export function map<T, R>(
  f: (leaf: LeafOf<T>, ...others: NDArray[]) => R,
  tree: T,
  ...others: unknown[]
): Mapped<T, R> {
  const { leaves, def, rest } = together('tree.map', f, tree, others);
  return unflatten(
    def,
    leaves.map((leaf, i) => f(leaf, ...(rest.map((r) => r[i]) as NDArray[]))),
  );
}

/**
 * The same where `f` is told first where each leaf stands.
 *
 * @example
 * const decay = tree.mapWithPath((path) => (path.endsWith('.w') ? 1e-4 : 0), { layer: { w: np.ones([2]), b: np.zeros([2]) } });
 * decay.layer.w; // 0.0001
 * @throws TreeError when structures differ
 */
export function mapWithPath<T, R>(
  f: (path: string, leaf: LeafOf<T>, ...others: NDArray[]) => R,
  tree: T,
  ...others: unknown[]
): Mapped<T, R> {
  const { leaves, def, rest } = together('tree.mapWithPath', f, tree, others);
  const paths = leafPaths(def);
  return unflatten(
    def,
    leaves.map((leaf, i) => f(paths[i]!, leaf, ...(rest.map((r) => r[i]) as NDArray[]))),
  );
}

/**
 * A tree of structure `outer` whose leaves are trees of structure `inner`, as a tree of structure `inner` whose leaves are trees
 * of structure `outer`.
 *
 * @example
 * const pairs = { a: [1, 2], b: [3, 4] };
 * const [firsts] = tree.transpose(tree.structure({ a: 0, b: 0 }), tree.structure([0, 0]), pairs);
 * firsts.b; // 3
 * @throws TreeError when the tree has another structure
 */
export function transpose<Outer, Inner>(
  outer: TreeDef<Outer>,
  inner: TreeDef<Inner>,
  tree: unknown,
): Mapped<Inner, Mapped<Outer, any>> {
  checkDef('tree.transpose', outer);
  checkDef('tree.transpose', inner);
  const { leaves, def } = flatten(tree, 'tree.transpose: the tree');
  const expected = substituted(outer, inner);
  if (def.key !== expected.key)
    throw new TreeError(`tree.transpose: the tree has structure ${def}, but ${expected} is expected.`);
  const [n, m] = [outer.leafCount, inner.leafCount];
  const columns = Array.from({ length: m }, (_, j) =>
    unflatten(
      outer,
      Array.from({ length: n }, (_, i) => leaves[i * m + j]),
    ),
  );
  return unflatten(inner, columns) as Mapped<Inner, Mapped<Outer, any>>;
}

/** The structure with another one in place of each leaf. */
function substituted(def: TreeDef, leaf: TreeDef): TreeDef {
  const { node } = def;
  if (node.kind === 'leaf') return leaf;
  if (node.kind === 'none') return def;
  return new TreeDef({ ...node, children: node.children.map((child) => substituted(child, leaf)) });
}

/** Whether every leaf is true: booleans, and arrays of one element, none of them 0. */
export const all = (tree: unknown): boolean =>
  flatten(tree, 'tree.all: the tree').leaves.every((leaf: Leaf) =>
    leaf instanceof NDArray ? Number(leaf.item()) !== 0 : Boolean(leaf),
  );

/** Folds over the leaves. */
export function reduce<T, R>(f: (sum: R, leaf: LeafOf<T>) => R, tree: T, init: R): R {
  if (typeof f !== 'function')
    throw new TraceError(`tree.reduce: the first argument must be a function, but it is ${naming(f)}.`);
  return flatten(tree, 'tree.reduce: the tree').leaves.reduce(f, init);
}

const parts = ['real', 'imag'] as const;
register(
  ComplexArray,
  ({ real, imag }) => ({ children: [real, imag] as const, names: parts }),
  ([real, imag]) => new ComplexArray(real, imag),
);
