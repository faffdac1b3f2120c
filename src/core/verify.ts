import { sameType } from './aval.ts';
import { type Atom, type Jaxpr, subJaxprs, Var } from './jaxpr.ts';
import { printJaxpr } from './print.ts';

/**
 * Checks scoping (every variable bound once, before use), and that every equation's results have the types that its
 * primitive gives. Recurses into sub-jaxprs.
 * @throws Error that shows the equation and the program
 */
export function verifyJaxpr(jaxpr: Jaxpr): void {
  const bound = new Set<Var>();
  const fail = (message: string): never => {
    throw new Error(`malformed jaxpr: ${message}\n${printJaxpr(jaxpr)}`);
  };
  const define = (v: Var) => {
    if (bound.has(v)) fail('a variable is bound twice');
    bound.add(v);
  };
  const use = (atom: Atom, where: string) => {
    if (atom instanceof Var && !bound.has(atom)) fail(`${where} uses a variable that is not in scope`);
  };
  jaxpr.inVars.forEach(define);
  for (const eqn of jaxpr.eqns) {
    for (const atom of eqn.inputs) use(atom, eqn.primitive.name);
    for (const sub of subJaxprs(eqn.params)) verifyJaxpr(sub);
    const types = eqn.primitive.type(
      eqn.inputs.map((a) => a.aval),
      eqn.params,
    );
    if (types.length !== eqn.outputs.length)
      fail(`${eqn.primitive.name} has ${eqn.outputs.length} results, not ${types.length}`);
    eqn.outputs.forEach((v, i) => {
      if (!sameType(v.aval, types[i]!))
        fail(`${eqn.primitive.name} result ${i} is ${v.aval}, but its type is ${types[i]}`);
      define(v);
    });
  }
  for (const atom of jaxpr.outs) use(atom, 'the result');
}

/** Checks a sub-jaxpr's signature against the operands it is called with. */
export function checkOperands(operation: string, jaxpr: Jaxpr, operands: readonly { toString(): string }[]): void {
  const wanted = jaxpr.inAvals;
  if (wanted.length !== operands.length || !wanted.every((aval, i) => sameType(aval, operands[i] as never))) {
    throw new Error(`${operation}: operands (${operands.join(', ')}) do not fit a program of (${wanted.join(', ')})`);
  }
}
