import { type Atom, type Eqn, Literal, type Var } from '../../../src/core/jaxpr.ts';
import { sameShape } from '../../../src/core/shape.ts';
import { Group, type Step, squeezed } from './groups.ts';
import type { Placement } from './virtual.ts';

/**
 * Products whose result is a vector that one elementwise kernel alone reads, at the element where it is: that kernel can
 * be the end of the product's, which has the result in registers. One product for each kernel.
 */
export function findEpilogues(
  products: Iterable<Eqn>,
  steps: readonly Step[],
  outs: readonly Atom[],
  { moved }: Placement,
): Map<Eqn, Group> {
  const candidates = new Map<Var, Eqn>([...products].map((eqn) => [eqn.outputs[0]!, eqn]));
  const found = new Map<Eqn, Group>();
  if (candidates.size === 0) return found;
  const readers = new Map<Var, Group>();
  const refuse = (atom: Atom): void => {
    if (!(atom instanceof Literal)) candidates.delete(atom);
  };
  outs.forEach(refuse);
  for (const step of steps) {
    if (!(step instanceof Group)) {
      step.inputs.forEach(refuse);
      continue;
    }
    for (const eqn of step.members)
      for (const atom of eqn.inputs) {
        if (atom instanceof Literal || !candidates.has(atom)) continue;
        const reader = readers.get(atom);
        const elementwise = eqn.primitive.lower.kind === 'elementwise' && !moved.has(eqn);
        const along = step.shape.length === 1 && sameShape(squeezed(atom.aval.shape), step.shape);
        const fits = elementwise && along && !step.folded && !step.loops;
        if (!fits || (reader && reader !== step)) refuse(atom);
        else readers.set(atom, step);
      }
  }
  const taken = new Set<Group>();
  for (const [v, eqn] of candidates) {
    const group = readers.get(v);
    if (!group || taken.has(group)) continue;
    taken.add(group);
    found.set(eqn, group);
  }
  return found;
}
