/** Arguments of custom rules that are not differentiated: functions, strings, numbers that decide shapes, or arrays. */
import { type AnyFunction, standsFor } from '../../transforms/flat.ts';
import { NDArray } from '../array.ts';
import { RuleError } from '../core/errors.ts';
import { range } from '../core/shape.ts';
import { stopGradient } from '../lax/stop-gradient.ts';

export interface NondiffOption {
  /**
   * Positions of arguments that are not differentiated. They may be anything (functions, strings, options); rules get
   * them as they are, before everything else.
   */
  nondiffArgnums?: readonly number[];
}

/** The argument types that are left without those at some positions. */
type Without<P extends readonly unknown[], N, Seen extends unknown[] = []> = number extends P['length']
  ? P
  : P extends readonly [infer Head, ...infer Rest]
    ? Seen['length'] extends N
      ? Without<Rest, N, [...Seen, 0]>
      : [Head, ...Without<Rest, N, [...Seen, 0]>]
    : [];

/** The argument types at some positions. */
type At<P extends readonly unknown[], N, Seen extends unknown[] = []> = P extends readonly [infer Head, ...infer Rest]
  ? Seen['length'] extends N
    ? [Head, ...At<Rest, N, [...Seen, 0]>]
    : At<Rest, N, [...Seen, 0]>
  : [];

type Positions<O> = O extends { nondiffArgnums: readonly (infer N)[] } ? N : never;

/** Types of the arguments that are differentiated. */
export type DiffArguments<F extends AnyFunction, O> = Without<Parameters<F>, Positions<O>>;

/** Types of what comes first in a rule: nothing, or the arguments that are not differentiated. */
export type NondiffArguments<F extends AnyFunction, O> =
  number extends Positions<O>
    ? any[]
    : number extends Parameters<F>['length']
      ? Anything<ListedIn<O>>
      : At<Parameters<F>, Positions<O>>;

type Anything<L extends readonly unknown[]> = { [K in keyof L]: any };

type ListedIn<O> = O extends { nondiffArgnums: infer N extends readonly unknown[] } ? N : [];

export interface SplitArguments {
  /** In order, as rules get them. */
  readonly nondiff: readonly unknown[];
  readonly diff: readonly unknown[];
  /** A function of all arguments as one of the differentiated ones. */
  readonly partial: (f: AnyFunction) => AnyFunction;
}

export function splitNondiff(
  name: string,
  args: readonly unknown[],
  positions: readonly number[] = [],
): SplitArguments {
  for (const p of positions) {
    if (!Number.isInteger(p) || p < 0 || p >= args.length)
      throw new RuleError(
        `\`${name}\`: nondiffArgnums has ${p}, but the call has ${args.length} argument${args.length === 1 ? '' : 's'}.`,
      );
  }
  const fixed = args.map((arg) => (arg instanceof NDArray ? stopGradient(arg) : arg));
  const isFixed = args.map((_, i) => positions.includes(i));
  const partial = (f: AnyFunction): AnyFunction => {
    if (positions.length === 0) return f;
    const rest = (...diff: unknown[]) => {
      let next = 0;
      return f(...args.map((_, i) => (isFixed[i] ? fixed[i] : diff[next++])));
    };
    return standsFor(
      rest,
      f,
      f.name,
      range(args.length).filter((i) => !isFixed[i]),
    );
  };
  return {
    nondiff: [...positions].sort((a, b) => a - b).map((p) => fixed[p]),
    diff: args.filter((_, i) => !isFixed[i]),
    partial,
  };
}
