/** Functions on trees as functions on their leaves. */
import { type ArrayLike, NDArray } from '../src/array.ts';
import { TraceError } from '../src/core/errors.ts';
import { isPlain, naming } from '../src/core/options.ts';
import { withSource } from '../src/core/source.ts';
import { currentTrace, type Value } from '../src/core/trace.ts';
import { toValue } from '../src/promote.ts';
import { lintCall } from '../src/syntax/lint.ts';
import { argumentAt, functionName, quoted, standsFor } from '../src/syntax/names.ts';
import { flatten, isLeaf, leafPaths, type Tree, type TreeDef, unflatten } from '../src/tree.ts';

export type AnyFunction = (...args: any[]) => any;

/** Any function on trees: what transformations take. `(x) => [x, y]` is inferred to return a pair. */
export type TreeFunction = (...args: any[]) => Tree;

/** A scalar function, or with `hasAux` one that returns [value, aux]: what `grad` takes. */
export type ScalarFunction = (...args: any[]) => ArrayLike | readonly [value: ArrayLike, aux: Tree];

/** The arguments of a function after the first. */
export type RestOf<F extends AnyFunction> = F extends (first: any, ...rest: infer R) => unknown ? R : never;

export { functionName, quoted, standsFor };

/** @throws TraceError when `f` is no function */
export function checkFunction(operation: string, f: unknown, what?: string): void {
  if (typeof f === 'function') return;
  throw new TraceError(`${operation}: ${what ?? 'the first argument'} must be a function, but it is ${naming(f)}.`, {
    hint:
      what === undefined && f !== null && typeof f === 'object' && 'aval' in f
        ? `pass the function itself and call the result, as in \`${operation}(f)(x)\``
        : undefined,
  });
}

/**
 * A function on trees as a function on leaves. After a call, `outDef` is the structure of the result and, with
 * `hasAux`, `auxDef` that of the auxiliary output, whose leaves follow.
 */
export class FlatFunction {
  private readonly f: AnyFunction;
  private readonly inDef: TreeDef;
  private readonly operation: string;
  readonly hasAux: boolean;
  outDef!: TreeDef;
  auxDef: TreeDef | undefined;

  /** `inDef` is the structure of the list of arguments. */
  constructor(f: AnyFunction, inDef: TreeDef, operation: string, hasAux = false) {
    checkFunction(operation, f, 'what is traced');
    this.f = f;
    this.inDef = inDef;
    this.operation = operation;
    this.hasAux = hasAux;
  }

  readonly call = (...values: Value[]): Value[] => {
    const { f, operation } = this;
    const args = unflatten(this.inDef, values);
    currentTrace().subject = { operation, f, inputs: values, paths: () => leafPaths(this.inDef) };
    lintCall(f, args);
    const result = f(...args);
    if (result instanceof Promise) {
      result.catch(() => {});
      throw new TraceError(
        `${operation}: ${quoted(f)} is async; a transformed function must compute with arrays only.`,
        {
          hint: 'await the data first and pass it as an argument',
        },
      );
    }
    if (!this.hasAux) {
      const { leaves, def } = flatten(result, this.resultName('result'));
      this.outDef = def;
      return leaves.map((leaf) => toValue(leaf, operation));
    }
    if (!Array.isArray(result) || result.length !== 2) {
      throw new TraceError(
        `${operation}: with hasAux, ${quoted(f)} must return a pair [result, aux], but it returned ${naming(result)}.`,
      );
    }
    const main = flatten(result[0], this.resultName('result'));
    const aux = flatten(result[1], this.resultName('aux'));
    this.outDef = main.def;
    this.auxDef = aux.def;
    return [...main.leaves, ...aux.leaves].map((leaf) => toValue(leaf, operation));
  };

  /** `` jit: the result.w of `step` ``. */
  private readonly resultName =
    (what: string) =>
    (path: string): string =>
      `${this.operation}: the ${what}${path && ` ${path}`} of ${quoted(this.f)}`;
}

/**
 * Leaves of the list of arguments as values, and its structure. Messages name the arguments as `f` does, which has those
 * at `statics` besides.
 */
export function flattenArguments(
  args: readonly unknown[],
  operation: string,
  f?: Function,
  statics: readonly number[] = [],
): { values: Value[]; def: TreeDef } {
  const { leaves, def } = flatten(args, (path) =>
    f
      ? `${operation}: ${argumentAt(withoutArguments(f, statics), path)} of ${quoted(f)}`
      : `${operation}: argument${path}`,
  );
  return { values: leaves.map((leaf) => toValue(leaf, operation)), def };
}

/**
 * Arguments that are not traced, as `f` gets them: numbers in them are arrays, as they are where arguments are traced, so
 * that `grad(f)(w, 3)` computes what `jit(grad(f))(w, 3)` does. Booleans stay, which functions test; so does all of an
 * argument with strings, functions or the like in it: these are settings.
 */
export const numbersAsArrays = (args: readonly unknown[]): unknown[] => args.map((arg) => arrayTree(arg) ?? arg);

/** A tree of arrays; undefined where it is none. */
function arrayTree(node: unknown): unknown {
  if (typeof node === 'number') return NDArray.weakNumber(node);
  if (isLeaf(node)) return node;
  if (Array.isArray(node)) {
    const items = node.map(arrayTree);
    return items.includes(undefined) ? undefined : items;
  }
  if (typeof node !== 'object' || node === null || !isPlain(node)) return undefined;
  const entries = Object.entries(node).map(([key, child]) => [key, child === null ? child : arrayTree(child)] as const);
  return entries.some(([, child]) => child === undefined) ? undefined : Object.fromEntries(entries);
}

/** A user's function as the library calls it: on numbers that are arrays, and with the user's lines as positions. */
export const onArrays = <F extends AnyFunction>(f: F): F =>
  standsFor(((...args: unknown[]) => withSource(null, () => f(...numbersAsArrays(args)))) as F, f);

/** `f` without some of its arguments, for messages. */
function withoutArguments(f: Function, statics: readonly number[]): Function {
  if (statics.length === 0) return f;
  const positions = Array.from({ length: f.length + statics.length }, (_, i) => i).filter((i) => !statics.includes(i));
  return standsFor(() => {}, f, f.name, positions);
}
