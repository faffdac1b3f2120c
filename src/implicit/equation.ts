/** The equation that a solution solves, as a program. */
import { type AnyFunction, FlatFunction, flattenArguments, functionName } from '../../transforms/flat.ts';
import { convertOuts, joinAvals } from '../control/branches.ts';
import type { ShapedArray } from '../core/aval.ts';
import { TreeError } from '../core/errors.ts';
import { Jaxpr } from '../core/jaxpr.ts';
import { range } from '../core/shape.ts';
import { stage } from '../core/stage.ts';
import type { Value } from '../core/trace.ts';
import { quotedName } from '../syntax/names.ts';
import { leafPaths, structure, type TreeDef, unflatten } from '../tree.ts';

export interface Equation {
  /** (x, arguments, captured values) → F(x, …), of the types of x. */
  readonly jaxpr: Jaxpr;
  readonly consts: readonly Value[];
}

/** Traces F or T at the types of a solution, and checks that it has them. */
export function traceEquation(
  operation: string,
  f: AnyFunction,
  def: TreeDef,
  avals: readonly ShapedArray[],
  args: readonly unknown[],
): Equation {
  const placeholders = unflatten(
    def,
    avals.map((aval) => 0 * aval.size),
  );
  const inDef = structure([placeholders, ...args]);
  const flat = new FlatFunction(f, inDef, operation);
  const argAvals = flattenArguments(args, operation).values.map((v) => v.aval);
  const traced = stage(flat.call, [...avals, ...argAvals]);
  const name = functionName(f);
  if (flat.outDef.key !== def.key)
    throw new TreeError(
      `${operation}: ${quotedName(name)} returns a value of structure ${flat.outDef}, but the solution has structure ${def}.`,
    );
  const outs = traced.jaxpr.outAvals;
  avals.forEach((aval, i) => {
    const joined = joinAvals(outs[i]!, aval);
    if (!joined || !aval.isFloating)
      throw new TreeError(
        `${operation}: ${quotedName(name)} returns ${outs[i]} at ${leafPaths(def, 'solution')[i]}, which is ${aval}.`,
        aval.isFloating ? {} : { hint: 'solutions are floating; return integers as aux' },
      );
  });
  const converted = convertOuts(traced.jaxpr, avals);
  const n = traced.consts.length;
  const order = [...range(converted.inVars.length).slice(n), ...range(n)];
  return {
    jaxpr: new Jaxpr(
      order.map((i) => converted.inVars[i]!),
      converted.eqns,
      converted.outs,
    ),
    consts: traced.consts,
  };
}
