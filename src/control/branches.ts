/** Tracing of functions that must agree: branches on their results, loop bodies with their carry. */
import { FlatFunction } from '../../transforms/flat.ts';
import { type ShapedArray, sameType } from '../core/aval.ts';
import { evalJaxpr } from '../core/eval-jaxpr.ts';
import { Jaxpr, Var } from '../core/jaxpr.ts';
import { sameShape } from '../core/shape.ts';
import { stage } from '../core/stage.ts';
import type { Value } from '../core/trace.ts';
import { convert } from '../lax/convert.ts';
import type { TreeDef } from '../tree.ts';

export interface Traced {
  readonly jaxpr: Jaxpr;
  readonly consts: readonly Value[];
  readonly outDef: TreeDef;
}

/** Traces a user's function of trees; captured values become leading inputs. */
export function traceFunction(
  operation: string,
  f: (...args: any[]) => unknown,
  inDef: TreeDef,
  avals: readonly ShapedArray[],
): Traced {
  const flat = new FlatFunction(f, inDef, operation);
  const { jaxpr, consts } = stage(flat.call, avals);
  return { jaxpr, consts, outDef: flat.outDef };
}

/** Gives several programs the same captured values: the union, in order of first use. */
export function shareConsts(programs: readonly Traced[]): { jaxprs: Jaxpr[]; consts: Value[] } {
  const consts = [...new Set(programs.flatMap((p) => p.consts))];
  const jaxprs = programs.map((p) => {
    const own = new Map(p.consts.map((c, i) => [c, p.jaxpr.inVars[i]!]));
    const shared = consts.map((c) => own.get(c) ?? new Var(c.aval));
    return new Jaxpr([...shared, ...p.jaxpr.inVars.slice(p.consts.length)], p.jaxpr.eqns, p.jaxpr.outs);
  });
  return { jaxprs, consts };
}

/** The type that can hold both: weak gives way to strong. Undefined when they differ otherwise. */
export function joinAvals(a: ShapedArray, b: ShapedArray): ShapedArray | undefined {
  if (a === b) return a;
  if (!sameShape(a.shape, b.shape)) return undefined;
  if (a.weakType && !b.weakType && (b.isFloating || !a.isFloating)) return b;
  if (b.weakType && !a.weakType && (a.isFloating || !b.isFloating)) return a;
  return sameType(a, b) ? a.strong() : undefined;
}

/** The program with results converted to the given types. */
export function convertOuts(jaxpr: Jaxpr, avals: readonly ShapedArray[]): Jaxpr {
  if (jaxpr.outs.every((out, i) => out.aval === avals[i])) return jaxpr;
  return stage(
    (...args) =>
      evalJaxpr(jaxpr, args).map((out, i) =>
        out.aval === avals[i] || avals[i]!.weakType ? out : convert(out, avals[i]!.dtype),
      ),
    jaxpr.inAvals,
  ).jaxpr;
}
