import type { ShapedArray } from '../../src/core/aval.ts';
import { type Eqn, type Jaxpr, Literal, type Var } from '../../src/core/jaxpr.ts';
import { withSource } from '../../src/core/source.ts';
import { hash } from '../caches/hash.ts';
import type { Handler } from './module-writer.ts';
import { written, writtenWith } from './written.ts';

export interface Fingerprint {
  readonly name: string;
  /** What the program calls back, each once: functions, which the name cannot stand for. */
  readonly callbacks: readonly Handler[];
}

const fingerprints = new WeakMap<Jaxpr, Fingerprint | false>();
const utf8 = new TextEncoder();

/**
 * What a program computes, as a hash: programs with equal names are lowered to the same code, which calls back what stands at
 * the same places of their lists. Two traces of one function have one name, and so has the trace in the next process. None
 * for programs with primitives of the user's, whose own names do not say what they do.
 */
export function fingerprint(jaxpr: Jaxpr): Fingerprint | undefined {
  let known = fingerprints.get(jaxpr);
  if (known === undefined) {
    const writing = new Writing();
    const text = writing.program(jaxpr);
    known = text !== undefined && { name: hash(utf8.encode(text)), callbacks: writing.callbacks };
    fingerprints.set(jaxpr, known);
  }
  return known === false ? undefined : known;
}

/** Where a callback stands in the list of a program; -1 for one that it does not have. */
export const placeOf = (callback: Handler, list: readonly Handler[]): number =>
  list.findIndex(
    ({ params, avals }) =>
      params === callback.params &&
      avals.length === callback.avals.length &&
      avals.every((aval, i) => aval === callback.avals[i]),
  );

/** Texts that a program holds many times, such as types: written once, then as their number. */
class Texts<Key> {
  private readonly places = new Map<Key, string>();
  private readonly write: (key: Key) => string;

  constructor(write: (key: Key) => string) {
    this.write = write;
  }

  of(key: Key): string {
    const place = this.places.get(key);
    if (place !== undefined) return place;
    this.places.set(key, `#${this.places.size}`);
    return this.write(key);
  }
}

class Writing {
  readonly callbacks: Handler[] = [];
  // Weak numbers are not the same: a rule may make another program for them.
  private readonly types = new Texts((aval: ShapedArray) => `${aval}${aval.weakType ? '*' : ''}`);

  program(jaxpr: Jaxpr): string | undefined {
    const { types } = this;
    const operations = new Texts((text: string) => text);
    const names = new Map<Var, number>();
    let text = '';
    const bind = (v: Var): void => {
      names.set(v, names.size);
      text += ` ${types.of(v.aval)}`;
    };
    const read = (atom: Var | Literal): void => {
      if (!(atom instanceof Literal)) text += ` ${names.get(atom)!}`;
      else text += ` ${types.of(atom.aval)}=${Object.is(atom.value, -0) ? '-0' : atom.value}`;
    };
    jaxpr.inVars.forEach(bind);
    for (const eqn of jaxpr.eqns) {
      const operation = this.operation(eqn);
      if (operation === undefined) return undefined;
      text += `\n${operations.of(operation)}`;
      for (const atom of eqn.inputs) read(atom);
      text += ' :';
      for (const v of eqn.outputs) bind(v);
    }
    text += '\n';
    for (const atom of jaxpr.outs) read(atom);
    return text;
  }

  private operation({ primitive, params, inputs, source }: Eqn): string | undefined {
    const { name, lower } = primitive;
    const avals = inputs.map((atom) => atom.aval);
    const isOfUser = name.includes('.');
    if (lower.kind === 'callback')
      return `callback ${this.callback({ params, handler: lower.handler(params), avals })}`;
    if (lower.kind !== 'inline') return isOfUser ? undefined : this.whole(name, params);
    // Where the parameters say everything, the program that they stand for need not be made.
    const derived = lower.derived && !isOfUser ? this.whole(name, params) : undefined;
    if (derived !== undefined) return derived;
    const { jaxpr, operands } = withSource(source, () => lower.jaxpr(params, avals));
    const inner = this.inner(jaxpr);
    return inner && `${lower.separate ? 'separate' : 'inline'} ${operands ?? ''} ${inner}`;
  }

  private whole(name: string, params: object): string | undefined {
    const text = written(params) ?? writtenWith(params, (jaxpr) => this.inner(jaxpr));
    return text === undefined ? undefined : name + text;
  }

  /** A program inside: its name, and where its callbacks are among those of the whole. */
  private inner(jaxpr: Jaxpr): string | undefined {
    const known = fingerprint(jaxpr);
    return known && `${known.name} ${known.callbacks.map((callback) => this.callback(callback))}`;
  }

  private callback(callback: Handler): number {
    const place = placeOf(callback, this.callbacks);
    return place >= 0 ? place : this.callbacks.push(callback) - 1;
  }
}
