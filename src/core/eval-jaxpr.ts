import { NDArray } from '../array.ts';
import { type Atom, type Eqn, type Jaxpr, Literal, type Var } from './jaxpr.ts';
import { swapSource } from './source.ts';
import { bind, type Value } from './trace.ts';

/** Applies a jaxpr to values, equation by equation, under the current trace. */
export function evalJaxpr(
  jaxpr: Jaxpr,
  args: readonly Value[],
  apply: (eqn: Eqn, inputs: readonly Value[]) => Value[] = (eqn, inputs) => bind(eqn.primitive, inputs, eqn.params),
): Value[] {
  const env = new Map<Var, Value>();
  const read = (atom: Atom): Value =>
    atom instanceof Literal ? NDArray.ofLiteral(atom.value, atom.aval) : env.get(atom)!;
  for (let i = 0; i < jaxpr.inVars.length; i++) env.set(jaxpr.inVars[i]!, args[i]!);
  const outer = swapSource();
  try {
    for (const eqn of jaxpr.eqns) {
      swapSource(eqn.source ?? outer);
      const outs = apply(eqn, eqn.inputs.map(read));
      for (let i = 0; i < outs.length; i++) env.set(eqn.outputs[i]!, outs[i]!);
    }
  } finally {
    swapSource(outer);
  }
  return jaxpr.outs.map(read);
}
