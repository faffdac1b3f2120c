import type { ShapedArray } from './aval.ts';
import { areShared, type Params, type Primitive } from './primitive.ts';
import type { Source } from './source.ts';

let nextId = 0;

/** A variable of a jaxpr: bound once, as an input or as an equation's output. */
export class Var {
  // Set once, by the constructor, as those of arrays.
  declare readonly aval: ShapedArray;
  declare readonly id: number;
  constructor(aval: ShapedArray) {
    this.aval = aval;
    this.id = nextId++;
  }
}

/** A rank-0 constant written into the program. */
export class Literal {
  readonly aval: ShapedArray;
  readonly value: number;
  constructor(value: number, aval: ShapedArray) {
    this.value = value;
    this.aval = aval;
  }
}

export type Atom = Var | Literal;

/** `outputs = primitive[params] inputs`. */
export interface Eqn {
  readonly primitive: Primitive;
  readonly inputs: readonly Atom[];
  readonly outputs: readonly Var[];
  readonly params: Params;
  /** Where in the user's program the operation was written. */
  readonly source?: Source | undefined;
}

let inspect: ((jaxpr: Jaxpr) => void) | undefined;

/** Has every program looked at when it is made, whatever makes it: for tests. */
export const inspectPrograms = (by: typeof inspect): void => {
  inspect = by;
};

/** A typed program in A-normal form. Closed: captured values are leading inputs. Immutable. */
export class Jaxpr {
  readonly inVars: readonly Var[];
  readonly eqns: readonly Eqn[];
  readonly outs: readonly Atom[];
  /** True when an equation, here or in a sub-jaxpr, is visible from outside. */
  readonly effectful: boolean;

  constructor(inVars: readonly Var[], eqns: readonly Eqn[], outs: readonly Atom[]) {
    this.inVars = inVars;
    this.eqns = eqns;
    this.outs = outs;
    this.effectful = eqns.some(isEffectful);
    inspect?.(this);
  }

  get inAvals(): ShapedArray[] {
    return this.inVars.map((v) => v.aval);
  }

  get outAvals(): ShapedArray[] {
    return this.outs.map((a) => a.aval);
  }
}

/** Effects show in the primitive or in any sub-jaxpr among the parameters. */
export const isEffectful = ({ primitive, params }: Eqn): boolean =>
  primitive.effectful?.(params) || (!areShared(params) && subJaxprs(params).some((jaxpr) => jaxpr.effectful));

/** The sub-jaxprs among an equation's parameters: values that are jaxprs or lists of them. */
export function subJaxprs(params: Params): readonly Jaxpr[] {
  let found: Jaxpr[] | undefined;
  for (const key in params) {
    const value = params[key as keyof Params] as unknown;
    if (value instanceof Jaxpr) (found ??= []).push(value);
    else if (Array.isArray(value)) for (const item of value) if (item instanceof Jaxpr) (found ??= []).push(item);
  }
  return found ?? none;
}

const none: readonly Jaxpr[] = [];

const pure = new WeakMap<Jaxpr, Jaxpr>();

/** The program without its effects, for where its results are computed a second time. */
export function withoutEffects(jaxpr: Jaxpr): Jaxpr {
  if (!jaxpr.effectful) return jaxpr;
  let result = pure.get(jaxpr);
  if (!result) {
    const strip = (value: unknown): unknown =>
      value instanceof Jaxpr ? withoutEffects(value) : Array.isArray(value) ? value.map(strip) : value;
    const eqns = jaxpr.eqns
      .filter((eqn) => eqn.outputs.length > 0 || subJaxprs(eqn.params).length > 0 || !isEffectful(eqn))
      .map((eqn) => {
        if (!isEffectful(eqn)) return eqn;
        const params = Object.fromEntries(Object.entries(eqn.params).map(([key, value]) => [key, strip(value)]));
        return { ...eqn, params };
      });
    pure.set(jaxpr, (result = new Jaxpr(jaxpr.inVars, eqns, jaxpr.outs)));
  }
  return result;
}

/** Flags as a key of `memoPerJaxpr`. */
export const flagKey = (flags: readonly boolean[]): string => flags.map((flag) => (flag ? '1' : '0')).join('');

/** Memoises a function of a jaxpr and a string that stands for the other arguments. */
export function memoPerJaxpr<R, A extends unknown[]>(
  key: (...args: A) => string,
  compute: (jaxpr: Jaxpr, ...args: A) => R,
): (jaxpr: Jaxpr, ...args: A) => R {
  const cache = new WeakMap<Jaxpr, Map<string, R>>();
  return (jaxpr, ...args) => {
    let results = cache.get(jaxpr);
    if (!results) cache.set(jaxpr, (results = new Map()));
    const k = key(...args);
    let result = results.get(k);
    if (result === undefined) results.set(k, (result = compute(jaxpr, ...args)));
    return result;
  };
}

/** What is left of a program, and which of its inputs are read. */
export interface Live {
  readonly jaxpr: Jaxpr;
  readonly usedInputs: readonly boolean[];
}

/**
 * Drops equations whose results nothing uses; keeps effects. Says which inputs are used, and drops none. Loops ask it of
 * their bodies again and again, and so do the loops around them: answers are kept.
 */
export const deadCodeElimination: (jaxpr: Jaxpr, usedOuts?: readonly boolean[]) => Live = memoPerJaxpr(
  (usedOuts?: readonly boolean[]) => (usedOuts ? usedOuts.map(Number).join('') : ''),
  eliminate,
);

function eliminate(jaxpr: Jaxpr, usedOuts?: readonly boolean[]): Live {
  const live = new Set<Atom>();
  const outs = usedOuts ? jaxpr.outs.filter((_, i) => usedOuts[i]) : jaxpr.outs;
  for (const atom of outs) live.add(atom);
  const kept: Eqn[] = [];
  for (let i = jaxpr.eqns.length - 1; i >= 0; i--) {
    let eqn: Eqn | undefined = jaxpr.eqns[i]!;
    if (!eqn.outputs.some((v) => live.has(v)) && !isEffectful(eqn)) continue;
    let usedInputs: readonly boolean[] | undefined;
    if (eqn.primitive.dce) {
      const used = eqn.outputs.map((v) => live.has(v));
      const result = eqn.primitive.dce(eqn, used);
      if (result) ({ eqn, usedInputs } = result);
    }
    if (!eqn) continue;
    kept.push(eqn);
    const { inputs } = usedInputs ? jaxpr.eqns[i]! : eqn;
    for (let k = 0; k < inputs.length; k++) if (!usedInputs || usedInputs[k]) live.add(inputs[k]!);
  }
  return { jaxpr: new Jaxpr(jaxpr.inVars, kept.reverse(), outs), usedInputs: jaxpr.inVars.map((v) => live.has(v)) };
}

/** A jaxpr with fewer inputs; those dropped must be unused. */
export const dropInputs = (jaxpr: Jaxpr, keep: readonly boolean[]): Jaxpr =>
  new Jaxpr(
    jaxpr.inVars.filter((_, i) => keep[i]),
    jaxpr.eqns,
    jaxpr.outs,
  );
