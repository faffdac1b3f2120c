/** A function of a tree with its derivative at a point, on all elements as one vector. */
import { type AnyFunction, FlatFunction } from '../../transforms/flat.ts';
import { linearTransposeValues } from '../../transforms/linear-transpose.ts';
import { linearizeValues } from '../../transforms/linearize.ts';
import { evalJaxpr } from '../core/eval-jaxpr.ts';
import type { Value } from '../core/trace.ts';
import { materialise } from '../linear-solve/dense.ts';
import * as tree from '../tree.ts';
import { ravel, unravel } from './vectors.ts';

/** What a function returns at a point, and its derivative J there. */
export interface Linearised {
  readonly residual: any;
  readonly aux: any;
  /** `residual` in one vector. */
  readonly flat: Value;
  /** v ↦ J v and u ↦ Jᵀ u. */
  readonly push: (v: Value) => Value;
  readonly pull: (u: Value) => Value;
}

export function linearised(
  name: string,
  fun: AnyFunction,
  hasAux: boolean,
  params: unknown,
  args: readonly unknown[],
): Linearised {
  const point = ravel(params);
  const def = tree.structure([params]);
  const flat = new FlatFunction((x: unknown) => fun(x, ...args), def, name, hasAux);
  const linear = linearizeValues((x) => flat.call(...(tree.leaves(unravel(x!, params)) as Value[])), [point]);
  const n = flat.outDef.leafCount;
  const outs = linear.outs;
  const push = (v: Value): Value => ravel(evalJaxpr(linear.jaxpr, [...linear.residuals, v]).slice(0, n));
  const back = linearTransposeValues(([v]) => [push(v!)], [point]);
  return {
    residual: tree.unflatten(flat.outDef, outs.slice(0, n)),
    aux: flat.auxDef ? tree.unflatten(flat.auxDef, outs.slice(n)) : null,
    flat: ravel(outs.slice(0, n)),
    push,
    pull: (u) => back([u])[0]!,
  };
}

/** J as a matrix, with a column for each element of the parameters. */
export const jacobianOf = ({ push }: Pick<Linearised, 'push'>, params: unknown): Value =>
  materialise(([v]) => [push(v!)], [ravel(params).aval]);
