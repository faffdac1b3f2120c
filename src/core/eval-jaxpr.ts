import { NDArray } from '../array.ts';
import { type Atom, type Eqn, type Jaxpr, Literal, type Var } from './jaxpr.ts';
import { withSource } from './source.ts';
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
  jaxpr.inVars.forEach((v, i) => {
    env.set(v, args[i]!);
  });
  for (const eqn of jaxpr.eqns) {
    const outs = withSource(eqn.source, () => apply(eqn, eqn.inputs.map(read)));
    eqn.outputs.forEach((v, i) => {
      env.set(v, outs[i]!);
    });
  }
  return jaxpr.outs.map(read);
}
