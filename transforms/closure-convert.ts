/** `closureConvert`: captured values as arguments. */
import type { ArrayLike, NDArray } from '../src/array.ts';
import { TreeError } from '../src/core/errors.ts';
import { evalJaxpr } from '../src/core/eval-jaxpr.ts';
import { stage } from '../src/core/stage.ts';
import { type ArrayLikes, type Arrays, unflatten } from '../src/tree.ts';
import { checkFunction, FlatFunction, flattenArguments, type TreeFunction } from './flat.ts';

/**
 * Turns what `f` captured from transformations under way (tracers) into arguments: for functions that are called later,
 * when these are over, or by rules that must see every differentiated value. Of `examples` only structure, shapes and
 * dtypes matter; arrays that are not traced stay captured.
 *
 * @returns `[converted, captured]`, where `converted(...args, ...captured)` is `f(...args)`
 * @example
 * const [pure, captured] = closureConvert((x) => x.mul(w), x);
 * solve(pure, x, ...captured); // in which pure(x, ...captured) is called
 * @throws TreeError when `converted` is called with arguments of another structure or other types than the examples
 */
export function closureConvert<F extends TreeFunction>(
  f: F,
  ...examples: ArrayLikes<Parameters<F>>
): [
  converted: (...args: [...args: ArrayLikes<Parameters<F>>, ...captured: ArrayLike[]]) => Arrays<ReturnType<F>>,
  captured: NDArray[],
] {
  checkFunction('closureConvert', f);
  const { values, def } = flattenArguments(examples as readonly unknown[], 'closureConvert');
  const flat = new FlatFunction(f, def, 'closureConvert');
  const { jaxpr, consts } = stage(
    flat.call,
    values.map((v) => v.aval),
  );
  const captured = consts.filter((c) => c.isTracer);
  const n = (examples as readonly unknown[]).length;
  const converted = (...args: unknown[]): any => {
    const own = flattenArguments(args.slice(0, n), 'closureConvert');
    const given = flattenArguments(args.slice(n), 'closureConvert').values;
    const types = own.values.map((v) => v.aval);
    if (
      own.def.key !== def.key ||
      types.some((aval, i) => aval !== values[i]!.aval) ||
      given.length !== captured.length
    )
      throw new TreeError(
        `closureConvert: the function was converted for arguments (${values.map((v) => v.aval).join(', ')}) and ${captured.length} captured values, but it got (${types.join(', ')}) and ${given.length}.`,
      );
    let next = 0;
    const operands = consts.map((c) => (c.isTracer ? given[next++]! : c));
    return unflatten(flat.outDef, evalJaxpr(jaxpr, [...operands, ...own.values]));
  };
  return [converted, captured];
}
