/** Linearization: forward mode whose tangents are unknown to partial evaluation. */
import { deadCodeElimination, dropInputs, type Jaxpr } from '../src/core/jaxpr.ts';
import { currentTrace, type Value, withTrace } from '../src/core/trace.ts';
import { Zero } from '../src/core/zero.ts';
import { instantiate, JvpTrace } from './jvp.ts';
import { PartialEvalTrace } from './partial-eval.ts';
import { backwardPass, type Cotangent } from './transpose.ts';

/** A linear map recorded at a point. */
export interface Linearized {
  readonly outs: Value[];
  /** (residuals, tangents of the floating inputs) → tangents of the outs. */
  readonly jaxpr: Jaxpr;
  readonly residuals: Value[];
}

/**
 * Evaluates `f` at `primals` and records its derivative there: jvp, of which only the part that depends on tangents is
 * kept (partial evaluation). `f` itself is never run again.
 */
export function linearizeValues(f: (...args: Value[]) => readonly Value[], primals: readonly Value[]): Linearized {
  const partial = new PartialEvalTrace(currentTrace());
  const jvp = new JvpTrace(partial);
  try {
    const args = primals.map((primal) =>
      jvp.join(primal, primal.aval.isFloating ? partial.builder.input(primal.aval) : new Zero(primal.aval)),
    );
    const pairs = jvp.run(() => f(...args));
    const tangents = withTrace(partial, () => pairs.map(([, tangent]) => instantiate(tangent)));
    const built = partial.builder.build(tangents);
    const { jaxpr, usedInputs } = deadCodeElimination(built.jaxpr);
    const keep = usedInputs.map((used, i) => used || i >= built.consts.length);
    return {
      outs: pairs.map(([primal]) => primal),
      jaxpr: dropInputs(jaxpr, keep),
      residuals: built.consts.filter((_, i) => keep[i]),
    };
  } finally {
    partial.builder.open = false;
  }
}

/** Cotangents of the floating inputs of a linearised function from those of its outs. */
export function pullback({ jaxpr, residuals }: Linearized, cotangents: readonly Cotangent[]): Cotangent[] {
  const linear = jaxpr.inVars.map((_, i) => i >= residuals.length);
  return backwardPass(jaxpr, linear, residuals, cotangents);
}
