/** Bookkeeping on lists of flags and on the inputs of jaxprs, shared by the control-flow primitives. */
import { type Atom, Jaxpr, Var } from '../core/jaxpr.ts';

export const or = (a: readonly boolean[], b: readonly boolean[]): boolean[] => a.map((x, i) => x || b[i]!);
export const count = (flags: readonly boolean[]): number => flags.filter(Boolean).length;
export const where = <T>(items: readonly T[], flags: readonly boolean[]): T[] => items.filter((_, i) => flags[i]);
export const not = (flags: readonly boolean[]): boolean[] => flags.map((f) => !f);
export const always = (n: number): boolean[] => new Array<boolean>(n).fill(true);

/** Cuts a list into pieces of the given lengths, and the rest. */
export function split<T>(items: readonly T[], ...lengths: readonly number[]): T[][] {
  const pieces: T[][] = [];
  let at = 0;
  for (const n of lengths) {
    pieces.push(items.slice(at, at + n));
    at += n;
  }
  pieces.push(items.slice(at));
  return pieces;
}

/** Puts two lists together in the order that `flags` (true: from `yes`) says. */
export function merge<T>(flags: readonly boolean[], yes: readonly T[], no: readonly T[]): T[] {
  let y = 0;
  let n = 0;
  return flags.map((f) => (f ? yes[y++]! : no[n++]!));
}

/** The same program with inputs and outputs in another order: entry i is the old position. */
export const reorder = (jaxpr: Jaxpr, inputs: readonly number[], outs: readonly number[]): Jaxpr =>
  new Jaxpr(
    inputs.map((i) => jaxpr.inVars[i]!),
    jaxpr.eqns,
    outs.map((i) => jaxpr.outs[i]!),
  );

/** Positions 0 … n−1 cut and joined: `order([start, length], …)`. */
export const order = (...ranges: readonly (readonly [number, number])[]): number[] =>
  ranges.flatMap(([start, length]) => Array.from({ length }, (_, i) => start + i));

/** Adds inputs that the program ignores. */
export const withUnusedInputs = (jaxpr: Jaxpr, at: number, avals: readonly Var['aval'][]): Jaxpr =>
  new Jaxpr(
    [...jaxpr.inVars.slice(0, at), ...avals.map((aval) => new Var(aval)), ...jaxpr.inVars.slice(at)],
    jaxpr.eqns,
    jaxpr.outs,
  );

/** Which results depend on the inputs in `inputs`. */
export function dependent(jaxpr: Jaxpr, inputs: readonly boolean[]): boolean[] {
  const reached = new Set<Atom>(where(jaxpr.inVars, inputs));
  for (const eqn of jaxpr.eqns) {
    if (eqn.inputs.some((atom) => reached.has(atom))) for (const v of eqn.outputs) reached.add(v);
  }
  return jaxpr.outs.map((atom) => reached.has(atom));
}
