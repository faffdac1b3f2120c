/** `jvp`, `linearize` and `vjp`, on trees. */
import { sameType, shapedArray } from '../src/core/aval.ts';
import { TreeError } from '../src/core/errors.ts';
import { evalJaxpr } from '../src/core/eval-jaxpr.ts';
import { naming, optionsOf } from '../src/core/options.ts';
import type { Value } from '../src/core/trace.ts';
import { isZero, Zero } from '../src/core/zero.ts';
import { convert } from '../src/lax/convert.ts';
import { zerosLike } from '../src/lax/creation.ts';
import { toValue } from '../src/promote.ts';
import { type ArrayLikes, type Arrays, flatten, leafPaths, unflatten } from '../src/tree.ts';
import { type AnyFunction, FlatFunction, flattenArguments, type TreeFunction } from './flat.ts';
import { instantiate, jvpValues, type Tangent } from './jvp.ts';
import { linearizeValues, pullback } from './linearize.ts';

export interface AuxOption {
  /** The function returns `[result, aux]`; aux is passed through, not differentiated. */
  hasAux?: boolean;
}

export type Out<F extends AnyFunction> = Arrays<ReturnType<F>>;
/** Of a pair [result, aux], the result. */
export type MainOf<R> = 0 extends 1 & R ? any : R extends readonly [infer M, unknown] ? M : never;
/** Of a pair [result, aux], the auxiliary output. */
export type AuxOf<R> = 0 extends 1 & R ? any : R extends readonly [unknown, infer A] ? A : never;
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

/** Zero cotangents of the auxiliary outputs, which come after the others. */
export const auxZeros = (outs: readonly Value[], from: number): Zero[] =>
  outs.slice(from).map((out) => new Zero(out.aval));

/** Cotangents of all inputs from those of the floating ones; integers and bools get float32 zeros. */
export function inputCotangents(values: readonly Value[], floating: readonly (Value | Zero)[]): Value[] {
  let next = 0;
  return values.map((value) =>
    value.aval.isFloating ? instantiate(floating[next++]!) : zerosLike(shapedArray(value.shape, 'float32')),
  );
}

/** @throws TreeError when what should list the arguments is no list */
function list(operation: string, what: string, values: unknown): readonly unknown[] {
  if (Array.isArray(values)) return values;
  throw new TreeError(`${operation}: the ${what} must be a list, one per argument, but got ${naming(values)}.`, {
    hint: `write \`${operation}(f, [x]${what === 'tangents' || operation === 'jvp' ? ', [dx]' : ''})\``,
  });
}
