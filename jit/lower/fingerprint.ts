import { type Eqn, type Jaxpr, Literal, type Var } from '../../src/core/jaxpr.ts';
import { withSource } from '../../src/core/source.ts';
import { hash } from '../caches/hash.ts';
import { written } from './written.ts';

const fingerprints = new WeakMap<Jaxpr, string | false>();
const utf8 = new TextEncoder();

/**
 * What a program computes, as a hash: programs with equal fingerprints are lowered to the same code. Two traces of one
 * function have one, and so does the trace in the next process. None for programs that call back into JavaScript, and for
 * those with primitives of the user's, whose names do not say what they do.
 */
export function fingerprint(jaxpr: Jaxpr): string | undefined {
  let known = fingerprints.get(jaxpr);
  if (known === undefined) {
    const text = programText(jaxpr);
    known = text !== undefined && hash(utf8.encode(text));
    fingerprints.set(jaxpr, known);
  }
  return known === false ? undefined : known;
}

function programText(jaxpr: Jaxpr): string | undefined {
  const names = new Map<Var, number>();
  const bind = (v: Var): string => {
    names.set(v, names.size);
    return String(v.aval);
  };
  const read = (atom: Var | Literal): string | number =>
    atom instanceof Literal ? `${atom.aval}${Object.is(atom.value, -0) ? '-0' : atom.value}` : names.get(atom)!;
  let text = jaxpr.inVars.map(bind).join();
  for (const eqn of jaxpr.eqns) {
    const operation = operationText(eqn);
    if (operation === undefined) return undefined;
    text += `\n${operation} ${eqn.inputs.map(read)} ${eqn.outputs.map(bind)}`;
  }
  return `${text}\n${jaxpr.outs.map(read)}`;
}

function operationText({ primitive, params, inputs, source }: Eqn): string | undefined {
  const { name, lower } = primitive;
  if (lower.kind === 'callback') return undefined;
  const isOfUser = name.includes('.');
  if (lower.kind !== 'inline') return isOfUser ? undefined : whole(name, written(params, fingerprint));
  // Where the parameters say everything, the program that they stand for need not be made.
  const derived = lower.derived && !isOfUser ? written(params, fingerprint) : undefined;
  if (derived !== undefined) return name + derived;
  const inlined = withSource(source, () =>
    lower.jaxpr(
      params,
      inputs.map((atom) => atom.aval),
    ),
  );
  const inner = fingerprint(inlined.jaxpr);
  return inner && `${lower.separate ? 'separate' : 'inline'} ${inlined.operands ?? ''} ${inner}`;
}

const whole = (name: string, params: string | undefined): string | undefined =>
  params === undefined ? undefined : name + params;
