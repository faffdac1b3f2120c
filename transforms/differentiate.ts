/** The differentiation functions that users call, on trees. */
import { NDArray } from '../src/array.ts';
import { sameType, shapedArray } from '../src/core/aval.ts';
import { GradError, TreeError } from '../src/core/errors.ts';
import { evalJaxpr } from '../src/core/eval-jaxpr.ts';
import { checkIntegers, naming, optionsOf } from '../src/core/options.ts';
import type { Value } from '../src/core/trace.ts';
import { isZero, Zero } from '../src/core/zero.ts';
import { convert } from '../src/lax/convert.ts';
import { scalar, zerosLike } from '../src/lax/creation.ts';
import { toValue } from '../src/promote.ts';
import { lintCall } from '../src/syntax/lint.ts';
import { argumentAt, argumentName, quoted, standsFor } from '../src/syntax/names.ts';
import { type ArrayLikes, type Arrays, flatten, leafPaths, type TreeDef, unflatten } from '../src/tree.ts';
import {
  type AnyFunction,
  checkFunction,
  FlatFunction,
  flattenArguments,
  numbersAsArrays,
  type ScalarFunction,
  type TreeFunction,
} from './flat.ts';
import { instantiate, jvpValues, type Tangent } from './jvp.ts';
import { linearizeValues, pullback } from './linearize.ts';

export interface AuxOption {
  /** The function returns `[result, aux]`; aux is passed through, not differentiated. */
  hasAux?: boolean;
}

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
export type Out<F extends AnyFunction> = Arrays<ReturnType<F>>;
/** Of a pair [result, aux], the result. */
export type MainOf<R> = 0 extends 1 & R ? any : R extends readonly [infer M, unknown] ? M : never;
/** Of a pair [result, aux], the auxiliary output. */
export type AuxOf<R> = 0 extends 1 & R ? any : R extends readonly [unknown, infer A] ? A : never;
export type WithAux<O, G, F extends AnyFunction> = O extends { hasAux: true } ? [G, AuxOf<Out<F>>] : G;

/** Tangents or cotangents given by the user, matched to the values they belong to. */
function matchTangents(
  operation: string,
  what: string,
  values: readonly Value[],
  tangents: readonly unknown[],
  paths: readonly string[],
): Tangent[] {
  return values.map((value, i) => {
    if (!value.aval.isFloating) return new Zero(value.aval);
    const given = toValue(tangents[i] as never, operation);
    const tangent = given.aval.weakType || given.literal !== undefined ? convertLike(given, value) : given;
    if (!sameType(tangent.aval, value.aval)) {
      throw new TreeError(
        `${operation}: the ${what}${paths[i]} has type ${tangent.aval}, but its value has type ${value.aval}.`,
      );
    }
    return tangent;
  });
}

const convertLike = (x: Value, like: Value): Value => (like.aval.weakType ? x : convert(x, like.aval.dtype));

function checkSameTree(operation: string, what: string, tree: { def: { key: string } }, like: { key: string }): void {
  if (tree.def.key !== like.key) {
    throw new TreeError(
      `${operation}: the ${what} have structure ${tree.def.key}, but the values have structure ${like.key}.`,
    );
  }
}

/**
 * Value and directional derivative (forward mode) of `f` at `primals` along `tangents`.
 *
 * @example
 * const [y, dy] = jvp((x) => np.sin(x), [0.5], [1]); // dy = cos 0.5
 * @throws TreeError when tangents do not have the structure and types of the primals
 */
export function jvp<F extends TreeFunction>(
  f: F,
  primals: ArrayLikes<Parameters<F>>,
  tangents: ArrayLikes<Parameters<F>>,
  options?: { hasAux?: false },
): [Out<F>, Out<F>];
export function jvp<F extends TreeFunction>(
  f: F,
  primals: ArrayLikes<Parameters<F>>,
  tangents: ArrayLikes<Parameters<F>>,
  options: { hasAux: true },
): [MainOf<Out<F>>, MainOf<Out<F>>, AuxOf<Out<F>>];
export function jvp(f: AnyFunction, primals: any, tangents: any, options: AuxOption = {}): any {
  const { hasAux = false } = optionsOf('jvp', options, ['hasAux']);
  const { values, def } = flattenArguments(list('jvp', 'primals', primals), 'jvp', f);
  const given = flatten(list('jvp', 'tangents', tangents), 'jvp: tangents');
  checkSameTree('jvp', 'tangents', given, def);
  const flat = new FlatFunction(f, def, 'jvp', hasAux);
  const matched = matchTangents('jvp', 'tangent of ', values, given.leaves, leafPaths(def, 'primals'));
  const result = jvpValues(flat.call, values, matched);
  const n = flat.outDef.leafCount;
  const main = unflatten(flat.outDef, result.outs.slice(0, n));
  const dmain = unflatten(flat.outDef, result.tangents.slice(0, n).map(instantiate));
  return hasAux ? [main, dmain, unflatten(flat.auxDef!, result.outs.slice(n))] : [main, dmain];
}

/**
 * Value of `f` at `primals`, and its derivative there as a linear function of tangents. `f` runs once.
 *
 * @example
 * const [y, df] = linearize((x) => np.sin(x), [0.5]);
 * df(1); // cos 0.5
 */
export function linearize<F extends TreeFunction>(
  f: F,
  primals: ArrayLikes<Parameters<F>>,
): [Out<F>, (...tangents: ArrayLikes<Parameters<F>>) => Out<F>] {
  const { values, def } = flattenArguments(list('linearize', 'primals', primals), 'linearize', f);
  const flat = new FlatFunction(f, def, 'linearize');
  const linear = linearizeValues(flat.call, values);
  const push = (...tangents: unknown[]) => {
    const given = flatten(tangents, 'tangents');
    checkSameTree('linearize', 'tangents', given, def);
    const matched = matchTangents('linearize', 'tangent of ', values, given.leaves, leafPaths(def, 'primals'));
    const floating = matched.filter((t): t is Value => !isZero(t));
    return unflatten(flat.outDef, evalJaxpr(linear.jaxpr, [...linear.residuals, ...floating]));
  };
  return [unflatten(flat.outDef, linear.outs), push as never];
}

/**
 * Value of `f` at `primals`, and its pullback: the linear function from cotangents of the result to cotangents of the
 * arguments (reverse mode).
 *
 * @example
 * const [y, pullback] = vjp((x, w) => np.dot(x, w), [x, w]);
 * const [dx, dw] = pullback(np.ones(y.shape));
 */
export function vjp<F extends TreeFunction>(
  f: F,
  primals: ArrayLikes<Parameters<F>>,
  options?: { hasAux?: false },
): [Out<F>, (cotangent: ArrayLikes<ReturnType<F>>) => Arrays<Parameters<F>>];
export function vjp<F extends TreeFunction>(
  f: F,
  primals: ArrayLikes<Parameters<F>>,
  options: { hasAux: true },
): Out<F> extends readonly [infer M, infer A] ? [M, (cotangent: ArrayLikes<M>) => Arrays<Parameters<F>>, A] : never;
export function vjp(f: AnyFunction, primals: any, options: AuxOption = {}): any {
  const { hasAux = false } = optionsOf('vjp', options, ['hasAux']);
  const { values, def } = flattenArguments(list('vjp', 'primals', primals), 'vjp', f);
  const flat = new FlatFunction(f, def, 'vjp', hasAux);
  const linear = linearizeValues(flat.call, values);
  const n = flat.outDef.leafCount;
  const outs = linear.outs.slice(0, n);
  const pull = (cotangent: unknown) => {
    const given = flatten(cotangent, 'cotangent');
    checkSameTree('vjp', 'cotangents', given, flat.outDef);
    const cts = matchTangents('vjp', 'cotangent of ', outs, given.leaves, leafPaths(flat.outDef, 'result'));
    return unflatten(def, inputCotangents(values, pullback(linear, [...cts, ...auxZeros(linear.outs, n)])));
  };
  const main = unflatten(flat.outDef, outs);
  return hasAux ? [main, pull, unflatten(flat.auxDef!, linear.outs.slice(n))] : [main, pull];
}

const auxZeros = (outs: readonly Value[], from: number): Zero[] => outs.slice(from).map((out) => new Zero(out.aval));

/** Cotangents of all inputs from those of the floating ones; integers and bools get float32 zeros. */
function inputCotangents(values: readonly Value[], floating: readonly (Value | Zero)[]): Value[] {
  let next = 0;
  return values.map((value) =>
    value.aval.isFloating ? instantiate(floating[next++]!) : zerosLike(shapedArray(value.shape, 'float32')),
  );
}

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

/** @throws TreeError when what should list the arguments is no list */
function list(operation: string, what: string, values: unknown): readonly unknown[] {
  if (Array.isArray(values)) return values;
  throw new TreeError(`${operation}: the ${what} must be a list, one per argument, but got ${naming(values)}.`, {
    hint: `write \`${operation}(f, [x]${what === 'tangents' || operation === 'jvp' ? ', [dx]' : ''})\``,
  });
}

/** Splits arguments into the differentiated ones (flattened) and the rest, held fixed. */
export function selectArguments(
  operation: string,
  f: AnyFunction,
  args: readonly unknown[],
  argnums: number | readonly number[] = 0,
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

function scalarHint({ node, leafCount }: TreeDef, out: Value | undefined): string | undefined {
  if (node.kind === 'leaf') return 'reduce it, as in `result.sum()`, or ask for all of it with `jacobian`';
  if (node.kind === 'none') return 'return the value of the function';
  if (node.kind === 'list' && leafCount > 1 && out?.ndim === 0) return 'to return values beside it, use `hasAux`';
  return 'ask for all of it with `jacobian`';
}

function gradFunction(operation: string, f: AnyFunction, options: GradOptions) {
  const { argnums = 0, hasAux = false } = optionsOf(operation, options, ['argnums', 'hasAux']);
  checkFunction(operation, f);
  return (...args: unknown[]): [any, any] => {
    const { values, def, partial, rebuild } = selectArguments(operation, f, args, argnums);
    values.forEach((value, i) => {
      if (value.aval.isFloating) return;
      throw new GradError(
        `${operation} needs floating-point arguments, but ${argumentAt(partial, leafPaths(def)[i]!)} of ${quoted(f)} is ${value.aval}.`,
        {
          hint: "convert it with `.astype('float32')`, or choose others with `argnums`",
        },
      );
    });
    const flat = new FlatFunction(partial, def, operation, hasAux);
    const linear = linearizeValues(flat.call, values);
    const n = flat.outDef.leafCount;
    const out = linear.outs[0];
    if (flat.outDef.key !== '*' || out!.ndim !== 0) {
      const type =
        n === 1 && flat.outDef.key === '*'
          ? String(out!.aval)
          : flat.outDef.node.kind === 'none'
            ? 'nothing'
            : `a tree, ${flat.outDef}`;
      throw new GradError(`${operation} needs a scalar, but ${quoted(f)} returned ${type}.`, {
        hint: scalarHint(flat.outDef, out),
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
