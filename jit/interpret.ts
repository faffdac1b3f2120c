import { allocate, type TypedArray } from '../src/core/dtype.ts';
import { type Atom, type Jaxpr, Literal, type Var } from '../src/core/jaxpr.ts';
import type { HostArray } from '../src/core/primitive.ts';

/** Evaluates a jaxpr with the primitives' reference semantics: the oracle of the compiler. */
export function interpret(jaxpr: Jaxpr, inputs: readonly HostArray[]): TypedArray[] {
  const env = new Map<Var, HostArray>();
  const read = (atom: Atom): HostArray => {
    if (!(atom instanceof Literal)) return env.get(atom)!;
    const data = allocate(atom.aval.dtype, 1);
    data[0] = atom.value;
    return { aval: atom.aval, data };
  };
  jaxpr.inVars.forEach((v, i) => {
    env.set(v, inputs[i]!);
  });
  for (const eqn of jaxpr.eqns) {
    const outAvals = eqn.outputs.map((v) => v.aval);
    const results = eqn.primitive.run(eqn.inputs.map(read), eqn.params, outAvals);
    eqn.outputs.forEach((v, i) => {
      env.set(v, { aval: v.aval, data: results[i]! });
    });
  }
  return jaxpr.outs.map((atom) => read(atom).data);
}

/** The same on host arrays with their avals, for primitives that hold jaxprs. */
export const interpretArrays = (jaxpr: Jaxpr, inputs: readonly HostArray[]): HostArray[] => {
  const avals = jaxpr.outAvals;
  return interpret(jaxpr, inputs).map((data, i) => ({ aval: avals[i]!, data }));
};
