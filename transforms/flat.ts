import { TraceError } from '../src/core/errors.ts';
import type { Value } from '../src/core/trace.ts';
import { toValue } from '../src/promote.ts';
import { lintFunction } from '../src/syntax/lint.ts';
import { flatten, type TreeDef, unflatten } from '../src/tree.ts';

export type AnyFunction = (...args: any[]) => any;

/** A name to call a user's function by in messages. */
export const functionName = (f: Function): string => f.name || 'the function';

/**
 * A function on trees as a function on leaves. After a call, `outDef` is the structure of the result and, with
 * `hasAux`, `auxCount` leaves at the end belong to the auxiliary output.
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
    lintFunction(f);
    this.f = f;
    this.inDef = inDef;
    this.operation = operation;
    this.hasAux = hasAux;
  }

  readonly call = (...values: Value[]): Value[] => {
    const result = this.f(...unflatten(this.inDef, values));
    if (result instanceof Promise) {
      throw new TraceError(
        `${this.operation}: \`${functionName(this.f)}\` is async; a transformed function must compute with arrays only.`,
        {
          hint: 'await the data first and pass it as an argument',
        },
      );
    }
    if (!this.hasAux) {
      const { leaves, def } = flatten(result, `the result of \`${functionName(this.f)}\``);
      this.outDef = def;
      return leaves.map((leaf) => toValue(leaf, this.operation));
    }
    if (!Array.isArray(result) || result.length !== 2) {
      throw new TraceError(
        `${this.operation}: with hasAux, \`${functionName(this.f)}\` must return a pair [result, aux].`,
      );
    }
    const main = flatten(result[0], `the result of \`${functionName(this.f)}\``);
    const aux = flatten(result[1], `the aux of \`${functionName(this.f)}\``);
    this.outDef = main.def;
    this.auxDef = aux.def;
    return [...main.leaves, ...aux.leaves].map((leaf) => toValue(leaf, this.operation));
  };
}

/** Leaves of the list of arguments as values, and its structure. */
export function flattenArguments(args: readonly unknown[], operation: string): { values: Value[]; def: TreeDef } {
  const { leaves, def } = flatten(args, 'arguments');
  return { values: leaves.map((leaf) => toValue(leaf, operation)), def };
}
