/** `linearTranspose`, on trees. */
import type { ShapedArray } from '../src/core/aval.ts';
import { DtypeError, TreeError } from '../src/core/errors.ts';
import { evalJaxpr } from '../src/core/eval-jaxpr.ts';
import { stage } from '../src/core/stage.ts';
import type { Value } from '../src/core/trace.ts';
import { type ArrayLikes, type Arrays, flatten, leafPaths, unflatten } from '../src/tree.ts';
import { checkFunction, FlatFunction, flattenArguments, type TreeFunction } from './flat.ts';
import { transposeJaxpr } from './transpose.ts';

/** The transpose of a linear map on lists of arrays like `x`: yᵀ A x = (Aᵀ y)ᵀ x. */
export function linearTransposeValues(
  f: (x: Value[]) => Value[],
  x: readonly { readonly aval: ShapedArray }[],
): (y: readonly Value[]) => Value[] {
  const { jaxpr, consts } = stage(
    (...xs) => f(xs),
    x.map((v) => v.aval),
  );
  const linear = jaxpr.inVars.map((_, i) => i >= consts.length);
  const all = (n: number): boolean[] => new Array<boolean>(n).fill(true);
  const back = transposeJaxpr(jaxpr, linear, all(jaxpr.outs.length), all(x.length));
  return (y) => evalJaxpr(back.jaxpr, [...consts, ...y]);
}

/**
 * The transpose of a function that is linear in all its arguments: from a cotangent of the result to cotangents of the
 * arguments. Of `primals` only shapes and dtypes matter.
 *
 * @example
 * const [x] = linearTranspose((x) => np.matmul(A, x), np.zeros([3]))(y); // x = Aᵀ y
 * @throws RuleError when the function is not linear
 * @throws DtypeError when an argument is not floating
 */
export function linearTranspose<F extends TreeFunction>(
  f: F,
  ...primals: ArrayLikes<Parameters<F>>
): (cotangent: ArrayLikes<ReturnType<F>>) => Arrays<Parameters<F>> {
  checkFunction('linearTranspose', f);
  const { values, def } = flattenArguments(primals, 'linearTranspose');
  const integer = values.findIndex((v) => !v.aval.isFloating);
  if (integer >= 0)
    throw new DtypeError(
      `linearTranspose: ${leafPaths(def, 'primals')[integer]} is ${values[integer]!.aval}, but only floating arguments have cotangents.`,
    );
  const flat = new FlatFunction(f, def, 'linearTranspose');
  const transposed = linearTransposeValues((xs) => flat.call(...xs), values);
  return (cotangent) => {
    const given = flattenArguments([cotangent], 'linearTranspose');
    const structure = flatten(cotangent, 'cotangent').def;
    if (structure.key !== flat.outDef.key)
      throw new TreeError(
        `linearTranspose: the cotangent has structure ${structure}, but the result has structure ${flat.outDef}.`,
      );
    return unflatten(def, transposed(given.values)) as Arrays<Parameters<F>>;
  };
}
