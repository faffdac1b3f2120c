import {
  type Atom,
  deadCodeElimination,
  type Eqn,
  isEffectful,
  Jaxpr,
  Literal,
  type Var,
} from '../../../src/core/jaxpr.ts';

/** A loop's body, and what it computes anew in each iteration though it is always the same. */
export interface Hoisted {
  /** From the body's inputs to the values that do not change; to be executed once, before the loop. */
  readonly before: Jaxpr;
  /** The rest, with those values as additional leading inputs. */
  readonly body: Jaxpr;
}

/**
 * Moves what depends on nothing but unchanging inputs out of a loop's body. Views stay where they are used as well: they
 * cost nothing, and a broadcast scalar must not become an array in memory.
 */
export function hoist(body: Jaxpr, unchanging: readonly boolean[]): Hoisted | undefined {
  const fixed = new Set<Atom>(body.inVars.filter((_, i) => unchanging[i]));
  const movable: Eqn[] = [];
  const moved = new Set<Var>();
  for (const eqn of body.eqns) {
    const known = eqn.inputs.every((atom) => atom instanceof Literal || fixed.has(atom));
    if (!known || isEffectful(eqn)) continue;
    movable.push(eqn);
    for (const v of eqn.outputs) fixed.add(v);
    if (isWork(eqn)) for (const v of eqn.outputs) moved.add(v);
  }
  if (moved.size === 0) return undefined;
  const rest = body.eqns.filter((eqn) => !eqn.outputs.some((v) => moved.has(v)));
  const kept = deadCodeElimination(new Jaxpr([...moved, ...body.inVars], rest, body.outs)).jaxpr;
  const read = new Set<Atom>([...kept.outs, ...kept.eqns.flatMap((eqn) => eqn.inputs)]);
  const values = [...moved].filter((v) => read.has(v));
  if (values.length === 0) return undefined;
  return {
    before: deadCodeElimination(new Jaxpr(body.inVars, movable, values)).jaxpr,
    body: new Jaxpr([...values, ...body.inVars], kept.eqns, kept.outs),
  };
}

/** Views move nothing, and what has no input but literals is cheap to make anew. */
function isWork(eqn: Eqn): boolean {
  const { kind } = eqn.primitive.lower;
  if (kind === 'view' || kind === 'reshape') return false;
  return eqn.inputs.some((atom) => !(atom instanceof Literal));
}
