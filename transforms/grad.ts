/** `grad` and `valueAndGrad`, on trees. */
import { NDArray } from '../src/array.ts';
import { ComplexArray } from '../src/complex/complex-array.ts';
import { GradError } from '../src/core/errors.ts';
import { checkIntegers, optionsOf } from '../src/core/options.ts';
import type { Value } from '../src/core/trace.ts';
import { scalar } from '../src/lax/creation.ts';
import { lintCall } from '../src/syntax/lint.ts';
import { argumentAt, argumentName, quoted, standsFor } from '../src/syntax/names.ts';
import { type ArrayLikes, type Arrays, leafPaths, type TreeDef, unflatten } from '../src/tree.ts';
import { type AuxOf, type AuxOption, auxZeros, inputCotangents, type Out } from './differentiate.ts';
import {
  type AnyFunction,
  checkFunction,
  FlatFunction,
  flattenArguments,
  numbersAsArrays,
  type ScalarFunction,
} from './flat.ts';
import { linearizeValues, pullback } from './linearize.ts';

export interface GradOptions extends AuxOption {
  /** Which argument, or which arguments, to differentiate; the first when left out. */
  argnums?: number | readonly number[];
}

/** The arguments that are differentiated, as arrays: one tree, or a list. */
export type Chosen<A extends readonly unknown[], N> = N extends readonly number[]
  ? { -readonly [K in keyof N]: N[K] extends number ? Arrays<A[N[K]]> : never }
  : N extends number
    ? Arrays<A[N]>
    : Arrays<A[0]>;

export type Argnums<O> = O extends { argnums: infer N } ? N : 0;
export type WithAux<O, G, F extends AnyFunction> = O extends { hasAux: true } ? [G, AuxOf<Out<F>>] : G;

/**
 * The gradient of a scalar function, and its value.
 *
 * @example
 * const [loss, g] = valueAndGrad((w) => np.sum(w.mul(w)))(np.array([1, 2]));
 * @throws GradError when the result is not a floating scalar or a differentiated argument is not floating
 */
export function valueAndGrad<F extends ScalarFunction, const O extends GradOptions = {}>(
  f: F,
  options?: O,
): (...args: ArrayLikes<Parameters<F>>) => [value: Out<F>, gradient: Chosen<Parameters<F>, Argnums<O>>] {
  return gradFunction('valueAndGrad', f, options ?? {}) as never;
}

/**
 * The gradient of a scalar function with respect to one argument or several (`argnums`), by reverse mode.
 *
 * @example
 * grad((w, x) => np.sum(w.mul(x)), { argnums: [0, 1] })(w, x); // [x, w]
 * @throws GradError when the result is not a floating scalar or a differentiated argument is not floating
 */
export function grad<F extends ScalarFunction, const O extends GradOptions = {}>(
  f: F,
  options?: O,
): (...args: ArrayLikes<Parameters<F>>) => WithAux<O, Chosen<Parameters<F>, Argnums<O>>, F> {
  const full = gradFunction('grad', f, options ?? {});
  const { hasAux } = options ?? {};
  const result = (...args: unknown[]) => {
    const [value, gradient] = full(...args);
    return hasAux ? [gradient, value[1]] : gradient;
  };
  return standsFor(result, f, `grad(${f.name})`) as never;
}

export interface SelectedArguments {
  readonly values: Value[];
  readonly def: TreeDef;
  /** The function of the differentiated arguments alone. */
  readonly partial: AnyFunction;
  /** Trees of the differentiated arguments from leaves: one tree, or a list when argnums is a list. */
  readonly rebuild: (leaves: readonly unknown[]) => any;
}

const count = (n: number, noun: string): string => `${n} ${noun}${n === 1 ? '' : 's'}`;

/** Splits arguments into the differentiated ones (flattened) and the rest, held fixed. */
function selectArguments(
  operation: string,
  f: AnyFunction,
  args: readonly unknown[],
  argnums: number | readonly number[],
): SelectedArguments {
  checkIntegers(operation, '`argnums`', argnums);
  const positions = (typeof argnums === 'number' ? [argnums] : argnums).map((n) => (n < 0 ? n + args.length : n));
  positions.forEach((n) => {
    if (!(n in args)) {
      throw new GradError(
        `${operation}: ${argumentName(f, n)} of ${quoted(f)} was to be differentiated, but the call has ${count(args.length, 'argument')}.`,
      );
    }
  });
  const partial = standsFor(
    (...chosen: unknown[]) => {
      const all = numbersAsArrays(args);
      positions.forEach((n, i) => {
        all[n] = chosen[i];
      });
      lintCall(f, all);
      return f(...all);
    },
    f,
    f.name,
    positions,
  );
  const { values, def } = flattenArguments(
    positions.map((n) => args[n]),
    operation,
    partial,
  );
  const single = typeof argnums === 'number';
  const rebuild = (leaves: readonly unknown[]) => {
    const trees = unflatten(def, leaves);
    return single ? trees[0] : trees;
  };
  return { values, def, partial, rebuild };
}

/**
 * The arguments that are differentiated.
 * @throws GradError when one of them is not floating
 */
export function floatingArguments(
  operation: string,
  f: AnyFunction,
  args: readonly unknown[],
  argnums: number | readonly number[],
): SelectedArguments {
  const selected = selectArguments(operation, f, args, argnums);
  const { values, def, partial } = selected;
  values.forEach((value, i) => {
    if (value.aval.isFloating) return;
    throw new GradError(
      `${operation} needs floating-point arguments, but ${argumentAt(partial, leafPaths(def)[i]!)} of ${quoted(f)} is ${value.aval}.`,
      { hint: "convert it with `.astype('float32')`, or choose others with `argnums`" },
    );
  });
  return selected;
}

function scalarHint({ node, leafCount }: TreeDef, out: Value | undefined): string | undefined {
  if (node.kind === 'leaf') return 'reduce it, as in `result.sum()`, or ask for all of it with `jacobian`';
  if (node.kind === 'none') return 'return the value of the function';
  if (node.kind === 'list' && leafCount > 1 && out?.ndim === 0) return 'to return values beside it, use `hasAux`';
  return 'ask for all of it with `jacobian`';
}

/** The type of a result that is complex. */
function complexResult(def: TreeDef, outs: readonly Value[]): string | undefined {
  if (def.node.kind !== 'class' || def.leafCount !== 2) return undefined;
  const value = unflatten(def, outs.slice(0, 2)) as unknown;
  return value instanceof ComplexArray ? value.describe().replace(/^Traced<(.*)>$/, '$1') : undefined;
}

function gradFunction(operation: string, f: AnyFunction, options: GradOptions) {
  const { argnums = 0, hasAux = false } = optionsOf(operation, options, ['argnums', 'hasAux']);
  checkFunction(operation, f);
  return (...args: unknown[]): [any, any] => {
    const { values, def, partial, rebuild } = floatingArguments(operation, f, args, argnums);
    const flat = new FlatFunction(partial, def, operation, hasAux);
    const linear = linearizeValues(flat.call, values);
    const n = flat.outDef.leafCount;
    const out = linear.outs[0];
    if (flat.outDef.key !== '*' || out!.ndim !== 0) {
      const complex = complexResult(flat.outDef, linear.outs);
      const type =
        n === 1 && flat.outDef.key === '*'
          ? String(out!.aval)
          : flat.outDef.node.kind === 'none'
            ? 'nothing'
            : (complex ?? `a tree, ${flat.outDef}`);
      throw new GradError(`${operation} needs a scalar, but ${quoted(f)} returned ${type}.`, {
        hint: complex
          ? 'take a real function of it, as `np.abs(z)`, or ask for all of it with `jacobian`'
          : scalarHint(flat.outDef, out),
      });
    }
    if (!out!.aval.isFloating) {
      throw new GradError(`${operation} needs a floating-point result, but ${quoted(f)} returned ${out!.aval}.`);
    }
    const seed = out!.aval.weakType ? NDArray.weakNumber(1) : scalar(1, out!.aval.dtype);
    const cts = pullback(linear, [seed, ...auxZeros(linear.outs, 1)]);
    const main = unflatten(flat.outDef, [out]);
    const value = hasAux ? [main, unflatten(flat.auxDef!, linear.outs.slice(1))] : main;
    return [value, rebuild(inputCotangents(values, cts))];
  };
}
