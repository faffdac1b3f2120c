import { allocate, type TypedArray } from '../src/core/dtype.ts';
import { type Atom, type Eqn, type Jaxpr, Literal, type Var } from '../src/core/jaxpr.ts';
import type { HostArray } from '../src/core/primitive.ts';

/** Sees each equation before and after it is evaluated, those of programs inside programs too. */
export interface Observer {
  enter(jaxpr: Jaxpr): void;
  before(eqn: Eqn): void;
  after(jaxpr: Jaxpr, eqn: Eqn, inputs: readonly HostArray[], results: readonly TypedArray[]): void;
}

let observer: Observer | undefined;

/** Evaluates with an observer. */
export function observe<T>(by: Observer, f: () => T): T {
  const outer = observer;
  observer = by;
  try {
    return f();
  } finally {
    observer = outer;
  }
}

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
  observer?.enter(jaxpr);
  for (const eqn of jaxpr.eqns) {
    const outAvals = eqn.outputs.map((v) => v.aval);
    const operands = eqn.inputs.map(read);
    observer?.before(eqn);
    const results = eqn.primitive.run(operands, eqn.params, outAvals);
    observer?.after(jaxpr, eqn, operands, results);
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
