import { evalJaxpr } from '../src/core/eval-jaxpr.ts';
import { stage } from '../src/core/stage.ts';
import type { Value } from '../src/core/trace.ts';
import { transposeJaxpr } from './transpose.ts';

/** The transpose of a linear map on lists of arrays like `x`: yᵀ A x = (Aᵀ y)ᵀ x. */
export function linearTransposeValues(
  f: (x: Value[]) => Value[],
  x: readonly Value[],
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
