import type { ShapedArray } from '../../src/core/aval.ts';
import { type Atom, type Eqn, type Jaxpr, Literal, type Var } from '../../src/core/jaxpr.ts';
import { areShared, type Params, type Primitive } from '../../src/core/primitive.ts';
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
    const name = writing.program(jaxpr);
    known = name !== undefined && { name, callbacks: writing.callbacks };
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

/**
 * A program as numbers, beside the texts that some of them stand for, such as types and names of operations: each once, in the
 * order in which they come. Variables are numbered as they are bound.
 */
class Writing {
  readonly callbacks: Handler[] = [];
  private readonly words: number[] = [];
  private readonly texts = new Map<string, number>();
  private readonly types = new Map<ShapedArray, number>();
  /** Operations with parameters that equations share. */
  private readonly operations = new Map<Params, Map<Primitive, number>>();
  private readonly variables = new Map<Var, number>();

  program({ inVars, eqns, outs }: Jaxpr): string | undefined {
    const { words } = this;
    words.push(inVars.length, eqns.length, outs.length);
    for (let i = 0; i < inVars.length; i++) this.bind(inVars[i]!);
    for (let i = 0; i < eqns.length; i++) {
      const { inputs, outputs } = eqns[i]!;
      const operation = this.operation(eqns[i]!);
      if (operation === undefined) return undefined;
      words.push(operation, inputs.length, outputs.length);
      for (let k = 0; k < inputs.length; k++) this.read(inputs[k]!);
      for (let k = 0; k < outputs.length; k++) this.bind(outputs[k]!);
    }
    for (let i = 0; i < outs.length; i++) this.read(outs[i]!);
    // A number is smaller than how many there are, but for −1. Half as many bytes are hashed in half the time.
    const packed = words.length < 0xffff ? new Uint16Array(words) : new Uint32Array(words);
    const structure = hash(new Uint8Array(packed.buffer));
    return hash(utf8.encode([structure, ...this.texts.keys()].join('\n')));
  }

  private bind(v: Var): void {
    this.variables.set(v, this.variables.size);
    this.words.push(this.type(v.aval));
  }

  private read(atom: Atom): void {
    if (!(atom instanceof Literal)) this.words.push(this.variables.get(atom)!);
    else this.words.push(-1, this.type(atom.aval), this.text(Object.is(atom.value, -0) ? '-0' : String(atom.value)));
  }

  private text(text: string): number {
    let place = this.texts.get(text);
    if (place === undefined) this.texts.set(text, (place = this.texts.size));
    return place;
  }

  private type(aval: ShapedArray): number {
    let place = this.types.get(aval);
    // Weak numbers are not the same: a rule may make another program for them.
    if (place === undefined) this.types.set(aval, (place = this.text(`${aval}${aval.weakType ? '*' : ''}`)));
    return place;
  }

  /** What an equation does; undefined where that cannot be said. */
  private operation(eqn: Eqn): number | undefined {
    const { primitive, params } = eqn;
    const { kind } = primitive.lower;
    // What is called depends on the operands' types as well.
    if (!areShared(params) || kind === 'inline' || kind === 'callback') return this.described(eqn);
    let known = this.operations.get(params);
    if (!known) this.operations.set(params, (known = new Map()));
    let operation = known.get(primitive);
    if (operation === undefined && (operation = this.described(eqn)) !== undefined) known.set(primitive, operation);
    return operation;
  }

  private described({ primitive, params, inputs, source }: Eqn): number | undefined {
    const { name, lower } = primitive;
    const isOfUser = name.includes('.');
    if (lower.kind === 'callback')
      return this.text(`callback ${this.callback({ params, handler: lower.handler(params), avals: avalsOf(inputs) })}`);
    if (lower.kind !== 'inline') return isOfUser ? undefined : this.whole(name, params);
    // Where the parameters say everything, the program that they stand for need not be made.
    const derived = lower.derived && !isOfUser ? this.whole(name, params) : undefined;
    if (derived !== undefined) return derived;
    const { jaxpr, operands } = withSource(source, () => lower.jaxpr(params, avalsOf(inputs)));
    const inner = this.inner(jaxpr);
    return inner === undefined
      ? undefined
      : this.text(`${lower.separate ? 'separate' : 'inline'} ${operands ?? ''} ${inner}`);
  }

  private whole(name: string, params: Params): number | undefined {
    const text = written(params) ?? writtenWith(params, (jaxpr) => this.inner(jaxpr));
    return text === undefined ? undefined : this.text(name + text);
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

const avalsOf = (atoms: readonly Atom[]): ShapedArray[] => atoms.map((atom) => atom.aval);
